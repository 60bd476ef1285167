/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * synth_native.c: the picture on a disk in thaw's own format, by thaw's own writer; and checksums
 * made right again after something was spoilt.
 *
 * What the writer writes is held against docs/FORMAT.md elsewhere: by test_writer.c, and by
 * test-images/thawimage.py, which was written from that page alone.
 */
#include <stdlib.h>
#include <string.h>
#include <thaw/writer.h>
#include <xxhash.h>

#include "synth.h"

#define PAGE 4096

static const uint8_t uuid[16] = "a made-up image";

/* --- the disk ----------------------------------------------------------------------------- */

struct sink {
	struct thaw_writer_target target;
	struct synth *s;
	uint64_t *order; /* units in the order in which they are handed out */
	size_t count;
	size_t next;
};

static bool more(struct thaw_writer_target *target, uint64_t want, struct thaw_extent *ret)
{
	struct sink *sink = (struct sink *)target;

	if (sink->next == sink->count)
		return false;
	*ret = (struct thaw_extent){sink->order[sink->next++], 1};
	while (ret->count < want && sink->next < sink->count &&
	       sink->order[sink->next] == ret->page + ret->count) {
		ret->count++;
		sink->next++;
	}
	return true;
}

static bool read_units(struct thaw_writer_target *target, uint64_t unit, uint64_t units, void *buf)
{
	memcpy(buf, ((struct sink *)target)->s->disk + unit * PAGE, units * PAGE);
	return true;
}

static bool write_units(struct thaw_writer_target *target, uint64_t unit, uint64_t units,
			const void *buf)
{
	memcpy(((struct sink *)target)->s->disk + unit * PAGE, buf, units * PAGE);
	return true;
}

static bool flush(struct thaw_writer_target *target)
{
	(void)target;
	return true;
}

static void exchange(uint64_t *a, uint64_t *b)
{
	uint64_t t = *a;

	*a = *b;
	*b = t;
}

/* Every unit but 0, the anchor's and the spare ones at the end. */
static void make_order(struct sink *sink)
{
	struct synth *s = sink->s;
	uint64_t unit;
	size_t i;

	sink->order = calloc(s->disk_pages, sizeof(*sink->order));
	for (unit = 1; unit < s->disk_pages - SYNTH_SPARE_PAGES; unit++) {
		if (unit != s->options.header_page)
			sink->order[sink->count++] = unit;
	}
	for (i = 0; s->options.layout == SYNTH_BACKWARD && i < sink->count / 2; i++)
		exchange(&sink->order[i], &sink->order[sink->count - 1 - i]);
	for (i = 0; s->options.layout == SYNTH_SCATTERED && i < sink->count; i += 3)
		exchange(&sink->order[i], &sink->order[synth_random(s) % sink->count]);
}

static void make_disk(struct synth *s)
{
	struct native_swap_page *swap;

	/* Tables, segments of one unit each, padding in front of raw blocks. */
	s->disk_pages = s->data_count + s->data_count / 16 + s->frame_count / 64 + 24 +
			s->options.header_page + SYNTH_SPARE_PAGES;
	s->disk = malloc(s->disk_pages * PAGE);
	memset(s->disk, 0x3c, s->disk_pages * PAGE);
	if (s->options.format != SYNTH_SWAP)
		return;
	swap = (struct native_swap_page *)synth_page(s, s->options.header_page);
	memset(&swap->anchor, 0, sizeof(swap->anchor));
	swap->swap_version = 1;
	synth_put32((uint8_t *)swap + 1028, (uint32_t)s->disk_pages - 1); /* last_page */
	memcpy(swap->sig, NATIVE_SWAP_SIG, sizeof(swap->sig));
}

/* --- the image ---------------------------------------------------------------------------- */

static struct native_memory *make_map(const struct synth_options *o)
{
	struct native_memory *map = calloc(o->saved_map_count + 1, sizeof(*map));
	size_t i;

	for (i = 0; i < o->saved_map_count; i++)
		map[i] = (struct native_memory){o->saved_map[i].addr, o->saved_map[i].size,
						o->saved_map[i].type, 0};
	return map;
}

static enum thaw_writer_err describe(struct thaw_writer *w, const struct synth *s)
{
	struct native_memory *map = make_map(&s->options);
	struct thaw_writer_facts facts = {
		.source = NATIVE_SOURCE_MADE_UP,
		.has_map_digest = true,
		.map_digest = s->options.digest,
		.arch = NATIVE_ARCH_X86_64,
		.entry.x86_64 = {s->jump_va, s->jump_pa, s->root_pa, s->options.levels, 0},
		.release = "made up",
		.writer = "synth",
		.memory_map = map,
		.memory_map_count = s->options.saved_map_count,
		.watched = s->options.watched,
		.watched_count = s->options.watched != NULL,
		.notes = "made=up\n",
	};
	enum thaw_writer_err err = thaw_writer_describe(w, &facts);

	free(map);
	return err;
}

static enum thaw_writer_err give(struct thaw_writer *w, const struct synth *s)
{
	enum thaw_writer_err err = THAW_WRITER_OK;
	size_t i;

	for (i = 0; i < s->frame_count && !err; i++) {
		const struct synth_frame *f = &s->frames[i];

		err = f->data ? thaw_writer_data(w, f->pfn, 1, f->data)
			      : thaw_writer_fill(w, f->pfn, 1, 0);
	}
	return err;
}

