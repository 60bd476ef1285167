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

/* --- decode.c: what any processor does --------------------------------------------------- */

#define THAW_MOST_WORKERS 15

struct thaw_crew {
	struct thaw_machine *m;
	const struct thaw_plan *plan;
	struct thaw_mounted *mounted;
	bool checked; /* each block's checksum is wanted */
	enum thaw_crc32_method crc_method;
	unsigned most_workers;
	uint8_t *buffer[THAW_MOST_WORKERS + 1]; /* a block each; [0] is the boot processor's */
	struct thaw_queue queue;
};

/* Takes the buffers from the plan's safe frames; false when there are not enough. */
bool thaw_crew_prepare(struct thaw_crew *crew, struct thaw_machine *m, struct thaw_plan *plan);

void thaw_crew_start(struct thaw_crew *crew, const struct thaw_plan *plan,
		     struct thaw_mounted *mounted, bool checked);

/* One job, if there is one. */
bool thaw_crew_job(struct thaw_crew *crew, unsigned worker);

/* A worker's life: jobs until the queue is closed and empty. arg is the crew. */
void thaw_crew_work(void *arg, unsigned worker);

void thaw_crew_wipe(struct thaw_crew *crew);

/* --- reader.c: from the disk --------------------------------------------------------------- */

/* One that is read, one that is decoded, one whose last blocks are still somebody's. */
#define THAW_WINDOWS  3
#define THAW_HEADROOM THAW_BLOCK_STORED_MAX

struct thaw_window {
	uint8_t *data;	   /* THAW_HEADROOM bytes before it are the window's too */
	uint64_t last_job; /* number after that of its last block */
	size_t fill;
};

struct thaw_reader {
	const struct thaw_image *image;
	struct thaw_disk *disk;
	struct thaw_diag *diag;
	struct thaw_window window[THAW_WINDOWS];
	size_t window_bytes; /* that one has room for */
	size_t next_bytes;   /* that are read into the next: they grow */
	unsigned next_window;
	bool reading; /* a background read is filling next_window */
	struct thaw_stream_pos pos;
};

/* Takes the windows from the plan's safe frames; false when there are not enough. */
bool thaw_reader_prepare(struct thaw_reader *r, struct thaw_machine *m, struct thaw_plan *plan);

void thaw_reader_start(struct thaw_reader *r, const struct thaw_image *image,
		       struct thaw_disk *disk, struct thaw_diag *diag);

bool thaw_reader_has_more(const struct thaw_reader *r);

/* The window that is filled next: nobody may use it any more then. */
struct thaw_window *thaw_reader_window(struct thaw_reader *r);

/*
 * Reads as much into the window as is its turn, or most_pages if that is less and not 0. The last
 * piece, or the only one, may be left to the device to do in the background: the window is full when
 * thaw_reader_finish() returned. What the disk returns.
 */
enum thaw_err thaw_reader_fill(struct thaw_reader *r, uint64_t most_pages);
enum thaw_err thaw_reader_finish(struct thaw_reader *r);

/* After a failure elsewhere: waits for what still goes on in the background, however it ends. */
void thaw_reader_abandon(struct thaw_reader *r);

/* Pages of the disk, which the caller took from pos, to where they belong. */
enum thaw_err thaw_reader_straight(struct thaw_reader *r, uint64_t page, uint32_t count, void *to);

void thaw_reader_wipe(struct thaw_reader *r);

/* --- load.c: the whole --------------------------------------------------------------------- */

/* So many bytes of safe frames, side by side; NULL when there are none. */
void *thaw_load_take(struct thaw_machine *m, struct thaw_plan *plan, size_t bytes);

#endif
