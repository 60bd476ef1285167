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
	if (in_left(s) - len >= LZ_WILD && out_left(s) - len >= LZ_WILD)
		lz_copy_wild(s->out, s->in, len);
	else
		lz_copy_bytes(s->out, s->in, len);
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

enum thaw_err thaw_lz4_decode(const void *src, size_t src_len, void *dst, size_t dst_cap,
			      size_t *ret_len)
{
	struct lz4 s = {
		.in = src, .in_end = (const uint8_t *)src + src_len,
		.start = dst, .out = dst, .out_end = (uint8_t *)dst + dst_cap,
	};
	enum lz4_step step;

	do {
		step = lz4_step(&s);
	} while (step == LZ4_MORE);
	if (step != LZ4_END)
		return THAW_BLOCK_DATA;
	*ret_len = (size_t)(s.out - s.start);
	return THAW_OK;
}
