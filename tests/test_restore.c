/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_restore.c: the whole story in the simulator, which checks after each run that RAM equals the
 * picture exactly or that an error came back and the disk is byte for byte what it was.
 */
#include <setjmp.h>
#include <string.h>

#include "check.h"
#include "scene.h"

static void test_simple(void)
{
	CHECK(scene_restores(&(struct scene_options){.codec = THAW_CODEC_NONE}));
	CHECK(scene_restores(&(struct scene_options){.codec = THAW_CODEC_LZO1X}));
	CHECK(scene_restores(&(struct scene_options){.codec = THAW_CODEC_LZ4}));
}

/* Combinations of what the picture and the machine can be like: a third of all, evenly. */
static void test_variants(void)
{
	unsigned n;

	for (n = 0; n < 3 * 2 * 2 * 3 * 3 * 2 * 3 * 2; n++) {
		unsigned v = n;
		struct scene_options o = {.seed = n, .noise = n % 5 * 20};

		o.codec = (enum thaw_codec)(v % 3), v /= 3;
		o.levels = 4 + v % 2, v /= 2;
		o.runs_la57 = v % 2, v /= 2;
		o.leaf = 1 + v % 3, v /= 3;
		o.layout = (enum synth_layout)(v % 3), v /= 3;
		o.header_page = v % 2 * 7, v /= 2;
		o.workers = v % 3 * 3 / 2, v /= 3;
		o.background = v % 2;
		o.endbr = n / 7 % 2;
		o.no_gib_pages = n / 5 % 2;
		if ((n + n / 3 + n / 9) % 3 == 0 && !CHECK(scene_restores(&o)))
			printf("  variant %u\n", n);
	}
}

/* Several windows and map pages, and data that is all noise, none, or between. */
static void test_many_frames(void)
{
	unsigned n;

	for (n = 0; n < 18; n++) {
		struct scene_options o = {
			.size = SCENE_MANY,
			.codec = (enum thaw_codec)(n % 3),
			.layout = (enum synth_layout)(n / 3 % 3),
			.workers = n % 4,
			.background = n / 2 % 2,
			.noise = n % 3 * 50,
			.seed = n,
			.leaf = 1 + n % 3,
			.levels = 4 + n % 2,
		};

		if (!CHECK(scene_restores(&o)))
			printf("  many %u\n", n);
	}
}

static void test_crowded(void)
{
	struct scene c;

	scene_begin(&c, &(struct scene_options){.size = SCENE_CROWDED, .codec = THAW_CODEC_LZ4});
	scene_finish(&c);
	CHECK(scene_ends(&c, THAW_NO_SAFE_FRAMES));
	scene_free(&c);
}

/* --- what the record forbids --------------------------------------------------------------- */

static void begin(struct scene *c)
{
	scene_begin(c, &(struct scene_options){.codec = THAW_CODEC_LZO1X});
	scene_finish(c);
}

static enum thaw_attempt_state state_of(const struct scene *c)
{
	const struct thaw_attempt *a = c->sim.durable.attempt;
	size_t i;

	for (i = 0; i < THAW_RECORD_ATTEMPTS; i++, a++) {
		if (a->identity == c->report.facts.identity && a->identity)
			return (enum thaw_attempt_state)a->state;
	}
	return THAW_ATTEMPT_EMPTY;
}

static void test_consumed(void)
{
	struct scene c;

	begin(&c);
	CHECK(scene_ends(&c, THAW_OK));
	CHECK(state_of(&c) == THAW_ATTEMPT_COMMITTING);
	memcpy(c.sim.disk.before, c.sim.disk.bytes, c.picture.disk_pages * 4096);
	CHECK(scene_ends(&c, THAW_NO_IMAGE));
	scene_free(&c);
}

/* The disk is put back as it was before: the record knows. */
static void test_cloned_disk(void)
{
	struct scene c;
	unsigned i;

	begin(&c);
	CHECK(scene_ends(&c, THAW_OK));
	sim_insert(&c.sim, &c.picture);
	for (i = 0; i < 3; i++)
		CHECK(scene_ends(&c, THAW_COMMITTED_BEFORE));
	CHECK(state_of(&c) == THAW_ATTEMPT_COMMITTING);
	scene_free(&c);
}

