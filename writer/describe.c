/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * describe.c: takes over what an image says of the system in it, if the format has room for it.
 */
#include "parts.h"

#include <stdlib.h>
#include <string.h>
#include <thaw/crc32.h>

/* --- is it right? ------------------------------------------------------------------------- */

static bool memory_map_is_right(const struct native_memory *map, size_t count)
{
	uint64_t next = 0;
	size_t i;

	if (count > NATIVE_MEMORY_MAX)
		return false;
	for (i = 0; i < count; i++) {
		if (map[i].address < next || !map[i].bytes ||
		    thaw_add_overflows(map[i].address, map[i].bytes, &next))
			return false;
	}
	return true;
}

static bool firmware_is_right(const struct native_firmware *list, size_t count)
{
	size_t i;
	size_t k;

	if (count > NATIVE_FIRMWARE_MAX)
		return false;
	for (i = 0; i < count; i++) {
		for (k = 0; k < i; k++) {
			if (!memcmp(list[i].guid, list[k].guid, sizeof(list[i].guid)))
				return false;
		}
	}
	return true;
}

static bool watched_is_right(const struct native_watched *list, size_t count)
{
	size_t i;

	if (count > NATIVE_WATCHED_MAX)
		return false;
	for (i = 0; i < count; i++) {
		if (list[i].offset % 512 || !list[i].bytes ||
		    list[i].bytes > NATIVE_WATCHED_BYTES_MAX ||
		    list[i].name[sizeof(list[i].name) - 1])
			return false;
	}
	return true;
}

static bool facts_are_right(const struct thaw_writer_facts *f)
{
	bool arch = f->arch == NATIVE_ARCH_ARM64 ||
		    (f->arch == NATIVE_ARCH_X86_64 && !(f->entry.x86_64.root_pa % 4096));
	bool source = f->source >= NATIVE_SOURCE_SNAPSHOT && f->source <= NATIVE_SOURCE_MADE_UP;

	return arch && source && memory_map_is_right(f->memory_map, f->memory_map_count) &&
	       firmware_is_right(f->firmware, f->firmware_count) &&
	       watched_is_right(f->watched, f->watched_count) &&
	       (!f->notes || strlen(f->notes) <= NATIVE_NOTES_MAX);
}

/* --- the header --------------------------------------------------------------------------- */

/* As Linux computes it (arch/x86/power/hibernate.c): the number of entries, then 20 bytes each. */
static uint32_t digest_of(const struct native_memory *map, size_t count)
{
	uint32_t entries = (uint32_t)count;
	uint32_t crc = thaw_crc32(UINT32_MAX, &entries, sizeof(entries));
	size_t i;

	for (i = 0; i < count; i++)
		crc = thaw_crc32(crc, &map[i], offsetof(struct native_memory, reserved));
	return ~crc;
}

static void set_text(char *to, size_t bytes, const char *from)
{
	memset(to, 0, bytes);
	if (from)
		memcpy(to, from, strnlen(from, bytes - 1));
}

static void describe_map(struct native_header *h, const struct thaw_writer_facts *f)
{
	if (f->memory_map_count || f->has_map_digest)
		h->flags |= NATIVE_FLAG_MAP_DIGEST;
	h->map_digest = f->has_map_digest ? f->map_digest : 0;
	if (f->memory_map_count)
		h->map_digest = digest_of(f->memory_map, f->memory_map_count);
}

static void describe_entry(struct native_header *h, const struct thaw_writer_facts *f)
{
	h->arch = f->arch;
	h->entry_bytes =
		f->arch == NATIVE_ARCH_ARM64 ? sizeof(f->entry.arm64) : sizeof(f->entry.x86_64);
	memset(h->entry, 0, sizeof(h->entry));
	memcpy(h->entry, &f->entry, h->entry_bytes);
}

static void describe_header(struct native_header *h, const struct thaw_writer_facts *f)
{
	h->created = f->created;
	memcpy(h->machine_id, f->machine_id, sizeof(h->machine_id));
	h->source = f->source;
	h->flags = (f->platform_mode ? NATIVE_FLAG_PLATFORM : 0) |
		   (f->has_hw_sig ? NATIVE_FLAG_HW_SIG : 0);
	h->hw_sig = f->has_hw_sig ? f->hw_sig : 0;
	describe_map(h, f);
	describe_entry(h, f);
	set_text(h->release, sizeof(h->release), f->release);
	set_text(h->kernel_version, sizeof(h->kernel_version), f->kernel_version);
	set_text(h->writer, sizeof(h->writer), f->writer);
	set_text(h->hostname, sizeof(h->hostname), f->hostname);
}

/* --- the tables --------------------------------------------------------------------------- */

/* Replaces *to by a copy; of nothing that is NULL. */
static bool copy(void *to, size_t *ret_count, const void *from, size_t count, size_t entry_bytes)
{
	void **list = to;
	void *mine = NULL;

	if (count) {
		mine = malloc(count * entry_bytes);
		if (!mine)
			return false;
		memcpy(mine, from, count * entry_bytes);
	}
	free(*list);
	*list = mine;
	*ret_count = count;
	return true;
}

static bool copy_tables(struct thaw_writer *w, const struct thaw_writer_facts *f)
{
	return copy(&w->memory_map, &w->memory_map_count, f->memory_map, f->memory_map_count,
		    sizeof(*f->memory_map)) &&
	       copy(&w->firmware, &w->firmware_count, f->firmware, f->firmware_count,
		    sizeof(*f->firmware)) &&
	       copy(&w->watched, &w->watched_count, f->watched, f->watched_count,
		    sizeof(*f->watched)) &&
	       copy(&w->notes, &w->notes_bytes, f->notes, f->notes ? strlen(f->notes) : 0, 1);
}

enum thaw_writer_err thaw_writer_describe(struct thaw_writer *w,
					  const struct thaw_writer_facts *facts)
{
	if (w->err)
		return w->err;
	if (!facts_are_right(facts))
		return w->err = THAW_WRITER_FACTS;
	if (!copy_tables(w, facts))
		return w->err = THAW_WRITER_MEMORY;
	describe_header(w->header, facts);
	w->described = true;
	return THAW_WRITER_OK;
}