static enum thaw_writer_err write_image(struct sink *sink)
{
	const struct synth *s = sink->s;
	struct thaw_writer_options o = {
		.anchor_unit = s->options.header_page,
		.swap = s->options.format == SYNTH_SWAP,
		.store = s->options.codec == THAW_CODEC_NONE,
		.uuid = uuid,
	};
	struct thaw_writer *w;
	enum thaw_writer_err err = thaw_writer_open(&w, &sink->target, &o);

	if (!err)
		err = describe(w, s);
	if (!err)
		err = give(w, s);
	if (!err)
		err = thaw_writer_finish(w);
	thaw_writer_close(w);
	return err;
}

void synth_native_store(struct synth *s)
{
	struct sink sink = {.target = {more, read_units, write_units, flush}, .s = s};

	make_disk(s);
	make_order(&sink);
	if (write_image(&sink))
		abort();
	free(sink.order);
}

/* --- spoilt images ------------------------------------------------------------------------ */

struct native_anchor *synth_native_anchor(uint8_t *disk, uint64_t pages, uint64_t header_page)
{
	static const uint8_t magic[] = NATIVE_ANCHOR_MAGIC;
	uint8_t *page = disk + header_page * PAGE;

	if (header_page >= pages)
		return NULL;
	if (!memcmp(page + 1280, magic, sizeof(magic)))
		page += 1280;
	return memcmp(page, magic, sizeof(magic)) ? NULL : (struct native_anchor *)page;
}

struct native_header *synth_native_header(uint8_t *disk, uint64_t pages, uint64_t header_page)
{
	struct native_anchor *a = synth_native_anchor(disk, pages, header_page);

	return a && a->header_unit < pages ? (struct native_header *)(disk + a->header_unit * PAGE)
					   : NULL;
}

struct place {
	uint64_t unit;
	uint64_t units;
};

static bool is_inside(struct place p, uint64_t pages)
{
	return p.unit && p.units && p.unit < pages && p.units <= pages - p.unit;
}

static struct native_segment *segment_at(uint8_t *disk, uint64_t pages, struct place p)
{
	return is_inside(p, pages) ? (struct native_segment *)(disk + p.unit * PAGE) : NULL;
}

uint8_t *synth_native_logical(uint8_t *disk, uint64_t pages, const struct native_header *h,
			      uint64_t position)
{
	struct place p = {h->segment_unit, h->segment_units};
	uint64_t unit = position / PAGE;
	struct native_segment *s;
	unsigned steps;
	uint64_t i;

	for (steps = 0; steps < pages && (s = segment_at(disk, pages, p)); steps++) {
		const struct native_extent *e = (const void *)(s + 1);
		uint64_t room = (p.units * PAGE - sizeof(*s)) / sizeof(*e);

		for (i = 0; i < s->count && i < room; unit -= e[i++].units) {
			if (unit >= e[i].units)
				continue;
			if (e[i].unit >= pages || unit >= pages - e[i].unit)
				return NULL;
			return disk + (e[i].unit + unit) * PAGE + position % PAGE;
		}
		p = (struct place){s->next_unit, s->next_units};
	}
	return NULL;
}

/* Bytes of a table may lie anywhere: unit by unit. false: it does not make sense. */
static bool seal_table(uint8_t *disk, uint64_t pages, const struct native_header *h,
		       struct native_table *t)
{
	uint64_t bytes = t->entries * t->entry_bytes;
	XXH64_state_t *x;
	uint64_t done;
	uint64_t n;

	if (!t->entry_bytes || t->entries > pages * PAGE / t->entry_bytes)
		return false;
	x = XXH64_createState();
	XXH64_reset(x, 0);
	for (done = 0; done < bytes; done += n) {
		uint8_t *at = synth_native_logical(disk, pages, h, t->position + done);

		n = bytes - done < PAGE ? bytes - done : PAGE;
		if (!at || (size_t)(at - disk) + n > pages * PAGE)
			break;
		XXH64_update(x, at, n);
	}
	if (done >= bytes)
		t->checksum = XXH64_digest(x);
	XXH64_freeState(x);
	return done >= bytes;
}

#define MOST_SEGMENTS 64

/* From the last to the first. */
static void seal_segments(uint8_t *disk, uint64_t pages, struct native_header *h)
{
	struct place chain[MOST_SEGMENTS];
	struct place p = {h->segment_unit, h->segment_units};
	struct native_segment *s;
	unsigned n = 0;
	uint64_t sum;

	for (; n < MOST_SEGMENTS && (s = segment_at(disk, pages, p)); n++) {
		chain[n] = p;
		p = (struct place){s->next_unit, s->next_units};
	}
	while (n--) {
		sum = XXH64(disk + chain[n].unit * PAGE, chain[n].units * PAGE, 0);
		if (n)
			segment_at(disk, pages, chain[n - 1])->next_checksum = sum;
		else
			h->segment_checksum = sum;
	}
}

bool synth_native_reseal(uint8_t *disk, uint64_t pages, uint64_t header_page)
{
	struct native_anchor *a = synth_native_anchor(disk, pages, header_page);
	struct native_header *h = synth_native_header(disk, pages, header_page);
	bool good = true;
	unsigned i;

	if (!a)
		return false;
	if (h) {
		seal_segments(disk, pages, h);
		for (i = 0; i < NATIVE_TABLES; i++) {
			if (h->tables[i].type)
				good &= seal_table(disk, pages, h, &h->tables[i]);
		}
		a->header_checksum = XXH64(h, PAGE, 0);
	}
	a->checksum = XXH64(a, offsetof(struct native_anchor, checksum), 0);
	return good && h;
}
