/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * synth.c: the picture of RAM, and the disk it is stored on.
 */
#include <stdlib.h>
#include <string.h>

#include "synth.h"

#define PAGE	    4096
#define CHUNK_PAGES 32
#define MAP_ENTRIES 511
#define KERNEL_BASE UINT64_C(0xffffffff80000000)

void synth_put32(uint8_t *at, uint32_t v)
{
	memcpy(at, &v, sizeof(v));
}

void synth_put64(uint8_t *at, uint64_t v)
{
	memcpy(at, &v, sizeof(v));
}

uint32_t synth_random(struct synth *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 17;
	s->random ^= s->random << 5;
	return s->random;
}

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

void synth_init(struct synth *s, const struct synth_options *options)
{
	memset(s, 0, sizeof(*s));
	s->options = *options;
	s->random = options->seed * 2654435761u + 1;
}

static void drop_stored(struct synth *s)
{
	free(s->stored);
	free(s->chunk_page);
	free(s->disk);
	free(s->map_page);
	free(s->stored_page);
	s->stored = NULL;
	s->chunk_page = NULL;
	s->disk = NULL;
	s->map_page = NULL;
	s->stored_page = NULL;
	s->stored_pages = 0;
}

void synth_free(struct synth *s)
{
	size_t i;

	for (i = 0; i < s->frame_count; i++)
		free(s->frames[i].data);
	free(s->frames);
	free(s->list);
	drop_stored(s);
	memset(s, 0, sizeof(*s));
}

void synth_add(struct synth *s, uint64_t first, uint64_t count, bool zero)
{
	uint64_t i;

	s->frames = must(realloc(s->frames, (s->frame_count + count) * sizeof(*s->frames)));
	for (i = 0; i < count; i++)
		s->frames[s->frame_count++] =
			(struct synth_frame){first + i, zero ? NULL : must(malloc(PAGE))};
	if (!zero)
		s->data_count += count;
}

const struct synth_frame *synth_find(const struct synth *s, uint64_t pfn)
{
	size_t low = 0;
	size_t high = s->frame_count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (s->frames[mid].pfn < pfn)
			low = mid + 1;
		else
			high = mid;
	}
	return low < s->frame_count && s->frames[low].pfn == pfn ? &s->frames[low] : NULL;
}

/* --- the picture ------------------------------------------------------------------------- */

static void draw_page(struct synth *s, struct synth_frame *f)
{
	bool noise = synth_random(s) % 100 < s->options.noise;
	size_t i;

	for (i = 0; i < PAGE; i += 8)
		synth_put64(f->data + i, f->pfn + (i % 64 ? SYNTH_SECRET : i / 512));
	for (i = 0; noise && i < PAGE; i += 4)
		synth_put32(f->data + i, synth_random(s));
	synth_put64(f->data + 512, SYNTH_SECRET);
	synth_put64(f->data + 1024, f->pfn);
}

/* A data frame that has no other part to play yet. */
static struct synth_frame *pick(struct synth *s, bool *taken)
{
	size_t i;

	do {
		i = synth_random(s) % s->frame_count;
	} while (!s->frames[i].data || taken[i]);
	taken[i] = true;
	return &s->frames[i];
}

static void draw_entry(struct synth *s, struct synth_frame *f)
{
	static const uint8_t endbr[] = {0xf3, 0x0f, 0x1e, 0xfa};
	static const uint8_t code[] = {0x41, 0x0f, 0x22, 0xd9};
	uint64_t leaf = UINT64_C(1) << (12 + 9 * (s->options.leaf - 1));
	uint8_t *at = f->data;

	if (s->options.endbr) {
		memcpy(at, endbr, sizeof(endbr));
		at += sizeof(endbr);
	}
	memcpy(at, code, sizeof(code));
	s->jump_pa = f->pfn << 12;
	s->jump_va = KERNEL_BASE + (s->jump_pa & (leaf - 1));
	if (leaf == PAGE)
		s->jump_va += (uint64_t)(synth_random(s) % 512) << 12;
}

/* Other entries than those on the way, as a real table has them. */
static void draw_table(struct synth *s, struct synth_frame *f)
{
	unsigned i;

	memset(f->data, 0, PAGE);
	for (i = 0; i < 3; i++)
		synth_put64(f->data + (1 + synth_random(s) % 200) * 8,
			    (uint64_t)(synth_random(s) % 4096) << 12 | 0x63);
}

