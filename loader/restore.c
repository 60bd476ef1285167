/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * restore.c: look, plan, load, commit, in this order and on any machine.
 *
 * Up to the commit everything can be undone by forgetting it, but for the record: that is written when
 * the image is known (a hang is an attempt too), before the commit write, and on the way out.
 */
#include "attempt.h"

/* Ranges of a large machine's map, and what firmware adds while thaw works: ours are cut out. */
#define MAP_CAPACITY 4352

struct story {
	struct thaw_machine *m;
	struct thaw_disk *disk;
	const struct thaw_options *options;
	struct thaw_report *report;
	struct thaw_diag *diag;
	struct attempt attempt;
	struct thaw_image image;
	struct thaw_memmap map;
	struct thaw_plan plan;
	struct thaw_load *load;
	struct thaw_handoff handoff;
	struct thaw_mounted mounted;
	uint64_t phase_began_us;
	uint32_t map_digest; /* of the map that was planned by */
	bool la57;
	bool drifted;	/* the memory map is not the saved one */
	bool loaded;	/* memory holds what a fall-through must clear */
};

static void note(struct story *s, const char *what, uint64_t a, uint64_t b)
{
	if (s->m->note)
		s->m->note(s->m, what, a, b);
}

static void checkpoint(struct story *s, enum thaw_checkpoint at)
{
	if (s->m->checkpoint)
		s->m->checkpoint(s->m, at);
}

static void enter(struct story *s, enum thaw_phase phase)
{
	uint64_t now = s->m->now_us(s->m);

	s->report->phase_us[s->report->phase] =
		(uint32_t)thaw_min(now - s->phase_began_us, UINT32_MAX);
	s->report->phase = phase;
	s->phase_began_us = now;
}

/* --- look -------------------------------------------------------------------------------- */

static enum thaw_err get_map(struct story *s)
{
	enum thaw_err err = s->m->memory_map(s->m, &s->map);

	return err ? thaw_fail(s->diag, err, "memory map", s->map.count, s->map.capacity) : THAW_OK;
}

static enum thaw_err reserve_map(struct story *s)
{
	s->map.capacity = MAP_CAPACITY;
	s->map.ranges = s->m->memory.alloc(&s->m->memory, s->map.capacity * sizeof(*s->map.ranges));
	if (!s->map.ranges)
		return thaw_fail(s->diag, THAW_MEMORY, "memory map", s->map.capacity, 0);
	return get_map(s);
}

static enum thaw_err check_record(struct story *s)
{
	const struct thaw_facts *facts = &s->image.facts;
	enum thaw_err err = attempt_check(&s->attempt);

	return err ? thaw_fail(s->diag, err, "record", facts->identity, facts->mark) : THAW_OK;
}

static enum thaw_err check_hw_sig(struct story *s)
{
	const struct thaw_facts *facts = &s->image.facts;

	if (!facts->has_hw_sig)
		return THAW_OK;
	if (s->options->refuse_hw_sig)
		return thaw_fail(s->diag, THAW_HW_SIG, "hw_sig", facts->hw_sig, 0);
	note(s, "hardware-signature-not-checked", facts->hw_sig, 0);
	return THAW_OK;
}

/* In the other modes the image kernel does not turn ACPI on (Linux, drivers/acpi/sleep.c). */
static void note_mode(struct story *s)
{
	if (!s->image.facts.platform_mode)
		note(s, "acpi-stays-as-firmware-left-it", 0, 0);
}

/* One processor, and a disk that is waited for: slower, and all that firmware needs to be good at. */
static void be_careful(struct story *s)
{
	const struct thaw_facts *facts = &s->image.facts;
	struct thaw_caution c = thaw_record_caution(s->m->record, facts->identity, facts->mark);

	if (c.workers)
		s->m->cpu.processors = 1;
	if (c.background)
		s->disk->read_start = NULL;
	if (c.workers || c.background)
		note(s, "careful", c.workers, c.background);
}

/*
 * From here on thaw asks firmware for what firmware is seldom asked for: to start USB for a stick, to
 * give all of its memory away. Should it hang, the watchdog's reset must find that this was a try.
 */
static enum thaw_err begin(struct story *s)
{
	enum thaw_err err = THAW_OK;

	if (!s->options->dry_run)
		err = attempt_begin(&s->attempt);
	return err ? thaw_fail(s->diag, err, "record", 0, 0) : THAW_OK;
}

static enum thaw_err look(struct story *s, uint64_t header_page)
{
	enum thaw_err err;

