/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_native.c: images of thaw's own format, restored in the simulator.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "plain_disk.h"
#include "scene.h"
#include "xxh64.h"

#define PAGE 4096

/* Every anchor, codec, layout, with and without other processors. */
static void test_restores(void)
{
	unsigned n;

	for (n = 0; n < 48; n++) {
		struct scene_options o = {
			.size = n % 16 < 4 ? SCENE_MANY : SCENE_SMALL,
			.format = n % 2 ? SYNTH_SWAP : SYNTH_OWN,
			.codec = n / 2 % 2 ? THAW_CODEC_LZ4 : THAW_CODEC_NONE,
			.layout = (enum synth_layout)(n / 4 % 3),
			.workers = n / 12 % 2 * 3,
			.background = n / 24,
			.header_page = n % 4 == 1 ? 5 : 0,
			.saved_map = n % 3,
			.noise = 40,
			.seed = n,
		};

		if (!CHECK(scene_restores(&o)))
			printf("  variant %u\n", n);
	}
}

/* Frames of one word, in place and staged. */
static void test_fill(void)
{
	static const uint64_t words[] = {0xabababababababab, 1, 0x8000000000000000, 0};
	uint64_t secret = SYNTH_SECRET;
	struct scene c;
	unsigned same = 0;
	size_t i;

	scene_begin(&c, &(struct scene_options){
				.size = SCENE_MANY, .format = SYNTH_OWN, .codec = THAW_CODEC_LZ4});
	for (i = 0; i < c.picture.frame_count; i++) {
		struct synth_frame *f = &c.picture.frames[i];

		/* Not the page tables and the entry page. */
		if (!f->data || f->pfn / 16 % 3 || memcmp(f->data + 512, &secret, sizeof(secret)) ||
		    f->pfn << 12 == c.picture.jump_pa)
			continue;
		for (size_t k = 0; k < PAGE; k += 8)
			synth_put64(f->data + k, words[f->pfn / 256 % 4]);
		same++;
	}
	scene_finish(&c);
	CHECK(same > 500);
	CHECK(scene_ends(&c, THAW_OK));
	CHECK(synth_native_header(c.picture.disk, c.picture.disk_pages, 0)->fill_frames > 200);
	CHECK(synth_native_header(c.picture.disk, c.picture.disk_pages, 0)->zero_frames > 50);
	scene_free(&c);
}

/* Spare frames are not the image's: whatever they hold, nobody writes them. */
static void test_spare(void)
{
	struct scene c;
	struct native_header *h;
	struct native_run *run;
	uint8_t *disk;
	uint64_t i;

	scene_begin(&c, &(struct scene_options){.format = SYNTH_OWN, .codec = THAW_CODEC_LZ4});
	scene_finish(&c);
	disk = c.sim.disk.bytes;
	h = synth_native_header(disk, c.picture.disk_pages, 0);
	run = (struct native_run *)synth_native_logical(disk, c.picture.disk_pages, h,
							h->tables[0].position);
	for (i = 0; i < h->tables[0].entries && run[i].kind != NATIVE_RUN_ZERO; i++)
		;
	CHECK(i < h->tables[0].entries);
	run[i].kind = NATIVE_RUN_SPARE;
	h->zero_frames -= run[i].count;
	h->spare_frames += run[i].count;
	/* The picture has them no more either. */
	for (size_t k = 0; k < c.picture.frame_count; k++) {
		if (c.picture.frames[k].pfn < run[i].first ||
		    c.picture.frames[k].pfn >= run[i].first + run[i].count)
			continue;
		memmove(&c.picture.frames[k], &c.picture.frames[k + 1],
			(--c.picture.frame_count - k) * sizeof(c.picture.frames[0]));
		k--;
	}
	CHECK(synth_native_reseal(disk, c.picture.disk_pages, 0));
	memcpy(c.sim.disk.before, disk, c.picture.disk_pages * PAGE);
	CHECK(scene_ends(&c, THAW_OK));
	scene_free(&c);
}

/* --- anchors ------------------------------------------------------------------------------ */

static enum thaw_err probe(enum synth_format format, uint32_t state, bool sealed)
{
	struct scene c;
	struct native_anchor *a;
	enum thaw_err err;

	scene_begin(&c, &(struct scene_options){.format = format});
	scene_finish(&c);
	a = synth_native_anchor(c.picture.disk, c.picture.disk_pages, 0);
	a->state = state;
	if (sealed)
		synth_native_reseal(c.picture.disk, c.picture.disk_pages, 0);
	err = thaw_image_probe(c.picture.disk);
	scene_free(&c);
	return err;
}

