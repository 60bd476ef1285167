/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * image_machine.c: what an image says of the saved machine beside its frames, for the image that it
 * is converted to. One of thaw's own says it in tables; of Linux's the memory map is among the pages.
 */
#include "image_convert.h"

#include "thawctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <thaw/crc32.h>

/* --- the saved memory map, among the pages ------------------------------------------------- */

static bool is_proved(const struct thaw_facts *facts, const uint8_t *table, size_t bytes)
{
	uint8_t digest[THAW_MD5_BYTES];
	struct thaw_md5 md5;

	if (facts->digest_kind == THAW_DIGEST_CRC32)
		return ~thaw_crc32(UINT32_MAX, table, bytes) == facts->digest;
	if (facts->digest_kind != THAW_DIGEST_MD5)
		return false;
	thaw_md5_init(&md5);
	thaw_md5_update(&md5, table, bytes);
	thaw_md5_final(&md5, digest);
	return !memcmp(digest, facts->digest_md5, sizeof(digest));
}

/* A table of so many entries: the digest in the header proves it. */
static bool take_table(struct image_machine *m, const uint8_t *table, uint32_t count)
{
	struct thaw_e820 e;
	uint32_t i;

	if (!is_proved(m->facts, table, 4 + count * sizeof(e)))
		return false;
	for (i = 0; i < count; i++) {
		memcpy(&e, table + 4 + i * sizeof(e), sizeof(e));
		m->found[i] = (struct native_memory){e.addr, e.size, e.type, 0};
	}
	m->map = m->found;
	m->map_count = count;
	return true;
}

/* What begins in the page that is held; so many bytes from there on are known. */
static void search_held(struct image_machine *m, size_t known)
{
	const uint8_t *page = m->held;
	uint32_t count;
	size_t at;

	for (at = 0; at < THAW_PAGE_SIZE && at + 24 <= known; at += 8) {
		count = thaw_le32(page + at);
		if (count && count <= IMAGE_MOST_ENTRIES && !thaw_le64(page + at + 4) &&
		    thaw_le64(page + at + 12) &&
		    4 + count * sizeof(struct thaw_e820) <= known - at &&
		    take_table(m, page + at, count))
			return;
	}
}

void image_machine_search(struct image_machine *m, uint64_t frame, const uint8_t *page)
{
	bool next = page && frame == m->frame + 1;

	if (m->holds) {
		if (next)
			memcpy(m->held + THAW_PAGE_SIZE, page, THAW_PAGE_SIZE);
		search_held(m, next ? sizeof(m->held) : THAW_PAGE_SIZE);
	}
	m->holds = page;
	m->frame = frame;
	if (page)
		memcpy(m->held, page, THAW_PAGE_SIZE);
}

bool image_machine_has_digest(const struct image_machine *m)
{
	return m->map_count || m->facts->digest_kind == THAW_DIGEST_CRC32;
}

/* --- the tables of thaw's own format -------------------------------------------------------- */

/* The extents of the logical space, whose segments were checked when the image was opened. */
static bool read_extents(struct image_source *s, const struct native_header *h,
			 struct native_extent *to)
{
	struct native_segment *segment = malloc(NATIVE_SEGMENT_UNITS * NATIVE_UNIT);
	uint64_t unit = h->segment_unit;
	uint64_t units = h->segment_units;
	uint64_t left = h->extent_count;
	bool good = segment;

	while (good && unit) {
		good = !s->disk.seam.read(&s->disk.seam, unit, units, segment) &&
		       segment->count <= left;
		if (!good)
			break;
		memcpy(to, segment + 1, segment->count * sizeof(*to));
		to += segment->count;
		left -= segment->count;
		unit = segment->next_unit;
		units = segment->next_units;
	}
	free(segment);
	return good && !left;
}

static bool read_logical(struct image_source *s, const struct native_extent *e, uint64_t unit,
			 uint64_t units, uint8_t *to)
{
	uint64_t count;

	for (; unit >= e->units; e++)
		unit -= e->units;
	for (; units; units -= count, e++, unit = 0) {
		count = thaw_min(units, e->units - unit);
		if (s->disk.seam.read(&s->disk.seam, e->unit + unit, count, to))
			return false;
		to += count << NATIVE_UNIT_SHIFT;
	}
	return true;
}

