/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * lzcopy.h: how both LZ decoders move bytes.
 *
 * A "wild" copy moves whole 16-byte pieces and so writes up to LZ_WILD - 1 bytes behind the end it
 * was asked for; whoever calls one has checked that this many bytes follow in the buffer. What it
 * writes there is overwritten by later output or lies behind the length that is reported.
 *
 * Plain 16-byte moves, because they are the one thing that is fast everywhere: on real processors
 * and under an emulator, where string instructions are slow.
 */
#ifndef THAW_LZCOPY_H
#define THAW_LZCOPY_H

#include <thaw/base.h>

#define LZ_WILD 16

static inline void lz_copy4(uint8_t *dst, const uint8_t *src)
{
	uint32_t v = thaw_le32(src);

	__builtin_memcpy(dst, &v, sizeof(v));
}

static inline void lz_copy16(uint8_t *dst, const uint8_t *src)
{
	struct { uint64_t half[2]; } v;

	__builtin_memcpy(&v, src, sizeof(v));
	__builtin_memcpy(dst, &v, sizeof(v));
}

/* Wild; src is at least 16 bytes below dst, or in another buffer. Reads like it writes. */
static inline void lz_copy_wild(uint8_t *dst, const uint8_t *src, size_t len)
{
	uint8_t *end = dst + len;

	do {
		lz_copy16(dst, src);
		dst += 16;
		src += 16;
	} while (dst < end);
}

/* Exactly len bytes, front to back, so that a match may read what it wrote. */
static inline void lz_copy_bytes(uint8_t *dst, const uint8_t *src, size_t len)
{
	for (size_t i = 0; i < len; i++)
		dst[i] = src[i];
}

/*
 * Wild; repeats the dist bytes below op, 1 <= dist <= 15. The period is spread over 16 bytes in
 * registers: reading back bytes that were just stored in other sizes would stall the processor.
 * Multiplying by a number with a one every dist bytes repeats the period over eight bytes; the
 * second eight continue it at phase 8 mod dist.
 */
static inline void lz_repeat_wild(uint8_t *op, size_t dist, size_t len)
{
	static const uint64_t ones[8] = {
		0, 0x0101010101010101, 0x0001000100010001, 0x0001000001000001,
		0x0000000100000001, 0x0000010000000001, 0x0001000000000001, 0x0100000000000001,
	};
	static const uint8_t phase[8] = { 0, 0, 0, 2, 0, 3, 2, 1 };
	static const uint8_t step[16] = {
		0, 16, 16, 15, 16, 15, 12, 14, 16, 9, 10, 11, 12, 13, 14, 15,
	};
	struct { uint64_t lo, hi; } v;
	uint8_t *end = op + len;
	uint64_t mask;

	v.lo = thaw_le64(op - dist);
	if (dist < 8) {
		v.lo = (v.lo & (((uint64_t)1 << 8 * dist) - 1)) * ones[dist];
		v.hi = v.lo >> 8 * phase[dist] | v.lo << 8 * (dist - phase[dist]);
	} else {
		mask = ((uint64_t)1 << 8 * (dist - 8)) - 1;
		v.hi = (thaw_le64(op - dist + 8) & mask) | v.lo << 8 * (dist - 8);
	}
	do {
		__builtin_memcpy(op, &v, sizeof(v));
		op += step[dist];
	} while (op < end);
}

/* Wild; the len bytes from dist below op on, which may reach into what is being written. */
static inline void lz_match_wild(uint8_t *op, size_t dist, size_t len)
{
	if (dist >= 16)
		lz_copy_wild(op, op - dist, len);
	else
		lz_repeat_wild(op, dist, len);
}

/* Like lz_match_wild(), but writes nothing behind len where only room bytes (>= len) are left. */
static inline void lz_match(uint8_t *op, size_t dist, size_t len, size_t room)
{
	if (room - len >= LZ_WILD)
		lz_match_wild(op, dist, len);
	else
		lz_copy_bytes(op, op - dist, len);
}

#endif