static void test_passed_over(void)
{
	struct scene c;
	unsigned i;

	begin(&c);
	c.sim.fail_op = SIM_READ;
	c.sim.fail_at = 4;
	CHECK(scene_ends(&c, THAW_READ));
	CHECK(state_of(&c) == THAW_ATTEMPT_PASSED_OVER);
	c.sim.fail_at = 0;
	for (i = 0; i < 3; i++)
		CHECK(scene_ends(&c, THAW_PASSED_OVER));
	scene_free(&c);
}

/* The first read already fails: only the mark, or nothing at all, is known. */
static void test_unread(void)
{
	struct scene c;

	begin(&c);
	c.sim.fail_op = SIM_READ;
	c.sim.fail_at = 2;
	CHECK(scene_ends(&c, THAW_READ));
	c.sim.fail_at = 0;
	CHECK(scene_ends(&c, THAW_PASSED_OVER));
	scene_free(&c);
}

/* Nothing can be read, or there is no memory for it: known is what the caller saw of the header. */
static void test_known_by_caller(void)
{
	static const struct {
		enum sim_op op;
		unsigned at;
		enum thaw_err err;
	} fails[] = {
		{SIM_READ, 1, THAW_READ},    {SIM_ALLOC, 1, THAW_MEMORY},
		{SIM_ALLOC, 2, THAW_MEMORY}, {SIM_ALLOC, 3, THAW_MEMORY},
		{SIM_MAP, 1, THAW_FIRMWARE},
	};
	struct thaw_options options = {0};
	struct scene c;
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(fails); i++) {
		begin(&c);
		options.mark = thaw_image_mark(c.sim.disk.bytes);
		c.sim.fail_op = fails[i].op;
		c.sim.fail_at = fails[i].at;
		CHECK(sim_restore(&c.sim, 0, &options, &c.report) == fails[i].err);
		CHECK(!c.sim.faults && !c.report.unrecorded);
		c.sim.fail_at = 0;
		CHECK(scene_ends(&c, THAW_PASSED_OVER));
		scene_free(&c);
	}
}

static void test_unrecorded(void)
{
	struct scene c;

	begin(&c);
	c.sim.fail_op = SIM_RECORD;
	c.sim.fail_at = 1;
	c.sim.fail_on = true;
	CHECK(scene_ends(&c, THAW_NO_RECORD));
	CHECK(c.report.unrecorded);
	scene_free(&c);
}

/* Power fails while loading: nobody writes an end. */
static void lose_power(struct scene *c)
{
	struct thaw_record started = c->sim.durable;
	struct thaw_attempt *a;
	enum thaw_err err;

	c->sim.fail_op = SIM_PROGRESS;
	scene_restore(c, &err);
	a = thaw_record_touch(&started, c->report.facts.identity, c->report.facts.mark);
	a->state = THAW_ATTEMPT_STARTED;
	a->tries++;
	thaw_record_seal(&started);
	scene_rewind(c);
	c->sim.durable = started;
}

static void test_two_starts(void)
{
	struct scene c;

	begin(&c);
	lose_power(&c);
	CHECK(scene_ends(&c, THAW_OK));
	scene_rewind(&c);
	lose_power(&c);
	lose_power(&c);
	CHECK(scene_ends(&c, THAW_ATTEMPTS));
	CHECK(scene_ends(&c, THAW_PASSED_OVER));
	scene_free(&c);
}

static void test_by_hand(void)
{
	static const struct thaw_options by_hand = {.by_hand = true};
	struct scene c;

	begin(&c);
	c.sim.fail_op = SIM_READ;
	c.sim.fail_at = 4;
	CHECK(scene_ends(&c, THAW_READ));
	c.sim.fail_at = 0;
	CHECK(sim_restore(&c.sim, 0, &by_hand, &c.report) == THAW_OK && !c.sim.faults);
	scene_free(&c);
}

static struct thaw_record seen_at_load;

static void remember_record(struct thaw_machine *m, enum thaw_checkpoint at)
{
	if (at == THAW_CHECKPOINT_LOAD)
		seen_at_load = ((struct sim *)m)->durable;
}