/* *ret is NULL where the image has none; the byte behind the table is 0. false: not read. */
static bool read_table(struct image_source *s, const struct native_header *h,
		       const struct native_extent *extents, uint32_t type, void *ret,
		       size_t *ret_count)
{
	const struct native_table *t = h->tables;
	uint64_t units;
	uint8_t *bytes;

	while (t < h->tables + NATIVE_TABLES && t->type != type)
		t++;
	if (t == h->tables + NATIVE_TABLES || !t->entries)
		return true;
	units = thaw_div_up(t->entries * t->entry_bytes, NATIVE_UNIT);
	bytes = calloc(units + 1, NATIVE_UNIT);
	if (!bytes || !read_logical(s, extents, t->position >> NATIVE_UNIT_SHIFT, units, bytes) ||
	    !thaw_bytes_match(bytes, t->entries * t->entry_bytes, t->checksum)) {
		free(bytes);
		return false;
	}
	memset(bytes + t->entries * t->entry_bytes, 0, 1);
	*(void **)ret = bytes;
	*ret_count = t->entries;
	return true;
}

static bool read_tables(struct image_machine *m, struct image_source *s)
{
	const struct native_header *h = &m->header;
	struct native_extent *extents = calloc(h->extent_count, sizeof(*extents));
	size_t notes;
	bool good = extents && read_extents(s, h, extents) &&
		    read_table(s, h, extents, NATIVE_TABLE_FRAMES, &m->runs, &m->run_count) &&
		    read_table(s, h, extents, NATIVE_TABLE_MEMORY_MAP, &m->table, &m->map_count) &&
		    read_table(s, h, extents, NATIVE_TABLE_FIRMWARE, &m->firmware,
			       &m->firmware_count) &&
		    read_table(s, h, extents, NATIVE_TABLE_WATCHED, &m->watched,
			       &m->watched_count) &&
		    read_table(s, h, extents, NATIVE_TABLE_NOTES, &m->notes, &notes);

	m->map = m->table;
	free(extents);
	return good;
}

/* --- the whole ----------------------------------------------------------------------------- */

bool image_machine_open(struct image_machine *ret, struct image_source *s)
{
	*ret = (struct image_machine){.facts = &s->image.facts};
	if (!image_is_native(s))
		return true;
	return image_header(s, &ret->header) && read_tables(ret, s);
}

void image_machine_close(struct image_machine *m)
{
	free(m->runs);
	free(m->table);
	free(m->firmware);
	free(m->watched);
	free(m->notes);
}

enum thaw_writer_err image_machine_spare(struct image_machine *m, struct thaw_writer *w,
					 uint64_t below)
{
	enum thaw_writer_err err = THAW_WRITER_OK;
	const struct native_run *run;

	for (; !err && m->run_next < m->run_count; m->run_next++) {
		run = &m->runs[m->run_next];
		if (run->first >= below)
			break;
		if (run->kind == NATIVE_RUN_SPARE)
			err = thaw_writer_spare(w, run->first, run->count);
	}
	return err;
}

enum thaw_writer_err image_machine_describe(const struct image_machine *m, struct thaw_writer *w)
{
	const struct thaw_facts *facts = m->facts;
	const struct native_header *h = &m->header;
	struct native_entry_x86_64 entry = {facts->jump_va, facts->jump_pa, facts->root_pa, 0, 0};
	struct thaw_writer_facts f = {
		.created = h->created,
		.source = NATIVE_SOURCE_CONVERTED,
		.platform_mode = facts->platform_mode,
		.has_hw_sig = facts->has_hw_sig,
		.hw_sig = facts->hw_sig,
		.has_map_digest = facts->digest_kind == THAW_DIGEST_CRC32,
		.map_digest = facts->digest,
		.arch = NATIVE_ARCH_X86_64,
		.release = h->release,
		.kernel_version = h->kernel_version,
		.writer = "thawctl " THAW_VERSION,
		.hostname = h->hostname,
		.memory_map = m->map,
		.memory_map_count = m->map_count,
		.firmware = m->firmware,
		.firmware_count = m->firmware_count,
		.watched = m->watched,
		.watched_count = m->watched_count,
		.notes = m->notes,
	};

	memcpy(f.machine_id, h->machine_id, sizeof(f.machine_id));
	if (h->arch)
		memcpy(&entry, h->entry, sizeof(entry));
	f.entry.x86_64 = entry;
	return thaw_writer_describe(w, &f);
}
