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

/*
 * The most that a turn of lzo_run() may touch. In: 1 + 20 for a run of up to 18; or 1 + 18 and then
 * 3 for a match and 4 for its tail. Out: 18, then 32 for a match and 7 beyond, or 4 for its tail.
 */
#define TURN_IN 26
#define TURN_OUT 57

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
	__builtin_memcpy(s->out, s->in, len);
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

/* Both keep the compiler from turning a choice between two values into a jump. */
#define HIDE(variable) __asm__("" : "+r" (variable))
#define EVEN_ODDS(condition) __builtin_expect_with_probability((condition), 1, 0.5)

/*
 * What a first byte t says about a match, if it says everything but the distance's higher bits:
 * the distance is base + (the four bytes from t on * factor >> 16 & mask). It is a product because
 * emulators are slow at shifting by a variable. A length of 0 stands for all that lzo_run() leaves
 * to lzo_step().
 */
#define FIELDS(factor, mask, base, len)                                                            \
	((uint64_t)(len) << 48 | (uint64_t)(base) << 32 | (uint64_t)(mask) << 16 | (factor))
#define FIELDS_64(t) FIELDS(1 << 11, 0x7f8, ((t) >> 2 & 7) + 1, ((t) >> 5) + 1)
#define FIELDS_32(t) FIELDS(1 << 6, 0x3fff, 1, ((t) & 31) % 31 ? ((t) & 31) + 2 : 0)
#define FIELDS_16(t) FIELDS(1 << 6, 0x3fff, FAR + (((t) & 8) << 11), ((t) & 7) ? ((t) & 7) + 2 : 0)
#define FOUR(kind, t) kind(t), kind((t) + 1), kind((t) + 2), kind((t) + 3)
#define ROW(kind, t)                                                                               \
	FOUR(kind, t), FOUR(kind, (t) + 4), FOUR(kind, (t) + 8), FOUR(kind, (t) + 12)

static const uint64_t fields[256] = {
	[16] = ROW(FIELDS_16, 16), ROW(FIELDS_32, 32), ROW(FIELDS_32, 48),
	ROW(FIELDS_64, 64), ROW(FIELDS_64, 80), ROW(FIELDS_64, 96), ROW(FIELDS_64, 112),
	ROW(FIELDS_64, 128), ROW(FIELDS_64, 144), ROW(FIELDS_64, 160), ROW(FIELDS_64, 176),
	ROW(FIELDS_64, 192), ROW(FIELDS_64, 208), ROW(FIELDS_64, 224), ROW(FIELDS_64, 240),
};

/* At most 32 bytes; touches no more than that. */
static inline void copy_short_match(uint8_t *out, size_t dist, size_t len)
{
	if (dist < 8) {
		lz_repeat_wild(out, dist, len);
		return;
	}
	lz_copy16(out, out - dist);
	if (len > 16)
		lz_copy16(out + 16, out - dist + 16);
}

/*
 * A turn is one match with its tail, and the run of literals in front of it if there is one. Which
 * kind of match it is decides nothing here, because that is as good as random and would cost a
 * wrong guess every other time: the kinds differ by what is in a table, and by one byte of length.
 */
static void lzo_run(struct lzo *s)
{
	const uint8_t *in = s->in, *in_limit = s->in_end - TURN_IN;
	uint8_t *out = s->out, *out_limit = s->out_end - TURN_OUT;
	unsigned before = s->before;

	while (!LZ_NEGATIVE((in_limit - in) | (out_limit - out))) {
		uint64_t v = thaw_le32(in), f;
		unsigned t = v & 255, wide;
		size_t len, dist;

		if (t < 16) {
			/* t is 0, or before is not AFTER_NOTHING */
			if (LZ_NEGATIVE((t - (uint64_t)1) | -(uint64_t)before))
				break;
			lz_copy16(out, in + 1);
			lz_copy4(out + 16, in + 17);
			out += t + 3;
			in += t + 4;
			before = AFTER_RUN;
			v = thaw_le32(in);
			t = v & 255;
		}
		f = fields[t];
		len = f >> 48;
		dist = (v * (f & 0xffff) >> 16 & (f >> 16 & 0xffff)) + (f >> 32 & 0xffff);
		/* len is 0; or dist is FAR, the end of the stream or a match like any other; or too
		 * far. */
		if (LZ_NEGATIVE((len - 1) | ((dist ^ FAR) - 1) |
				((size_t)(out - s->start) - dist)))
			break;
		copy_short_match(out, dist, len);
		out += len;
		/* Three bytes or two; the tail's length is in the last but one. */
		wide = t < 64;
		HIDE(wide);
		in += 2 + wide;
		before = (EVEN_ODDS(t < 64) ? v >> 8 : v) & 3;
		lz_copy4(out, in);
		in += before;
		out += before;
	}
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

THAW_WITHIN_PAGE(2048)
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
		if (in_left(&s) >= TURN_IN && out_left(&s) >= TURN_OUT)
			lzo_run(&s);
		step = lzo_step(&s);
	} while (step == LZO_MORE);
	if (step != LZO_END)
		return THAW_BLOCK_DATA;
	*ret_len = (size_t)(s.out - s.start);
	return THAW_OK;
}