/* Power fails while an image that was passed over is restored by hand: it stays passed over. */
static void test_by_hand_and_lost(void)
{
	static const struct thaw_options by_hand = {.by_hand = true};
	struct scene c;
	const struct thaw_facts *facts = &c.report.facts;

	begin(&c);
	c.sim.fail_op = SIM_READ;
	c.sim.fail_at = 4;
	CHECK(scene_ends(&c, THAW_READ));
	c.sim.fail_at = 0;
	c.sim.checkpoint = remember_record;
	CHECK(sim_restore(&c.sim, 0, &by_hand, &c.report) == THAW_OK);
	CHECK(thaw_record_verdict(&seen_at_load, facts->identity, facts->mark));
	scene_free(&c);
}

/* Whoever runs next, runs past the images beside this one too. */
static void test_beside(void)
{
	static const uint64_t beside[] = {0x111, 0x222};
	struct thaw_options options = {.beside = beside, .beside_count = 2};
	struct scene c;

	begin(&c);
	CHECK(sim_restore(&c.sim, 0, &options, &c.report) == THAW_OK && !c.sim.faults);
	CHECK(sim_forbids(&c.sim, 0, 0x111) && sim_forbids(&c.sim, 0, 0x222));
	scene_free(&c);
	begin(&c);
	options.dry_run = true;
	CHECK(sim_restore(&c.sim, 0, &options, &c.report) == THAW_DRY_RUN && c.sim.stores == 1);
	CHECK(sim_forbids(&c.sim, 0, 0x111) && sim_forbids(&c.sim, 0, 0x222));
	options.beside_count = 1;
	CHECK(sim_restore(&c.sim, 0, &options, &c.report) == THAW_PASSED_OVER && !c.sim.stores);
	sim_forget(&c.sim);
	options.dry_run = false;
	CHECK(sim_restore(&c.sim, 0, &(struct thaw_options){.dry_run = true}, &c.report));
	CHECK(sim_restore(&c.sim, 0, &options, &c.report) == THAW_PASSED_OVER && c.sim.stores == 1);
	CHECK(sim_forbids(&c.sim, 0, 0x111) && !sim_forbids(&c.sim, 0, 0x222));
	scene_free(&c);
}

/* One that nobody saw: the image that is found next may be it, and is refused once. */
static void test_unseen(void)
{
	struct thaw_options options = {.unseen = true};
	struct scene c;

	begin(&c);
	CHECK(sim_restore(&c.sim, 0, &options, &c.report) == THAW_OK && !c.sim.faults);
	CHECK(c.sim.durable_there && !c.sim.durable_vouched);
	scene_rewind(&c);
	c.sim.durable_vouched = false; /* of another image nothing is recorded, but that */
	CHECK(sim_restore(&c.sim, 0, &(struct thaw_options){0}, &c.report) == THAW_RECORD_DAMAGED);
	CHECK(c.sim.durable_vouched);
	scene_free(&c);
	begin(&c);
	options.dry_run = true;
	CHECK(sim_restore(&c.sim, 0, &options, &c.report) == THAW_DRY_RUN && !c.report.unrecorded);
	CHECK(!c.sim.durable_vouched && sim_forbids(&c.sim, 0, c.report.facts.mark));
	/* Once it is said it is not said again. */
	CHECK(sim_restore(&c.sim, 0, &options, &c.report) == THAW_PASSED_OVER && !c.sim.stores);
	scene_free(&c);
	begin(&c);
	options.mark = 5;
	c.sim.fail_op = SIM_ALLOC;
	for (c.sim.fail_at = 1; c.sim.fail_at < 4; c.sim.fail_at++) {
		CHECK(sim_restore(&c.sim, 0, &options, &c.report) == THAW_MEMORY);
		CHECK(!c.sim.durable_vouched && !c.report.unrecorded);
		sim_forget(&c.sim);
	}
	scene_free(&c);
	/* Nobody is told, so nothing is restored. */
	begin(&c);
	options.dry_run = false;
	c.sim.fail_op = SIM_RECORD;
	c.sim.fail_at = 3; /* the start, that it begins to commit, and this */
	c.sim.fail_on = true;
	CHECK(sim_restore(&c.sim, 0, &options, &c.report) == THAW_NO_RECORD && c.report.unrecorded);
	scene_free(&c);
}

static jmp_buf hung;

static bool hang(struct thaw_machine *m, size_t n, void *page, enum thaw_volume_site *ret_site)
{
	(void)m;
	(void)n;
	(void)page;
	(void)ret_site;
	longjmp(hung, 1);
}

