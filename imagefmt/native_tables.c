/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * native_tables.c: the tables in the logical space.
 */
#include "native.h"
#include "xxh64.h"

#include <thaw/crc32.h>

struct kind {
	uint32_t entry_bytes;
	uint64_t most; /* entries */
};

/* A table of so many bytes fits any address space, before the logical space bounds it further. */
#define MOST_BYTES (UINT64_C(1) << 48)

static const struct kind kinds[] = {
	[NATIVE_TABLE_FRAMES] = {sizeof(struct native_run), MOST_BYTES / sizeof(struct native_run)},
	[NATIVE_TABLE_BLOCKS] = {sizeof(struct native_block),
				 MOST_BYTES / sizeof(struct native_block)},
	[NATIVE_TABLE_MEMORY_MAP] = {sizeof(struct native_memory), NATIVE_MEMORY_MAX},
	[NATIVE_TABLE_FIRMWARE] = {sizeof(struct native_firmware), NATIVE_FIRMWARE_MAX},
	[NATIVE_TABLE_WATCHED] = {sizeof(struct native_watched), NATIVE_WATCHED_MAX},
	[NATIVE_TABLE_NOTES] = {1, NATIVE_NOTES_MAX},
};

/* --- descriptors -------------------------------------------------------------------------- */

static bool is_known(uint32_t type)
{
	return type < THAW_ARRAY_LEN(kinds) && kinds[type].entry_bytes;
}

/* *ret_bytes is what it takes of the logical space. */
static enum thaw_err check_place(struct native_open *o, const struct native_table *t,
				 uint64_t *ret_bytes)
{
	uint64_t size = o->header->logical_units << NATIVE_UNIT_SHIFT;

	if (thaw_mul_overflows(t->entries, (uint64_t)t->entry_bytes, ret_bytes) ||
	    t->position % NATIVE_UNIT || t->position < o->header->data_bytes ||
	    t->position > size || *ret_bytes > size - t->position)
		return thaw_fail(o->diag, THAW_MAP_BOUNDS, "table", t->type, t->position);
	return THAW_OK;
}

/* A run or a block has a frame at least: more of them are made up, and would cost their memory. */
static enum thaw_err check_number(struct native_open *o, const struct native_table *t)
{
	const struct native_header *h = o->header;
	uint64_t most = UINT64_MAX;

	if (t->type == NATIVE_TABLE_FRAMES)
		most = h->data_frames + h->zero_frames + h->fill_frames + h->spare_frames;
	else if (t->type == NATIVE_TABLE_BLOCKS)
		most = h->data_frames;
	if (t->entries > most)
		return thaw_fail(o->diag, THAW_HEADER_FIELD, "table", t->type, t->entries);
	return THAW_OK;
}

static enum thaw_err check_table(struct native_open *o, const struct native_table *t)
{
	enum thaw_err err;
	static const struct native_table none;
	uint64_t bytes;

	if (!t->type && !thaw_bytes_equal(t, &none, sizeof(none)))
		return thaw_fail(o->diag, THAW_HEADER_FIELD, "table type", t->entries, t->position);
	if (is_known(t->type) &&
	    (t->entry_bytes != kinds[t->type].entry_bytes || t->entries > kinds[t->type].most))
		return thaw_fail(o->diag, THAW_HEADER_FIELD, "table", t->type, t->entries);
	err = check_number(o, t);
	return err || !t->type ? err : check_place(o, t, &bytes);
}

static bool overlap(const struct native_table *a, const struct native_table *b)
{
	return a->position < b->position + b->entries * b->entry_bytes &&
	       b->position < a->position + a->entries * a->entry_bytes;
}

static enum thaw_err check_tables(struct native_open *o)
{
	const struct native_table *t = o->header->tables;
	size_t i;
	size_t k;
	enum thaw_err err;

	for (i = 0; i < NATIVE_TABLES; i++) {
		err = check_table(o, &t[i]);
		if (err)
			return err;
		for (k = 0; k < i && t[i].type; k++) {
			if (t[i].type == t[k].type || (t[k].type && overlap(&t[i], &t[k])))
				return thaw_fail(o->diag, THAW_MAP_ALIAS, "table", t[i].type,
						 t[k].type);
		}
	}
	return THAW_OK;
}

/* --- reading ------------------------------------------------------------------------------ */

/* From any place of the logical space on; the table lies in it. */
static enum thaw_err read_logical(struct native_open *o, uint64_t unit, uint64_t units,
				  uint8_t *buf)
{
	const struct thaw_extent *e = o->logical.list;
	uint64_t count;
	enum thaw_err err;

	for (; unit >= e->count; e++)
		unit -= e->count;
	for (; units; units -= count, e++, unit = 0) {
		count = thaw_min(units, e->count - unit);
		err = o->disk->read(o->disk, e->page + unit, count, buf);
		if (err)
			return thaw_fail(o->diag, err, "table", e->page + unit, count);
		buf += count << NATIVE_UNIT_SHIFT;
	}
	return THAW_OK;
}

