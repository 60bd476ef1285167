/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * attempt.h: one restore, as the record is told of it.
 */
#ifndef THAW_ATTEMPT_H
#define THAW_ATTEMPT_H

#include <thaw/loader.h>

struct attempt {
	struct thaw_machine *m;
	const struct thaw_options *options;
	struct thaw_report *report; /* its facts and phases are what is told */
	bool forbidden; /* by the record, but the user insists */
	bool started;	/* the record says so and no more: another try would be allowed */
};

/* The record's verdict, and whether the user insists: THAW_OK, or what it forbids the image by. */
enum thaw_err attempt_check(struct attempt *a);

/* From now on a hang is an attempt. THAW_OK or THAW_NO_RECORD. */
enum thaw_err attempt_begin(struct attempt *a);

/* From now on the image may have been consumed. THAW_OK, THAW_NO_RECORD: it must not be. */
enum thaw_err attempt_commit(struct attempt *a);

/* The image stays, and somebody else is next: sets report->unrecorded and must_reset. */
void attempt_leave(struct attempt *a, enum thaw_err err);

#endif
