/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * pass_over.c: images that stay on their disks while somebody else runs, who may change what they
 * rely on.
 */
#include <thaw/loader.h>

static void forbid(struct thaw_record *record, uint64_t identity, uint64_t mark,
		   enum thaw_err reason)
{
	struct thaw_attempt *a = thaw_record_touch(record, identity, mark);

	/* What may have been consumed and restored stays so: that is the stronger state. */
	if (a->state != THAW_ATTEMPT_COMMITTING && a->state != THAW_ATTEMPT_RETURNED)
		a->state = THAW_ATTEMPT_PASSED_OVER;
	a->reason = (uint16_t)reason;
}

static enum thaw_err store(struct thaw_machine *m)
{
	return thaw_record_store(m) == THAW_OK ? THAW_OK : thaw_record_doubt(m);
}

enum thaw_err thaw_pass_over(struct thaw_machine *m, uint64_t identity, uint64_t mark,
			     enum thaw_err reason)
{
	forbid(m->record, identity, mark, reason);
	return store(m);
}

bool thaw_forbid_all(struct thaw_record *record, const uint64_t *marks, size_t count,
		     enum thaw_err reason)
{
	bool any = false;
	size_t i;

	/* None of those that are there is forgotten for another one. */
	for (i = 0; i < count; i++)
		thaw_record_seen(record, marks[i]);
	for (i = 0; i < count; i++) {
		if (thaw_record_verdict(record, 0, marks[i]) != THAW_OK)
			continue;
		forbid(record, 0, marks[i], reason);
		any = true;
	}
	return any;
}

enum thaw_err thaw_pass_over_all(struct thaw_machine *m, const uint64_t *marks, size_t count,
				 enum thaw_err reason)
{
	/* At every boot under Secure Boot, say: firmware's flash wears. */
	return thaw_forbid_all(m->record, marks, count, reason) ? store(m) : THAW_OK;
}
