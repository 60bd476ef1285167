/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * load.c: the pipeline.
 *
 *	disk ──read──> windows ──split──> queue ──decode, checksum, place──> frames
 *	 │   boot processor               any processor                       │
 *	 │                                └──retire in order, combine checksums── boot processor
 *	 └──read: long runs of pages that are stored as they are──────────────┘
 *
 * A window is a large read of the stream. A block that straddles two windows is moved, as far as
 * it is there, in front of the next one, so that every block lies in one piece. A window is read
 * into again when its last block is retired. The boot processor reads while a window is free and
 * decodes with the others while none is; without others it does both in turn, and where the disk
 * can read in the background the next window fills meanwhile.
 *
 * No frame is written while something unread still lies in it: data goes only to claimed frames
 * (place) and to safe frames (stage). Windows, buffers and the queue are safe frames themselves,
 * taken before staging takes any; the lists were allocated from firmware before the claims were
 * made, so they lie in none of them; and the hand-off takes safe frames after staging, from what is
 * left.
 */
#include "load.h"

/* Large enough that a read's own cost does not count, small enough that reading soon gives work. */
#define MOST_WINDOW_BYTES  ((size_t)2 << 20)
#define LEAST_WINDOW_BYTES ((size_t)256 << 10)
#define WINDOWS		   6
#define HEADROOM	   THAW_BLOCK_STORED_MAX

/* One job zeroes up to so many frames. */
#define ZERO_PAGES 256

/* Frames side by side that are worth a read of their own, and what one read takes at most. */
#define LEAST_DIRECT_PAGES 64
#define MOST_DIRECT_PAGES  2048

#define MOST_WORKERS 15

#define PROGRESS_PAGES 1024

struct window {
	uint8_t *data;	   /* HEADROOM bytes before it are the window's too */
	uint64_t last_job; /* number after that of its last block */
	size_t fill;
};

struct thaw_load {
	struct thaw_machine *m;
	const struct thaw_image *image;
	const struct thaw_plan *plan;
	struct thaw_disk *disk;
	struct thaw_diag *diag;
	enum thaw_crc32_method crc_method;
	uint8_t *buffer[MOST_WORKERS + 1]; /* a decoded block each; [0] is the boot processor's */
	struct window window[WINDOWS];
	size_t window_bytes;
	unsigned next_window;
	bool reading;	     /* a background read is filling next_window */
	const uint8_t *tail; /* a block begun at the end of the window before */
	size_t tail_bytes;
	struct thaw_stream_pos pos;
	struct thaw_cursor data;
	struct thaw_cursor zero;
	uint64_t split_pages; /* stream pages in published jobs and before */
	uint64_t done_pages;  /* stream pages retired */
	uint64_t zeroed;
	uint64_t shown_pages;
	uint32_t crc;
	bool at_half;
	unsigned workers;
	unsigned most_workers;
	struct thaw_queue queue;
};

/* --- buffers: safe frames ----------------------------------------------------------------- */

static void *take(struct thaw_machine *m, struct thaw_plan *plan, size_t bytes)
{
	uint64_t first;

	if (!thaw_plan_scratch(plan, thaw_div_up(bytes, THAW_PAGE_SIZE), &first))
		return NULL;
	return m->frame(m, first);
}

/* The windows are to take no more than a quarter of what the staged frames may need too. */
static size_t choose_window_bytes(const struct thaw_plan *plan)
{
	uint64_t room = (plan->pool.left << THAW_PAGE_SHIFT) / 4 / WINDOWS;
	uint64_t largest = thaw_plan_largest(plan) << THAW_PAGE_SHIFT;
	size_t bytes = MOST_WINDOW_BYTES;

	while (bytes > LEAST_WINDOW_BYTES && (bytes > room || bytes + 2 * HEADROOM > largest))
		bytes /= 2;
	return bytes;
}