static void draw_tables(struct synth *s, bool *taken)
{
	struct synth_frame *table = pick(s, taken);
	struct synth_frame *next;
	uint64_t entry;
	unsigned level;
	unsigned shift;

	s->root_pa = table->pfn << 12;
	for (level = s->options.levels;; level--) {
		draw_table(s, table);
		shift = 12 + 9 * (level - 1);
		if (level == s->options.leaf)
			break;
		next = pick(s, taken);
		synth_put64(table->data + ((s->jump_va >> shift) % 512) * 8,
			    next->pfn << 12 | 0x67);
		table = next;
	}
	entry = (s->jump_pa >> shift) << shift | (level > 1 ? 0x1e1 : 0x161);
	synth_put64(table->data + ((s->jump_va >> shift) % 512) * 8, entry);
}

static void draw_list(struct synth *s)
{
	size_t i;

	s->meta_pages = (s->frame_count + 511) / 512;
	s->list = must(calloc(s->meta_pages, PAGE));
	for (i = 0; i < s->frame_count; i++)
		s->list[i] = s->frames[i].pfn | (uint64_t)!s->frames[i].data << 63;
	if (i < s->meta_pages * 512)
		s->list[i] = UINT64_MAX;
}

/* struct swsusp_info, the architecture's record over its beginning. */
static void draw_info(struct synth *s)
{
	uint64_t pages = s->data_count + s->meta_pages + 1;

	memset(s->info, 0, PAGE);
	synth_put64(s->info + 0, s->jump_va);
	synth_put64(s->info + 8, s->jump_pa);
	synth_put64(s->info + 16, s->root_pa);
	synth_put64(s->info + 24, UINT64_C(0x23456789ABCDEF02));
	synth_put64(s->info + 32, s->options.digest);
	synth_put64(s->info + 400, s->frame_count * 2);
	synth_put32(s->info + 408, 1);
	synth_put64(s->info + 416, s->data_count);
	synth_put64(s->info + 424, pages);
	synth_put64(s->info + 432, pages * PAGE);
}

void synth_draw(struct synth *s)
{
	bool *taken = must(calloc(s->frame_count, 1));
	size_t i;

	for (i = 0; i < s->frame_count; i++) {
		if (s->frames[i].data)
			draw_page(s, &s->frames[i]);
	}
	draw_entry(s, pick(s, taken));
	draw_tables(s, taken);
	free(taken);
	draw_list(s);
	draw_info(s);
}

/* --- the stream -------------------------------------------------------------------------- */

static size_t stream_pages(const struct synth *s)
{
	return s->meta_pages + s->data_count;
}

static uint8_t *make_stream(const struct synth *s)
{
	uint8_t *stream = must(malloc(stream_pages(s) * PAGE));
	uint8_t *at = stream + s->meta_pages * PAGE;
	size_t i;

	memcpy(stream, s->list, s->meta_pages * PAGE);
	for (i = 0; i < s->frame_count; i++) {
		if (!s->frames[i].data)
			continue;
		memcpy(at, s->frames[i].data, PAGE);
		at += PAGE;
	}
	return stream;
}

static void store_chunks(struct synth *s, const uint8_t *stream)
{
	size_t pages = stream_pages(s);
	size_t done;
	size_t n;
	size_t length;
	uint8_t *at;

	s->chunk_count = (pages + CHUNK_PAGES - 1) / CHUNK_PAGES;
	s->chunk_page = must(calloc(s->chunk_count + 1, sizeof(*s->chunk_page)));
	s->stored = must(malloc(s->chunk_count * 35 * PAGE));
	s->chunk_count = 0;
	for (done = 0; done < pages; done += n) {
		n = pages - done < CHUNK_PAGES ? pages - done : CHUNK_PAGES;
		at = s->stored + s->stored_pages * PAGE;
		memset(at, 0xdb, 35 * PAGE);
		length = synth_compress(s->options.codec == THAW_CODEC_LZ4, stream + done * PAGE,
					n * PAGE, at + 8);
		synth_put64(at, length);
		s->chunk_page[s->chunk_count++] = s->stored_pages;
		s->stored_pages += (length + 8 + PAGE - 1) / PAGE;
	}
	s->chunk_page[s->chunk_count] = s->stored_pages;
}

/* --- the disk ---------------------------------------------------------------------------- */

