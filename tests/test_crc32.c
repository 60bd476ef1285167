/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_crc32.c: every method against zlib and against the definition, bit by bit.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "check.h"
#include <thaw/crc32.h>

static uint8_t data[200000];

static void fill(void)
{
	uint32_t x = 1;

	for (size_t i = 0; i < sizeof(data); i++) {
		x = x * 1664525 + 1013904223;
		data[i] = (uint8_t)(x >> 24);
	}
}

/* zlib starts from and ends with the inverse; undoing both leaves the register. */
static uint32_t by_zlib(uint32_t crc, const uint8_t *p, size_t n)
{
	return ~(uint32_t)crc32(~crc, p, (uInt)n);
}

static uint32_t by_bits(uint32_t crc, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < 8 * n; i++) {
		crc ^= p[i / 8] >> i % 8 & 1;
		crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return crc;
}

static bool clmul_works(void)
{
	return __builtin_cpu_supports("pclmul");
}

static void test_known_value(void)
{
	CHECK(~thaw_crc32(~0u, "123456789", 9) == 0xcbf43926);
	CHECK(thaw_crc32(0x12345678, "", 0) == 0x12345678);
	CHECK(thaw_crc32(0, "\0\0\0\0\0\0\0\0\0", 9) == 0);
}

/* Each byte at each of the eight positions of a word visits every entry of every table. */
static void test_tables_against_definition(void)
{
	uint8_t word[8];

	for (unsigned at = 0; at < 8; at++) {
		for (unsigned byte = 0; byte < 256; byte++) {
			memset(word, 0, sizeof(word));
			word[at] = (uint8_t)byte;
			CHECK(thaw_crc32(0, word, 8) == by_bits(0, word, 8));
		}
	}
}

static void check_lengths(enum thaw_crc32_method method)
{
	for (size_t n = 0; n < 700; n++)
		for (size_t at = 0; at < 17; at++)
			CHECK(thaw_crc32_by(method, (uint32_t)(n * 77777), data + at, n) ==
			      by_zlib((uint32_t)(n * 77777), data + at, n));
	for (size_t n = 9650; n < 15000; n += n < 9950 ? 1 : 37)
		CHECK(thaw_crc32_by(method, (uint32_t)(n * 77777), data + n % 17, n) ==
		      by_zlib((uint32_t)(n * 77777), data + n % 17, n));
	for (size_t n = sizeof(data) - 100; n <= sizeof(data); n++)
		CHECK(thaw_crc32_by(method, 0, data, n) == by_zlib(0, data, n));
}

static void test_plain_lengths(void)
{
	check_lengths(THAW_CRC32_PLAIN);
}

static void test_clmul_lengths(void)
{
	if (clmul_works()) {
		check_lengths(THAW_CRC32_CLMUL);
		check_lengths(THAW_CRC32_BOTH);
	} else {
		printf("  skipped: this processor has no carry-less multiplication\n");
	}
}

static void test_choice_is_usable(void)
{
	enum thaw_crc32_method method = thaw_crc32_choose(NULL);

	CHECK(method == THAW_CRC32_PLAIN || clmul_works());
	CHECK(thaw_crc32_by(method, 7, data, 5000) == by_zlib(7, data, 5000));
}

static uint64_t stopped_clock(void)
{
	return 5;
}

static void test_choice_with_a_stopped_clock(void)
{
	CHECK(thaw_crc32_choose(stopped_clock) == THAW_CRC32_PLAIN);
}

static void test_combine_everywhere(void)
{
	uint32_t whole = by_zlib(0x55aa, data, 3000);

	for (size_t cut = 0; cut <= 3000; cut++) {
		uint32_t a = thaw_crc32(0x55aa, data, cut);
		uint32_t b = thaw_crc32(0, data + cut, 3000 - cut);

		CHECK(thaw_crc32_combine(a, b, 3000 - cut) == whole);
	}
}

static void test_combine_blocks_in_order(void)
{
	const size_t block = 32768;
	uint32_t crc = 0;

	for (size_t at = 0; at < sizeof(data); at += block) {
		size_t n = sizeof(data) - at < block ? sizeof(data) - at : block;

		crc = thaw_crc32_combine(crc, thaw_crc32(0, data + at, n), n);
	}
	CHECK(crc == by_zlib(0, data, sizeof(data)));
}

/* Lengths that no memory holds: a length of 2^(k+1) must act like two of 2^k. */
static void test_combine_long(void)
{
	for (unsigned k = 0; k < 63; k++) {
		uint64_t n = (uint64_t)1 << k;
		uint32_t once = thaw_crc32_combine(0xdeadbeef, 0, n);

		CHECK(thaw_crc32_combine(once, 0, n) == thaw_crc32_combine(0xdeadbeef, 0, 2 * n));
		CHECK(thaw_crc32_combine(once, 0, 3) ==
		      thaw_crc32_combine(thaw_crc32_combine(0xdeadbeef, 0, 3), 0, n));
	}
}

int main(void)
{
	fill();
	RUN(test_known_value);
	RUN(test_tables_against_definition);
	RUN(test_plain_lengths);
	RUN(test_clmul_lengths);
	RUN(test_choice_is_usable);
	RUN(test_choice_with_a_stopped_clock);
	RUN(test_combine_everywhere);
	RUN(test_combine_blocks_in_order);
	RUN(test_combine_long);
	return check_summary();
}
