/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_lzo1x.c: the decoder against liblzo2, which is right by definition: both must accept the
 * same streams with the same output, whole, cut, damaged, or made of random instructions.
 */
#include <lzo/lzo1x.h>

#include "check.h"
#include "lzo1x.h"
#include "lztest.h"

static struct guarded src, dst;
static uint8_t *want, *data, *coded, *work;

/* Both decode n bytes into cap bytes, once with tight ends, once with tight beginnings. */
static bool agrees(const uint8_t *p, size_t n, size_t cap, bool *ret_good)
{
	lzo_uint want_n = cap;
	bool want_good = lzo1x_decompress_safe(p, n, want, &want_n, NULL) == LZO_E_OK;

	for (int at_end = 0; at_end < 2; at_end++) {
		uint8_t *in = guarded_place(&src, n, at_end);
		uint8_t *out = guarded_place(&dst, cap, at_end);
		const size_t untouched = 0x5a5a5a5a;
		size_t got = untouched;
		enum thaw_err err;

		memcpy(in, p, n);
		err = thaw_lzo1x_decode(in, n, out, cap, &got);
		if (err != (want_good ? THAW_OK : THAW_BLOCK_DATA))
			return false;
		if (got != (want_good ? want_n : untouched))
			return false;
		if (want_good && memcmp(out, want, want_n))
			return false;
	}
	*ret_good = want_good;
	return true;
}

static bool accepted(const uint8_t *p, size_t n, size_t cap)
{
	bool good;

	return CHECK(agrees(p, n, cap, &good)) && good;
}

typedef int compress_fn(const lzo_bytep, lzo_uint, lzo_bytep, lzo_uintp, lzo_voidp);

static size_t compress(compress_fn *fn, size_t n)
{
	lzo_uint coded_n = LZ_CODED_MAX;

	CHECK(fn(data, n, coded, &coded_n, work) == LZO_E_OK);
	return coded_n;
}

static void round_trip(compress_fn *fn, enum lz_kind kind, size_t n)
{
	size_t coded_n;

	lz_fill(kind, data, n);
	coded_n = compress(fn, n);
	CHECK(accepted(coded, coded_n, n) && !memcmp(want, data, n));
	CHECK(accepted(coded, coded_n, n + 1));
	CHECK(accepted(coded, coded_n, n + 100));
	CHECK(!accepted(coded, coded_n, n - 1));
	CHECK(!accepted(coded, coded_n, n / 2));
	CHECK(!accepted(coded, coded_n, 0));
	coded[coded_n] = 0x11;
	CHECK(!accepted(coded, coded_n + 1, n));
}

static void round_trips(compress_fn *fn)
{
	for (int kind = 0; kind < LZ_KINDS; kind++)
		for (size_t n = 1; n; n = lz_next_size(n))
			round_trip(fn, (enum lz_kind)kind, n);
}

static void test_round_trips_of_lzo1x_1(void)
{
	round_trips(lzo1x_1_compress);
}

/* Uses all instructions, among them the 2- and 3-byte matches that lzo1x_1 never emits. */
static void test_round_trips_of_lzo1x_999(void)
{
	round_trips(lzo1x_999_compress);
}

static void test_every_prefix_is_refused(void)
{
	for (int kind = 0; kind < LZ_KINDS; kind++) {
		size_t coded_n;

		lz_fill((enum lz_kind)kind, data, 9000);
		coded_n = compress(kind % 2 ? lzo1x_999_compress : lzo1x_1_compress, 9000);
		for (size_t n = 0; n < coded_n; n++)
			CHECK(!accepted(coded, n, 9000));
	}
}

static void test_every_room(void)
{
	for (int kind = 0; kind < LZ_KINDS; kind++) {
		size_t coded_n;

		lz_fill((enum lz_kind)kind, data, 1500);
		coded_n = compress(kind % 2 ? lzo1x_999_compress : lzo1x_1_compress, 1500);
		for (size_t cap = 0; cap < 1600; cap++)
			CHECK(accepted(coded, coded_n, cap) == (cap >= 1500));
	}
}