enum thaw_err native_read_table(struct native_open *o, uint32_t type, const void **ret,
				size_t *ret_count)
{
	const struct native_table *t = o->header->tables;
	const struct native_table *end = t + NATIVE_TABLES;
	uint64_t bytes;
	uint64_t units;
	uint8_t *buf;
	enum thaw_err err;

	*ret = NULL;
	*ret_count = 0;
	while (t < end && t->type != type)
		t++;
	if (t == end || !t->entries)
		return THAW_OK;
	bytes = t->entries * t->entry_bytes;
	units = thaw_div_up(bytes, NATIVE_UNIT);
	buf = o->memory->alloc(o->memory, units << NATIVE_UNIT_SHIFT);
	if (!buf)
		return thaw_fail(o->diag, THAW_MEMORY, "table", type, bytes);
	err = read_logical(o, t->position >> NATIVE_UNIT_SHIFT, units, buf);
	if (err)
		return err;
	if (thaw_xxh64(buf, (size_t)bytes, 0) != t->checksum)
		return thaw_fail(o->diag, THAW_CHECKSUM, "table", type, t->checksum);
	*ret = buf;
	*ret_count = (size_t)t->entries;
	return THAW_OK;
}

/* --- frames ------------------------------------------------------------------------------- */

static enum thaw_err check_run(struct native_open *o, const struct native_run *run, uint64_t next)
{
	bool filled = run->kind == NATIVE_RUN_FILL;

	if (run->first >= THAW_FRAME_LIMIT || run->count > THAW_FRAME_LIMIT - run->first)
		return thaw_fail(o->diag, THAW_FRAMES_RANGE, "run", run->first, run->count);
	if (!run->count || run->kind < NATIVE_RUN_DATA || run->kind > NATIVE_RUN_SPARE ||
	    filled != (run->fill != 0))
		return thaw_fail(o->diag, THAW_FRAMES_COUNT, "run", run->first, run->kind);
	if (run->first < next)
		return thaw_fail(o->diag, THAW_FRAMES_ORDER, "run", run->first, next);
	return THAW_OK;
}

static struct thaw_run make_run(const struct native_run *run)
{
	static const uint32_t kind[] = {
		[NATIVE_RUN_DATA] = THAW_RUN_DATA,
		[NATIVE_RUN_ZERO] = THAW_RUN_ZERO,
		[NATIVE_RUN_FILL] = THAW_RUN_FILL,
	};

	return (struct thaw_run){run->first, run->count, kind[run->kind], run->fill};
}

/* Runs may be as many as there are frames, so the sums cannot overflow. */
static enum thaw_err take_runs(struct native_open *o, const struct native_run *run, size_t count,
			       struct thaw_run *to)
{
	const struct native_header *h = o->header;
	uint64_t total[NATIVE_RUN_SPARE + 1] = {0};
	uint64_t next = 0;
	enum thaw_err err;

	for (; count; count--, run++) {
		err = check_run(o, run, next);
		if (err)
			return err;
		next = run->first + run->count;
		total[run->kind] += run->count;
		/* Spare frames are nobody's: the loader finds them free by itself. */
		if (run->kind != NATIVE_RUN_SPARE)
			to[o->image->run_count++] = make_run(run);
	}
	if (total[NATIVE_RUN_DATA] != h->data_frames || total[NATIVE_RUN_ZERO] != h->zero_frames ||
	    total[NATIVE_RUN_FILL] != h->fill_frames || total[NATIVE_RUN_SPARE] != h->spare_frames)
		return thaw_fail(o->diag, THAW_FRAMES_COUNT, "frames", total[NATIVE_RUN_DATA],
				 h->data_frames);
	return THAW_OK;
}

static enum thaw_err read_frames(struct native_open *o)
{
	const void *table;
	size_t count;
	struct thaw_run *runs;
	enum thaw_err err = native_read_table(o, NATIVE_TABLE_FRAMES, &table, &count);

	if (err)
		return err;
	if (!count)
		return thaw_fail(o->diag, THAW_FRAMES_COUNT, "runs", 0, 0);
	runs = o->memory->alloc(o->memory, count * sizeof(*runs));
	if (!runs)
		return thaw_fail(o->diag, THAW_MEMORY, "runs", count, 0);
	o->image->runs = runs;
	return take_runs(o, table, count, runs);
}

/* --- blocks ------------------------------------------------------------------------------- */

static bool is_length_right(const struct native_block *b, uint64_t bytes)
{
	if (b->codec == NATIVE_CODEC_NONE)
		return b->stored == bytes && b->position % NATIVE_UNIT == 0;
	return b->codec == NATIVE_CODEC_LZ4 && b->stored && b->stored < bytes &&
	       b->position % NATIVE_LZ4_ALIGN == 0;
}

