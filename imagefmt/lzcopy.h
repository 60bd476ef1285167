/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * lzcopy.h: how both LZ decoders move bytes.
 *
 * A "wild" copy moves whole 8-byte words and so touches up to LZ_WILD - 1 bytes behind the end it
 * was asked for; whoever calls one has checked that this many bytes follow in the buffer. What it
 * writes there is overwritten by later output or lies behind the length that is reported.
 *
 * Words of 8 bytes in general registers, because that is fast everywhere: real processors are held
 * up by the decisions between the copies rather than by the copies, and emulators pay for vector
 * registers and for string instructions.
 */
#ifndef THAW_LZCOPY_H
#define THAW_LZCOPY_H

#include <thaw/base.h>

#define LZ_WILD 32

/*
 * One of the differences, or'ed into one, is negative: one decision instead of as many. Emulators
 * pay for each decision, and where it is always the same real ones lose nothing either way.
 */
#define LZ_NEGATIVE(differences) ((int64_t)(differences) < 0)

static inline void lz_copy4(uint8_t *dst, const uint8_t *src)
{
	uint32_t v = thaw_le32(src);

	__builtin_memcpy(dst, &v, sizeof(v));
}

static inline void lz_copy8(uint8_t *dst, const uint8_t *src)
{
	uint64_t v = thaw_le64(src);

	__builtin_memcpy(dst, &v, sizeof(v));
}

/* The second word may read what the first one wrote, so src may be as close as 8 bytes below. */
static inline void lz_copy16(uint8_t *dst, const uint8_t *src)
{
	lz_copy8(dst, src);
	lz_copy8(dst + 8, src + 8);
}

/*
 * Wild; src is at least 8 bytes below dst, or in another buffer. Most of what is longer than a turn
 * copies anyway is no longer than 32 bytes: that much goes without a decision.
 */
static inline void lz_copy_wild(uint8_t *dst, const uint8_t *src, size_t len)
{
	lz_copy16(dst, src);
	lz_copy16(dst + 16, src + 16);
	for (size_t at = 32; at < len; at += 16)
		lz_copy16(dst + at, src + at);
}

/* Exactly len bytes, front to back, so that a match may read what it wrote. */
static inline void lz_copy_bytes(uint8_t *dst, const uint8_t *src, size_t len)
{
	for (size_t i = 0; i < len; i++)
		dst[i] = src[i];
}

/*
 * Wild; repeats the dist bytes below out, 1 <= dist <= 7. A product with a number that has a one
 * every dist bytes repeats them over a word; words are then stored a multiple of dist apart.
 */
static inline void lz_repeat_wild(uint8_t *out, size_t dist, size_t len)
{
	static const uint64_t ones[8] = {
		0, 0x0101010101010101, 0x0001000100010001, 0x0001000001000001,
		0x0000000100000001, 0x0000010000000001, 0x0001000000000001, 0x0100000000000001,
	};
	static const uint8_t step[8] = { 0, 8, 8, 6, 8, 5, 6, 7 };
	uint64_t period = thaw_le64(out - dist) & (((uint64_t)1 << 8 * dist) - 1);
	uint64_t v = period * ones[dist];
	uint8_t *end = out + len;

	do {
		__builtin_memcpy(out, &v, sizeof(v));
		out += step[dist];
	} while (out < end);
}

/* Wild; the len bytes from dist below out on, which may reach into what is being written. */
static inline void lz_match_wild(uint8_t *out, size_t dist, size_t len)
{
	if (dist >= 8)
		lz_copy_wild(out, out - dist, len);
	else
		lz_repeat_wild(out, dist, len);
}

/* How many of len bytes may go the wild way where only room bytes (>= len) may be touched. */
static inline size_t lz_wild_part(size_t len, size_t room)
{
	if (room - len >= LZ_WILD)
		return len;
	return room > LZ_WILD ? room - LZ_WILD : 0;
}

/* Like lz_match_wild(), but writes nothing beyond the room bytes (>= len) that are left. */
static inline void lz_match(uint8_t *out, size_t dist, size_t len, size_t room)
{
	size_t wild = lz_wild_part(len, room);

	if (wild)
		lz_match_wild(out, dist, wild);
	lz_copy_bytes(out + wild, out + wild - dist, len - wild);
}

#endif
