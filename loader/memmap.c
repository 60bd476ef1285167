/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * memmap.c: firmware's descriptors, as sorted typed ranges and as the table Linux makes of them.
 *
 * Linux puts a CRC-32 of its firmware e820 table into each image. Its EFI stub makes that table
 * from the same GetMemoryMap() that is called here (drivers/firmware/efi/libstub/x86-stub.c,
 * setup_e820, 6.12), and all that thaw itself allocates counts as RAM there, so that the digest can
 * be computed without a look at ACPI.
 */
#include <thaw/crc32.h>
#include <thaw/loader.h>

/* UEFI 2.10, table 7.2: memory types by number. */
static enum thaw_mem_type type_of(const struct thaw_efi_descriptor *d)
{
	static const uint8_t types[] = {
		THAW_MEM_RESERVED,   /* EfiReservedMemoryType */
		THAW_MEM_BOOT,	     /* EfiLoaderCode */
		THAW_MEM_BOOT,	     /* EfiLoaderData */
		THAW_MEM_BOOT,	     /* EfiBootServicesCode */
		THAW_MEM_BOOT,	     /* EfiBootServicesData */
		THAW_MEM_RUNTIME,    /* EfiRuntimeServicesCode */
		THAW_MEM_RUNTIME,    /* EfiRuntimeServicesData */
		THAW_MEM_FREE,	     /* EfiConventionalMemory */
		THAW_MEM_UNUSABLE,   /* EfiUnusableMemory */
		THAW_MEM_ACPI,	     /* EfiACPIReclaimMemory */
		THAW_MEM_NVS,	     /* EfiACPIMemoryNVS */
		THAW_MEM_MMIO,	     /* EfiMemoryMappedIO */
		THAW_MEM_MMIO,	     /* EfiMemoryMappedIOPortSpace */
		THAW_MEM_RESERVED,   /* EfiPalCode */
		THAW_MEM_PERSISTENT, /* EfiPersistentMemory */
		THAW_MEM_UNACCEPTED, /* EfiUnacceptedMemoryType */
	};
	enum thaw_mem_type type;

	if (d->type >= THAW_ARRAY_LEN(types))
		return THAW_MEM_UNKNOWN;
	type = types[d->type];
	if (type <= THAW_MEM_BOOT && (d->attribute & THAW_EFI_MEMORY_SP))
		return THAW_MEM_SPECIAL;
	return type;
}

/* Keeps the array sorted: firmware's usually is, so this rarely moves anything. */
static enum thaw_err insert(struct thaw_memmap *map, struct thaw_mem_range range)
{
	size_t i = map->count;

	if (map->count == map->capacity)
		return THAW_MEMORY;
	for (; i > 0 && map->ranges[i - 1].frames.first > range.frames.first; i--)
		map->ranges[i] = map->ranges[i - 1];
	map->ranges[i] = range;
	map->count++;
	return THAW_OK;
}

static enum thaw_err merge(struct thaw_memmap *map)
{
	struct thaw_mem_range *last = map->ranges;
	size_t i;

	if (!map->count)
		return THAW_FIRMWARE;
	for (i = 1; i < map->count; i++) {
		struct thaw_mem_range *r = &map->ranges[i];

		if (r->frames.first < last->frames.end)
			return THAW_FIRMWARE;
		if (r->frames.first == last->frames.end && r->type == last->type)
			last->frames.end = r->frames.end;
		else
			*++last = *r;
	}
	map->count = (size_t)(last - map->ranges) + 1;
	return THAW_OK;
}

enum thaw_err thaw_memmap_parse(struct thaw_memmap *map, const void *descriptors, size_t size,
				size_t desc_size)
{
	const uint8_t *at = descriptors;
	struct thaw_efi_descriptor d;
	struct thaw_mem_range range;
	enum thaw_err err;

	if (desc_size < sizeof(d))
		return THAW_FIRMWARE;
	map->count = 0;
	for (; size >= desc_size; at += desc_size, size -= desc_size) {
		__builtin_memcpy(&d, at, sizeof(d));
		if (!d.number_of_pages)
			continue;
		range.type = type_of(&d);
		range.frames.first = d.physical_start >> THAW_PAGE_SHIFT;
		if (d.physical_start % THAW_PAGE_SIZE ||
		    thaw_add_overflows(range.frames.first, d.number_of_pages, &range.frames.end) ||
		    range.frames.end > THAW_FRAME_LIMIT)
			return THAW_FIRMWARE;
		err = insert(map, range);
		if (err)
			return err;
	}
	return merge(map);
}

