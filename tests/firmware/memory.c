/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * memory.c: RAM that this process sees where firmware says it is, its map, and the end of boot
 * services.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <thaw/loader.h>

#include "fake.h"
#include "sim.h"

#define PAGE  4096
#define BASE  UINT64_C(0x10000) /* frames */
#define COUNT 0x900

#define POOLS 64

/* What a frame that thaw holds is, besides its type of today. */
static UINT32 types[COUNT]; /* EFI memory types; EfiMaxMemoryType: nothing there */
static UINTN key = 1;
static void *pools[POOLS];

/* Free memory in three pieces, firmware in between, a hole. */
static const struct thaw_mem_range ranges[] = {
	{{0x10000, 0x10200}, THAW_MEM_FREE},	{{0x10200, 0x10210}, THAW_MEM_BOOT},
	{{0x10210, 0x10214}, THAW_MEM_ACPI},	{{0x10214, 0x10218}, THAW_MEM_RUNTIME},
	{{0x10220, 0x10300}, THAW_MEM_FREE},	{{0x10300, 0x10310}, THAW_MEM_BOOT},
	{{0x10310, 0x10900}, THAW_MEM_FREE},
};

static UINT32 efi_type(enum thaw_mem_type type)
{
	switch (type) {
	case THAW_MEM_FREE:
		return EfiConventionalMemory;
	case THAW_MEM_BOOT:
		return EfiBootServicesData;
	case THAW_MEM_ACPI:
		return EfiACPIReclaimMemory;
	default:
		return EfiRuntimeServicesData;
	}
}

static uint64_t *word_at(uint64_t frame)
{
	return (uint64_t *)(uintptr_t)(frame * PAGE);
}