static void damage(size_t coded_n, size_t cap, unsigned times)
{
	bool good;

	for (; times; times--) {
		size_t at = lz_random((uint32_t)coded_n);
		uint8_t kept = coded[at];

		coded[at] = (uint8_t)(lz_random(2) ? kept ^ 1u << lz_random(8) : lz_random(256));
		CHECK(agrees(coded, coded_n, cap, &good));
		coded[at] = kept;
	}
}

static void test_damaged_bytes(void)
{
	for (int kind = 0; kind < LZ_KINDS; kind++) {
		for (int i = 0; i < 2; i++) {
			compress_fn *fn = i ? lzo1x_999_compress : lzo1x_1_compress;

			lz_fill((enum lz_kind)kind, data, LZ_DATA_MAX);
			damage(compress(fn, 700), 700, 4000);
			damage(compress(fn, 4096), 4200, 2000);
			damage(compress(fn, LZ_DATA_MAX), LZ_DATA_MAX, 50);
		}
	}
}

static void test_noise(void)
{
	bool good;

	for (unsigned i = 0; i < 300000; i++) {
		size_t n = lz_random(i % 10 ? 12 : 200);

		lz_fill(LZ_NOISE, data, n);
		if (n)
			data[0] = (uint8_t)(18 + lz_random(20));
		CHECK(agrees(data, n, lz_random(500), &good));
	}
}

/* A stream of random instructions, right as far as it can see. */
struct maker {
	uint8_t *p;
	size_t made;		/* bytes of output so far */
	unsigned before;	/* as in the decoder: 0 to 3 for a tail, 4 for a run */
};

static void make_length(struct maker *m, uint8_t t, size_t field_max, size_t length)
{
	if (length <= field_max) {
		*m->p++ = (uint8_t)(t | length);
		return;
	}
	*m->p++ = t;
	for (length -= field_max; length > 255; length -= 255)
		*m->p++ = 0;
	*m->p++ = (uint8_t)length;
}

static void make_literals(struct maker *m, size_t n)
{
	m->made += n;
	for (; n; n--)
		*m->p++ = (uint8_t)lz_random(256);
}

static void make_run(struct maker *m)
{
	size_t n = lz_random(5) ? 4 + lz_random(40) : 4 + lz_random(700);

	make_length(m, 0, 15, n - 3);
	make_literals(m, n);
	m->before = 4;
}

/* 1 to max, the least and the greatest more often than by chance, and seldom one too far. */
static size_t make_distance(struct maker *m, size_t min, size_t max)
{
	size_t reach = m->made < max ? m->made : max;

	if (!lz_random(400))
		return max;
	switch (lz_random(4)) {
	case 0:
		return reach;
	case 1:
		return min + lz_random(reach - min < 40 ? (uint32_t)(reach - min + 1) : 40);
	default:
		return min + lz_random((uint32_t)(reach - min + 1));
	}
}

static void make_word(struct maker *m, size_t distance, unsigned tail)
{
	*m->p++ = (uint8_t)(distance << 2 | tail);
	*m->p++ = (uint8_t)(distance >> 6);
}

static void make_match(struct maker *m)
{
	unsigned tail = lz_random(4), kind = lz_random(4);
	size_t far = m->before == 4 ? 2048 : 0, length, distance;

	if (kind == 0 && m->before && m->made > far) {
		distance = make_distance(m, far + 1, far + 1024) - far - 1;
		*m->p++ = (uint8_t)((distance & 3) << 2 | tail);
		*m->p++ = (uint8_t)(distance >> 2);
		length = far ? 3 : 2;
	} else if (kind == 1 && m->made > 16384) {
		length = lz_random(3) ? 3 + lz_random(7) : 3 + lz_random(600);
		distance = make_distance(m, 16385, 49151) - 16384;
		make_length(m, (uint8_t)(16 | distance >> 14 << 3), 7, length - 2);
		make_word(m, distance & 0x3fff, tail);
	} else if (kind == 2) {
		length = lz_random(3) ? 3 + lz_random(33) : 3 + lz_random(900);
		distance = make_distance(m, 1, 16384) - 1;
		make_length(m, 32, 31, length - 2);
		make_word(m, distance, tail);
	} else {
		length = 3 + lz_random(6);
		distance = make_distance(m, 1, 2048) - 1;
		*m->p++ = (uint8_t)((length - 1) << 5 | (distance & 7) << 2 | tail);
		*m->p++ = (uint8_t)(distance >> 3);
	}
	m->made += length;
	m->before = tail;
	make_literals(m, tail);
}