static void test_probe(void)
{
	static const uint8_t nothing[PAGE];

	CHECK(thaw_image_probe(nothing) == THAW_NO_IMAGE);
	CHECK(probe(SYNTH_OWN, NATIVE_STATE_SAVED, true) == THAW_OK);
	CHECK(probe(SYNTH_SWAP, NATIVE_STATE_SAVED, true) == THAW_OK);
	CHECK(probe(SYNTH_OWN, NATIVE_STATE_DONE, true) == THAW_NO_IMAGE);
	CHECK(probe(SYNTH_OWN, NATIVE_STATE_WRITING, true) == THAW_NO_IMAGE);
	/* A damaged record is not believed when it says that there is nothing: it is refused. */
	CHECK(probe(SYNTH_OWN, NATIVE_STATE_DONE, false) == THAW_OK);
	CHECK(probe(SYNTH_OWN, 0, true) == THAW_OK);
}

/* What was consumed is no image any more, and a second restore says so. */
static void test_consumed(void)
{
	for (int swap = 0; swap < 2; swap++) {
		struct scene c;

		scene_begin(&c, &(struct scene_options){.format = swap ? SYNTH_SWAP : SYNTH_OWN,
							.codec = THAW_CODEC_LZ4});
		scene_finish(&c);
		CHECK(scene_ends(&c, THAW_OK));
		CHECK(thaw_image_probe(c.sim.disk.bytes) == THAW_NO_IMAGE);
		memcpy(c.sim.disk.before, c.sim.disk.bytes, c.picture.disk_pages * PAGE);
		CHECK(scene_ends(&c, THAW_NO_IMAGE));
		scene_free(&c);
	}
}

/* Linux hibernates to swap space in which a record of thaw's was left over: its image counts. */
static void test_left_over(void)
{
	struct scene old;
	struct scene c;

	scene_begin(&old, &(struct scene_options){.format = SYNTH_SWAP, .codec = THAW_CODEC_LZ4});
	scene_finish(&old);
	scene_begin(&c, &(struct scene_options){.codec = THAW_CODEC_LZ4, .seed = 2});
	scene_finish(&c);
	memcpy(c.sim.disk.bytes + 1280, old.picture.disk + 1280, sizeof(struct native_anchor));
	memcpy(c.sim.disk.before, c.sim.disk.bytes, PAGE);
	CHECK(scene_ends(&c, THAW_OK));
	scene_free(&c);
	scene_free(&old);
}

/* --- the memory map ------------------------------------------------------------------------ */

/* Firmware's map is another today; the image carries the saved one, and none lies in its pages. */
static void test_drift(void)
{
	for (int harmless = 0; harmless < 2; harmless++) {
		struct scene c;
		struct thaw_e820 map[17];
		size_t n = 0;
		size_t i;

		scene_begin(&c, &(struct scene_options){.size = SCENE_MANY,
							.format = SYNTH_OWN,
							.saved_map = true});
		/* ACPI data within RAM that is gone today; or firmware memory that is. */
		for (i = 0; i < c.map_count; i++) {
			map[n++] = c.map[i];
			if (i + 1 < c.map_count)
				continue;
			map[n - 1].size -= 0x10000;
			map[n] = (struct thaw_e820){map[n - 1].addr + map[n - 1].size, 0x4000,
						    harmless ? THAW_E820_ACPI : THAW_E820_NVS};
			n++;
			map[n] =
				(struct thaw_e820){map[n - 1].addr + 0x4000, 0xc000, THAW_E820_RAM};
			n++;
		}
		c.picture.options.saved_map = map;
		c.picture.options.saved_map_count = n;
		scene_finish(&c);
		CHECK(scene_ends(&c, harmless ? THAW_OK : THAW_MEMORY_MAP));
		scene_free(&c);
	}
}

/* --- flips --------------------------------------------------------------------------------- */

static unsigned restored;

static bool flip(struct scene *c, size_t at, unsigned bit)
{
	enum thaw_err err;
	bool good;

	scene_rewind(c);
	c->sim.disk.bytes[at] ^= (uint8_t)(1u << bit);
	c->sim.disk.before[at] ^= (uint8_t)(1u << bit);
	good = scene_restore(c, &err);
	restored += err == THAW_OK;
	if (!good)
		printf("  page %zu byte %zu bit %u\n", at / PAGE, at % PAGE, bit);
	return good;
}

/* Every bit of what the anchor vouches for is missed (samples of them are flipped); what is not looked at is harmless. */
static void flip_metadata(enum synth_format format)
{
	struct scene c;
	const struct native_header *h;
	size_t record = format == SYNTH_SWAP ? 1280 : 0;
	size_t header;
	size_t segment;
	size_t i;

	scene_begin(&c, &(struct scene_options){.size = SCENE_TINY,
						.format = format,
						.codec = THAW_CODEC_LZ4,
						.saved_map = true});
	scene_finish(&c);
	h = synth_native_header(c.picture.disk, c.picture.disk_pages, 0);
	header = (size_t)((const uint8_t *)h - c.picture.disk);
	segment = h->segment_unit * PAGE;
	restored = 0;
	for (i = 0; i < 256 * 8; i++)
		CHECK(flip(&c, record + i / 8, i % 8));
	for (i = 0; i < 1024 * 8; i += 3)
		CHECK(flip(&c, header + i / 8, i % 8));
	for (i = 0; i < 128 * 8; i += 3)
		CHECK(flip(&c, segment + i / 8, i % 8));
	for (i = 0; i < PAGE; i += 61) {
		CHECK(flip(&c, header + i, i % 8));
		CHECK(flip(&c, segment + i, i % 8));
	}
	CHECK(restored == 0);
	for (i = 0; i < NATIVE_TABLES && h->tables[i].type; i++) {
		size_t table = (size_t)(synth_native_logical(c.picture.disk, c.picture.disk_pages,
							     h, h->tables[i].position) -
					c.picture.disk);
		size_t bytes = h->tables[i].entries * h->tables[i].entry_bytes;

		/* Notes mean nothing, so nobody reads them. */
		for (size_t k = 0; k < bytes * 8; k += 5)
			CHECK(flip(&c, table + k / 8, k % 8));
		CHECK(h->tables[i].type == NATIVE_TABLE_NOTES || restored == 0);
	}
	/* The page around the anchor. */
	for (i = 0; i < PAGE; i += 5)
		CHECK(flip(&c, i, i % 8));
	scene_free(&c);
}

