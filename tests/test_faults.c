/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_faults.c: the n-th read, write, claim, allocation ... fails, for every n until nothing does.
 *
 * The simulator checks after each run: RAM equals the picture, or an error came back and the disk
 * is as it was, or it was written to once and the record says so. Here a second boot follows, in
 * which nothing fails: an image that was passed over or consumed is not restored.
 */
#include <string.h>

#include "check.h"
#include "scene.h"

static const char *const op_names[SIM_OPS] = {
	[SIM_READ] = "read",   [SIM_READ_WAIT] = "read-wait", [SIM_CONSUME] = "consume",
	[SIM_CLAIM] = "claim", [SIM_ALLOC] = "alloc",	      [SIM_WORKERS] = "workers",
	[SIM_JOIN] = "join",   [SIM_RECORD] = "record",	      [SIM_MAP] = "map",
	[SIM_EXIT] = "exit",   [SIM_PROGRESS] = "progress",
};

static unsigned runs;
static unsigned restored;

static bool second_boot_refuses(struct scene *c)
{
	unsigned consumed = c->sim.disk.consumed;
	enum thaw_err err;

	c->sim.fail_at = 0;
	memcpy(c->sim.disk.before, c->sim.disk.bytes, c->picture.disk_pages * 4096);
	if (!scene_restore(c, &err))
		return false;
	/* Memory for the first page failed, say: the image is unknown to the record. */
	return err || (!consumed && !c->sim.stores);
}

/* One failure. False: the op is not called that often. */
static bool fail_once(struct scene *c, enum sim_op op, unsigned n)
{
	enum thaw_err err;
	bool good;
	bool reached;
	bool known;

	scene_rewind(c);
	c->sim.fail_op = op;
	c->sim.fail_at = n;
	good = scene_restore(c, &err);
	runs++;
	restored += err == THAW_OK;
	reached = c->sim.calls[op] >= n;
	known = c->report.facts.mark;
	if (!reached && err)
		good = false;
	/* Firmware that stores nothing is told nothing; after a reset another try is right. */
	if (known && (c->sim.stores || op != SIM_RECORD) && !c->report.must_reset)
		good = second_boot_refuses(c) && good;
	if (!CHECK(good))
		printf("  %s %u: %s\n", op_names[op], n, thaw_err_name(err));
	return reached;
}

static void fail_every(struct scene *c, enum sim_op op, bool on)
{
	unsigned n = 1;

	c->sim.fail_on = on;
	while (fail_once(c, op, n))
		n++;
	c->sim.fail_on = false;
}

#define ALL_OPS ((1u << SIM_OPS) - 1)

static void fail_all(const struct scene_options *o, unsigned ops)
{
	struct scene c;
	unsigned op;

	scene_begin(&c, o);
	scene_finish(&c);
	for (op = 0; op < SIM_OPS; op++) {
		if (!(ops >> op & 1))
			continue;
		fail_every(&c, (enum sim_op)op, false);
		fail_every(&c, (enum sim_op)op, true);
	}
	scene_free(&c);
}

static void test_every_call(void)
{
	static const unsigned variants[] = {0, 5, 10, 3, 8, 1};
	unsigned n;
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(variants); i++) {
		n = variants[i];
		fail_all(
			&(struct scene_options){
				.codec = (enum thaw_codec)(n % 3),
				.workers = n / 3 % 2,
				.background = n / 6,
				.layout = (enum synth_layout)((n + n / 3) % 3),
				.levels = 4 + n % 2,
				.noise = 40,
				.seed = n,
			},
			ALL_OPS);
	}
}

/* thaw's own format, in both kinds of area. */
static void test_every_call_native(void)
{
	fail_all(&(struct scene_options){.format = SYNTH_OWN,
					 .codec = THAW_CODEC_LZ4,
					 .saved_map = true,
					 .workers = 1,
					 .noise = 30},
		 ALL_OPS);
	fail_all(&(struct scene_options){.format = SYNTH_SWAP,
					 .codec = THAW_CODEC_NONE,
					 .layout = SYNTH_SCATTERED,
					 .background = true,
					 .noise = 30},
		 ALL_OPS);
}

static void test_many_frames(void)
{
	fail_all(&(struct scene_options){.size = SCENE_MANY,
					 .codec = THAW_CODEC_LZ4,
					 .background = true,
					 .workers = 1,
					 .noise = 60},
		 1u << SIM_READ | 1u << SIM_READ_WAIT | 1u << SIM_PROGRESS | 1u << SIM_JOIN);
}