static uint64_t pattern(uint64_t frame)
{
	return frame * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

static void fill(uint64_t frame)
{
	for (size_t i = 0; i < PAGE / 8; i++)
		word_at(frame)[i] = pattern(frame);
}

/* Every word of RAM, at the end of each boot: sanitizers would make it ten times as long. */
#define UNSANITIZED __attribute__((no_sanitize("address", "undefined")))

UNSANITIZED static bool is_untouched(uint64_t frame)
{
	for (size_t i = 0; i < PAGE / 8; i++) {
		if (word_at(frame)[i] != pattern(frame))
			return false;
	}
	return true;
}

void fake_memory_map(void)
{
	void *at = word_at(BASE);

	if (mmap(at, COUNT * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != at) {
		perror("memory for the firmware");
		exit(1);
	}
	for (size_t i = 0; i < COUNT; i++)
		types[i] = EfiMaxMemoryType;
	for (size_t r = 0; r < THAW_ARRAY_LEN(ranges); r++) {
		for (uint64_t f = ranges[r].frames.first; f < ranges[r].frames.end; f++) {
			types[f - BASE] = efi_type(ranges[r].type);
			fill(f);
		}
	}
}

uint32_t fake_memory_digest(void)
{
	return sim_digest(ranges, THAW_ARRAY_LEN(ranges));
}

/* --- pages -------------------------------------------------------------------------------- */

static bool all_are(uint64_t frame, uint64_t count, UINT32 type)
{
	if (frame < BASE || frame >= BASE + COUNT || count > BASE + COUNT - frame)
		return false;
	for (uint64_t i = 0; i < count; i++) {
		if (types[frame - BASE + i] != type)
			return false;
	}
	return true;
}

static void become(uint64_t frame, uint64_t count, UINT32 type)
{
	for (uint64_t i = 0; i < count; i++)
		types[frame - BASE + i] = type;
	key++;
}

/* From the top, as EDK2 does. 0: nowhere. */
static uint64_t find_free(uint64_t count)
{
	for (uint64_t frame = BASE + COUNT - count; count <= COUNT && frame >= BASE; frame--) {
		if (all_are(frame, count, EfiConventionalMemory))
			return frame;
	}
	return 0;
}

static EFI_STATUS EFIAPI allocate_pages(EFI_ALLOCATE_TYPE how, EFI_MEMORY_TYPE type, UINTN count,
					EFI_PHYSICAL_ADDRESS *address)
{
	EFI_STATUS status = fake_call(FAKE_ALLOCATE_PAGES);
	uint64_t frame;

	if (EFI_ERROR(status))
		return status;
	if (type != EfiLoaderData || !count || (how != AllocateAnyPages && how != AllocateAddress))
		fake_fault("AllocatePages", type, count);
	frame = how == AllocateAddress ? *address / PAGE : find_free(count);
	if (!frame || !all_are(frame, count, EfiConventionalMemory))
		return how == AllocateAddress ? EFI_NOT_FOUND : EFI_OUT_OF_RESOURCES;
	become(frame, count, EfiLoaderData);
	*address = frame * PAGE;
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI free_pages(EFI_PHYSICAL_ADDRESS address, UINTN count)
{
	EFI_STATUS status = fake_call(FAKE_FREE_PAGES);

	if (EFI_ERROR(status))
		return status;
	if (address % PAGE || !all_are(address / PAGE, count, EfiLoaderData)) {
		fake_fault("FreePages", address, count);
		return EFI_NOT_FOUND;
	}
	become(address / PAGE, count, EfiConventionalMemory);
	return EFI_SUCCESS;
}

size_t fake_memory_held(void)
{
	size_t held = 0;

	for (size_t i = 0; i < COUNT; i++)
		held += types[i] == EfiLoaderData;
	for (size_t i = 0; i < POOLS; i++)
		held += pools[i] != NULL;
	return held;
}

/* --- pools -------------------------------------------------------------------------------- */

static EFI_STATUS EFIAPI allocate_pool(EFI_MEMORY_TYPE type, UINTN size, VOID **ret)
{
	EFI_STATUS status = fake_call(FAKE_ALLOCATE_POOL);
	size_t i = 0;

	(void)type;
	while (i < POOLS && pools[i])
		i++;
	if (EFI_ERROR(status) || i == POOLS)
		return EFI_OUT_OF_RESOURCES;
	*ret = pools[i] = malloc(size);
	return EFI_SUCCESS;
}

/* Also what LocateHandleBuffer allocated, which is not counted. */
static EFI_STATUS EFIAPI free_pool(VOID *memory)
{
	EFI_STATUS status = fake_call(FAKE_FREE_POOL);

	for (size_t i = 0; !EFI_ERROR(status) && i < POOLS; i++) {
		if (pools[i] == memory)
			pools[i] = NULL;
	}
	if (!EFI_ERROR(status))
		free(memory);
	return status;
}

static VOID EFIAPI set_mem(VOID *at, UINTN size, UINT8 value)
{
	memset(at, value, size);
}

static VOID EFIAPI copy_mem(VOID *to, VOID *from, UINTN size)
{
	memmove(to, from, size);
}

/* --- the map ------------------------------------------------------------------------------ */

/* Larger than the structure, as EDK2's are. */
#define DESCRIPTOR_BYTES 48

static UINTN write_map(uint8_t *to, UINTN room)
{
	UINTN size = 0;
	size_t n;

	for (size_t i = 0; i < COUNT; i += n) {
		EFI_MEMORY_DESCRIPTOR d = {.Type = types[i], .PhysicalStart = (BASE + i) * PAGE};

		for (n = 1; i + n < COUNT && types[i + n] == types[i]; n++)
			;
		if (types[i] == EfiMaxMemoryType)
			continue;
		d.NumberOfPages = n;
		d.Attribute = 0xf;
		size += DESCRIPTOR_BYTES;
		if (size <= room)
			memcpy(to + size - DESCRIPTOR_BYTES, &d, sizeof(d));
	}
	return size;
}

static EFI_STATUS EFIAPI get_memory_map(UINTN *size, EFI_MEMORY_DESCRIPTOR *map, UINTN *ret_key,
					UINTN *ret_desc_size, UINT32 *ret_version)
{
	EFI_STATUS status = fake_call(FAKE_GET_MEMORY_MAP);
	UINTN room = *size;

	if (EFI_ERROR(status))
		return status;
	*size = write_map((uint8_t *)map, room);
	*ret_desc_size = DESCRIPTOR_BYTES;
	*ret_version = 1;
	*ret_key = key;
	return *size > room ? EFI_BUFFER_TOO_SMALL : EFI_SUCCESS;
}

/* Whoever is told that boot services end should not allocate anything, and some do. */
static void take_once(void)
{
	UINT32 type = fake->options.taken;
	uint64_t frame = type ? find_free(1) : 0;

	fake->options.taken = 0;
	if (frame)
		become(frame, 1, type);
}

static EFI_STATUS EFIAPI exit_boot_services(EFI_HANDLE image, UINTN their_key)
{
	EFI_STATUS status = fake_call(FAKE_EXIT_BOOT_SERVICES);

	if (image != fake_handles_image())
		fake_fault("ExitBootServices", 0, 0);
	take_once();
	if (!EFI_ERROR(status) && their_key != key)
		status = EFI_INVALID_PARAMETER;
	fake_exited = !EFI_ERROR(status);
	return status;
}

void fake_memory_init(EFI_BOOT_SERVICES *bs)
{
	bs->AllocatePages = allocate_pages;
	bs->FreePages = free_pages;
	bs->GetMemoryMap = get_memory_map;
	bs->AllocatePool = allocate_pool;
	bs->FreePool = free_pool;
	bs->SetMem = set_mem;
	bs->CopyMem = copy_mem;
	bs->ExitBootServices = exit_boot_services;
}

/* --- what is in it ------------------------------------------------------------------------ */

UNSANITIZED bool fake_memory_has_remnants(void)
{
	for (uint64_t f = BASE; f < BASE + COUNT; f++) {
		for (size_t i = 0; types[f - BASE] != EfiMaxMemoryType && i < PAGE / 8; i++) {
			if (word_at(f)[i] == SYNTH_SECRET)
				return true;
		}
	}
	return false;
}

/* Most of what thaw clears it never used: each page that is left alone saves a fault. */
static void copy_page(uint64_t to, uint64_t from)
{
	const struct synth_frame *f = synth_find(&fake_picture, to);

	if (!f && !all_are(to, 1, EfiLoaderData))
		fake_fault("a copy to where nothing of thaw's is", to, 0);
	else if (from)
		memcpy(word_at(to), word_at(from), PAGE);
	else if (f || !is_untouched(to))
		memset(word_at(to), 0, PAGE);
}

static void make_copies(const struct thaw_handoff *handoff)
{
	const struct thaw_copy_page *page;

	for (uint64_t pa = handoff->copies; pa; pa = page->next) {
		page = (const struct thaw_copy_page *)word_at(pa / PAGE);
		for (uint64_t n = 0; n < page->count; n++) {
			const struct thaw_copy *c = &page->copy[n];

			for (uint64_t i = 0; i < c->pages; i++)
				copy_page(c->to / PAGE + i, c->from ? c->from / PAGE + i : 0);
		}
	}
}

static void check_frame(uint64_t frame)
{
	static const uint8_t zero[PAGE];
	const struct synth_frame *f = synth_find(&fake_picture, frame);

	if (f && memcmp(word_at(frame), f->data ? f->data : zero, PAGE))
		fake_fault("frame is not as saved", frame, !f->data);
	if (!f && types[frame - BASE] != EfiLoaderData && !is_untouched(frame))
		fake_fault("frame changed that is not ours", frame, types[frame - BASE]);
}

void fake_memory_jump(const struct thaw_handoff *handoff)
{
	make_copies(handoff);
	for (uint64_t f = BASE; f < BASE + COUNT; f++) {
		if (types[f - BASE] != EfiMaxMemoryType)
			check_frame(f);
	}
	if (handoff->jump_va != fake_picture.jump_va || handoff->image_root != fake_picture.root_pa)
		fake_fault("wrong entry", handoff->jump_va, handoff->image_root);
}
