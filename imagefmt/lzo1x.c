/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * lzo1x.c: decoder for LZO1X streams.
 *
 * A stream is a list of instructions. Each is either a run of literals, or a match (a distance back
 * into the output and a length) with 0 to 3 literals behind it, its tail. What a first byte below
 * 16 means depends on what came before; see enum before.
 *
 * Two loops share the work. lzo_step() executes any one instruction and checks everything about
 * it. lzo_run() executes the common short ones as long as both buffers are far from their ends, and
 * stops in front of whatever it does not like: an unusual instruction, an end, or an error. So each
 * kind of error is found in one place, and the fast loop needs no judgement, only reasons to stop.
 */
#include <thaw/base.h>
#include "lzcopy.h"
#include "lzo1x.h"

/* What the last instruction copied from the input: a tail of so many bytes, or a run. */
enum before {
	AFTER_NOTHING = 0,	/* a byte below 16 starts a run of literals */
	AFTER_TAIL = 3,		/* up to here: a match of 2 bytes, near */
	AFTER_RUN = 4,		/* a match of 3 bytes, farther than NEAR */
};

#define NEAR 2048		/* reach of the two-byte matches */
#define FAR 16384		/* bias of the farthest matches; no more than that: end of stream */

/* The most that a turn of lzo_run() may touch; it moves on by no more than 25 and 53. */
#define TURN_IN 32
#define TURN_OUT 64

struct lzo {
	const uint8_t *in, *in_end;
	uint8_t *start, *out, *out_end;
	unsigned before;
};

struct lzo_match {
	size_t dist, len;
	unsigned tail;
};

enum lzo_step { LZO_MORE, LZO_END, LZO_BAD };

static size_t in_left(const struct lzo *s)
{
	return (size_t)(s->in_end - s->in);
}

static size_t out_left(const struct lzo *s)
{
	return (size_t)(s->out_end - s->out);
}

/*
 * A length that did not fit its field: the field's greatest value, 255 for each zero byte, and the
 * first byte that is not zero. Cannot wrap around: 255 times an input that fits in memory.
 */
static bool lzo_long_length(struct lzo *s, size_t field_max, size_t *ret_len)
{
	size_t len = field_max;

	for (; s->in < s->in_end; len += 255) {
		uint8_t byte = *s->in++;

		if (byte) {
			*ret_len = len + byte;
			return true;
		}
	}
	return false;
}

static bool lzo_literals(struct lzo *s, size_t len)
{
	if (len > in_left(s) || len > out_left(s))
		return false;
	if (in_left(s) - len >= LZ_WILD && out_left(s) - len >= LZ_WILD)
		lz_copy_wild(s->out, s->in, len);
	else
		lz_copy_bytes(s->out, s->in, len);
	s->in += len;
	s->out += len;
	return true;
}

/* The operand of one byte behind byte t. */
static bool lzo_short_match(struct lzo *s, unsigned t, struct lzo_match *ret)
{
	size_t high;

	if (!in_left(s))
		return false;
	high = *s->in++;
	ret->tail = t & 3;
	if (t >= 64) {
		ret->len = (t >> 5) + 1;
		ret->dist = (high << 3 | (t >> 2 & 7)) + 1;
	} else if (s->before == AFTER_RUN) {
		ret->len = 3;
		ret->dist = (high << 2 | t >> 2) + 1 + NEAR;
	} else {
		ret->len = 2;
		ret->dist = (high << 2 | t >> 2) + 1;
	}
	return true;
}

/* Perhaps more length, then the operand of two bytes. */
static bool lzo_long_match(struct lzo *s, unsigned t, struct lzo_match *ret)
{
	unsigned field_max = t >= 32 ? 31 : 7;
	unsigned word;

	ret->len = t & field_max;
	if (!ret->len && !lzo_long_length(s, field_max, &ret->len))
		return false;
	ret->len += 2;
	if (in_left(s) < 2)
		return false;
	word = thaw_le16(s->in);
	s->in += 2;
	ret->tail = word & 3;
	ret->dist = word >> 2;
	ret->dist += t >= 32 ? 1 : FAR + ((t & 8) << 11);
	return true;
}

