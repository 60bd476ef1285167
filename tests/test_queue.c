/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_queue.c: more blocks than the queue between the processors holds.
 */
#include "check.h"
#include "scene.h"

#define WORKERS 3

/* Blocks that decode from a page each, in windows of full size: 200 MiB of nearly nothing. */
static void fill_queue(unsigned workers)
{
	static const struct thaw_mem_range ranges[] = {
		{{0x1000, 0x10000}, THAW_MEM_FREE},
		{{0x10000, 0x10010}, THAW_MEM_BOOT},
	};
	struct synth_options o = {
		.codec = THAW_CODEC_LZ4,
		.levels = 4,
		.leaf = 2,
		.digest = sim_digest(ranges, 2),
	};
	struct scene c = {.options = {.workers = workers}};

	synth_init(&c.picture, &o);
	synth_add(&c.picture, 0x1000, 0xa000, false);
	synth_add(&c.picture, 0xc000, 0x100, true);
	synth_draw(&c.picture);
	sim_init(&c.sim, ranges, 2);
	c.sim.workers = workers;
	c.sim.m.cpu = (struct thaw_cpu){.processors = workers + 1, .phys_bits = 46};
	scene_finish(&c);
	CHECK(c.picture.chunk_count > 1024 + 100 && c.picture.stored_pages < 6 * 512);
	CHECK(scene_ends(&c, THAW_OK));
	scene_free(&c);
}

static void test_full_queue(void)
{
	fill_queue(0);
}

static void test_full_queue_threads(void)
{
	fill_queue(WORKERS);
}

int main(void)
{
	RUN(test_full_queue);
	RUN(test_full_queue_threads);
	return check_summary();
}
