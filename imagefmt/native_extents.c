/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * native_extents.c: the chain of segments, which names every disk run of the logical space.
 *
 * Each segment carries the checksum of the next, so no accident makes a loop. An image made to keep us
 * busy could loop all the same, or have segments that overlap: the chain ends at the latest when it has
 * named as many extents as the header says, or is longer than the area. Memory grows with what was read
 * and held.
 */
#include "native.h"

static const uint8_t segment_magic[8] = NATIVE_SEGMENT_MAGIC;

struct chain {
	struct native_open *o;
	uint8_t *buf;
	uint64_t unit; /* of the next segment; 0: none */
	uint64_t units;
	uint64_t checksum;
	uint64_t length; /* units in all segments so far */
	uint64_t total;	 /* units in all extents so far */
};

static enum thaw_err check_place(struct chain *c)
{
	uint64_t pages = c->o->pages;

	if (!c->units || c->units > NATIVE_SEGMENT_UNITS || c->unit >= pages ||
	    c->units > pages - c->unit)
		return thaw_fail(c->o->diag, THAW_MAP_BOUNDS, "segment", c->unit, c->units);
	c->length += c->units;
	if (c->length > pages)
		return thaw_fail(c->o->diag, THAW_MAP_LOOP, "segment", c->unit, c->length);
	return THAW_OK;
}

static enum thaw_err take_extent(struct chain *c, struct native_extent e)
{
	struct native_open *o = c->o;
	uint64_t pages = o->pages;

	if (!e.unit || !e.units || e.unit >= pages || e.units > pages - e.unit)
		return thaw_fail(o->diag, THAW_MAP_BOUNDS, "extent", e.unit, e.units);
	if (o->logical.count == o->header->extent_count ||
	    e.units > o->header->logical_units - c->total)
		return thaw_fail(o->diag, THAW_MAP_LONG, "extent", o->logical.count, e.units);
	c->total += e.units;
	if (thaw_extents_append(&o->logical, (struct thaw_extent){e.unit, e.units}, o->memory))
		return thaw_fail(o->diag, THAW_MEMORY, "extents", o->logical.count, 0);
	return THAW_OK;
}

static enum thaw_err take_segment(struct chain *c)
{
	const struct native_segment *s = (const void *)c->buf;
	const struct native_extent *e = (const void *)(s + 1);
	size_t room = (((size_t)c->units << NATIVE_UNIT_SHIFT) - sizeof(*s)) / sizeof(*e);
	uint32_t i;
	enum thaw_err err = THAW_OK;

	if (!thaw_bytes_equal(s->magic, segment_magic, sizeof(segment_magic)))
		return thaw_fail(c->o->diag, THAW_HEADER_FIELD, "segment magic", c->unit, 0);
	if (!s->count || s->count > room)
		return thaw_fail(c->o->diag, THAW_MAP_BOUNDS, "segment count", s->count, room);
	for (i = 0; i < s->count && !err; i++)
		err = take_extent(c, e[i]);
	c->unit = s->next_unit;
	c->units = s->next_units;
	c->checksum = s->next_checksum;
	return err;
}

static enum thaw_err walk(struct chain *c)
{
	struct thaw_extent place;
	enum thaw_err err;

	while (c->unit) {
		err = check_place(c);
		if (err)
			return err;
		place = (struct thaw_extent){c->unit, c->units};
		if (thaw_extents_append(&c->o->others, place, c->o->memory))
			return thaw_fail(c->o->diag, THAW_MEMORY, "segments", c->unit, 0);
		err = native_read_checked(c->o, c->unit, c->units, c->checksum, c->buf, "segment");
		if (!err)
			err = take_segment(c);
		if (err)
			return err;
	}
	if (c->total != c->o->header->logical_units ||
	    c->o->logical.count != c->o->header->extent_count)
		return thaw_fail(c->o->diag, THAW_MAP_SHORT, "extents", c->total,
				 c->o->header->logical_units);
	return THAW_OK;
}

enum thaw_err native_read_extents(struct native_open *o)
{
	struct chain c = {
		.o = o,
		.buf = o->memory->alloc(o->memory, NATIVE_SEGMENT_UNITS * NATIVE_UNIT),
		.unit = o->header->segment_unit,
		.units = o->header->segment_units,
		.checksum = o->header->segment_checksum,
	};
	enum thaw_err err;

	if (!c.buf)
		return thaw_fail(o->diag, THAW_MEMORY, "segment", NATIVE_SEGMENT_UNITS, 0);
	err = walk(&c);
	if (!err)
		err = thaw_extents_check(&o->logical, &o->others, &o->end, o->memory, o->diag);
	return err;
}