static enum lzo_step lzo_step_run(struct lzo *s, unsigned t)
{
	size_t len = t;

	if (!len && !lzo_long_length(s, 15, &len))
		return LZO_BAD;
	s->before = AFTER_RUN;
	return lzo_literals(s, len + 3) ? LZO_MORE : LZO_BAD;
}

static enum lzo_step lzo_step(struct lzo *s)
{
	struct lzo_match m;
	unsigned t;

	if (!in_left(s))
		return LZO_BAD;
	t = *s->in++;
	if (t < 16 && s->before == AFTER_NOTHING)
		return lzo_step_run(s, t);
	if (t < 16 || t >= 64 ? !lzo_short_match(s, t, &m) : !lzo_long_match(s, t, &m))
		return LZO_BAD;
	if (t < 32 && t >= 16 && m.dist == FAR)
		return in_left(s) ? LZO_BAD : LZO_END;
	if (m.dist > (size_t)(s->out - s->start) || m.len > out_left(s))
		return LZO_BAD;
	lz_match(s->out, m.dist, m.len, out_left(s));
	s->out += m.len;
	s->before = m.tail;
	return !m.tail || lzo_literals(s, m.tail) ? LZO_MORE : LZO_BAD;
}

static const uint64_t op[256] = {
	0x0000000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000,
	0x0000000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000,
	0x0000000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000,
	0x0000000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000,
	0x000040003fff080a, 0x000340003fff080a, 0x000440003fff080a, 0x000540003fff080a,
	0x000640003fff080a, 0x000740003fff080a, 0x000840003fff080a, 0x000940003fff080a,
	0x000080003fff080a, 0x000380003fff080a, 0x000480003fff080a, 0x000580003fff080a,
	0x000680003fff080a, 0x000780003fff080a, 0x000880003fff080a, 0x000980003fff080a,
	0x000000013fff080a, 0x000300013fff080a, 0x000400013fff080a, 0x000500013fff080a,
	0x000600013fff080a, 0x000700013fff080a, 0x000800013fff080a, 0x000900013fff080a,
	0x000a00013fff080a, 0x000b00013fff080a, 0x000c00013fff080a, 0x000d00013fff080a,
	0x000e00013fff080a, 0x000f00013fff080a, 0x001000013fff080a, 0x001100013fff080a,
	0x001200013fff080a, 0x001300013fff080a, 0x001400013fff080a, 0x001500013fff080a,
	0x001600013fff080a, 0x001700013fff080a, 0x001800013fff080a, 0x001900013fff080a,
	0x001a00013fff080a, 0x001b00013fff080a, 0x001c00013fff080a, 0x001d00013fff080a,
	0x001e00013fff080a, 0x001f00013fff080a, 0x002000013fff080a, 0x000000013fff080a,
	0x0003000107f80005, 0x0003000107f80005, 0x0003000107f80005, 0x0003000107f80005,
	0x0003000207f80005, 0x0003000207f80005, 0x0003000207f80005, 0x0003000207f80005,
	0x0003000307f80005, 0x0003000307f80005, 0x0003000307f80005, 0x0003000307f80005,
	0x0003000407f80005, 0x0003000407f80005, 0x0003000407f80005, 0x0003000407f80005,
	0x0003000507f80005, 0x0003000507f80005, 0x0003000507f80005, 0x0003000507f80005,
	0x0003000607f80005, 0x0003000607f80005, 0x0003000607f80005, 0x0003000607f80005,
	0x0003000707f80005, 0x0003000707f80005, 0x0003000707f80005, 0x0003000707f80005,
	0x0003000807f80005, 0x0003000807f80005, 0x0003000807f80005, 0x0003000807f80005,
	0x0004000107f80005, 0x0004000107f80005, 0x0004000107f80005, 0x0004000107f80005,
	0x0004000207f80005, 0x0004000207f80005, 0x0004000207f80005, 0x0004000207f80005,
	0x0004000307f80005, 0x0004000307f80005, 0x0004000307f80005, 0x0004000307f80005,
	0x0004000407f80005, 0x0004000407f80005, 0x0004000407f80005, 0x0004000407f80005,
	0x0004000507f80005, 0x0004000507f80005, 0x0004000507f80005, 0x0004000507f80005,
	0x0004000607f80005, 0x0004000607f80005, 0x0004000607f80005, 0x0004000607f80005,
	0x0004000707f80005, 0x0004000707f80005, 0x0004000707f80005, 0x0004000707f80005,
	0x0004000807f80005, 0x0004000807f80005, 0x0004000807f80005, 0x0004000807f80005,
	0x0005000107f80005, 0x0005000107f80005, 0x0005000107f80005, 0x0005000107f80005,
	0x0005000207f80005, 0x0005000207f80005, 0x0005000207f80005, 0x0005000207f80005,
	0x0005000307f80005, 0x0005000307f80005, 0x0005000307f80005, 0x0005000307f80005,
	0x0005000407f80005, 0x0005000407f80005, 0x0005000407f80005, 0x0005000407f80005,
	0x0005000507f80005, 0x0005000507f80005, 0x0005000507f80005, 0x0005000507f80005,
	0x0005000607f80005, 0x0005000607f80005, 0x0005000607f80005, 0x0005000607f80005,
	0x0005000707f80005, 0x0005000707f80005, 0x0005000707f80005, 0x0005000707f80005,
	0x0005000807f80005, 0x0005000807f80005, 0x0005000807f80005, 0x0005000807f80005,
	0x0006000107f80005, 0x0006000107f80005, 0x0006000107f80005, 0x0006000107f80005,
	0x0006000207f80005, 0x0006000207f80005, 0x0006000207f80005, 0x0006000207f80005,
	0x0006000307f80005, 0x0006000307f80005, 0x0006000307f80005, 0x0006000307f80005,
	0x0006000407f80005, 0x0006000407f80005, 0x0006000407f80005, 0x0006000407f80005,
	0x0006000507f80005, 0x0006000507f80005, 0x0006000507f80005, 0x0006000507f80005,
	0x0006000607f80005, 0x0006000607f80005, 0x0006000607f80005, 0x0006000607f80005,
	0x0006000707f80005, 0x0006000707f80005, 0x0006000707f80005, 0x0006000707f80005,
	0x0006000807f80005, 0x0006000807f80005, 0x0006000807f80005, 0x0006000807f80005,
	0x0007000107f80005, 0x0007000107f80005, 0x0007000107f80005, 0x0007000107f80005,
	0x0007000207f80005, 0x0007000207f80005, 0x0007000207f80005, 0x0007000207f80005,
	0x0007000307f80005, 0x0007000307f80005, 0x0007000307f80005, 0x0007000307f80005,
	0x0007000407f80005, 0x0007000407f80005, 0x0007000407f80005, 0x0007000407f80005,
	0x0007000507f80005, 0x0007000507f80005, 0x0007000507f80005, 0x0007000507f80005,
	0x0007000607f80005, 0x0007000607f80005, 0x0007000607f80005, 0x0007000607f80005,
	0x0007000707f80005, 0x0007000707f80005, 0x0007000707f80005, 0x0007000707f80005,
	0x0007000807f80005, 0x0007000807f80005, 0x0007000807f80005, 0x0007000807f80005,
	0x0008000107f80005, 0x0008000107f80005, 0x0008000107f80005, 0x0008000107f80005,
	0x0008000207f80005, 0x0008000207f80005, 0x0008000207f80005, 0x0008000207f80005,
	0x0008000307f80005, 0x0008000307f80005, 0x0008000307f80005, 0x0008000307f80005,
	0x0008000407f80005, 0x0008000407f80005, 0x0008000407f80005, 0x0008000407f80005,
	0x0008000507f80005, 0x0008000507f80005, 0x0008000507f80005, 0x0008000507f80005,
	0x0008000607f80005, 0x0008000607f80005, 0x0008000607f80005, 0x0008000607f80005,
	0x0008000707f80005, 0x0008000707f80005, 0x0008000707f80005, 0x0008000707f80005,
	0x0008000807f80005, 0x0008000807f80005, 0x0008000807f80005, 0x0008000807f80005,
};

