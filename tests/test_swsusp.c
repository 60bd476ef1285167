/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_swsusp.c: what an image may and may not be as a whole: torn headers, devices that end too
 * early, chains of map pages, PFN lists that fill their pages exactly.
 */
#include <string.h>

#include "check.h"
#include "scene.h"

#define PAGE 4096
#define LZO  THAW_CODEC_LZO1X
#define LZ4  THAW_CODEC_LZ4
#define RAW  THAW_CODEC_NONE

enum at { ORIG_SIG = 4076, SIG = 4086, NEXT = 4088 };

static uint8_t *header(struct scene *c)
{
	return synth_page(&c->picture, c->options.header_page);
}

static uint8_t *map(struct scene *c, size_t n)
{
	return synth_page(&c->picture, c->picture.map_page[n]);
}

/* The disk was changed after it was stored. */
static void finish(struct scene *c)
{
	sim_insert(&c->sim, &c->picture);
	sim_background(&c->sim, c->options.background);
}

/* --- T1: a header page that is half old and half new ---------------------------------------- */

static void test_torn_header(void)
{
	struct scene c;
	uint8_t old[PAGE];
	size_t n;
	enum thaw_err err;

	for (n = 0; n <= PAGE; n += 512) {
		scene_begin(&c, &(struct scene_options){.codec = LZO});
		scene_finish(&c);
		memcpy(old, header(&c), PAGE);
		memset(old + 4056, 0, 20);
		memset(old + ORIG_SIG, 0, 10);
		memcpy(old + SIG, "SWAPSPACE2", 10);
		memcpy(header(&c) + n, old + n, PAGE - n);
		finish(&c);
		CHECK(scene_restore(&c, &err) && err == (n == PAGE ? THAW_OK : THAW_NO_IMAGE));
		memcpy(header(&c), old, n);
		scene_free(&c);
	}
}

/* --- every prefix: a device that ends too early --------------------------------------------- */

static void check_prefixes(const struct scene_options *o)
{
	struct scene c;
	enum thaw_err err;
	uint64_t pages;
	uint64_t used;

	scene_begin(&c, o);
	scene_finish(&c);
	used = c.picture.disk_pages - SYNTH_SPARE_PAGES;
	for (pages = 0; pages <= used; pages++) {
		scene_rewind(&c);
		c.sim.disk.d.pages = pages;
		CHECK(scene_restore(&c, &err));
		if (!CHECK(err == THAW_OK ? pages + 2 >= used : pages + 1 < used + 2))
			printf("  %llu pages: %s\n", (unsigned long long)pages, thaw_err_name(err));
	}
	scene_free(&c);
}

static void test_prefixes(void)
{
	check_prefixes(&(struct scene_options){.codec = LZO});
	check_prefixes(&(struct scene_options){.codec = RAW, .layout = SYNTH_BACKWARD});
	check_prefixes(&(struct scene_options){.codec = LZ4, .header_page = 3});
}

/* --- the chain of several map pages ---------------------------------------------------------- */

/* An image without compression of exactly so many stream pages. */
static void begin_raw(struct scene *c, uint64_t stream, bool trailing)
{
	uint64_t data = stream - (stream + 511) / 512;

	while (data + (data + 511) / 512 < stream)
		data++;
	scene_begin(c, &(struct scene_options){
			       .size = SCENE_NONE, .codec = RAW, .trailing_map = trailing});
	synth_add(&c->picture, 0x110, data, false);
	synth_draw(&c->picture);
	scene_finish(c);
}

/* Exactly full map pages, one entry less, one more; with the empty page that kernels up to 7.2 add.
 */
static void test_map_pages(void)
{
	struct scene c;
	uint64_t n;
	unsigned trailing;

	for (trailing = 0; trailing < 2; trailing++) {
		for (n = 509; n <= 512; n++) {
			begin_raw(&c, n, trailing);
			CHECK(c.picture.stored_pages == n);
			CHECK(scene_ends(&c, THAW_OK));
			scene_free(&c);
			begin_raw(&c, n + 511, trailing);
			CHECK(scene_ends(&c, THAW_OK));
			scene_free(&c);
		}
	}
}

static void check_chain(size_t map_page, size_t at, uint64_t value, enum thaw_err want)
{
	struct scene c;

	begin_raw(&c, 1021, true);
	CHECK(c.picture.map_count == 3);
	synth_put64(map(&c, map_page) + at, value == UINT64_MAX - 1   ? c.picture.map_page[0]
					    : value == UINT64_MAX - 2 ? c.picture.map_page[1]
					    : value == UINT64_MAX - 3 ? c.picture.disk_pages - 1
								      : value);
	finish(&c);
	CHECK(scene_ends(&c, want));
	scene_free(&c);
}

