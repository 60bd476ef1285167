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
	RUN(test_bad_blocks);
	return check_summary();
}
