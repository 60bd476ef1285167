/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * crc32.h: CRC-32 (polynomial 0xedb88320, reflected) as a bare register.
 *
 * Nothing is inverted, before or after: what a caller passes is the register, what it gets is the
 * register. Linux's images start at 0 and store the register as it is; zlib's crc32(), which the
 * record uses, is ~thaw_crc32(~0, p, n).
 *
 * No function here keeps state, so any number of processors may call them at once.
 */
#ifndef THAW_CRC32_H
#define THAW_CRC32_H

#include <thaw/base.h>

enum thaw_crc32_method {
	THAW_CRC32_PLAIN, /* runs everywhere; short data by tables */
	THAW_CRC32_CLMUL, /* needs the processor's carry-less multiplication */
	THAW_CRC32_BOTH,  /* likewise; long data by both at once */
};

/* The register after the n bytes at p, by tables. */
uint32_t thaw_crc32(uint32_t crc, const void *p, size_t n);

/* The same by the method given. Only pass what thaw_crc32_choose() returned, or PLAIN. */
uint32_t thaw_crc32_by(enum thaw_crc32_method method, uint32_t crc, const void *p, size_t n);

/*
 * The fastest method on this processor, found by trying: an instruction that exists may still be
 * slow, for an emulator computes it bit by bit. Takes some microseconds (under an emulator some
 * hundred); call it once and pass the result to the workers. ticks is a clock that counts up at
 * least once per microsecond; NULL means the processor's time stamp counter.
 */
enum thaw_crc32_method thaw_crc32_choose(uint64_t (*ticks)(void));

/*
 * For data that was cut in two: crc_a is the register after the first part, crc_b the one after the
 * len_b bytes of the second part *started at 0*. Returns the register after both. One product per
 * one-bit of len_b, each some tens of nanoseconds, whatever the length.
 */
uint32_t thaw_crc32_combine(uint32_t crc_a, uint32_t crc_b, uint64_t len_b);

#endif
