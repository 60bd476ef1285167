/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_lz4.c: the decoder against liblz4, and against a decoder too simple to be wrong.
 *
 * liblz4 enforces what the format promises about the end of a block, and lets a distance of 0 pass;
 * the simple decoder does neither, as ours. So ours must agree with the simple one about
 * everything, and with liblz4 about all output that it does give.
 */
#include <lz4hc.h>	/* and so liblz4's own lz4.h, whatever the search path */

#include "check.h"
#include "lz4.h"
#include "lztest.h"

#define REFUSED SIZE_MAX

static struct guarded src, dst;
static uint8_t *want, *lib, *data, *coded;

/* The rest of a length that began in four bits. */
static bool simple_length(const uint8_t *p, size_t n, size_t *at, size_t *len)
{
	if (*len != 15)
		return true;
	do {
		if (*at >= n)
			return false;
		*len += p[*at];
	} while (p[(*at)++] == 255);
	return true;
}

static bool simple_decode(const uint8_t *p, size_t n, uint8_t *out, size_t cap, size_t *ret_len)
{
	size_t at = 0, made = 0;

	while (at < n) {
		size_t token = p[at++], run = token >> 4, len = token & 15, dist;

		if (!simple_length(p, n, &at, &run) || run > n - at || run > cap - made)
			return false;
		for (; run; run--)
			out[made++] = p[at++];
		if (at == n) {
			*ret_len = made;
			return true;
		}
		if (n - at < 2)
			return false;
		dist = p[at] | (size_t)p[at + 1] << 8;
		at += 2;
		if (!simple_length(p, n, &at, &len) || !dist || dist > made || len + 4 > cap - made)
			return false;
		for (len += 4; len; len--, made++)
			out[made] = out[made - dist];
	}
	return false;
}

/* What liblz4 accepts is right, unless it contains a distance of 0. */
static bool lib_agrees(const uint8_t *p, size_t n, size_t cap, bool want_good, size_t want_n)
{
	int lib_n = LZ4_decompress_safe((const char *)p, (char *)lib, (int)n, (int)cap);

	if (lib_n < 0)
		return true;
	if (want_good)
		return (size_t)lib_n == want_n && !memcmp(lib, want, want_n);
	return memmem(p, n, "\0\0", 2) != NULL;
}

/* Both decode n bytes into cap bytes, once with tight ends, once with tight beginnings. */
static bool agrees(const uint8_t *p, size_t n, size_t cap, size_t *ret_n)
{
	size_t want_n = REFUSED;
	bool want_good = simple_decode(p, n, want, cap, &want_n);

	for (int at_end = 0; at_end < 2; at_end++) {
		uint8_t *in = guarded_place(&src, n, at_end);
		uint8_t *out = guarded_place(&dst, cap, at_end);
		size_t got = REFUSED;
		enum thaw_err err;

		memcpy(in, p, n);
		err = thaw_lz4_decode(in, n, out, cap, &got);
		if (err != (want_good ? THAW_OK : THAW_BLOCK_DATA) || got != want_n)
			return false;
		if (want_good && memcmp(out, want, want_n))
			return false;
	}
	*ret_n = want_n;
	return lib_agrees(p, n, cap, want_good, want_n);
}

static bool accepted(const uint8_t *p, size_t n, size_t cap)
{
	size_t made;

	return CHECK(agrees(p, n, cap, &made)) && made != REFUSED;
}

/* Levels up to 0 are the fast compressor, the others the thorough one. */
static size_t compress(int level, size_t n)
{
	const char *from = (const char *)data;
	int coded_n = level > 0
		? LZ4_compress_HC(from, (char *)coded, (int)n, (int)LZ_CODED_MAX, level)
		: LZ4_compress_fast(from, (char *)coded, (int)n, (int)LZ_CODED_MAX, 1 - level);

	CHECK(coded_n > 0);
	return (size_t)coded_n;
}