static void make_first(struct maker *m)
{
	size_t n = 1 + lz_random(238);

	if (!lz_random(3)) {
		make_run(m);
		return;
	}
	*m->p++ = (uint8_t)(17 + n);
	make_literals(m, n);
	m->before = n < 4 ? (unsigned)n : 4;
}

static size_t make_stream(size_t length, size_t *ret_coded_n)
{
	struct maker m = { .p = coded };

	make_first(&m);
	while (m.made < length) {
		if (!m.before && !lz_random(4))
			make_run(&m);
		else
			make_match(&m);
	}
	memcpy(m.p, "\x11\0\0", 3);
	*ret_coded_n = (size_t)(m.p - coded) + 3;
	return m.made;
}

static void test_random_instructions(void)
{
	unsigned good = 0;

	for (unsigned i = 0; i < 4000; i++) {
		size_t coded_n, n = make_stream(lz_random(i % 4 ? 2000 : 80000), &coded_n);

		good += accepted(coded, coded_n, n);
		CHECK(!accepted(coded, coded_n, n - 1));
		CHECK(!accepted(coded, coded_n - 1, n));
		damage(coded_n, n, 3);
	}
	CHECK(good > 1000);
}

/*
 * After a first run and a match, so that anything may follow: a run, a match, its tail and the end,
 * with little room behind: where the fast loop stops.
 */
static void check_last_turn(size_t run, size_t length, size_t distance, unsigned tail)
{
	struct maker m = { .p = coded };
	size_t n;

	*m.p++ = 17 + 20;
	make_literals(&m, 20);
	memcpy(m.p, "\x40\x01", 2);	/* 3 bytes from distance 9 */
	m.p += 2;
	m.made += 3;
	make_length(&m, 0, 15, run - 3);
	make_literals(&m, run);
	make_length(&m, 32, 31, length - 2);
	make_word(&m, distance - 1, tail);
	m.made += length;
	make_literals(&m, tail);
	memcpy(m.p, "\x11\0\0", 3);
	n = (size_t)(m.p - coded) + 3;
	CHECK(!accepted(coded, n - 3, m.made));
	for (size_t spare = 0; spare < 12; spare++)
		CHECK(accepted(coded, n, m.made + spare));
}

static void test_last_turns(void)
{
	for (size_t run = 4; run <= 20; run++)
		for (size_t length = 3; length <= 36; length++)
			for (size_t distance = 1; distance <= 18; distance++)
				check_last_turn(run, length, distance, lz_random(4));
}

/* The end marker is three bytes; liblzo2 takes any length in it, and nothing behind it. */
static void test_ends(void)
{
	CHECK(accepted((const uint8_t *)"\x11\0\0", 3, 0));
	CHECK(accepted((const uint8_t *)"\x12" "a\x11\0\0", 5, 1));
	CHECK(accepted((const uint8_t *)"\x15" "abcd\x11\0\0", 8, 4));
	CHECK(!accepted((const uint8_t *)"\x11\0\0\0", 4, 0));
	CHECK(!accepted((const uint8_t *)"\x11\0", 2, 0));
	CHECK(!accepted((const uint8_t *)"", 0, 0));
	CHECK(accepted((const uint8_t *)"\x12" "a\x10\0\1\0\0", 7, 1));
	CHECK(!accepted((const uint8_t *)"\x12" "a\x19\0\0", 5, 1));
}

int main(void)
{
	src = guarded_new(2 * LZ_CODED_MAX);
	dst = guarded_new(2 * LZ_DATA_MAX);
	want = malloc(2 * LZ_DATA_MAX);
	data = malloc(LZ_DATA_MAX);
	coded = malloc(2 * LZ_CODED_MAX);
	work = malloc(LZO1X_999_MEM_COMPRESS);

	RUN(test_ends);
	RUN(test_round_trips_of_lzo1x_1);
	RUN(test_round_trips_of_lzo1x_999);
	RUN(test_every_prefix_is_refused);
	RUN(test_every_room);
	RUN(test_damaged_bytes);
	RUN(test_noise);
	RUN(test_random_instructions);
	RUN(test_last_turns);
	return check_summary();
}