static bool take_buffers(struct thaw_load *l, struct thaw_plan *plan)
{
	struct thaw_machine *m = l->m;
	uint8_t *p = NULL;
	unsigned i;

	l->most_workers = (unsigned)thaw_min(m->cpu.processors - 1, MOST_WORKERS);
	for (i = 0; i <= l->most_workers; i++) {
		l->buffer[i] = take(m, plan, THAW_BLOCK_BYTES);
		if (!l->buffer[i])
			return false;
	}
	l->window_bytes = choose_window_bytes(plan);
	for (i = 0; i < WINDOWS; i++) {
		p = take(m, plan, HEADROOM + l->window_bytes);
		if (!p)
			return false;
		l->window[i].data = p + HEADROOM;
	}
	return true;
}

enum thaw_err thaw_load_prepare(struct thaw_load **ret, struct thaw_machine *m,
				struct thaw_plan *plan, struct thaw_diag *diag)
{
	struct thaw_load *l = take(m, plan, sizeof(*l));

	if (!l)
		return thaw_fail(diag, THAW_NO_SAFE_FRAMES, "buffers", plan->pool.left, 0);
	__builtin_memset(l, 0, sizeof(*l));
	l->m = m;
	if (!take_buffers(l, plan))
		return thaw_fail(diag, THAW_NO_SAFE_FRAMES, "buffers", plan->pool.left, 0);
	*ret = l;
	return THAW_OK;
}

/* --- decoding: any processor ------------------------------------------------------------- */

/* Where the block decodes to: its frames, if they lie side by side, else the processor's own
 * buffer. */
static uint8_t *destination(struct thaw_load *l, const struct thaw_job *job, unsigned worker)
{
	struct thaw_cursor cursor = job->to;
	uint64_t where;

	if (thaw_cursor_next(l->plan, &cursor, job->block.pages, &where) == job->block.pages)
		return l->m->frame(l->m, where);
	return l->buffer[worker];
}

static void do_block(struct thaw_load *l, struct thaw_job *job, unsigned worker)
{
	uint8_t *to = destination(l, job, worker);
	enum thaw_err err = thaw_block_decode(&job->block, job->stored, to);
	uint32_t crc = 0;

	if (!err && l->image->facts.has_checksum)
		crc = thaw_crc32_by(l->crc_method, 0, to,
				    (size_t)job->block.pages << THAW_PAGE_SHIFT);
	if (!err && to == l->buffer[worker] &&
	    !thaw_place_copy(l->m, l->plan, job->to, to, job->block.pages))
		err = THAW_BUG;
	thaw_queue_finish(job, err, crc);
}

static bool do_job(struct thaw_load *l, unsigned worker)
{
	struct thaw_job *job = thaw_queue_take(&l->queue);

	if (!job)
		return false;
	if (job->stored) {
		do_block(l, job, worker);
	} else {
		thaw_place_zero(l->m, l->plan, job->to, job->block.pages);
		thaw_queue_finish(job, THAW_OK, 0);
	}
	return true;
}

static void work(void *arg, unsigned worker)
{
	struct thaw_load *l = arg;

	for (;;) {
		if (do_job(l, worker))
			continue;
		if (__atomic_load_n(&l->queue.closed, __ATOMIC_ACQUIRE))
			break;
		thaw_cpu_relax();
	}
}

/* --- retiring: in the order of the stream ------------------------------------------------- */

static enum thaw_err retire(struct thaw_load *l)
{
	const struct thaw_job *job;
	uint32_t pages;

	while ((job = thaw_queue_finished(&l->queue))) {
		pages = job->block.pages;
		if (job->err)
			return thaw_fail(l->diag, job->err, "block", l->done_pages,
					 job->block.length);
		if (job->stored) {
			l->crc = thaw_crc32_combine(l->crc, job->crc,
						    (uint64_t)pages << THAW_PAGE_SHIFT);
			l->done_pages += pages;
		}
		l->queue.retired++;
	}
	return THAW_OK;
}

