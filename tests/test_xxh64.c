/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_xxh64.c: against libxxhash, whole and in pieces.
 */
#include <stdint.h>
#include <xxhash.h>

#include "check.h"
#include "xxh64.h"

static uint8_t data[5000];

static void fill(void)
{
	uint32_t x = 9;

	for (size_t i = 0; i < sizeof(data); i++) {
		x = x * 1664525 + 1013904223;
		data[i] = (uint8_t)(x >> 24);
	}
}

static void test_known_values(void)
{
	CHECK(thaw_xxh64("", 0, 0) == 0xef46db3751d8e999);
	CHECK(thaw_xxh64("abc", 3, 0) == 0x44bc2cf5ad770999);
}

static void test_all_lengths(void)
{
	for (size_t n = 0; n < sizeof(data); n++) {
		CHECK(thaw_xxh64(data, n, 0) == XXH64(data, n, 0));
		CHECK(thaw_xxh64(data, n, n * 0x123456789abcdef) ==
		      XXH64(data, n, n * 0x123456789abcdef));
	}
}

static void test_unaligned(void)
{
	for (size_t at = 0; at < 40; at++)
		CHECK(thaw_xxh64(data + at, 333, 1) == XXH64(data + at, 333, 1));
}

static uint64_t in_pieces(size_t n, size_t piece)
{
	struct thaw_xxh64 x;

	thaw_xxh64_init(&x, 3);
	for (size_t at = 0; at < n; at += piece)
		thaw_xxh64_update(&x, data + at, n - at < piece ? n - at : piece);
	return thaw_xxh64_final(&x);
}

static void test_pieces(void)
{
	for (size_t piece = 1; piece < 200; piece++)
		for (size_t n = 0; n < 300; n++)
			CHECK(in_pieces(n, piece) == XXH64(data, n, 3));
}

static void test_three_cuts(void)
{
	struct thaw_xxh64 x;

	for (size_t a = 0; a < 100; a++) {
		for (size_t b = a; b < 100; b++) {
			thaw_xxh64_init(&x, 0);
			thaw_xxh64_update(&x, data, a);
			thaw_xxh64_update(&x, data + a, b - a);
			thaw_xxh64_update(&x, data + b, 100 - b);
			CHECK(thaw_xxh64_final(&x) == XXH64(data, 100, 0));
		}
	}
}

static void test_final_leaves_it_usable(void)
{
	struct thaw_xxh64 x;

	thaw_xxh64_init(&x, 0);
	for (size_t n = 0; n < 100; n++) {
		CHECK(thaw_xxh64_final(&x) == XXH64(data, n, 0));
		thaw_xxh64_update(&x, data + n, 1);
		thaw_xxh64_update(&x, NULL, 0);
	}
}

int main(void)
{
	fill();
	RUN(test_known_values);
	RUN(test_all_lengths);
	RUN(test_unaligned);
	RUN(test_pieces);
	RUN(test_three_cuts);
	RUN(test_final_leaves_it_usable);
	return check_summary();
}