/* Firmware that hangs before anything is loaded: the watchdog's resets do not go on for ever. */
static void test_hang(void)
{
	struct scene c;
	volatile int i;

	begin(&c);
	c.sim.volume = hang;
	for (i = 0; i < 2; i++) {
		if (!setjmp(hung))
			CHECK(scene_ends(&c, THAW_BUG));
		CHECK(c.sim.durable.attempt[0].tries == i + 1);
	}
	c.sim.volume = NULL;
	CHECK(scene_ends(&c, THAW_ATTEMPTS));
	scene_free(&c);
}

static void test_dry_run(void)
{
	static const struct thaw_options dry = {.dry_run = true};
	struct scene c;

	begin(&c);
	CHECK(sim_restore(&c.sim, 0, &dry, &c.report) == THAW_DRY_RUN);
	CHECK(!c.sim.faults && !sim_has_remnants(&c.sim) && c.report.placed && c.report.staged);
	CHECK(!c.sim.calls[SIM_CONSUME] && c.sim.stores == 1);
	CHECK(scene_ends(&c, THAW_PASSED_OVER));
	scene_free(&c);
}

/* synth's header: flag 8 says that hw_sig is one. */
static void test_hw_sig(void)
{
	static const struct thaw_options refuse = {.refuse_hw_sig = true};
	struct scene c;

	begin(&c);
	CHECK(sim_restore(&c.sim, 0, &refuse, &c.report) == THAW_OK && c.sim.jumps == 1);
	scene_free(&c);
	begin(&c);
	synth_put32(c.sim.disk.bytes + 4072, thaw_le32(c.sim.disk.bytes + 4072) | 8);
	synth_put32(c.sim.disk.bytes + 4056, 0x12345678);
	memcpy(c.sim.disk.before, c.sim.disk.bytes, 4096);
	CHECK(sim_restore(&c.sim, 0, &refuse, &c.report) == THAW_HW_SIG);
	CHECK(c.report.diag.a == 0x12345678 && !c.sim.calls[SIM_CONSUME]);
	CHECK(scene_ends(&c, THAW_PASSED_OVER));
	scene_free(&c);
}

/* --- memory that changes hands -------------------------------------------------------------- */

/*
 * Firmware takes a frame late: one of a claim, one that is to be written at the end, one that the
 * image kernel has for free RAM, and one that it gives back with the rest of boot services.
 */
static bool discard_and_fail(struct sim *s, enum sim_op op)
{
	(void)s;
	return op == SIM_PROGRESS || op == SIM_CONSUME;
}

/* Discarded at the keyboard, the image is off the disk, and nothing else is changed there. */
static void discard(enum sim_op fail, enum thaw_err want, unsigned consumed)
{
	struct scene c;

	scene_begin(&c, &(struct scene_options){.size = SCENE_MANY, .codec = THAW_CODEC_LZ4});
	scene_finish(&c);
	c.sim.wish = THAW_DISCARDED;
	c.sim.fail_op = SIM_PROGRESS;
	c.sim.fail_at = 1;
	c.sim.decide = fail == SIM_CONSUME ? discard_and_fail : NULL;
	CHECK(scene_ends(&c, want));
	CHECK(c.sim.disk.consumed == consumed && !c.sim.jumps);
	CHECK(state_of(&c) == THAW_ATTEMPT_PASSED_OVER);
	CHECK(!sim_has_remnants(&c.sim));
	scene_free(&c);
}

static void test_discard(void)
{
	discard(SIM_PROGRESS, THAW_DISCARDED, 1);
	discard(SIM_CONSUME, THAW_WRITE, 1);
}

static void test_discard_in_dry_run(void)
{
	static const struct thaw_options dry = {.dry_run = true};
	struct scene c;

	scene_begin(&c, &(struct scene_options){.size = SCENE_MANY, .codec = THAW_CODEC_LZ4});
	scene_finish(&c);
	c.sim.wish = THAW_DISCARDED;
	c.sim.fail_op = SIM_PROGRESS;
	c.sim.fail_at = 1;
	CHECK(sim_restore(&c.sim, 0, &dry, &c.report) == THAW_CANCELLED);
	CHECK(!c.sim.disk.consumed && !c.sim.faults);
	scene_free(&c);
}

