/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * base.h: fixed types, checked arithmetic, little-endian loads, pages.
 *
 * Everything here is freestanding and inline; it may be included from every folder.
 */
#ifndef THAW_BASE_H
#define THAW_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define THAW_PAGE_SHIFT 12
#define THAW_PAGE_SIZE	((size_t)1 << THAW_PAGE_SHIFT)

#define THAW_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The three return true when the exact result does not fit; *ret is then meaningless. */
#define thaw_add_overflows(a, b, ret) __builtin_add_overflow((a), (b), (ret))
#define thaw_sub_overflows(a, b, ret) __builtin_sub_overflow((a), (b), (ret))
#define thaw_mul_overflows(a, b, ret) __builtin_mul_overflow((a), (b), (ret))

/* Text from a disk, on its way to a terminal, which would obey some of it: that becomes a question mark. */
static inline char thaw_printable(char c)
{
	return c >= ' ' && c <= '~' ? c : '?';
}

/* Loads from unaligned memory; what is on disk is little-endian. */
static inline uint16_t thaw_le16(const void *p)
{
	uint16_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t thaw_le32(const void *p)
{
	uint32_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t thaw_le64(const void *p)
{
	uint64_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "loads above assume a little-endian machine");

static inline uint64_t thaw_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t thaw_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Number of units that hold n; never overflows. */
static inline uint64_t thaw_div_up(uint64_t n, uint64_t unit)
{
	return n / unit + (n % unit != 0);
}

static inline bool thaw_bytes_equal(const void *a, const void *b, size_t n)
{
	return __builtin_memcmp(a, b, n) == 0;
}

/*
 * For a function that runs hot: keeps it within a page, if it is no longer than so many bytes, a
 * power of two. Emulators jump from one piece of translated code straight to the next only within a
 * page of the original; across, they search.
 */
#define THAW_WITHIN_PAGE(bytes) __attribute__((aligned(bytes)))

/* Tells the processor that it is waiting for another one. */
static inline void thaw_cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

#endif
