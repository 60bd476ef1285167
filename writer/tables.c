/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * tables.c: what is only known at the end: tables, the segments that list the disk runs, header.
 */
#include "parts.h"

#include "../imagefmt/xxh64.h"

#include <stdlib.h>
#include <string.h>

/* --- tables ------------------------------------------------------------------------------- */

static enum thaw_writer_err add_table(struct thaw_writer *w, uint32_t type, size_t entry_bytes,
				      const void *entries, size_t count)
{
	struct native_table *t = w->header->tables;
	enum thaw_writer_err err = output_align(&w->output, NATIVE_UNIT);

	while (t->type)
		t++;
	*t = (struct native_table){
		.type = type,
		.entry_bytes = (uint32_t)entry_bytes,
		.position = w->output.position,
		.entries = count,
		.checksum = thaw_xxh64(entries, count * entry_bytes, 0),
	};
	return err ? err : output_append(&w->output, entries, count * entry_bytes);
}

static enum thaw_writer_err add_optional(struct thaw_writer *w, uint32_t type, size_t entry_bytes,
					 const void *entries, size_t count)
{
	return count ? add_table(w, type, entry_bytes, entries, count) : THAW_WRITER_OK;
}

static enum thaw_writer_err write_tables(struct thaw_writer *w)
{
	const struct vector *runs = &w->frames.runs;
	const struct vector *blocks = &w->pipeline.blocks;
	enum thaw_writer_err err;

	err = add_table(w, NATIVE_TABLE_FRAMES, sizeof(struct native_run), runs->list, runs->count);
	if (!err)
		err = add_table(w, NATIVE_TABLE_BLOCKS, sizeof(struct native_block), blocks->list,
				blocks->count);
	if (!err)
		err = add_optional(w, NATIVE_TABLE_MEMORY_MAP, sizeof(*w->memory_map),
				   w->memory_map, w->memory_map_count);
	if (!err)
		err = add_optional(w, NATIVE_TABLE_FIRMWARE, sizeof(*w->firmware), w->firmware,
				   w->firmware_count);
	if (!err)
		err = add_optional(w, NATIVE_TABLE_WATCHED, sizeof(*w->watched), w->watched,
				   w->watched_count);
	if (!err)
		err = add_optional(w, NATIVE_TABLE_NOTES, 1, w->notes, w->notes_bytes);
	if (!err)
		err = output_align(&w->output, NATIVE_UNIT);
	return err ? err : output_flush(&w->output);
}

/* --- segments ----------------------------------------------------------------------------- */

static size_t extents_in(uint64_t units)
{
	return (size_t)((units << NATIVE_UNIT_SHIFT) - sizeof(struct native_segment)) /
	       sizeof(struct native_extent);
}

static uint64_t units_for(size_t extents)
{
	uint64_t bytes = sizeof(struct native_segment) + extents * sizeof(struct native_extent);

	return thaw_min(thaw_div_up(bytes, NATIVE_UNIT), NATIVE_SEGMENT_UNITS);
}

/* Places for as many segments as the extents need. */
static enum thaw_writer_err take_places(struct thaw_writer *w, struct vector *ret)
{
	size_t left = w->output.extents.count;
	struct thaw_extent *place;
	enum thaw_writer_err err;

	while (left) {
		place = vector_add(ret, sizeof(*place));
		if (!place)
			return THAW_WRITER_MEMORY;
		err = output_take(&w->output, units_for(left), place);
		if (err)
			return err;
		left -= thaw_min(left, extents_in(place->count));
	}
	return THAW_WRITER_OK;
}

/* The header holds what the segment before this one will have to say of it. */
static enum thaw_writer_err write_segment(struct thaw_writer *w, struct thaw_extent place,
					  const struct native_extent *extents, size_t count,
					  uint8_t *buf)
{
	struct native_header *h = w->header;
	struct native_segment *s = (struct native_segment *)buf;
	size_t bytes = (size_t)place.count << NATIVE_UNIT_SHIFT;

	memset(buf, 0, bytes);
	*s = (struct native_segment){
		.magic = NATIVE_SEGMENT_MAGIC,
		.count = (uint32_t)count,
		.next_unit = h->segment_unit,
		.next_units = h->segment_units,
		.next_checksum = h->segment_checksum,
	};
	memcpy(s + 1, extents, count * sizeof(*extents));
	h->segment_unit = place.page;
	h->segment_units = (uint32_t)place.count;
	h->segment_checksum = thaw_xxh64(buf, bytes, 0);
	return output_put(&w->output, place.page, place.count, buf);
}

/* From the last to the first, since each carries the checksum of the next. */
static enum thaw_writer_err write_chain(struct thaw_writer *w, const struct vector *places,
					uint8_t *buf)
{
	const struct native_extent *extents = w->output.extents.list;
	const struct thaw_extent *place = places->list;
	size_t left = w->output.extents.count;
	size_t before = 0;
	size_t i;
	enum thaw_writer_err err = THAW_WRITER_OK;

	for (i = 0; i + 1 < places->count; i++)
		before += extents_in(place[i].count);
	for (i = places->count; i && !err; i--) {
		err = write_segment(w, place[i - 1], extents + before, left - before, buf);
		left = before;
		if (i > 1)
			before -= extents_in(place[i - 2].count);
	}
	return err;
}

static enum thaw_writer_err write_segments(struct thaw_writer *w)
{
	struct vector places = {0};
	uint8_t *buf = aligned_alloc(NATIVE_UNIT, NATIVE_SEGMENT_UNITS * NATIVE_UNIT);
	enum thaw_writer_err err = buf ? take_places(w, &places) : THAW_WRITER_MEMORY;

	if (!err)
		err = write_chain(w, &places, buf);
	free(places.list);
	free(buf);
	return err;
}

/* --- the whole ---------------------------------------------------------------------------- */

static void fill_header(struct thaw_writer *w)
{
	static const uint8_t magic[8] = NATIVE_HEADER_MAGIC;
	struct native_header *h = w->header;
	const uint64_t *total = w->frames.total;

	memcpy(h->magic, magic, sizeof(magic));
	h->version = NATIVE_VERSION;
	h->page_shift = w->options.page_shift;
	h->data_frames = total[NATIVE_RUN_DATA];
	h->zero_frames = total[NATIVE_RUN_ZERO];
	h->fill_frames = total[NATIVE_RUN_FILL];
	h->spare_frames = total[NATIVE_RUN_SPARE];
	h->logical_units = w->output.position >> NATIVE_UNIT_SHIFT;
	h->extent_count = w->output.extents.count;
}

enum thaw_writer_err tables_write(struct thaw_writer *w, uint64_t *ret_unit)
{
	struct thaw_extent place;
	enum thaw_writer_err err = output_align(&w->output, NATIVE_UNIT);

	w->header->data_bytes = w->output.position;
	if (!err)
		err = write_tables(w);
	if (!err)
		err = write_segments(w);
	if (!err)
		err = output_take(&w->output, 1, &place);
	if (err)
		return err;
	fill_header(w);
	*ret_unit = place.page;
	err = output_put(&w->output, place.page, 1, w->header);
	return err ? err : output_sync(&w->output);
}