static void test_final_map(void)
{
	static const struct {
		uint64_t frame;
		enum thaw_mem_type type;
		bool matters;
	} steals[] = {
		{0x110, THAW_MEM_RUNTIME, true}, {0x1c9, THAW_MEM_RESERVED, true},
		{0x1c5, THAW_MEM_ACPI, true},	 {0x010, THAW_MEM_NVS, true},
		{0x300, THAW_MEM_FREE, true},	 {0x09e, THAW_MEM_RUNTIME, true},
		{0x09e, THAW_MEM_BOOT, false},	 {0x1c9, THAW_MEM_FREE, false},
	};
	struct scene c;
	size_t i;
	unsigned at;

	for (i = 0; i < THAW_ARRAY_LEN(steals); i++) {
		for (at = 3; at <= 4; at++) {
			begin(&c);
			c.sim.steal_at = at;
			c.sim.steal = steals[i].frame;
			c.sim.steal_type = steals[i].type;
			CHECK(scene_ends(&c, steals[i].matters ? THAW_FINAL_MAP : THAW_OK));
			CHECK(c.sim.resets == (steals[i].matters && at == 4));
			scene_free(&c);
		}
	}
}

/* Refused before anything is claimed: an image frame in memory that lives on, or in a hole. */
static void test_frame_types(void)
{
	static const struct {
		uint64_t frame;
		enum thaw_err err;
	} frames[] = {
		{0x0a5, THAW_FRAME_FIRMWARE},	{0x1d1, THAW_FRAME_FIRMWARE},
		{0x1d5, THAW_FRAME_FIRMWARE},	{0x1f7, THAW_FRAME_FIRMWARE},
		{0x1fd, THAW_FRAME_NOT_RAM},	{0x231, THAW_FRAME_FIRMWARE},
		{0x237, THAW_FRAME_FIRMWARE},	{0x239, THAW_FRAME_FIRMWARE},
		{0x100041, THAW_FRAME_NOT_RAM}, {0x100080, THAW_FRAME_NOT_RAM},
		{0xffffffffff, THAW_FRAME_NOT_RAM},
	};
	struct scene c;
	size_t i;
	size_t at;

	for (i = 0; i < THAW_ARRAY_LEN(frames); i++) {
		scene_begin(&c, &(struct scene_options){.codec = THAW_CODEC_LZ4});
		/* One frame of the list moves there, if the order stays right. */
		for (at = 0; at + 1 < c.picture.frame_count; at++) {
			if (c.picture.frames[at + 1].pfn > frames[i].frame)
				break;
		}
		c.picture.list[at] = frames[i].frame | (c.picture.list[at] & (UINT64_C(1) << 63));
		scene_finish(&c);
		if (!CHECK(scene_ends(&c, frames[i].err)))
			printf("  frame %#llx\n", (unsigned long long)frames[i].frame);
		CHECK(!c.sim.claims);
		scene_free(&c);
	}
}

/* To Linux's map it is RAM, so the digest is the same; whether the image names such a frame or not. */
static void test_unaccepted(void)
{
	static const uint64_t frames[] = {0x000, 0x108, 0x234, 0x300, 0x100000};
	struct scene c;
	size_t i;
	size_t at;

	for (i = 0; i < THAW_ARRAY_LEN(frames); i++) {
		begin(&c);
		for (at = 0; frames[i] >= c.sim.ranges[at].frames.end; at++)
			;
		c.sim.ranges[at].type = THAW_MEM_UNACCEPTED;
		CHECK(scene_ends(&c, THAW_FRAME_NOT_RAM));
		CHECK(!strcmp(c.report.diag.where, "unaccepted") && !c.sim.claims);
		scene_free(&c);
	}
}

int main(void)
{
	RUN(test_simple);
	RUN(test_variants);
	RUN(test_many_frames);
	RUN(test_crowded);
	RUN(test_consumed);
	RUN(test_cloned_disk);
	RUN(test_passed_over);
	RUN(test_unread);
	RUN(test_known_by_caller);
	RUN(test_unrecorded);
	RUN(test_two_starts);
	RUN(test_by_hand);
	RUN(test_by_hand_and_lost);
	RUN(test_beside);
	RUN(test_unseen);
	RUN(test_hang);
	RUN(test_dry_run);
	RUN(test_hw_sig);
	RUN(test_discard);
	RUN(test_discard_in_dry_run);
	RUN(test_final_map);
	RUN(test_frame_types);
	RUN(test_unaccepted);
	return check_summary();
}
