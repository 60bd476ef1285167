/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fuzz_memmap.c: firmware's descriptors, of any size, in any order. What is accepted is sorted and
 * disjoint, and what is claimed of it is free.
 *
 * The first byte says how large a descriptor is, then follow 18 bytes for each: type, page, pages,
 * attribute; so that what the fuzzer changes is what counts.
 */
#include <string.h>

#include <thaw/loader.h>

#include "fuzz.h"
#include "synth.h"

#define MOST	 256
#define IN_BYTES 18

static size_t make_descriptors(uint8_t *to, size_t desc, const uint8_t *data, size_t n)
{
	size_t count = 0;

	for (; n >= IN_BYTES && count < MOST; n -= IN_BYTES, data += IN_BYTES, count++) {
		uint8_t *d = to + count * desc;

		synth_put32(d, data[0] | (uint32_t)(data[1] & 0x80) << 24);
		synth_put64(d + 8, thaw_le64(data + 2) << (data[1] & 15));
		synth_put64(d + 24, thaw_le32(data + 10) >> (data[1] >> 4 & 7));
		synth_put64(d + 32, thaw_le32(data + 14));
	}
	return count;
}

static void check_map(const struct thaw_memmap *map)
{
	static struct thaw_range claims[MOST];
	const struct thaw_mem_range *r = map->ranges;
	size_t claimed = thaw_plan_claims(map, claims);
	uint64_t frames = 0;
	size_t i;

	REQUIRE(map->count && map->count <= map->capacity);
	for (i = 0; i < map->count; i++, r++) {
		REQUIRE(r->frames.first < r->frames.end && r->frames.end <= UINT64_C(1) << 40);
		REQUIRE(!i || r[-1].frames.end <= r->frames.first);
		REQUIRE(!i || r[-1].frames.end != r->frames.first || r[-1].type != r->type);
		REQUIRE(thaw_memmap_find(map, r->frames.first) == r);
		REQUIRE(thaw_memmap_find(map, r->frames.end - 1) == r);
		frames += thaw_range_count(r->frames);
	}
	REQUIRE(thaw_memmap_ram_frames(map) <= frames);
	thaw_memmap_e820_crc32(map);
	REQUIRE(claimed <= map->count);
	for (i = 0; i < claimed; i++) {
		r = thaw_memmap_find(map, claims[i].first);
		REQUIRE(claims[i].first < claims[i].end && claims[i].first >= 256);
		REQUIRE(r && r->type == THAW_MEM_FREE && claims[i].end <= r->frames.end);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct thaw_mem_range ranges[MOST];
	struct thaw_memmap map = {.ranges = ranges, .capacity = MOST};
	size_t desc = n ? 40 + data[0] % 4 * 8 : 40;
	uint8_t *bytes = calloc(MOST, desc);
	size_t count = n ? make_descriptors(bytes, desc, data + 1, n - 1) : 0;
	uint8_t *exact = malloc(count * desc + 1);
	enum thaw_err err;

	memcpy(exact, bytes, count * desc);
	map.capacity = n && data[0] & 128 ? 8 : MOST;
	err = thaw_memmap_parse(&map, exact, count * desc, desc);
	REQUIRE(err == THAW_OK || err == THAW_MEMORY || err == THAW_FIRMWARE);
	if (!err)
		check_map(&map);
	free(bytes);
	free(exact);
	return 0;
}
