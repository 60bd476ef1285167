/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * sim_check.c: what must hold after every run, however it ended.
 */
#include <string.h>

#include "sim.h"

#define PAGE 4096

/* --- remnants ---------------------------------------------------------------------------- */

static bool has_secret(const uint8_t *at, size_t n)
{
	uint64_t want = SYNTH_SECRET;

	return memmem(at, n, &want, sizeof(want));
}

bool sim_has_remnants(struct sim *s)
{
	size_t i;
	uint64_t f;
	size_t r;

	for (i = 0; i < s->memory_count; i++) {
		if (has_secret(s->memory[i], s->memory_bytes[i]))
			return true;
	}
	for (r = i = 0; r < s->range_count; r++) {
		for (f = s->ranges[r].frames.first; f < s->ranges[r].frames.end; f++, i++) {
			if (s->jumps && s->picture && synth_find(s->picture, f))
				continue;
			if (s->types[i] != THAW_MEM_MMIO && has_secret(s->ram + i * PAGE, PAGE))
				return true;
		}
	}
	return false;
}

/* --- after a run ------------------------------------------------------------------------- */

static bool disk_is_same(const struct sim *s)
{
	return !memcmp(s->disk.bytes, s->disk.before, s->disk.d.pages * PAGE);
}

static void check_restored(struct sim *s, const struct thaw_report *report)
{
	const struct thaw_facts *facts = &report->facts;

	if (s->jumps != 1 || s->disk.consumed != 1 || s->resets)
		sim_fault(s, "not restored once", s->jumps, s->disk.consumed);
	if (thaw_record_verdict(&s->durable, facts->identity, facts->mark) != THAW_COMMITTED_BEFORE)
		sim_fault(s, "restored without a record", facts->identity, facts->mark);
}

static bool may_have_written(enum thaw_err err)
{
	return err == THAW_WRITE || err == THAW_FLUSH || err == THAW_VERIFY ||
	       err == THAW_FINAL_MAP || err == THAW_EXIT_BOOT || err == THAW_DISCARDED;
}

static void check_refused(struct sim *s, enum thaw_err err, const struct thaw_report *report)
{
	const struct thaw_facts *facts = &report->facts;
	enum thaw_err verdict = thaw_record_verdict(&s->durable, facts->identity, facts->mark);
	size_t i;

	if (s->jumps)
		sim_fault(s, "jumped and failed", err, 0);
	if (report->diag.code != err)
		sim_fault(s, "diagnosis of something else", report->diag.code, err);
	if (!strcmp(thaw_err_name(err), "unknown") || err == THAW_BUG)
		sim_fault(s, "reason", err, 0);
	if (s->disk.consumed ? !may_have_written(err) : !disk_is_same(s))
		sim_fault(s, "disk changed", err, s->disk.consumed);
	if (s->disk.consumed && verdict != THAW_COMMITTED_BEFORE &&
	    (verdict != THAW_PASSED_OVER || s->wish != THAW_DISCARDED))
		sim_fault(s, "written without a record", verdict, 0);
	if (facts->mark && !sim_forbids(s, facts->identity, facts->mark) && !report->must_reset &&
	    (s->stores || !s->calls[SIM_RECORD]))
		sim_fault(s, "passed over and not forbidden", err, s->stores);
	if (report->must_reset && (s->disk.consumed || !report->unrecorded))
		sim_fault(s, "reset for nothing", err, 0);
	for (i = 0; s->written && i < s->frame_count; i++) {
		if (!s->owned[i] && !sim_is_untouched(s, i))
			sim_fault(s, "frame written that is not ours", i, 0);
	}
}

/*
 * What was checked is what is used. Only a chain that comes back to itself is read again, before it
 * is refused: the image has no identity then.
 */
static void check_rereads(struct sim *s, enum thaw_err err, const struct thaw_report *report)
{
	if (s->disk.rereads && (err == THAW_OK || report->facts.identity))
		sim_fault(s, "pages read twice", s->disk.rereads, err);
}

enum thaw_err sim_restore(struct sim *s, uint64_t header_page, const struct thaw_options *options,
			  struct thaw_report *report)
{
	enum thaw_err err;

	sim_boot(s);
	err = thaw_restore(&s->m, &s->disk.d, header_page, options, report);
	if (s->disk.pending)
		sim_fault(s, "read left under way", 0, 0);
	if (s->started)
		sim_fault(s, "processors left at work", s->started, 0);
	check_rereads(s, err, report);
	if (err == THAW_OK)
		check_restored(s, report);
	else
		check_refused(s, err, report);
	return err;
}