static enum thaw_err show_progress(struct thaw_load *l)
{
	uint64_t total = l->image->facts.stream_pages;

	if (l->m->checkpoint && !l->at_half && l->done_pages * 2 >= total) {
		l->at_half = true;
		l->m->checkpoint(l->m, THAW_CHECKPOINT_LOAD);
	}
	if (l->done_pages - l->shown_pages < PROGRESS_PAGES)
		return THAW_OK;
	l->shown_pages = l->done_pages;
	if (l->m->progress && l->m->progress(l->m, l->done_pages, total))
		return thaw_fail(l->diag, THAW_CANCELLED, "progress", l->done_pages, total);
	return THAW_OK;
}

/* One step of the boot processor that makes room or progress: decodes a block, or waits a moment.
 */
static enum thaw_err step(struct thaw_load *l)
{
	enum thaw_err err;

	if (!do_job(l, 0))
		thaw_cpu_relax();
	err = retire(l);
	return err ? err : show_progress(l);
}

static enum thaw_err make_room(struct thaw_load *l)
{
	enum thaw_err err = THAW_OK;

	while (!err && thaw_queue_is_full(&l->queue))
		err = step(l);
	return err;
}

/* --- splitting: stored bytes into jobs ------------------------------------------------------ */

static enum thaw_err publish_block(struct thaw_load *l, const struct thaw_block *block,
				   const uint8_t *stored)
{
	struct thaw_job *job;
	enum thaw_err err = make_room(l);

	if (err)
		return err;
	job = thaw_queue_slot(&l->queue);
	*job = (struct thaw_job){.block = *block, .stored = stored, .to = l->data};
	if (!thaw_cursor_skip(l->plan, &l->data, block->pages))
		return thaw_fail(l->diag, THAW_BUG, "plan", l->split_pages, block->pages);
	l->split_pages += block->pages;
	thaw_queue_publish(&l->queue);
	return THAW_OK;
}

/* Publishes every whole block in the bytes; what is left of one goes in front of the next window.
 */
static enum thaw_err split(struct thaw_load *l, const uint8_t *stored, size_t len)
{
	struct thaw_block block;
	enum thaw_err err;

	while (len && l->split_pages < l->image->facts.stream_pages) {
		err = thaw_image_split(l->image, l->split_pages, stored, len, &block, l->diag);
		if (err)
			return err;
		if (!block.stored)
			break;
		err = publish_block(l, &block, stored);
		if (err)
			return err;
		stored += block.stored;
		len -= block.stored;
	}
	if (len >= HEADROOM || (len && l->split_pages == l->image->facts.stream_pages))
		return thaw_fail(l->diag, THAW_MAP_LONG, "stream", len, l->split_pages);
	l->tail = stored;
	l->tail_bytes = len;
	return THAW_OK;
}

/* --- reading: windows -------------------------------------------------------------------- */

static bool more_to_read(const struct thaw_load *l)
{
	return l->pos.extent < l->image->extent_count;
}

/*
 * Reads into the window whatever is left of it. The last piece, or the only one, may be left to the
 * device to do in the background.
 */
static enum thaw_err fill_window(struct thaw_load *l, struct window *w)
{
	struct thaw_disk *disk = l->disk;
	uint64_t page;
	uint64_t count;
	uint8_t *at;
	enum thaw_err err = THAW_OK;

	w->fill = 0;
	while (!err && w->fill < l->window_bytes && more_to_read(l)) {
		count = thaw_stream_next(l->image, &l->pos,
					 (l->window_bytes - w->fill) >> THAW_PAGE_SHIFT, &page);
		at = w->data + w->fill;
		w->fill += (size_t)count << THAW_PAGE_SHIFT;
		l->reading = disk->read_start && (w->fill == l->window_bytes || !more_to_read(l));
		err = l->reading ? disk->read_start(disk, page, count, at)
				 : disk->read(disk, page, count, at);
	}
	if (err)
		l->reading = false;
	return err ? thaw_fail(l->diag, err, "stream", page, count) : THAW_OK;
}

