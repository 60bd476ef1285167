/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_direct.c: pages that are stored as they are. Long runs of frames are read in place, short
 * ones through windows, and what is already in place is cleared when a later read fails.
 */
#include <string.h>

#include "check.h"
#include "scene.h"

#define PAGE	4096
#define WORKERS 2

static const struct thaw_mem_range ranges[] = {
	{{0x1000, 0x8000}, THAW_MEM_FREE},
	{{0x8000, 0x8200}, THAW_MEM_BOOT},
};

struct variant {
	enum synth_format format;
	enum thaw_codec codec;
	unsigned noise; /* so many pages of 100 cannot be compressed */
};

/* Of a compressed image there are blocks of both kinds, or of one. */
static const struct variant variants[] = {
	{SYNTH_LINUX, THAW_CODEC_NONE, 0}, {SYNTH_OWN, THAW_CODEC_NONE, 0},
	{SYNTH_SWAP, THAW_CODEC_NONE, 0},  {SYNTH_OWN, THAW_CODEC_LZ4, 100},
	{SYNTH_OWN, THAW_CODEC_LZ4, 99},
};

/* Long runs, short ones, one that is longer than a read, and one that is staged. */
static void begin(struct scene *c, const struct variant *v, unsigned workers)
{
	struct synth_options o = {
		.format = v->format,
		.codec = v->codec,
		.noise = v->noise,
		.levels = 4,
		.leaf = 2,
		.digest = sim_digest(ranges, 2),
	};
	uint64_t frame;

	*c = (struct scene){.options = {.workers = workers}};
	synth_init(&c->picture, &o);
	synth_add(&c->picture, 0x1000, 0xc00, false);
	synth_add(&c->picture, 0x2000, 0x80, true);
	for (frame = 0x2100; frame < 0x2400; frame += 7)
		synth_add(&c->picture, frame, 3, false);
	synth_add(&c->picture, 0x3000, 0x500, false);
	synth_add(&c->picture, 0x8000, 0x100, false);
	synth_draw(&c->picture);
	sim_init(&c->sim, ranges, 2);
	c->sim.workers = workers;
	c->sim.m.cpu = (struct thaw_cpu){.processors = workers + 1, .phys_bits = 46};
	scene_finish(c);
}

static void put_superblock(uint8_t *page, uint8_t mounts)
{
	memset(page + 1024, 0, 1024);
	page[1024 + 0x34] = mounts;
	page[1024 + 0x38] = 0x53;
	page[1024 + 0x39] = 0xef;
	page[1024 + 0x68] = 0xaa;
}

/* Pages that the disk gave straight to frames of the image. */
static struct scene *watched;
static uint64_t straight;

static void watch_read(const void *buf, uint64_t pages)
{
	struct thaw_machine *m = &watched->sim.m;
	uint64_t frame;

	for (frame = 0x1000; frame < 0x3500; frame++) {
		if (synth_find(&watched->picture, frame) && m->frame(m, frame) == buf)
			straight += pages;
	}
}

static void restore(const struct variant *v, unsigned workers)
{
	struct scene c;

	begin(&c, v, workers);
	watched = &c;
	straight = 0;
	c.sim.disk.watch = watch_read;
	CHECK(scene_ends(&c, THAW_OK));
	if (!CHECK(straight > 500))
		printf("  variant %u: %u pages straight\n", (unsigned)(v - variants),
		       (unsigned)straight);
	scene_free(&c);
}

static void test_direct(void)
{
	for (size_t i = 0; i < THAW_ARRAY_LEN(variants); i++)
		restore(&variants[i], 0);
}

static void test_direct_threads(void)
{
	for (size_t i = 0; i < THAW_ARRAY_LEN(variants); i++)
		restore(&variants[i], WORKERS);
}

static bool volume(struct thaw_machine *m, size_t n, void *page, enum thaw_volume_site *ret_site)
{
	(void)m;
	*ret_site = THAW_VOLUME_FIXED;
	memset(page, 0, PAGE);
	put_superblock(page, 7);
	return !n;
}

/* A filesystem that was mounted since is seen, whichever way its superblock came. */
static void find_mounted(const struct variant *v)
{
	static const uint64_t frames[] = {0x1555, 0x1bff, 0x2101, 0x3000, 0x34ff, 0x8080};
	struct scene c;

	for (size_t i = 0; i < THAW_ARRAY_LEN(frames); i++) {
		begin(&c, v, 0);
		c.sim.volume = volume;
		put_superblock(synth_find(&c.picture, frames[i])->data, 6);
		scene_finish(&c);
		CHECK(scene_ends(&c, THAW_MOUNTED));
		scene_free(&c);
	}
}

static void test_mounted(void)
{
	for (size_t i = 0; i < THAW_ARRAY_LEN(variants); i++)
		find_mounted(&variants[i]);
}

static void fail_reads(const struct variant *v)
{
	struct scene c;
	enum thaw_err err = THAW_OK;
	unsigned n;

	begin(&c, v, 0);
	for (n = 1; n < 200; n++) {
		scene_rewind(&c);
		c.sim.fail_op = SIM_READ;
		c.sim.fail_at = n;
		CHECK(scene_restore(&c, &err));
		CHECK(!sim_has_remnants(&c.sim));
		if (err == THAW_OK)
			break;
	}
	CHECK(n > 8 && n < 200);
	scene_free(&c);
}

static void test_failures(void)
{
	for (size_t i = 0; i < THAW_ARRAY_LEN(variants); i++)
		fail_reads(&variants[i]);
}

/* A wrong bit in what is in place already is found there. */
static void test_bad_pages(void)
{
	for (size_t i = 1; i < THAW_ARRAY_LEN(variants); i++) {
		struct scene c;
		uint64_t unit = 300;

		begin(&c, &variants[i], i % 2 * WORKERS);
		c.sim.disk.bytes[unit * PAGE + 77] ^= 4;
		c.sim.disk.before[unit * PAGE + 77] ^= 4;
		CHECK(scene_ends(&c, THAW_CHECKSUM));
		CHECK(!sim_has_remnants(&c.sim));
		scene_free(&c);
	}
}

int main(void)
{
	RUN(test_direct);
	RUN(test_direct_threads);
	RUN(test_mounted);
	RUN(test_failures);
	RUN(test_bad_pages);
	return check_summary();
}
