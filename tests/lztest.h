/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * lztest.h: what the tests of both LZ decoders share: buffers whose neighbours trap, data of many
 * kinds, random numbers that are the same each time.
 */
#ifndef THAW_TESTS_LZTEST_H
#define THAW_TESTS_LZTEST_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LZ_DATA_MAX ((size_t)128 << 10)
#define LZ_CODED_MAX (LZ_DATA_MAX + LZ_DATA_MAX / 16 + 4096)

static uint64_t lz_random_state = 1;

static inline uint32_t lz_random(uint32_t below)
{
	lz_random_state = lz_random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((lz_random_state >> 33) % below);
}

/* Memory between two pages that may not be touched. */
struct guarded {
	uint8_t *begin;
	size_t size;
};

static inline struct guarded guarded_new(size_t size)
{
	const size_t page = 4096;
	struct guarded g = { .size = (size + page - 1) / page * page };
	uint8_t *map = mmap(NULL, g.size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED || mprotect(map + page, g.size, PROT_READ | PROT_WRITE)) {
		perror("guarded_new");
		exit(2);
	}
	g.begin = map + page;
	return g;
}

/* n bytes that end where the upper page begins, or begin where the lower one ends. */
static inline uint8_t *guarded_place(const struct guarded *g, size_t n, bool at_end)
{
	return at_end ? g->begin + g->size - n : g->begin;
}

enum lz_kind {
	LZ_ZERO, LZ_NOISE, LZ_TWO_VALUES, LZ_PERIODS, LZ_RECORDS, LZ_POINTERS, LZ_WORDS, LZ_ISLANDS,
	LZ_COPIES, LZ_PAGES, LZ_KINDS
};

static inline uint8_t lz_byte(enum lz_kind kind, const uint8_t *p, size_t i, uint32_t *hold)
{
	static const char words[] = "the frame of a page is its number in memory, and of ";

	switch (kind) {
	case LZ_NOISE:
		return (uint8_t)lz_random(256);
	case LZ_TWO_VALUES:
		return lz_random(12) ? 0 : 255;
	case LZ_PERIODS:	/* runs of every short period, and of their multiples */
		if (i < 48 || !lz_random(60))
			*hold = 1 + lz_random(40);
		return i < 48 || !lz_random(80) ? (uint8_t)lz_random(256) : p[i - *hold];
	case LZ_RECORDS:	/* of 24 bytes, with a counter and constant fields */
		return i % 24 < 2 ? (uint8_t)(i / 24 >> i % 24 * 8) : (uint8_t)(i % 24);
	case LZ_POINTERS:	/* 8 bytes, of which the upper ones hardly change */
		return i % 8 > 2 ? (uint8_t)(0xf8 + i % 8) : (uint8_t)lz_random(i % 8 ? 30 : 256);
	case LZ_WORDS:
		if (!lz_random(9))
			*hold = lz_random(sizeof(words) - 1);
		return (uint8_t)words[(*hold)++ % (sizeof(words) - 1)];
	case LZ_ISLANDS:	/* long zeroes with a few bytes in between */
		if (!lz_random(3000))
			*hold = lz_random(40);
		return *hold && (*hold)-- ? (uint8_t)lz_random(256) : 0;
	case LZ_COPIES:		/* from anywhere back, up to the farthest distance and beyond */
		if (i < 64 || !lz_random(20))
			*hold = i < 64 ? 0 : 1 + lz_random((uint32_t)(i < 60000 ? i : 60000));
		return *hold ? p[i - *hold] : (uint8_t)lz_random(256);
	case LZ_PAGES:		/* each page of another kind */
		return lz_byte((enum lz_kind)(i / 4096 % LZ_PAGES), p, i, hold);
	default:
		return 0;
	}
}

static inline void lz_fill(enum lz_kind kind, uint8_t *p, size_t n)
{
	uint32_t hold = 1;

	for (size_t i = 0; i < n; i++) {
		if (kind == LZ_PAGES && i % 4096 == 0)
			hold = 1;	/* a distance or a position, according to the kind */
		p[i] = lz_byte(kind, p, i, &hold);
	}
}

/* Every small size, then those around the sizes that mean something. Ends with 0. */
static inline size_t lz_next_size(size_t n)
{
	static const size_t large[] = {
		4095, 4096, 4097, 16383, 20000, 49151, 49153, 65537, 131071,
	};

	if (n < 160)
		return n + 1;
	for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++)
		if (large[i] > n)
			return large[i];
	return n < LZ_DATA_MAX ? LZ_DATA_MAX : 0;
}

#endif
