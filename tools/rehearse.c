/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * rehearse.c: see rehearse.h; loader/restore.c is the original.
 */
#include "rehearse.h"

/* More than a made-up map ever has, claims cut out of it included. */
#define MAP_CAPACITY 4096

struct rehearsal {
	struct thaw_machine *m;
	struct thaw_disk *disk;
	struct thaw_report *report;
	struct thaw_image image;
	struct thaw_memmap map;
	struct thaw_plan plan;
	struct thaw_load *load;
	struct thaw_handoff handoff;
	uint64_t began_us;
};

static void enter(struct rehearsal *r, enum thaw_phase phase)
{
	uint64_t now = r->m->now_us(r->m);

	r->report->phase_us[r->report->phase] = (uint32_t)thaw_min(now - r->began_us, UINT32_MAX);
	r->report->phase = phase;
	r->began_us = now;
}

static enum thaw_err look(struct rehearsal *r, uint64_t header_page)
{
	struct thaw_diag *diag = &r->report->diag;
	enum thaw_err err;

	r->map.capacity = MAP_CAPACITY;
	r->map.ranges = r->m->memory.alloc(&r->m->memory, MAP_CAPACITY * sizeof(*r->map.ranges));
	if (!r->map.ranges)
		return thaw_fail(diag, THAW_MEMORY, "memory map", MAP_CAPACITY, 0);
	err = r->m->memory_map(r->m, &r->map);
	if (err)
		return thaw_fail(diag, err, "memory map", r->map.count, MAP_CAPACITY);
	err = thaw_image_open(&r->image, r->disk, header_page, thaw_memmap_ram_frames(&r->map),
			      &r->m->memory, diag);
	r->report->facts = r->image.facts;
	return err;
}

static void claim(struct rehearsal *r)
{
	struct thaw_range *claims = r->plan.claims;
	size_t count = thaw_plan_claims(&r->map, claims);
	size_t i;

	for (i = 0; i < count; i++) {
		if (r->m->claim(r->m, claims[i]) == THAW_OK)
			claims[r->plan.claim_count++] = claims[i];
	}
}

static enum thaw_err plan(struct rehearsal *r)
{
	struct thaw_diag *diag = &r->report->diag;
	enum thaw_err err = thaw_plan_check(&r->image, &r->map, diag);

	if (err)
		return err;
	if (thaw_plan_reserve(&r->plan, &r->image, &r->map, &r->m->memory))
		return thaw_fail(diag, THAW_MEMORY, "plan", r->image.run_count, 0);
	claim(r);
	err = thaw_plan_find_safe(&r->plan, &r->image, diag);
	if (!err)
		err = thaw_load_prepare(&r->load, r->m, &r->plan, diag);
	if (!err)
		err = thaw_plan_make(&r->plan, &r->image, diag);
	r->report->placed = r->plan.placed;
	r->report->staged = r->plan.staged;
	r->report->zeroed = r->plan.zeroed + r->plan.late;
	return err;
}

static enum thaw_err load(struct rehearsal *r)
{
	struct thaw_diag *diag = &r->report->diag;
	bool la57 = false;
	enum thaw_err err = thaw_load_run(r->load, &r->image, &r->plan, r->disk, diag);

	if (!err)
		err = thaw_entry_check(r->m, &r->image, &r->plan, &la57, diag);
	if (err)
		return err;
	r->m->note(r->m, "la57", la57, r->m->cpu.runs_la57);
	enter(r, THAW_PHASE_COMMIT);
	return thaw_handoff_build(&r->handoff, r->m, &r->image, &r->plan, &r->map, la57, diag);
}

enum thaw_err rehearse(struct thaw_machine *m, struct thaw_disk *disk, uint64_t header_page,
		       struct thaw_report *report)
{
	struct rehearsal r = {.m = m, .disk = disk, .report = report};
	enum thaw_err err;

	*report = (struct thaw_report){.phase = THAW_PHASE_LOOK};
	r.began_us = m->now_us(m);
	err = look(&r, header_page);
	if (!err) {
		enter(&r, THAW_PHASE_PLAN);
		err = plan(&r);
	}
	if (!err) {
		enter(&r, THAW_PHASE_LOAD);
		err = load(&r);
	}
	enter(&r, report->phase);
	return err ? err : thaw_fail(&report->diag, THAW_DRY_RUN, "commit", 0, 0);
}