static void round_trip(int level, enum lz_kind kind, size_t n)
{
	size_t coded_n;

	lz_fill(kind, data, n);
	coded_n = compress(level, n);
	CHECK(accepted(coded, coded_n, n) && !memcmp(want, data, n));
	CHECK(accepted(coded, coded_n, n + 1));
	CHECK(accepted(coded, coded_n, n + 100));
	CHECK(!accepted(coded, coded_n, n - 1));
	CHECK(!accepted(coded, coded_n, n / 2));
	CHECK(!accepted(coded, coded_n, 0));
}

static void round_trips(int level)
{
	for (int kind = 0; kind < LZ_KINDS; kind++)
		for (size_t n = 1; n; n = lz_next_size(n))
			round_trip(level, (enum lz_kind)kind, n);
}

static void test_round_trips_fast(void)
{
	round_trips(0);
	round_trips(-8);
}

static void test_round_trips_thorough(void)
{
	round_trips(4);
	round_trips(LZ4HC_CLEVEL_MAX);
}

/* A prefix may be a block of its own, if it ends behind literals; then its output is known too. */
static void test_every_prefix(void)
{
	size_t made;

	for (int kind = 0; kind < LZ_KINDS; kind++) {
		size_t coded_n;

		lz_fill((enum lz_kind)kind, data, 9000);
		coded_n = compress(kind % 2 ? 9 : 0, 9000);
		for (size_t n = 0; n < coded_n; n++) {
			CHECK(agrees(coded, n, 9000, &made));
			CHECK(made == REFUSED || !memcmp(want, data, made));
		}
	}
}

static void test_every_room(void)
{
	for (int kind = 0; kind < LZ_KINDS; kind++) {
		size_t coded_n;

		lz_fill((enum lz_kind)kind, data, 1500);
		coded_n = compress(kind % 2 ? 9 : 0, 1500);
		for (size_t cap = 0; cap < 1600; cap++)
			CHECK(accepted(coded, coded_n, cap) == (cap >= 1500));
	}
}

static void damage(size_t coded_n, size_t cap, unsigned times)
{
	size_t made;

	for (; times; times--) {
		size_t at = lz_random((uint32_t)coded_n);
		uint8_t kept = coded[at];

		coded[at] = (uint8_t)(lz_random(2) ? kept ^ 1u << lz_random(8) : lz_random(256));
		CHECK(agrees(coded, coded_n, cap, &made));
		coded[at] = kept;
	}
}

static void test_damaged_bytes(void)
{
	for (int kind = 0; kind < LZ_KINDS; kind++) {
		for (int level = 0; level < 10; level += 9) {
			lz_fill((enum lz_kind)kind, data, LZ_DATA_MAX);
			damage(compress(level, 700), 700, 4000);
			damage(compress(level, 4096), 4200, 2000);
			damage(compress(level, LZ_DATA_MAX), LZ_DATA_MAX, 50);
		}
	}
}

static void test_noise(void)
{
	size_t made;

	for (unsigned i = 0; i < 300000; i++) {
		size_t n = lz_random(i % 10 ? 12 : 200);

		lz_fill(LZ_NOISE, data, n);
		CHECK(agrees(data, n, lz_random(500), &made));
	}
}

static uint8_t *make_length(uint8_t *p, size_t length)
{
	if (length < 15)
		return p;
	for (length -= 15; length >= 255; length -= 255)
		*p++ = 255;
	*p++ = (uint8_t)length;
	return p;
}

/* Often on either side of where a length takes one more byte. */
static size_t make_number(void)
{
	static const uint16_t edges[] = { 15, 269, 270, 271, 525, 526, 780, 1035 };

	switch (lz_random(8)) {
	case 0:
		return edges[lz_random(8)] - 1 + lz_random(2);
	case 1:
		return lz_random(400);
	default:
		return lz_random(19);
	}
}