/* What the one write may come back with. */
static void test_commit(void)
{
	static const enum thaw_err errs[] = {THAW_READ, THAW_CHANGED, THAW_WRITE, THAW_FLUSH,
					     THAW_VERIFY};
	struct scene c;
	size_t i;

	scene_begin(&c, &(struct scene_options){.codec = THAW_CODEC_LZO1X});
	scene_finish(&c);
	for (i = 0; i < 2 * THAW_ARRAY_LEN(errs); i++) {
		scene_rewind(&c);
		c.sim.fail_op = SIM_CONSUME;
		c.sim.fail_at = 1;
		c.sim.fail_err = errs[i / 2];
		c.sim.disk.half_written = i % 2;
		CHECK(scene_ends(&c, errs[i / 2]));
		CHECK(second_boot_refuses(&c));
	}
	scene_free(&c);
}

static void test_exit(void)
{
	static const enum thaw_err errs[] = {THAW_EXIT_BOOT, THAW_FINAL_MAP};
	struct scene c;
	size_t i;

	scene_begin(&c, &(struct scene_options){.codec = THAW_CODEC_LZO1X});
	scene_finish(&c);
	for (i = 0; i < THAW_ARRAY_LEN(errs); i++) {
		scene_rewind(&c);
		c.sim.fail_op = SIM_EXIT;
		c.sim.fail_at = 1;
		c.sim.fail_err = errs[i];
		CHECK(scene_ends(&c, errs[i]));
		CHECK(c.sim.resets == 1);
		CHECK(second_boot_refuses(&c));
	}
	scene_free(&c);
}

/* A block cannot be decoded while a read is under way, which then fails too: the first is told. */
static void test_two_failures(void)
{
	struct scene c;
	uint8_t *chunk;
	unsigned n;
	enum thaw_err err;

	scene_begin(&c, &(struct scene_options){.size = SCENE_MANY,
						.codec = THAW_CODEC_LZ4,
						.background = true,
						.noise = 80});
	scene_finish(&c);
	chunk = synth_page(&c.picture, c.picture.stored_page[c.picture.chunk_page[4]]);
	memset(chunk + 8, 0xff, 4088);
	scene_rewind(&c);
	for (n = 0; n < 3; n++) {
		c.sim.fail_op = SIM_READ_WAIT;
		c.sim.fail_at = n;
		CHECK(scene_restore(&c, &err) && (err == THAW_READ || err == THAW_BLOCK_DATA));
		sim_forget(&c.sim);
	}
	scene_free(&c);
}

/* Another disk answers, or the same one something else. */
static struct scene *meddled;

static void meddle(struct thaw_machine *m, enum thaw_checkpoint at)
{
	(void)m;
	if (at == THAW_CHECKPOINT_COMMITTING)
		meddled->sim.disk.bytes[100] ^= 1, meddled->sim.disk.before[100] ^= 1;
}

static void test_changed_header(void)
{
	struct scene c;

	scene_begin(&c, &(struct scene_options){.codec = THAW_CODEC_LZO1X});
	scene_finish(&c);
	meddled = &c;
	c.sim.checkpoint = meddle;
	CHECK(scene_ends(&c, THAW_CHANGED));
	scene_free(&c);
}

/* Nothing that was decoded stays in memory, wherever it ends. */
static void test_remnants(void)
{
	struct scene c;
	unsigned op;
	unsigned n;

	scene_begin(&c, &(struct scene_options){.codec = THAW_CODEC_NONE, .workers = 1});
	scene_finish(&c);
	for (op = 0; op < SIM_OPS; op++) {
		for (n = 1;; n++) {
			enum thaw_err err;

			if (op == SIM_JOIN)
				break;
			scene_rewind(&c);
			c.sim.fail_op = (enum sim_op)op;
			c.sim.fail_at = n;
			CHECK(scene_restore(&c, &err));
			if (!CHECK(!sim_has_remnants(&c.sim)))
				printf("  %s %u: %s\n", op_names[op], n, thaw_err_name(err));
			if (c.sim.calls[op] < n)
				break;
		}
	}
	scene_free(&c);
}

int main(void)
{
	RUN(test_every_call);
	RUN(test_every_call_native);
	RUN(test_many_frames);
	RUN(test_commit);
	RUN(test_exit);
	RUN(test_changed_header);
	RUN(test_two_failures);
	RUN(test_remnants);
	printf("# %u runs with a failure, %u of them restored all the same\n", runs, restored);
	return check_summary();
}