/*
 * The common instructions: runs of up to 18 literals and matches of up to 32 bytes whose length
 * fits its field, except the 2- and 3-byte ones. A turn executes one match with its tail and the
 * run in front of it, if there is one.
 */
static inline void lz_copy8(uint8_t *dst, const uint8_t *src)
{
	uint64_t v = thaw_le64(src);

	__builtin_memcpy(dst, &v, sizeof(v));
}
static void lzo_run(struct lzo *s)
{
	const uint8_t *in = s->in;
	uint8_t *out = s->out;
	unsigned before = s->before;

	for (;;) {
		size_t turns = (size_t)thaw_min((size_t)(s->in_end - in) / TURN_IN,
						(size_t)(s->out_end - out) / TURN_OUT);

		if (!turns)
			break;
		do {
			uint32_t v = thaw_le32(in);
			unsigned t = v & 0xff;
			size_t len, dist;
			unsigned wide;
			uint64_t e;

			if (t < 16) {
				if (before || !t)
					goto done;
				lz_copy16(out, in + 1);
				lz_copy4(out + 16, in + 17);
				out += t + 3;
				in += t + 4;
				before = AFTER_RUN;
				v = thaw_le32(in);
				t = v & 0xff;
				if (t < 16)
					goto done;
			}
			e = op[t];
			len = e >> 48;
			dist = (v >> (e & 31) & (e >> 16 & 0xffff)) + (e >> 32 & 0xffff);
			if (!len || dist == FAR || dist > (size_t)(out - s->start))
				goto done;
			wide = t < 64;
			v = __builtin_expect_with_probability(t < 64, 1, 0.5) ? v >> 8 : v;
			in += 2 + wide;
			if (dist >= 8) {
				lz_copy8(out, out - dist);
				lz_copy8(out + 8, out - dist + 8);
				lz_copy8(out + 16, out - dist + 16);
				lz_copy8(out + 24, out - dist + 24);
			} else {
				lz_repeat_wild(out, dist, len);
			}
			out += len;
			before = v & 3;
			lz_copy4(out, in);
			in += before;
			out += before;
		} while (--turns);
	}
done:
	s->in = in;
	s->out = out;
	s->before = before;
}

/* A first byte above 17 is a run of literals in a form of its own; a short one counts as a tail. */
static bool lzo_first(struct lzo *s)
{
	size_t len;

	if (!in_left(s) || *s->in <= 17)
		return true;
	len = *s->in++ - 17u;
	s->before = len <= AFTER_TAIL ? (unsigned)len : AFTER_RUN;
	return lzo_literals(s, len);
}

enum thaw_err thaw_lzo1x_decode(const void *src, size_t src_len, void *dst, size_t dst_cap,
				size_t *ret_len)
{
	struct lzo s = {
		.in = src, .in_end = (const uint8_t *)src + src_len,
		.start = dst, .out = dst, .out_end = (uint8_t *)dst + dst_cap,
	};
	enum lzo_step step;

	if (!lzo_first(&s))
		return THAW_BLOCK_DATA;
	do {
		lzo_run(&s);
		step = lzo_step(&s);
	} while (step == LZO_MORE);
	if (step != LZO_END)
		return THAW_BLOCK_DATA;
	*ret_len = (size_t)(s.out - s.start);
	return THAW_OK;
}
