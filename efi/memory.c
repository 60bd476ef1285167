/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * memory.c: see memory.h.
 *
 * Every AllocatePages of thaw is one row of a fixed table, so that the fall-through gives back
 * exactly what was taken, and taking memory never needs memory.
 */
#include "memory.h"

#include <thaw/loader.h>

#include "console.h"
#include "firmware.h"

/* Free ranges of real machines are counted in tens; fragmented ones in hundreds. */
#define SPANS_MAX 1024

/* Claiming splits descriptors: room for that many on top of what the map needs now. */
#define MAP_SLACK  (SPANS_MAX * 64)
#define EXIT_TRIES 8

struct span {
	EFI_PHYSICAL_ADDRESS address;
	UINTN pages;
	EFI_ALLOCATE_TYPE type;
};

static struct span spans[SPANS_MAX];
static size_t span_count;
static bool kept;

static struct {
	void *buffer;
	UINTN capacity;
	UINTN size;
	UINTN key;
	UINTN desc_size;
} raw;

static bool take(EFI_ALLOCATE_TYPE type, EFI_PHYSICAL_ADDRESS *address, UINTN pages)
{
	if (!pages || span_count == SPANS_MAX)
		return false;
	if (EFI_ERROR(fw.bs->AllocatePages(type, EfiLoaderData, pages, address)))
		return false;
	spans[span_count++] = (struct span){*address, pages, type};
	return true;
}

void *memory_alloc(struct thaw_memory *memory, uint64_t bytes)
{
	EFI_PHYSICAL_ADDRESS address = 0;

	(void)memory;
	if (!take(AllocateAnyPages, &address, thaw_div_up(bytes, THAW_PAGE_SIZE))) {
		fw.blind = true;
		return NULL;
	}
	return (void *)address;
}

enum thaw_err memory_init(void)
{
	UINTN size = 0;
	UINTN key, desc_size;
	UINT32 version;

	if (fw.bs->GetMemoryMap(&size, NULL, &key, &desc_size, &version) != EFI_BUFFER_TOO_SMALL)
		return THAW_FIRMWARE;
	raw.capacity = 2 * size + MAP_SLACK;
	raw.buffer = memory_alloc(NULL, raw.capacity);
	return raw.buffer ? THAW_OK : THAW_MEMORY;
}

static enum thaw_err read_map(struct thaw_memmap *map)
{
	UINT32 version;

	raw.size = raw.capacity;
	if (EFI_ERROR(
		    fw.bs->GetMemoryMap(&raw.size, raw.buffer, &raw.key, &raw.desc_size, &version)))
		return THAW_FIRMWARE;
	return thaw_memmap_parse(map, raw.buffer, raw.size, raw.desc_size);
}

enum thaw_err memory_map(struct thaw_machine *m, struct thaw_memmap *map)
{
	static bool shown;
	enum thaw_err err = read_map(map);

	(void)m;
	if (err == THAW_OK && !shown)
		console_map(map);
	shown = true;
	return err;
}

enum thaw_err memory_claim(struct thaw_machine *m, struct thaw_range frames)
{
	EFI_PHYSICAL_ADDRESS address = frames.first << THAW_PAGE_SHIFT;

	(void)m;
	return take(AllocateAddress, &address, thaw_range_count(frames)) ? THAW_OK : THAW_MEMORY;
}

void *memory_frame(struct thaw_machine *m, uint64_t frame)
{
	(void)m;
	return (void *)(frame << THAW_PAGE_SHIFT);
}

void memory_keep(void)
{
	kept = true;
}

bool memory_is_kept(void)
{
	return kept;
}

/* Buffers held parts of the image. Claims are the loader's to clear: it knows what it touched. */
static void give_back(const struct span *span)
{
	if (span->type == AllocateAnyPages)
		__builtin_memset((void *)span->address, 0, span->pages * THAW_PAGE_SIZE);
	fw.bs->FreePages(span->address, span->pages);
}

void memory_release(void)
{
	if (kept)
		return;
	while (span_count)
		give_back(&spans[--span_count]);
	raw.buffer = NULL;
}

/*
 * UEFI 2.10, 7.4.6: "An UEFI OS Loader should not make calls to any boot service function other
 * than Memory Allocation Services after the first call to ExitBootServices()": so no console, no
 * stall, no event in this loop. Whoever changes the map in answer to the first call is caught by
 * the check of the second.
 *
 * A stale key is EFI_INVALID_PARAMETER (7.4.6), but whatever firmware says, the image is off the disk
 * by now: asking again costs nothing, giving up costs the session.
 */
enum thaw_err memory_exit(struct thaw_machine *m, struct thaw_memmap *map,
			  enum thaw_err (*check)(void *arg, const struct thaw_memmap *map),
			  void *arg)
{
	(void)m;
	console_jump();
	for (unsigned tries = 0; tries < EXIT_TRIES; tries++) {
		if (read_map(map) != THAW_OK)
			continue;
		if (check(arg, map) != THAW_OK)
			return THAW_FINAL_MAP;
		if (!EFI_ERROR(fw.bs->ExitBootServices(fw.image, raw.key)))
			return THAW_OK;
	}
	return THAW_EXIT_BOOT;
}
