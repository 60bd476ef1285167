/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * load.h: what the parts of the pipeline share. load.c has the picture.
 */
#ifndef THAW_LOAD_H
#define THAW_LOAD_H

#include <thaw/crc32.h>
#include <thaw/loader.h>

/* --- place.c: from the stream to frames -------------------------------------------------- */

/* A place in the plan's targets. Moves over those of its own sort only: data, or zero and fill. */
struct thaw_cursor {
	size_t target;
	uint32_t done; /* frames of that target behind us */
	bool zero;
};

/*
 * Up to max frames from the cursor on that lie side by side, *ret_where the first of them. Moves
 * the cursor; 0 at the end of the plan.
 */
uint32_t thaw_cursor_next(const struct thaw_plan *plan, struct thaw_cursor *cursor, uint32_t max,
			  uint64_t *ret_where);

/* Moves the cursor over so many frames; false when the plan ends before. */
bool thaw_cursor_skip(const struct thaw_plan *plan, struct thaw_cursor *cursor, uint32_t pages);

/* Copies pages to where the cursor says. false when the plan ends before. */
bool thaw_place_copy(struct thaw_machine *m, const struct thaw_plan *plan,
		     struct thaw_cursor cursor, const uint8_t *from, uint32_t pages);

/* Zeroes or fills so many frames, fewer at the end of the plan. */
void thaw_place_zero(struct thaw_machine *m, const struct thaw_plan *plan,
		     struct thaw_cursor cursor, uint32_t pages);

/* --- queue.c: work shared between processors --------------------------------------------- */

struct thaw_job {
	struct thaw_block block; /* pages without a codec's payload: frames to zero */
	const uint8_t *stored;	 /* NULL: zero */
	struct thaw_cursor to;
	uint32_t crc; /* of the decoded pages, started at 0 */
	enum thaw_err err;
	bool done; /* released by the worker, acquired by the boot processor */
};

#define THAW_QUEUE_JOBS 1024u

/*
 * Jobs are numbered in the order of the stream: numbers below taken are somebody's, below published
 * ready to be taken, below retired finished with. Job n lives in slot n % THAW_QUEUE_JOBS.
 */
struct thaw_queue {
	uint64_t taken;	    /* any processor, atomic */
	uint64_t published; /* written by the boot processor only, atomic */
	uint64_t retired;   /* boot processor only */
	bool closed;	    /* atomic: workers go home when nothing is left */
	struct thaw_job job[THAW_QUEUE_JOBS];
};

static inline bool thaw_queue_is_full(const struct thaw_queue *q)
{
	return q->published - q->retired == THAW_QUEUE_JOBS;
}

/* The slot to fill before thaw_queue_publish(). */
static inline struct thaw_job *thaw_queue_slot(struct thaw_queue *q)
{
	return &q->job[q->published % THAW_QUEUE_JOBS];
}

void thaw_queue_publish(struct thaw_queue *q);

/* The next job for whoever calls, NULL if there is none now. */
struct thaw_job *thaw_queue_take(struct thaw_queue *q);

/* The oldest job if it is finished, else NULL. After use: q->retired++. */
const struct thaw_job *thaw_queue_finished(struct thaw_queue *q);

void thaw_queue_finish(struct thaw_job *job, enum thaw_err err, uint32_t crc);

#endif
