/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_memmap.c: firmware's descriptors: order, overlaps, odd sizes and types; and the digest of
 * what Linux makes of them, against a computation of our own.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <thaw/loader.h>

#include "check.h"
#include "synth.h"

#define DESC 48 /* what real firmware has; 40 are used */
#define MOST 200
#define SP   UINT64_C(0x40000)
#define PAGE UINT64_C(4096)

static uint8_t descriptors[MOST * DESC];
static size_t count;
static struct thaw_mem_range ranges[MOST];
static struct thaw_memmap map;

static void clear(void)
{
	count = 0;
	memset(descriptors, 0xcc, sizeof(descriptors));
	map = (struct thaw_memmap){.ranges = ranges, .capacity = MOST};
}

static void add(uint32_t type, uint64_t first, uint64_t pages, uint64_t attribute)
{
	uint8_t *d = descriptors + count++ * DESC;

	synth_put32(d, type);
	synth_put64(d + 8, first * PAGE);
	synth_put64(d + 16, 0);
	synth_put64(d + 24, pages);
	synth_put64(d + 32, attribute);
}

static enum thaw_err parse(void)
{
	return thaw_memmap_parse(&map, descriptors, count * DESC, DESC);
}

static bool is_range(size_t i, uint64_t first, uint64_t end, enum thaw_mem_type type)
{
	return i < map.count && ranges[i].frames.first == first && ranges[i].frames.end == end &&
	       ranges[i].type == type;
}

static void test_sorts_and_merges(void)
{
	clear();
	add(7, 100, 10, 15);
	add(7, 0, 10, 15);
	add(4, 10, 5, 15);
	add(3, 15, 5, 15);
	add(0, 20, 1, 0);
	add(7, 110, 10, 15);
	CHECK(parse() == THAW_OK && map.count == 4);
	CHECK(is_range(0, 0, 10, THAW_MEM_FREE));
	CHECK(is_range(1, 10, 20, THAW_MEM_BOOT));
	CHECK(is_range(2, 20, 21, THAW_MEM_RESERVED));
	CHECK(is_range(3, 100, 120, THAW_MEM_FREE));
}

static void test_types(void)
{
	static const enum thaw_mem_type want[] = {
		THAW_MEM_RESERVED, THAW_MEM_BOOT,     THAW_MEM_BOOT,	   THAW_MEM_BOOT,
		THAW_MEM_BOOT,	   THAW_MEM_RUNTIME,  THAW_MEM_RUNTIME,	   THAW_MEM_FREE,
		THAW_MEM_UNUSABLE, THAW_MEM_ACPI,     THAW_MEM_NVS,	   THAW_MEM_MMIO,
		THAW_MEM_MMIO,	   THAW_MEM_RESERVED, THAW_MEM_PERSISTENT, THAW_MEM_UNACCEPTED,
		THAW_MEM_UNKNOWN,  THAW_MEM_UNKNOWN,
	};
	uint32_t type;

	for (type = 0; type < THAW_ARRAY_LEN(want); type++) {
		clear();
		add(type, 1, 1, 0);
		CHECK(parse() == THAW_OK && is_range(0, 1, 2, want[type]));
	}
	clear();
	add(0x80000001, 1, 1, 0);
	CHECK(parse() == THAW_OK && is_range(0, 1, 2, THAW_MEM_UNKNOWN));
	clear();
	add(7, 1, 1, SP);
	add(0, 2, 1, SP);
	CHECK(parse() == THAW_OK && is_range(0, 1, 2, THAW_MEM_SPECIAL));
	CHECK(is_range(1, 2, 3, THAW_MEM_RESERVED));
}

static void test_impossible(void)
{
	clear();
	CHECK(parse() == THAW_FIRMWARE);
	add(7, 1, 0, 0);
	CHECK(parse() == THAW_FIRMWARE);
	clear();
	add(7, 0, 10, 0);
	add(7, 9, 10, 0);
	CHECK(parse() == THAW_FIRMWARE);
	clear();
	add(0, 5, 1, 0);
	add(7, 0, 10, 0);
	CHECK(parse() == THAW_FIRMWARE);
	clear();
	add(7, 3, 10, 0);
	add(0, 3, 10, 0);
	CHECK(parse() == THAW_FIRMWARE);
	clear();
	add(7, 3, UINT64_MAX, 0);
	CHECK(parse() == THAW_FIRMWARE);
	clear();
	add(7, 3, UINT64_C(1) << 60, 0);
	CHECK(parse() == THAW_FIRMWARE);
	clear();
	add(7, 1, 1, 0);
	descriptors[8] = 1; /* not at a page's beginning */
	CHECK(parse() == THAW_FIRMWARE);
}

static void test_highest(void)
{
	clear();
	add(11, (UINT64_C(1) << 40) - 1, 1, 0);
	CHECK(parse() == THAW_OK && map.count == 1);
	clear();
	add(11, (UINT64_C(1) << 40) - 1, 2, 0);
	CHECK(parse() == THAW_FIRMWARE);
}

static void test_sizes(void)
{
	clear();
	add(7, 0, 1, 0);
	add(0, 1, 1, 0);
	CHECK(thaw_memmap_parse(&map, descriptors, 2 * DESC, 39) == THAW_FIRMWARE);
	CHECK(thaw_memmap_parse(&map, descriptors, 2 * DESC, 0) == THAW_FIRMWARE);
	CHECK(thaw_memmap_parse(&map, descriptors, 2 * DESC - 1, DESC) == THAW_OK);
	CHECK(map.count == 1);
	CHECK(thaw_memmap_parse(&map, descriptors, 0, DESC) == THAW_FIRMWARE);
	map.capacity = 1;
	CHECK(parse() == THAW_MEMORY);
	map.capacity = 2;
	CHECK(parse() == THAW_OK);
}