	checkpoint(s, THAW_CHECKPOINT_ENTRY);
	err = reserve_map(s);
	if (!err)
		err = thaw_image_open(&s->image, s->disk, header_page,
				      thaw_memmap_ram_frames(&s->map), &s->m->memory, s->diag);
	s->report->facts = s->image.facts;
	if (!err)
		err = check_record(s);
	if (!err)
		err = check_hw_sig(s);
	if (!err) {
		note_mode(s);
		be_careful(s);
		err = begin(s);
	}
	if (!err)
		err = thaw_world_check(s->m, &s->image, s->diag);
	if (!err)
		thaw_mounted_look(&s->mounted, s->m);
	return err;
}

/* --- plan -------------------------------------------------------------------------------- */

/* A map that differs is looked into once the image is loaded: the saved map is among its pages. */
static bool is_saved_map(struct story *s)
{
	const struct thaw_facts *facts = &s->image.facts;

	s->map_digest = thaw_memmap_e820_crc32(&s->map);
	if (facts->digest_kind == THAW_DIGEST_CRC32)
		note(s, "memory-map-digest", facts->digest, s->map_digest);
	return thaw_memmap_is_saved(&s->map, facts);
}

/* A range that firmware will not give away is done without: its frames are staged. */
static void claim(struct story *s)
{
	struct thaw_range *claims = s->plan.claims;
	size_t count = thaw_plan_claims(&s->map, claims);
	size_t i;

	for (i = 0; i < count; i++) {
		if (s->m->claim(s->m, claims[i]) == THAW_OK)
			claims[s->plan.claim_count++] = claims[i];
	}
	note(s, "claims", s->plan.claim_count, count);
}

/* Everything is allocated before anything is claimed, and the map read again in between. */
static enum thaw_err reserve(struct story *s)
{
	enum thaw_err err = thaw_plan_reserve(&s->plan, &s->image, &s->map, &s->m->memory);

	if (err)
		return thaw_fail(s->diag, err, "plan", s->image.run_count, 0);
	return get_map(s);
}

static enum thaw_err plan(struct story *s)
{
	enum thaw_err err = reserve(s);

	if (err)
		return err;
	s->drifted = !is_saved_map(s) && !s->options->any_map;
	err = thaw_plan_check(&s->image, &s->map, s->diag);
	if (err)
		return err;
	claim(s);
	err = thaw_plan_find_safe(&s->plan, &s->image, s->diag);
	if (!err)
		err = thaw_load_prepare(&s->load, s->m, &s->plan, s->diag);
	if (!err)
		err = thaw_plan_make(&s->plan, &s->image, s->diag);
	s->report->placed = s->plan.placed;
	s->report->staged = s->plan.staged;
	s->report->zeroed = s->plan.zeroed + s->plan.late;
	note(s, "placed-staged", s->plan.placed, s->plan.staged);
	note(s, "zeroed-late", s->plan.zeroed, s->plan.late);
	return err;
}

/* --- load -------------------------------------------------------------------------------- */

/* What opening decoded lies in memory of the firmware's. */
static void wipe_opened(struct story *s)
{
	if (s->image.scratch)
		__builtin_memset(s->image.scratch, 0, s->image.scratch_bytes);
}

/* Whoever insists on an image may know better what was mounted. */
static enum thaw_err check_mounted(struct story *s)
{
	enum thaw_err err = thaw_mounted_check(&s->mounted, s->diag);

	note(s, err ? thaw_err_name(err) : "filesystems", s->mounted.count, 0);
	return s->options->by_hand ? THAW_OK : err;
}

static enum thaw_err load(struct story *s)
{
	enum thaw_err err;

	s->loaded = true;
	err = thaw_load_run(s->load, &s->image, &s->plan, s->disk, &s->mounted, s->diag);
	wipe_opened(s);
	if (!err && s->drifted)
		err = thaw_drift_check(s->m, &s->image, &s->plan, &s->map, s->diag);
	if (!err)
		err = thaw_entry_check(s->m, &s->image, &s->plan, &s->la57, s->diag);
	if (!err)
		err = check_mounted(s);
	note(s, "la57", s->la57, s->m->cpu.runs_la57);
	return err;
}

/* --- commit ------------------------------------------------------------------------------ */

/*
 * Whatever firmware took meanwhile for good, the image kernel may take for RAM: also where no frame
 * of the image lies. All that thaw takes is RAM to the digest.
 */
static enum thaw_err check_final_map(void *arg, const struct thaw_memmap *map)
{
	struct story *s = arg;