static enum thaw_err finish_reading(struct thaw_load *l)
{
	enum thaw_err err = THAW_OK;

	if (l->reading)
		err = l->disk->read_wait(l->disk);
	l->reading = false;
	return err ? thaw_fail(l->diag, err, "stream", l->split_pages, 0) : THAW_OK;
}

/* Decodes while a window fills in the background, but leaves the others enough to go on with. */
static enum thaw_err work_while_reading(struct thaw_load *l)
{
	struct thaw_queue *q = &l->queue;
	enum thaw_err err = THAW_OK;

	while (!err && l->reading &&
	       q->published - __atomic_load_n(&q->taken, __ATOMIC_RELAXED) > 2 * l->workers &&
	       do_job(l, 0))
		err = retire(l);
	return err ? err : show_progress(l);
}

static enum thaw_err next_window(struct thaw_load *l)
{
	struct window *w = &l->window[l->next_window];
	uint8_t *begin = w->data - l->tail_bytes;
	enum thaw_err err = THAW_OK;

	while (!err && l->queue.retired < w->last_job)
		err = step(l);
	if (err)
		return err;
	/* Nobody uses this window any more; the tail still lies in the one before. */
	__builtin_memcpy(begin, l->tail, l->tail_bytes);
	err = fill_window(l, w);
	if (!err)
		err = work_while_reading(l);
	if (!err)
		err = finish_reading(l);
	if (err)
		return err;
	l->next_window = (l->next_window + 1) % WINDOWS;
	err = split(l, begin, l->tail_bytes + w->fill);
	w->last_job = l->queue.published;
	return err;
}

/* --- straight into place ------------------------------------------------------------------- */

/*
 * Stored pages that are the decoded ones, and whose next frames lie side by side. Every page before
 * them is in a job: without a codec nothing is left of a window.
 */
static uint32_t direct_pages(const struct thaw_load *l, uint64_t *ret_where)
{
	const struct thaw_facts *facts = &l->image->facts;
	struct thaw_cursor cursor = l->data;
	uint64_t left = facts->stream_pages - l->split_pages;

	if (facts->codec != THAW_CODEC_NONE || facts->has_checksum)
		return 0;
	return thaw_cursor_next(l->plan, &cursor, (uint32_t)thaw_min(left, MOST_DIRECT_PAGES),
				ret_where);
}

static enum thaw_err read_direct(struct thaw_load *l, uint32_t pages, uint64_t where)
{
	uint64_t page;
	uint32_t count = (uint32_t)thaw_stream_next(l->image, &l->pos, pages, &page);
	enum thaw_err err;

	/* First the cursor: what lies before it is wiped if this fails halfway. */
	thaw_cursor_skip(l->plan, &l->data, count);
	l->split_pages += count;
	err = l->disk->read(l->disk, page, count, l->m->frame(l->m, where));
	if (err)
		return thaw_fail(l->diag, err, "stream", page, count);
	l->done_pages += count;
	err = retire(l);
	return err ? err : show_progress(l);
}

static enum thaw_err read_on(struct thaw_load *l)
{
	uint64_t where;
	uint32_t pages = direct_pages(l, &where);

	return pages < LEAST_DIRECT_PAGES ? next_window(l) : read_direct(l, pages, where);
}

/* --- the whole --------------------------------------------------------------------------- */

static enum thaw_err publish_zeroes(struct thaw_load *l)
{
	struct thaw_job *job;
	uint32_t pages;
	enum thaw_err err = THAW_OK;

