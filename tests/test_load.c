/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_load.c: the pipeline with several processors. Built with ThreadSanitizer too, which watches
 * who touches what.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "scene.h"

#define WORKERS 3

static void test_threads(void)
{
	unsigned n;

	for (n = 0; n < 9; n++) {
		struct scene_options o = {
			.size = n < 3 ? SCENE_MANY : SCENE_SMALL,
			.codec = (enum thaw_codec)(n % 3),
			.workers = WORKERS,
			.background = n % 2,
			.layout = SYNTH_SCATTERED,
			.noise = 50,
			.seed = n,
		};

		CHECK(scene_restores(&o));
	}
}

/* Whatever fails, all processors come back before anything else happens. */
static void test_failures(void)
{
	static const enum sim_op ops[] = {SIM_READ, SIM_READ_WAIT, SIM_PROGRESS, SIM_JOIN};
	struct scene c;
	enum thaw_err err;
	unsigned n;
	size_t i;

	scene_begin(&c, &(struct scene_options){.size = SCENE_MANY,
						.codec = THAW_CODEC_LZ4,
						.workers = WORKERS,
						.background = true,
						.noise = 50});
	scene_finish(&c);
	for (i = 0; i < THAW_ARRAY_LEN(ops); i++) {
		for (n = 1; n < 12; n += 6) {
			scene_rewind(&c);
			c.sim.fail_op = ops[i];
			c.sim.fail_at = n;
			CHECK(scene_restore(&c, &err));
		}
	}
	scene_free(&c);
}

/* The watchdog is re-armed by these: whatever there is to do, they come in bounded steps of it. */
static void test_signs_of_life(void)
{
	enum { STEP = 1024, ZEROES = 3300 };
	const struct thaw_options dry_run = {.dry_run = true};
	struct scene c;
	unsigned calls;

	for (unsigned workers = 0; workers <= WORKERS; workers += WORKERS) {
		scene_begin(&c, &(struct scene_options){.size = SCENE_NONE, .workers = workers});
		synth_add(&c.picture, 0x110, 100, false);
		synth_add(&c.picture, 0x200, ZEROES, true);
		synth_draw(&c.picture);
		scene_finish(&c);
		CHECK(scene_ends(&c, THAW_OK));
		/* Others may have done it all when the boot processor looks. */
		calls = workers ? 1 : ZEROES / STEP;
		CHECK(c.report.zeroed == ZEROES && c.sim.calls[SIM_PROGRESS] >= calls);
		scene_rewind(&c);
		c.sim.fail_op = SIM_PROGRESS;
		c.sim.fail_at = 1;
		/* Nothing but zeroes could have been so many by then. */
		CHECK(scene_ends(&c, THAW_CANCELLED));
		CHECK(c.sim.shown >= STEP && (workers || c.sim.shown < c.sim.shown_total));
		scene_free(&c);
	}
	scene_begin(&c, &(struct scene_options){.size = SCENE_MANY});
	scene_finish(&c);
	CHECK(scene_ends(&c, THAW_OK));
	calls = c.sim.calls[SIM_PROGRESS];
	CHECK(c.picture.data_count > 2 * STEP && calls >= c.picture.data_count / STEP);
	scene_rewind(&c);
	/* What was loaded is cleared again. */
	CHECK(sim_restore(&c.sim, 0, &dry_run, &c.report) == THAW_DRY_RUN && !c.sim.faults);
	CHECK(c.sim.calls[SIM_PROGRESS] >= calls + c.picture.data_count / STEP);
	scene_free(&c);
}

/* A block that cannot be decoded, at different places. */
static void test_bad_blocks(void)
{
	struct scene c;
	size_t n;

	scene_begin(&c, &(struct scene_options){.size = SCENE_MANY,
						.codec = THAW_CODEC_LZO1X,
						.workers = WORKERS,
						.noise = 50});
	scene_finish(&c);
	for (n = 3; n < c.picture.chunk_count; n += 1 + c.picture.chunk_count / 4) {
		scene_rewind(&c);
		memset(c.sim.disk.bytes + c.picture.stored_page[c.picture.chunk_page[n]] * 4096 + 8,
		       0, 4000);
		memset(c.sim.disk.before + c.picture.stored_page[c.picture.chunk_page[n]] * 4096 +
			       8,
		       0, 4000);
		CHECK(scene_ends(&c, THAW_BLOCK_DATA));
	}
	scene_free(&c);
}

int main(void)
{
	RUN(test_threads);
	RUN(test_failures);
	RUN(test_signs_of_life);
	RUN(test_bad_blocks);
	return check_summary();
}