/* One sequence, right but for a rare distance; the last one is without a match. */
static uint8_t *make_sequence(uint8_t *p, size_t *made, bool last)
{
	size_t run = make_number(), len = last ? 0 : make_number(), dist;

	*p++ = (uint8_t)((run < 15 ? run : 15) << 4 | (len < 15 ? len : 15));
	p = make_length(p, run);
	*made += run;
	for (; run; run--)
		*p++ = (uint8_t)lz_random(256);
	if (last)
		return p;
	dist = *made < 65535 ? *made : 65535;
	if (dist > 1 && lz_random(3))
		dist = 1 + lz_random(lz_random(2) || dist < 20 ? (uint32_t)dist : 20);
	if (!lz_random(300))
		dist = lz_random(2) ? 0 : dist + 1;
	*p++ = (uint8_t)dist;
	*p++ = (uint8_t)(dist >> 8);
	*made += len + 4;
	return make_length(p, len);
}

static void test_random_sequences(void)
{
	unsigned good = 0;

	for (unsigned i = 0; i < 6000; i++) {
		size_t made = 0, length = lz_random(i % 4 ? 2000 : 80000), coded_n;
		uint8_t *p = coded;

		while (made < length)
			p = make_sequence(p, &made, false);
		p = make_sequence(p, &made, true);
		coded_n = (size_t)(p - coded);
		good += accepted(coded, coded_n, made);
		CHECK(!made || !accepted(coded, coded_n, made - 1));
		damage(coded_n, made, 3);
	}
	CHECK(good > 1000);
}

/* A literal run, a match, and the end, with little room behind it: where the fast loop stops. */
static void check_last_turn(size_t run, size_t len, size_t dist)
{
	uint8_t *p = coded;
	size_t n;

	*p++ = (uint8_t)((run < 15 ? run : 15) << 4 | (len < 15 ? len : 15));
	p = make_length(p, run);
	lz_fill(LZ_NOISE, p, run);
	p += run;
	*p++ = (uint8_t)dist;
	*p++ = 0;
	p = make_length(p, len);
	*p++ = 0;
	n = (size_t)(p - coded);
	CHECK(!accepted(coded, n - 1, run + len + 4));
	CHECK(!accepted(coded, n - 2, run + len + 4));
	for (size_t spare = 0; spare < 17; spare++)
		CHECK(accepted(coded, n, run + len + 4 + spare));
}

static void test_last_turns(void)
{
	for (size_t dist = 1; dist <= 17; dist++)
		for (size_t run = dist; run <= 275; run += run > 17 && run < 260 ? 31 : 1)
			for (size_t len = 0; len <= 275; len += len > 17 && len < 260 ? 31 : 1)
				check_last_turn(run, len, dist);
}

static void test_ends(void)
{
	CHECK(!accepted((const uint8_t *)"", 0, 0));
	CHECK(accepted((const uint8_t *)"\0", 1, 0));
	CHECK(accepted((const uint8_t *)"\x10" "a", 2, 1));
	CHECK(!accepted((const uint8_t *)"\x10" "a", 2, 0));
	CHECK(!accepted((const uint8_t *)"\x10" "ab", 3, 100));
	CHECK(!accepted((const uint8_t *)"\x10" "a\1\0", 4, 100));
	CHECK(accepted((const uint8_t *)"\x10" "a\1\0\0", 5, 5));
	CHECK(!accepted((const uint8_t *)"\x10" "a\0\0\0", 5, 100));
	CHECK(!accepted((const uint8_t *)"\x10" "a\2\0\0", 5, 100));
}

int main(void)
{
	src = guarded_new(2 * LZ_CODED_MAX);
	dst = guarded_new(2 * LZ_DATA_MAX);
	want = malloc(2 * LZ_DATA_MAX);
	lib = malloc(2 * LZ_DATA_MAX);
	data = malloc(LZ_DATA_MAX);
	coded = malloc(2 * LZ_CODED_MAX);

	RUN(test_ends);
	RUN(test_round_trips_fast);
	RUN(test_round_trips_thorough);
	RUN(test_every_prefix);
	RUN(test_every_room);
	RUN(test_damaged_bytes);
	RUN(test_noise);
	RUN(test_random_sequences);
	RUN(test_last_turns);
	return check_summary();
}