	while (!err && l->zeroed < l->plan->zeroed) {
		err = make_room(l);
		if (err)
			break;
		pages = (uint32_t)thaw_min(ZERO_PAGES, l->plan->zeroed - l->zeroed);
		job = thaw_queue_slot(&l->queue);
		*job = (struct thaw_job){.block.pages = pages, .to = l->zero};
		thaw_cursor_skip(l->plan, &l->zero, pages);
		l->zeroed += pages;
		thaw_queue_publish(&l->queue);
		err = retire(l);
	}
	return err;
}

/* What opening the image already decoded, and what it already read. */
static enum thaw_err take_over(struct thaw_load *l)
{
	const struct thaw_image *image = l->image;
	uint32_t pages = (uint32_t)image->head_pages;

	if (!thaw_place_copy(l->m, l->plan, l->data, image->head, pages) ||
	    !thaw_cursor_skip(l->plan, &l->data, pages))
		return thaw_fail(l->diag, THAW_BUG, "head", pages, 0);
	return split(l, image->rest, image->rest_bytes);
}

static enum thaw_err run(struct thaw_load *l)
{
	enum thaw_err err = take_over(l);

	if (!err)
		err = publish_zeroes(l);
	while (!err && more_to_read(l))
		err = read_on(l);
	while (!err && l->queue.retired < l->queue.published)
		err = step(l);
	return err ? err : show_progress(l);
}

/* All pages came, and they are those that were saved. */
static enum thaw_err check_whole(struct thaw_load *l)
{
	const struct thaw_facts *facts = &l->image->facts;

	if (l->done_pages != facts->stream_pages)
		return thaw_fail(l->diag, THAW_MAP_SHORT, "stream", l->done_pages,
				 facts->stream_pages);
	if (facts->has_checksum && l->crc != facts->checksum)
		return thaw_fail(l->diag, THAW_CHECKSUM, "crc32", l->crc, facts->checksum);
	return THAW_OK;
}

enum thaw_err thaw_load_run(struct thaw_load *l, const struct thaw_image *image,
			    const struct thaw_plan *plan, struct thaw_disk *disk,
			    struct thaw_diag *diag)
{
	enum thaw_err err;
	enum thaw_err join_err = THAW_OK;

	l->image = image;
	l->plan = plan;
	l->disk = disk;
	l->diag = diag;
	l->pos = image->pos;
	l->zero.zero = true;
	l->split_pages = image->decoded_pages;
	l->done_pages = image->decoded_pages;
	l->crc = image->checksum_state;
	l->crc_method = thaw_crc32_choose(NULL);
	l->workers = l->m->workers_start(l->m, l->most_workers, work, l);
	err = run(l);
	/* Only after another failure: that one is told. */
	if (l->reading)
		disk->read_wait(disk);
	__atomic_store_n(&l->queue.closed, true, __ATOMIC_RELEASE);
	if (l->workers)
		join_err = l->m->workers_join(l->m);
	if (join_err)
		return thaw_fail(diag, join_err, "workers", l->workers, 0);
	return err ? err : check_whole(l);
}

static void wipe_targets(struct thaw_load *l)
{
	const struct thaw_target *t = l->plan->targets;
	size_t i;

	/* The cursor runs ahead of what is decoded, so beyond it nothing was written. */
	for (i = 0; i < l->plan->target_count && i <= l->data.target; i++, t++) {
		if (t->kind == THAW_TARGET_PLACE || t->kind == THAW_TARGET_STAGE)
			__builtin_memset(l->m->frame(l->m, t->where), 0,
					 (size_t)t->count << THAW_PAGE_SHIFT);
	}
}

void thaw_load_wipe(struct thaw_load *l)
{
	size_t i;

	if (l->plan)
		wipe_targets(l);
	for (i = 0; i <= l->most_workers; i++)
		__builtin_memset(l->buffer[i], 0, THAW_BLOCK_BYTES);
	for (i = 0; i < WINDOWS; i++)
		__builtin_memset(l->window[i].data - HEADROOM, 0, HEADROOM + l->window_bytes);
}
