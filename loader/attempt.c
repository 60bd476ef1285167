/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * attempt.c: see attempt.h.
 *
 * Whoever comes next is told by the record: an image that control was passed over with is stale, for
 * the next system may mount its filesystems; one that was about to be consumed may have been. The same
 * holds for the images beside it, and for those that nobody could see.
 */
#include "attempt.h"

/*
 * The other images, which somebody else runs past: the restored system, or the next one. Not before
 * this one was judged, and never stored without it: a store ends a doubt that may be about this one.
 */
static void forbid_beside(struct attempt *a, uint64_t mark)
{
	thaw_record_seen(a->m->record, mark);
	thaw_forbid_all(a->m->record, a->options->beside, a->options->beside_count, THAW_AMBIGUOUS);
}

/* After the store that is to last: each one ends a doubt. */
static enum thaw_err doubt_unseen(struct attempt *a)
{
	return a->options->unseen ? thaw_record_doubt(a->m) : THAW_OK;
}

static enum thaw_err verdict(const struct attempt *a)
{
	return thaw_record_verdict(a->m->record, a->report->facts.identity, a->report->facts.mark);
}

static enum thaw_err store(struct attempt *a, enum thaw_attempt_state state)
{
	const struct thaw_report *report = a->report;
	struct thaw_attempt *entry;
	enum thaw_err err;
	unsigned i;

	forbid_beside(a, report->facts.mark);
	entry = thaw_record_touch(a->m->record, report->facts.identity, report->facts.mark);
	entry->state = (uint8_t)state;
	entry->reason = THAW_OK;
	entry->phase = (uint8_t)report->phase;
	if (state == THAW_ATTEMPT_STARTED && entry->tries < UINT8_MAX)
		entry->tries++;
	/* A start takes the place of what forbade the image: if power fails now it stays forbidden.
	 */
	if (a->forbidden)
		entry->tries = UINT8_MAX;
	entry->pages = (uint32_t)thaw_min(report->facts.stream_pages, UINT32_MAX);
	for (i = 0; i < THAW_PHASE_COUNT; i++)
		entry->phase_us[i] = report->phase_us[i];
	err = thaw_record_store(a->m);
	if (!err)
		a->started = verdict(a) == THAW_OK;
	return err;
}

enum thaw_err attempt_check(struct attempt *a)
{
	const struct thaw_facts *facts = &a->report->facts;
	enum thaw_err err = verdict(a);

	if (!err && thaw_record_is_doubted(a->m))
		err = THAW_RECORD_DAMAGED;
	if (err && a->options->by_hand) {
		if (a->m->note)
			a->m->note(a->m, thaw_err_name(err), facts->identity, facts->mark);
		a->forbidden = true;
		err = THAW_OK;
	}
	return err;
}

enum thaw_err attempt_begin(struct attempt *a)
{
	return store(a, THAW_ATTEMPT_STARTED);
}

enum thaw_err attempt_commit(struct attempt *a)
{
	return store(a, THAW_ATTEMPT_COMMITTING) || doubt_unseen(a) ? THAW_NO_RECORD : THAW_OK;
}

static enum thaw_err pass_over(struct attempt *a, enum thaw_err err)
{
	const struct thaw_options *options = a->options;
	const struct thaw_facts *facts = &a->report->facts;
	/* Refused before its header was read, it is known to the caller alone. */
	uint64_t mark = facts->mark ? facts->mark : options->mark;

	/* What the record itself forbids is in it already; firmware's flash wears. */
	if (!mark || err == THAW_PASSED_OVER || err == THAW_COMMITTED_BEFORE)
		return thaw_pass_over_all(a->m, options->beside, options->beside_count,
					  THAW_AMBIGUOUS);
	forbid_beside(a, mark);
	return thaw_pass_over(a->m, facts->identity, mark, err);
}

void attempt_leave(struct attempt *a, enum thaw_err err)
{
	a->report->unrecorded = pass_over(a, err) || doubt_unseen(a);
	a->report->must_reset = a->report->unrecorded && a->started;
}