/* page and end: of the block before. */
static enum thaw_err check_block(struct native_open *o, const struct native_block *b, uint64_t page,
				 uint64_t end)
{
	uint64_t bytes = (uint64_t)b->pages << THAW_PAGE_SHIFT;

	if (!bytes || bytes > NATIVE_BLOCK_BYTES || !is_length_right(b, bytes))
		return thaw_fail(o->diag, THAW_BLOCK_LENGTH, "block", page, b->stored);
	if (b->first_page != page || b->pages > o->header->data_frames - page)
		return thaw_fail(o->diag, THAW_BLOCK_LENGTH, "first_page", b->first_page, page);
	if (b->position < end || b->position - end >= NATIVE_UNIT ||
	    b->position > o->header->data_bytes ||
	    b->stored > o->header->data_bytes - b->position || (!page && b->position))
		return thaw_fail(o->diag, THAW_MAP_BOUNDS, "block", b->position, end);
	return THAW_OK;
}

static enum thaw_err check_blocks(struct native_open *o, const struct native_block *b, size_t count)
{
	uint64_t page = 0;
	uint64_t end = 0;
	enum thaw_err err;

	for (; count; count--, b++) {
		err = check_block(o, b, page, end);
		if (err)
			return err;
		page += b->pages;
		end = b->position + b->stored;
	}
	if (page != o->header->data_frames)
		return thaw_fail(o->diag, THAW_MAP_SHORT, "blocks", page, o->header->data_frames);
	if (o->header->data_bytes - end >= NATIVE_UNIT)
		return thaw_fail(o->diag, THAW_MAP_LONG, "data_bytes", o->header->data_bytes, end);
	return THAW_OK;
}

static enum thaw_err read_blocks(struct native_open *o)
{
	struct thaw_image *image = o->image;
	const void *table;
	enum thaw_err err = native_read_table(o, NATIVE_TABLE_BLOCKS, &table, &image->block_count);

	if (err)
		return err;
	image->blocks = table;
	return check_blocks(o, table, image->block_count);
}

/* --- the saved machine -------------------------------------------------------------------- */

/* As Linux computes it (arch/x86/power/hibernate.c): the number of entries, then the entries. */
static uint32_t digest_of(const struct thaw_e820 *map, size_t count)
{
	uint32_t entries = (uint32_t)count;
	uint32_t crc = thaw_crc32(UINT32_MAX, &entries, sizeof(entries));

	return ~thaw_crc32(crc, map, count * sizeof(*map));
}

static enum thaw_err take_map(struct native_open *o, const struct native_memory *m, size_t count,
			      struct thaw_e820 *to)
{
	uint64_t next = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		if (m[i].address < next || !m[i].bytes ||
		    thaw_add_overflows(m[i].address, m[i].bytes, &next))
			return thaw_fail(o->diag, THAW_HEADER_FIELD, "memory map", m[i].address, i);
		to[i] = (struct thaw_e820){m[i].address, m[i].bytes, m[i].type};
	}
	if (digest_of(to, count) != o->header->map_digest)
		return thaw_fail(o->diag, THAW_HEADER_FIELD, "map_digest", o->header->map_digest,
				 count);
	return THAW_OK;
}

static enum thaw_err read_map(struct native_open *o)
{
	struct thaw_image *image = o->image;
	const void *table;
	size_t count;
	struct thaw_e820 *map;
	enum thaw_err err = native_read_table(o, NATIVE_TABLE_MEMORY_MAP, &table, &count);

	if (err || !count)
		return err;
	map = o->memory->alloc(o->memory, count * sizeof(*map));
	if (!map)
		return thaw_fail(o->diag, THAW_MEMORY, "memory map", count, 0);
	image->saved_map = map;
	image->saved_map_count = count;
	return take_map(o, table, count, map);
}

/* --- the whole ---------------------------------------------------------------------------- */

/* The extents of the data area alone: what there is behind it is read. */
static void take_stream(struct native_open *o)
{
	struct thaw_image *image = o->image;
	uint64_t left = o->header->data_bytes >> NATIVE_UNIT_SHIFT;
	size_t i;

	for (i = 0; left; i++) {
		o->logical.list[i].count = thaw_min(left, o->logical.list[i].count);
		left -= o->logical.list[i].count;
	}
	image->extents = o->logical.list;
	image->extent_count = i;
	/* Nothing of it was read yet. */
	image->rest = image->header;
	image->head = image->header;
}

enum thaw_err native_read_tables(struct native_open *o)
{
	enum thaw_err err = check_tables(o);

	if (!err)
		err = read_frames(o);
	if (!err)
		err = read_blocks(o);
	if (!err)
		err = read_map(o);
	if (!err)
		err = native_read_world(o);
	if (!err)
		take_stream(o);
	return err;
}
