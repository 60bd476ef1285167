/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * descriptors.c: see descriptors.h.
 */
#include "descriptors.h"

#include <stdlib.h>
#include <thaw/loader.h>

#define EFI_CONVENTIONAL 7

/* UEFI 2.10, table 7.2, the other way round than loader/memmap.c: one number for each meaning. */
static const uint32_t efi_types[] = {
	[THAW_MEM_FREE] = EFI_CONVENTIONAL,
	[THAW_MEM_BOOT] = 4,
	[THAW_MEM_UNACCEPTED] = 15,
	[THAW_MEM_SPECIAL] = EFI_CONVENTIONAL,
	[THAW_MEM_PERSISTENT] = 14,
	[THAW_MEM_ACPI] = 9,
	[THAW_MEM_NVS] = 10,
	[THAW_MEM_RUNTIME] = 6,
	[THAW_MEM_RESERVED] = 0,
	[THAW_MEM_UNUSABLE] = 8,
	[THAW_MEM_MMIO] = 11,
	[THAW_MEM_UNKNOWN] = 0x70000000, /* the first of OEMs */
};

enum thaw_err descriptors_add(struct descriptors *d, struct thaw_range frames,
			      enum thaw_mem_type type)
{
	struct thaw_efi_descriptor *list = d->list;

	if (d->count == d->capacity) {
		d->capacity = d->capacity ? 2 * d->capacity : 64;
		list = realloc(list, d->capacity * sizeof(*list));
		if (!list)
			return THAW_MEMORY;
		d->list = list;
	}
	list[d->count++] = (struct thaw_efi_descriptor){
		.type = efi_types[type],
		.physical_start = frames.first << THAW_PAGE_SHIFT,
		.number_of_pages = thaw_range_count(frames),
		.attribute = type == THAW_MEM_SPECIAL ? THAW_EFI_MEMORY_SP : 0,
	};
	return THAW_OK;
}

enum thaw_err descriptors_parse(const struct descriptors *d, struct thaw_memmap *ret)
{
	struct thaw_memmap map = {.capacity = d->count};
	enum thaw_err err;

	map.ranges = calloc(d->count + 1, sizeof(*map.ranges));
	if (!map.ranges)
		return THAW_MEMORY;
	err = thaw_memmap_parse(&map, d->list, d->count * sizeof(*d->list), sizeof(*d->list));
	if (err)
		free(map.ranges);
	else
		*ret = map;
	return err;
}

void descriptors_free(struct descriptors *d)
{
	free(d->list);
	*d = (struct descriptors){0};
}
