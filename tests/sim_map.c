/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * sim_map.c: the usual small machine's memory, and what Linux makes of a map: written once more, so
 * that loader/ has something to be compared with.
 */
#include <stdlib.h>
#include <zlib.h>

#include "sim.h"

#define PAGE 4096

#define R(first, end, type)                                                                        \
	{                                                                                          \
		{first, end}, THAW_MEM_##type                                                      \
	}
const struct thaw_mem_range sim_small[] = {
	R(0x000, 0x09f, FREE),		R(0x0a0, 0x100, RESERVED),   R(0x100, 0x1c0, FREE),
	R(0x1c0, 0x1d0, BOOT),		R(0x1d0, 0x1d4, ACPI),	     R(0x1d4, 0x1d6, NVS),
	R(0x1d6, 0x1f6, FREE),		R(0x1f6, 0x1fc, RUNTIME),    R(0x200, 0x230, FREE),
	R(0x230, 0x234, UNUSABLE),	R(0x234, 0x236, BOOT),	     R(0x236, 0x238, UNKNOWN),
	R(0x238, 0x23a, MMIO),		R(0x240, 0x680, FREE),	     R(0x100000, 0x100040, FREE),
	R(0x100040, 0x100044, SPECIAL),
};
#undef R
const size_t sim_small_count = THAW_ARRAY_LEN(sim_small);

static uint32_t e820_type(enum thaw_mem_type type)
{
	switch (type) {
	case THAW_MEM_FREE:
	case THAW_MEM_BOOT:
	case THAW_MEM_UNACCEPTED:
		return 1;
	case THAW_MEM_ACPI:
		return 3;
	case THAW_MEM_NVS:
		return 4;
	case THAW_MEM_UNUSABLE:
		return 5;
	case THAW_MEM_PERSISTENT:
		return 7;
	case THAW_MEM_SPECIAL:
		return 0xefffffff;
	case THAW_MEM_UNKNOWN:
		return 0;
	default:
		return 2;
	}
}

uint32_t sim_e820(const struct thaw_mem_range *ranges, size_t count, struct thaw_e820 *ret)
{
	struct thaw_e820 *last = NULL;
	uint32_t n = 0;
	uint64_t addr;
	uint32_t type;
	size_t i;

	for (i = 0; i < count; i++) {
		addr = ranges[i].frames.first * PAGE;
		type = e820_type(ranges[i].type);
		if (!type)
			continue;
		if (!last || last->addr + last->size != addr || last->type != type) {
			last = &ret[n++];
			*last = (struct thaw_e820){addr, 0, type};
		}
		last->size += thaw_range_count(ranges[i].frames) * PAGE;
	}
	return n;
}

/* The table with its count before it; the caller frees it. */
static uint8_t *e820_table(const struct thaw_mem_range *ranges, size_t count, size_t *ret_len)
{
	uint8_t *table = calloc(count + 1, sizeof(struct thaw_e820));
	uint32_t n = sim_e820(ranges, count, (struct thaw_e820 *)(table + sizeof(n)));

	synth_put32(table, n);
	*ret_len = sizeof(n) + n * sizeof(struct thaw_e820);
	return table;
}

uint32_t sim_digest(const struct thaw_mem_range *ranges, size_t count)
{
	size_t len;
	uint8_t *table = e820_table(ranges, count, &len);
	uint32_t n = (uint32_t)crc32(0, table, (uInt)len);

	free(table);
	return n;
}

void sim_md5(const struct thaw_mem_range *ranges, size_t count, uint8_t ret[THAW_MD5_BYTES])
{
	size_t len;
	uint8_t *table = e820_table(ranges, count, &len);
	struct thaw_md5 md5;

	thaw_md5_init(&md5);
	thaw_md5_update(&md5, table, len);
	thaw_md5_final(&md5, ret);
	free(table);
}