/* 0: left out of the table. */
static uint32_t e820_type(enum thaw_mem_type type)
{
	static const uint32_t types[] = {
		[THAW_MEM_FREE] = THAW_E820_RAM,
		[THAW_MEM_BOOT] = THAW_E820_RAM,
		[THAW_MEM_UNACCEPTED] = THAW_E820_RAM,
		[THAW_MEM_SPECIAL] = 0xefffffff, /* E820_TYPE_SOFT_RESERVED */
		[THAW_MEM_PERSISTENT] = THAW_E820_PMEM,
		[THAW_MEM_ACPI] = THAW_E820_ACPI,
		[THAW_MEM_NVS] = THAW_E820_NVS,
		[THAW_MEM_RUNTIME] = THAW_E820_RESERVED,
		[THAW_MEM_RESERVED] = THAW_E820_RESERVED,
		[THAW_MEM_UNUSABLE] = THAW_E820_UNUSABLE,
		[THAW_MEM_MMIO] = THAW_E820_RESERVED,
		[THAW_MEM_UNKNOWN] = 0,
	};

	return types[type];
}

bool thaw_memmap_next_e820(const struct thaw_memmap *map, size_t *i, struct thaw_e820 *ret)
{
	uint64_t end;

	while (*i < map->count && !e820_type(map->ranges[*i].type))
		(*i)++;
	if (*i == map->count)
		return false;
	ret->addr = map->ranges[*i].frames.first << THAW_PAGE_SHIFT;
	ret->type = e820_type(map->ranges[*i].type);
	do {
		end = map->ranges[(*i)++].frames.end;
	} while (*i < map->count && map->ranges[*i].frames.first == end &&
		 e820_type(map->ranges[*i].type) == ret->type);
	ret->size = (end << THAW_PAGE_SHIFT) - ret->addr;
	return true;
}

uint32_t thaw_memmap_e820_crc32(const struct thaw_memmap *map)
{
	struct thaw_e820 entry;
	uint32_t count = 0;
	uint32_t crc;
	size_t i;

	for (i = 0; thaw_memmap_next_e820(map, &i, &entry);)
		count++;
	crc = thaw_crc32(UINT32_MAX, &count, sizeof(count));
	for (i = 0; thaw_memmap_next_e820(map, &i, &entry);)
		crc = thaw_crc32(crc, &entry, sizeof(entry));
	return ~crc;
}

static void e820_md5(const struct thaw_memmap *map, uint8_t ret[THAW_MD5_BYTES])
{
	struct thaw_e820 entry;
	struct thaw_md5 md5;
	uint32_t count = 0;
	size_t i;

	for (i = 0; thaw_memmap_next_e820(map, &i, &entry);)
		count++;
	thaw_md5_init(&md5);
	thaw_md5_update(&md5, &count, sizeof(count));
	for (i = 0; thaw_memmap_next_e820(map, &i, &entry);)
		thaw_md5_update(&md5, &entry, sizeof(entry));
	thaw_md5_final(&md5, ret);
}

bool thaw_memmap_is_saved(const struct thaw_memmap *map, const struct thaw_facts *facts)
{
	uint8_t md5[THAW_MD5_BYTES];

	switch (facts->digest_kind) {
	case THAW_DIGEST_CRC32:
		return thaw_memmap_e820_crc32(map) == facts->digest;
	case THAW_DIGEST_MD5:
		e820_md5(map, md5);
		return thaw_bytes_equal(md5, facts->digest_md5, sizeof(md5));
	case THAW_DIGEST_NONE:
		break;
	}
	return true;
}

uint64_t thaw_memmap_ram_frames(const struct thaw_memmap *map)
{
	uint64_t frames = 0;
	size_t i;

	for (i = 0; i < map->count; i++) {
		if (e820_type(map->ranges[i].type) == THAW_E820_RAM)
			frames += thaw_range_count(map->ranges[i].frames);
	}
	return frames;
}

const struct thaw_mem_range *thaw_memmap_find(const struct thaw_memmap *map, uint64_t frame)
{
	size_t low = 0;
	size_t high = map->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (map->ranges[mid].frames.end <= frame)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == map->count || frame < map->ranges[low].frames.first)
		return NULL;
	return &map->ranges[low];
}

const char *thaw_mem_type_name(enum thaw_mem_type type)
{
	static const char *const names[] = {
		[THAW_MEM_FREE] = "conventional",
		[THAW_MEM_BOOT] = "boot",
		[THAW_MEM_UNACCEPTED] = "unaccepted",
		[THAW_MEM_SPECIAL] = "special-purpose",
		[THAW_MEM_PERSISTENT] = "persistent",
		[THAW_MEM_ACPI] = "acpi",
		[THAW_MEM_NVS] = "nvs",
		[THAW_MEM_RUNTIME] = "runtime",
		[THAW_MEM_RESERVED] = "reserved",
		[THAW_MEM_UNUSABLE] = "unusable",
		[THAW_MEM_MMIO] = "mmio",
		[THAW_MEM_UNKNOWN] = "unknown",
	};

	return (size_t)type < THAW_ARRAY_LEN(names) ? names[type] : "unknown";
}