/* --- the digest ------------------------------------------------------------------------------ */

/* setup_e820() of the EFI stub, then sorted: another way than memmap.c's. */
static uint32_t linux_type(uint32_t type, uint64_t attribute)
{
	switch (type) {
	case 0:
	case 5:
	case 6:
	case 11:
	case 12:
	case 13:
		return 2;
	case 8:
		return 5;
	case 9:
		return 3;
	case 10:
		return 4;
	case 1:
	case 2:
	case 3:
	case 4:
	case 7:
		return attribute & SP ? 0xefffffff : 1;
	case 14:
		return 7;
	case 15:
		return 1;
	default:
		return 0;
	}
}

struct entry {
	uint64_t addr;
	uint64_t size;
	uint32_t type;
} __attribute__((packed));

static int by_address(const void *a, const void *b)
{
	uint64_t x = thaw_le64(a);
	uint64_t y = thaw_le64(b);

	return x < y ? -1 : x > y;
}

static uint32_t linux_digest(void)
{
	struct entry table[MOST];
	uint32_t n = 0;
	uint32_t merged = 0;
	uint32_t i;
	uLong crc;

	for (i = 0; i < count; i++) {
		const uint8_t *d = descriptors + i * DESC;
		uint32_t type = linux_type(thaw_le32(d), thaw_le64(d + 32));

		if (type)
			table[n++] =
				(struct entry){thaw_le64(d + 8), thaw_le64(d + 24) * PAGE, type};
	}
	qsort(table, n, sizeof(*table), by_address);
	for (i = 1; i < n; i++) {
		if (table[i].type == table[merged].type &&
		    table[i].addr == table[merged].addr + table[merged].size)
			table[merged].size += table[i].size;
		else
			table[++merged] = table[i];
	}
	merged += n > 0;
	crc = crc32(0, (const uint8_t *)&merged, sizeof(merged));
	return (uint32_t)crc32(crc, (const uint8_t *)table, merged * (uInt)sizeof(*table));
}

static void swap_descriptors(size_t a, size_t b)
{
	uint8_t t[DESC];

	memcpy(t, descriptors + a * DESC, DESC);
	memmove(descriptors + a * DESC, descriptors + b * DESC, DESC);
	memcpy(descriptors + b * DESC, t, DESC);
}

/* Random maps, in random order, with holes and every type. */
static void test_digest(void)
{
	uint64_t at;
	uint64_t ram;
	size_t n;
	size_t i;

	srand(1);
	for (n = 0; n < 2000; n++) {
		clear();
		ram = at = 0;
		for (i = 0; i < 1 + n % 100; i++) {
			uint32_t type = (uint32_t)rand() % 17;
			uint64_t pages = 1 + (uint64_t)rand() % 1000;

			at += rand() % 3 ? 0 : (uint64_t)rand() % 5000;
			add(type, at, pages, rand() % 20 ? 0 : SP);
			ram += linux_type(type, thaw_le64(descriptors + i * DESC + 32)) == 1 ? pages
											     : 0;
			at += pages;
		}
		for (i = 0; i < count; i++)
			swap_descriptors(i, (size_t)rand() % count);
		if (!CHECK(parse() == THAW_OK && thaw_memmap_e820_crc32(&map) == linux_digest()))
			return;
		CHECK(thaw_memmap_ram_frames(&map) == ram);
	}
}

static void test_find(void)
{
	clear();
	add(7, 10, 5, 0);
	add(0, 15, 5, 0);
	add(7, 30, 1, 0);
	CHECK(parse() == THAW_OK);
	CHECK(!thaw_memmap_find(&map, 0) && !thaw_memmap_find(&map, 9));
	CHECK(thaw_memmap_find(&map, 10) == ranges && thaw_memmap_find(&map, 14) == ranges);
	CHECK(thaw_memmap_find(&map, 15) == ranges + 1 && !thaw_memmap_find(&map, 20));
	CHECK(thaw_memmap_find(&map, 30) == ranges + 2 && !thaw_memmap_find(&map, 31));
	CHECK(!thaw_memmap_find(&map, UINT64_MAX));
	map.count = 0;
	CHECK(!thaw_memmap_find(&map, 10));
}

static void test_names(void)
{
	CHECK(!strcmp(thaw_mem_type_name(THAW_MEM_FREE), "conventional"));
	CHECK(!strcmp(thaw_mem_type_name(THAW_MEM_UNKNOWN), "unknown"));
	CHECK(!strcmp(thaw_mem_type_name((enum thaw_mem_type)77), "unknown"));
	CHECK(!strcmp(thaw_mem_type_name((enum thaw_mem_type) - 1), "unknown"));
	CHECK(!strcmp(thaw_err_name(THAW_OK), "ok"));
	CHECK(!strcmp(thaw_err_name(THAW_CHECKSUM), "checksum"));
	CHECK(!strcmp(thaw_err_name((enum thaw_err)0x999), "unknown"));
	CHECK(!strcmp(thaw_err_sentence((enum thaw_err)0x999), ""));
	CHECK(strlen(thaw_err_sentence(THAW_BUG)) > 5);
}

int main(void)
{
	RUN(test_sorts_and_merges);
	RUN(test_types);
	RUN(test_impossible);
	RUN(test_highest);
	RUN(test_sizes);
	RUN(test_digest);
	RUN(test_find);
	RUN(test_names);
	return check_summary();
}