static void test_flips(void)
{
	flip_metadata(SYNTH_OWN);
	flip_metadata(SYNTH_SWAP);
}

static void test_data_flips(void)
{
	struct scene c;
	const struct native_header *h;
	uint64_t at;

	scene_begin(&c, &(struct scene_options){
				.format = SYNTH_OWN, .codec = THAW_CODEC_LZ4, .noise = 30});
	scene_finish(&c);
	h = synth_native_header(c.picture.disk, c.picture.disk_pages, 0);
	restored = 0;
	for (at = 0; at < h->data_bytes; at += 41) {
		const uint8_t *byte =
			synth_native_logical(c.picture.disk, c.picture.disk_pages, h, at);

		CHECK(flip(&c, (size_t)(byte - c.picture.disk), (unsigned)at % 8));
	}
	/* What lies between two blocks is nobody's. */
	CHECK(restored < h->data_bytes / 41 / 4);
	scene_free(&c);
}

/*
 * A chain of segments that overlap, each a unit behind the one before: any piece of the disk may be part
 * of as many as a segment has units. The whole disk may be read once, and no more.
 */
static void put_overlapping(struct plain_disk *d, uint64_t segments, uint32_t units)
{
	static const uint8_t head[8] = NATIVE_HEADER_MAGIC, tail[8] = NATIVE_SEGMENT_MAGIC;
	struct native_anchor *a = (struct native_anchor *)d->bytes;
	struct native_header *h = (struct native_header *)(d->bytes + PAGE);
	static const uint8_t magic[8] = NATIVE_ANCHOR_MAGIC;
	uint64_t i;

	*h = (struct native_header){
		.version = NATIVE_VERSION, .page_shift = 12, .flags = NATIVE_FLAG_MAP_DIGEST,
		.data_frames = 1, .data_bytes = PAGE, .logical_units = segments,
		.extent_count = segments, .arch = NATIVE_ARCH_X86_64, .entry_bytes = 32,
	};
	memcpy(h->magic, head, 8);
	synth_put64(h->entry + 16, 0x1000);
	for (i = segments; i-- > 0;) {
		struct native_segment *s = (struct native_segment *)(d->bytes + (2 + i) * PAGE);

		*s = (struct native_segment){.count = 1,
					     .next_unit = h->segment_unit,
					     .next_units = h->segment_units,
					     .next_checksum = h->segment_checksum};
		memcpy(s->magic, tail, 8);
		*(struct native_extent *)(s + 1) = (struct native_extent){1, 1};
		h->segment_unit = 2 + i;
		h->segment_units = units;
		h->segment_checksum = thaw_xxh64(s, units * PAGE, 0);
	}
	*a = (struct native_anchor){.version = NATIVE_VERSION, .state = NATIVE_STATE_SAVED,
				    .header_unit = 1, .header_checksum = thaw_xxh64(h, PAGE, 0)};
	memcpy(a->magic, magic, 8);
	a->checksum = thaw_xxh64(a, offsetof(struct native_anchor, checksum), 0);
}

static void test_overlapping_segments(void)
{
	struct plain_memory memory;
	struct plain_disk d;
	struct thaw_image image;

	plain_memory_init(&memory);
	plain_disk_init(&d, 40);
	put_overlapping(&d, 30, 8);
	CHECK(thaw_image_open(&image, &d.d, 0, 1000, &memory.m, NULL) == THAW_MAP_LOOP);
	CHECK(d.reads <= d.d.pages + 2);
	put_overlapping(&d, 4, 8);
	CHECK(thaw_image_open(&image, &d.d, 0, 1000, &memory.m, NULL) == THAW_MAP_ALIAS);
	plain_disk_free(&d);
	plain_memory_free(&memory);
}

int main(void)
{
	RUN(test_restores);
	RUN(test_fill);
	RUN(test_spare);
	RUN(test_probe);
	RUN(test_consumed);
	RUN(test_left_over);
	RUN(test_drift);
	RUN(test_flips);
	RUN(test_data_flips);
	RUN(test_overlapping_segments);
	return check_summary();
}