/* The order in which the writer was given disk pages: map, info, stream, map, stream ... */
static uint64_t *make_order(struct synth *s, size_t count)
{
	uint64_t *order = must(calloc(count, sizeof(*order)));
	uint64_t page = 0;
	uint64_t t;
	size_t i;
	size_t j;

	for (i = 0; i < count; page++) {
		if (page && page != s->options.header_page)
			order[i++] = page;
	}
	for (i = 0; s->options.layout == SYNTH_BACKWARD && i < count / 2; i++) {
		t = order[i];
		order[i] = order[count - 1 - i];
		order[count - 1 - i] = t;
	}
	/* Runs of two mostly stay: an exchange of every third page. */
	for (i = 0; s->options.layout == SYNTH_SCATTERED && i < count; i += 3) {
		j = synth_random(s) % count;
		t = order[i];
		order[i] = order[j];
		order[j] = t;
	}
	return order;
}

static size_t count_maps(const struct synth *s)
{
	size_t entries = s->stored_pages + 1;
	size_t maps = (entries + MAP_ENTRIES - 1) / MAP_ENTRIES;

	return maps + (s->options.trailing_map && entries % MAP_ENTRIES == 0);
}

static void store_entry(struct synth *s, size_t n, uint64_t page)
{
	synth_put64(synth_page(s, s->map_page[n / MAP_ENTRIES]) + n % MAP_ENTRIES * 8, page);
}

static void store_map(struct synth *s, const uint64_t *order)
{
	size_t n = 0;
	size_t m = 0;
	size_t i;

	for (i = 0; i < s->stored_pages + 1; i++) {
		if (i % MAP_ENTRIES == 0)
			s->map_page[m++] = order[n++];
		if (i)
			s->stored_page[i - 1] = order[n++];
		else
			s->info_page = order[n++];
	}
	if (m < s->map_count)
		s->map_page[m] = order[n];
	for (i = 0; i < s->map_count; i++) {
		memset(synth_page(s, s->map_page[i]), 0, PAGE);
		if (i + 1 < s->map_count)
			synth_put64(synth_page(s, s->map_page[i]) + 4088, s->map_page[i + 1]);
	}
	store_entry(s, 0, s->info_page);
	for (i = 0; i < s->stored_pages; i++)
		store_entry(s, i + 1, s->stored_page[i]);
}

static void store_header(struct synth *s, uint32_t crc)
{
	uint8_t *h = synth_page(s, s->options.header_page);
	size_t i;

	for (i = 0; i < 4056; i++)
		h[i] = (uint8_t)(i * 7);
	synth_put32(h + 1024, 1); /* the swap header's version, and its last page */
	synth_put32(h + 1028, (uint32_t)s->disk_pages - 1);
	synth_put32(h + 4056, 0);
	synth_put32(h + 4060, s->options.codec == THAW_CODEC_NONE ? 0 : crc);
	synth_put64(h + 4064, s->map_page[0]);
	synth_put32(h + 4072, s->options.codec == THAW_CODEC_NONE    ? 2
			      : s->options.codec == THAW_CODEC_LZO1X ? 4
								     : 20);
	memcpy(h + 4076, "SWAPSPACE2", 10);
	memcpy(h + 4086, "S1SUSPEND", 10);
}

void synth_store(struct synth *s)
{
	uint8_t *stream;
	uint64_t *order;
	size_t used;
	size_t i;

	drop_stored(s);
	if (s->options.format != SYNTH_LINUX) {
		synth_native_store(s);
		return;
	}
	stream = make_stream(s);
	if (s->options.codec == THAW_CODEC_NONE) {
		s->chunk_page = NULL;
		s->stored_pages = stream_pages(s);
		s->stored = must(malloc(s->stored_pages * PAGE));
		memcpy(s->stored, stream, s->stored_pages * PAGE);
	} else {
		store_chunks(s, stream);
	}
	s->map_count = count_maps(s);
	used = s->map_count + 1 + s->stored_pages;
	s->map_page = must(calloc(s->map_count, sizeof(*s->map_page)));
	s->stored_page = must(calloc(s->stored_pages, sizeof(*s->stored_page)));
	s->disk_pages = used + 2 + SYNTH_SPARE_PAGES;
	if (s->disk_pages <= s->options.header_page)
		s->disk_pages = s->options.header_page + 1;
	s->disk = must(malloc(s->disk_pages * PAGE));
	memset(s->disk, 0x3c, s->disk_pages * PAGE);
	order = make_order(s, used);
	store_map(s, order);
	memcpy(synth_page(s, s->info_page), s->info, PAGE);
	for (i = 0; i < s->stored_pages; i++)
		memcpy(synth_page(s, s->stored_page[i]), s->stored + i * PAGE, PAGE);
	store_header(s, synth_crc32(0, stream, stream_pages(s) * PAGE));
	free(order);
	free(stream);
}
