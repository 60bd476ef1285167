/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * lz4.c: decoder for LZ4 blocks.
 *
 * A block is a list of sequences: a run of literals, then a match (a distance back into the output
 * and a length of at least four). The last sequence is literals only, and nothing but that marks
 * the end. The format also forbids matches close to the end; that is a promise to decoders which
 * need it, and this one does not, so it is not enforced.
 */
#include <thaw/base.h>
#include "lz4.h"
#include "lzcopy.h"

#define MATCH_MIN 4
#define FIELD_MAX 15		/* a length of this value goes on in further bytes */

/*
 * The most that a turn of lz4_run() may touch. In: 1 + 16 for a run of up to 14; or 1 + 14 and then
 * 2 for a match and 1 more for its length. Out: 14, then 25 for a match of up to 18.
 */
#define TURN_IN 18
#define TURN_OUT 39

/*
 * The same where one length or both go on in one further byte. In: 2 + 272 for a run of up to 269,
 * or 2 + 269 and then 3 for a match. Out: 269, then 288 for a match of up to 273.
 */
#define LONG_MAX (FIELD_MAX + 255)	/* goes on further still */
#define LONG_IN 274
#define LONG_OUT 557

/* Keeps clang from computing both sides of the choice. */
#define UNUSUAL(condition) __builtin_expect((condition), 0)

struct lz4 {
	const uint8_t *in, *in_end;
	uint8_t *start, *out, *out_end;
};

enum lz4_step { LZ4_MORE, LZ4_END, LZ4_BAD };

static size_t in_left(const struct lz4 *s)
{
	return (size_t)(s->in_end - s->in);
}

static size_t out_left(const struct lz4 *s)
{
	return (size_t)(s->out_end - s->out);
}

/* Adds bytes up to and including the first that is not 255. Cannot wrap: 255 times the input. */
static bool lz4_length(struct lz4 *s, size_t *len)
{
	uint8_t byte = 255;

	if (*len < FIELD_MAX)
		return true;
	for (; byte == 255; *len += byte) {
		if (!in_left(s))
			return false;
		byte = *s->in++;
	}
	return true;
}

static bool lz4_literals(struct lz4 *s, size_t len)
{
	if (len > in_left(s) || len > out_left(s))
		return false;
	__builtin_memcpy(s->out, s->in, len);
	s->in += len;
	s->out += len;
	return true;
}

static bool lz4_match(struct lz4 *s, size_t len)
{
	size_t dist;

	if (in_left(s) < 2)
		return false;
	dist = thaw_le16(s->in);
	s->in += 2;
	if (!lz4_length(s, &len))
		return false;
	len += MATCH_MIN;
	if (!dist || dist > (size_t)(s->out - s->start) || len > out_left(s))
		return false;
	lz_match(s->out, dist, len, out_left(s));
	s->out += len;
	return true;
}

static enum lz4_step lz4_step(struct lz4 *s)
{
	unsigned token;
	size_t len;

	if (!in_left(s))
		return LZ4_BAD;
	token = *s->in++;
	len = token >> 4;
	if (!lz4_length(s, &len) || !lz4_literals(s, len))
		return LZ4_BAD;
	if (!in_left(s))
		return LZ4_END;
	return lz4_match(s, token & FIELD_MAX) ? LZ4_MORE : LZ4_BAD;
}

/* At most 18 bytes; touches 20, or 25 where dist is below 8. */
static inline void copy_short_match(uint8_t *out, size_t dist, size_t len)
{
	if (dist < 8) {
		lz_repeat_wild(out, dist, len);
		return;
	}
	lz_copy16(out, out - dist);
	lz_copy4(out + 16, out - dist + 16);
}

/*
 * A turn is one sequence. It moves on at its end only, so that lz4_step() can do again what was
 * given up. A length may go on in one further byte; the room for so much is checked when it comes.
 */
static void lz4_run(struct lz4 *s)
{
	const uint8_t *in = s->in, *in_limit = s->in_end - TURN_IN;
	uint8_t *out = s->out, *out_limit = s->out_end - TURN_OUT;

	while (!LZ_NEGATIVE((in_limit - in) | (out_limit - out))) {
		unsigned token = *in;
		size_t run = token >> 4, len = token & FIELD_MAX, dist;
		const uint8_t *next = in + 1;
		uint8_t *to;

		if (run < FIELD_MAX) {
			lz_copy16(out, next);
		} else {
			run += *next++;
			if (run == LONG_MAX || (size_t)(s->in_end - in) < LONG_IN ||
			    (size_t)(s->out_end - out) < LONG_OUT)
				break;
			lz_copy_wild(out, next, run);
		}
		next += run;
		to = out + run;
		dist = thaw_le16(next);
		next += 2;
		/* A distance of 0 wraps around and is too far as well. */
		if (dist - 1 >= (size_t)(to - s->start))
			break;
		if (UNUSUAL(len == FIELD_MAX)) {
			len += *next++;
			if (len == LONG_MAX || (size_t)(s->out_end - out) < LONG_OUT)
				break;
			len += MATCH_MIN;
			lz_match_wild(to, dist, len);
		} else {
			len += MATCH_MIN;
			copy_short_match(to, dist, len);
		}
		in = next;
		out = to + len;
	}
	s->in = in;
	s->out = out;
}

THAW_WITHIN_PAGE(2048)
enum thaw_err thaw_lz4_decode(const void *src, size_t src_len, void *dst, size_t dst_cap,
			      size_t *ret_len)
{
	struct lz4 s = {
		.in = src, .in_end = (const uint8_t *)src + src_len,
		.start = dst, .out = dst, .out_end = (uint8_t *)dst + dst_cap,
	};
	enum lz4_step step;

	do {
		if (in_left(&s) >= TURN_IN && out_left(&s) >= TURN_OUT)
			lz4_run(&s);
		step = lz4_step(&s);
	} while (step == LZ4_MORE);
	if (step != LZ4_END)
		return THAW_BLOCK_DATA;
	*ret_len = (size_t)(s.out - s.start);
	return THAW_OK;
}