	if (thaw_memmap_e820_crc32(map) != s->map_digest)
		return THAW_FINAL_MAP;
	return thaw_plan_recheck(&s->plan, map);
}

static enum thaw_err prepare_commit(struct story *s)
{
	enum thaw_err err = thaw_handoff_build(&s->handoff, s->m, &s->image, &s->plan, &s->map,
					       s->la57, s->diag);

	if (!err)
		err = get_map(s);
	if (!err && check_final_map(s, &s->map))
		err = thaw_fail(s->diag, THAW_FINAL_MAP, "memory map", s->map.count, 0);
	if (!err && s->options->dry_run)
		err = thaw_fail(s->diag, THAW_DRY_RUN, "commit", 0, 0);
	if (!err && attempt_commit(&s->attempt))
		err = thaw_fail(s->diag, THAW_NO_RECORD, "committing", s->options->unseen, 0);
	if (!err)
		checkpoint(s, THAW_CHECKPOINT_COMMITTING);
	return err;
}

/*
 * Whatever cannot be undone comes after the verified write; from there on there is the jump or a
 * reset. That write is the point of no return: the image is consumed, and only this memory has the
 * session.
 */
static enum thaw_err commit(struct story *s)
{
	enum thaw_err err = prepare_commit(s);

	if (err)
		return err;
	err = s->disk->consume(s->disk, s->image.header_page, s->image.header, s->image.consumed);
	if (err)
		return thaw_fail(s->diag, err, "header page", s->image.header_page, 0);
	checkpoint(s, THAW_CHECKPOINT_FLUSHED);
	enter(s, THAW_PHASE_JUMP);
	err = s->m->exit_firmware(s->m, &s->map, check_final_map, s);
	if (err) {
		s->m->reset(s->m);
		return thaw_fail(s->diag, err, "exit", 0, 0);
	}
	checkpoint(s, THAW_CHECKPOINT_EXITED);
	s->m->jump(s->m, &s->handoff);
	return THAW_OK;
}

/* --- the whole --------------------------------------------------------------------------- */

static enum thaw_err tell(struct story *s, uint64_t header_page)
{
	enum thaw_err err;

	s->phase_began_us = s->m->now_us(s->m);
	err = look(s, header_page);
	if (err)
		return err;
	enter(s, THAW_PHASE_PLAN);
	err = plan(s);
	if (err)
		return err;
	enter(s, THAW_PHASE_LOAD);
	err = load(s);
	if (err)
		return err;
	enter(s, THAW_PHASE_COMMIT);
	return commit(s);
}

/*
 * The user wants the image gone, and has been told what that means. It is passed over for good, so
 * the record has the last word whatever becomes of the write; nothing is left that could be lost.
 */
static enum thaw_err discard(struct story *s)
{
	enum thaw_err err;

	if (s->options->dry_run || s->report->unrecorded)
		return thaw_fail(s->diag, THAW_CANCELLED, "not discarded", 0, 0);
	err = s->disk->consume(s->disk, s->image.header_page, s->image.header, s->image.consumed);
	return err ? thaw_fail(s->diag, err, "discarding", s->image.header_page, 0)
		   : THAW_DISCARDED;
}

/*
 * The image stays on disk and somebody else is next. Where the write failed nobody knows what the
 * disk holds; the record says committing then, which forbids the image as well.
 */
static enum thaw_err leave(struct story *s, enum thaw_err err)
{
	enter(s, s->report->phase);
	wipe_opened(s);
	if (s->loaded && err != THAW_WORKER)
		thaw_load_wipe(s->load);
	attempt_leave(&s->attempt, err);
	return err == THAW_DISCARDED ? discard(s) : err;
}

enum thaw_err thaw_restore(struct thaw_machine *m, struct thaw_disk *disk, uint64_t header_page,
			   const struct thaw_options *options, struct thaw_report *report)
{
	struct attempt attempt = {m, options, report, false, false};
	struct story *s;
	enum thaw_err err;

	*report = (struct thaw_report){.phase = THAW_PHASE_LOOK};
	s = m->memory.alloc(&m->memory, sizeof(*s));
	if (!s) {
		attempt_leave(&attempt, THAW_MEMORY);
		return thaw_fail(&report->diag, THAW_MEMORY, "story", sizeof(*s), 0);
	}
	__builtin_memset(s, 0, sizeof(*s));
	s->m = m;
	s->disk = disk;
	s->options = options;
	s->report = report;
	s->diag = &report->diag;
	s->attempt = attempt;
	err = tell(s, header_page);
	return err ? leave(s, err) : THAW_OK;
}