#define MAP_0 (UINT64_MAX - 1)
#define MAP_1 (UINT64_MAX - 2)
#define SPARE (UINT64_MAX - 3)

static void test_chain(void)
{
	check_chain(0, NEXT, 0, THAW_MAP_SHORT);
	check_chain(0, NEXT, MAP_0, THAW_MAP_LONG); /* its entries once more */
	check_chain(1, NEXT, MAP_0, THAW_MAP_LONG);
	check_chain(1, NEXT, MAP_1, THAW_MAP_LONG);
	check_chain(1, NEXT, 0, THAW_OK); /* no empty page */
	check_chain(2, NEXT, MAP_0, THAW_MAP_LONG);
	check_chain(2, NEXT, SPARE, THAW_MAP_LONG);
	check_chain(2, 0, SPARE, THAW_MAP_LONG);
	check_chain(0, NEXT, UINT64_MAX, THAW_MAP_BOUNDS);
	check_chain(0, 4080, MAP_1, THAW_MAP_ALIAS);
	check_chain(0, 4080, 0, THAW_MAP_LONG);
}

/* A chain of empty, or of full pages, that goes round: bounded by the image, not by the disk. */
static void test_loop(void)
{
	struct scene c;

	scene_begin(&c, &(struct scene_options){.codec = RAW});
	scene_finish(&c);
	CHECK(c.picture.map_count == 1);
	synth_put64(map(&c, 0) + NEXT, c.picture.disk_pages - 1);
	memset(synth_page(&c.picture, c.picture.disk_pages - 1), 0, PAGE);
	finish(&c);
	CHECK(scene_ends(&c, THAW_MAP_LONG));
	scene_free(&c);
}

/* --- PFN lists of exactly full pages ---------------------------------------------------------- */

static void check_list(uint64_t data, uint64_t zero, enum thaw_codec codec)
{
	struct scene c;

	scene_begin(&c, &(struct scene_options){.size = SCENE_NONE, .codec = codec});
	synth_add(&c.picture, 0x110, data, false);
	synth_add(&c.picture, 0x110 + data, zero, true);
	synth_draw(&c.picture);
	scene_finish(&c);
	CHECK(scene_ends(&c, THAW_OK));
	scene_free(&c);
}

static void test_full_lists(void)
{
	unsigned codec;

	for (codec = 0; codec < 3; codec++) {
		check_list(512, 0, (enum thaw_codec)codec);
		check_list(511, 1, (enum thaw_codec)codec);
		check_list(511, 0, (enum thaw_codec)codec);
		check_list(513, 0, (enum thaw_codec)codec);
		check_list(100, 412, (enum thaw_codec)codec);
		check_list(500, 524, (enum thaw_codec)codec);
		check_list(1000, 25, (enum thaw_codec)codec);
	}
}

/* More frames than the machine has RAM, though the pages of the list would do. */
static void test_more_frames_than_ram(void)
{
	struct scene c;
	uint64_t ram = 0;
	size_t i;

	scene_begin(&c, &(struct scene_options){.size = SCENE_NONE, .codec = LZ4});
	for (i = 0; i < c.sim.range_count; i++) {
		if (c.sim.ranges[i].type <= THAW_MEM_UNACCEPTED)
			ram += thaw_range_count(c.sim.ranges[i].frames);
	}
	CHECK(ram % 512);
	synth_add(&c.picture, 0x110, 100, false);
	synth_add(&c.picture, 0x400, ram - 99, true);
	synth_draw(&c.picture);
	scene_finish(&c);
	CHECK(scene_ends(&c, THAW_FRAMES_COUNT));
	scene_free(&c);
}

/* --- the door --------------------------------------------------------------------------------- */

static void test_probe(void)
{
	uint8_t page[PAGE] = {0};

	CHECK(thaw_image_probe(page) == THAW_NO_IMAGE);
	memcpy(page + SIG, "S1SUSPEND", 10);
	CHECK(thaw_image_probe(page) == THAW_OK);
	CHECK(thaw_image_mark(page) != 0);
}

/* A configured offset that the disk does not have. */
static void test_header_beyond(void)
{
	struct scene c;

	scene_begin(&c, &(struct scene_options){.codec = LZO});
	scene_finish(&c);
	c.options.header_page = c.picture.disk_pages;
	CHECK(scene_ends(&c, THAW_NO_IMAGE));
	c.options.header_page = UINT64_MAX;
	CHECK(scene_ends(&c, THAW_NO_IMAGE));
	scene_free(&c);
}

int main(void)
{
	RUN(test_torn_header);
	RUN(test_prefixes);
	RUN(test_map_pages);
	RUN(test_chain);
	RUN(test_loop);
	RUN(test_full_lists);
	RUN(test_more_frames_than_ram);
	RUN(test_probe);
	RUN(test_header_beyond);
	return check_summary();
}
