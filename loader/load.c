/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * load.c: the pipeline.
 *
 *	disk ──read──> windows ──split──> queue ──decode, checksum, place──> frames
 *	 │  reader.c, boot processor      queue.c    decode.c, any processor      │
 *	 │                                └──retire in order, combine checksums── boot processor
 *	 └──read: long runs of pages that are stored as they are──────────────┘
 *
 * A window is a large read of the stream. A block that straddles two windows is moved, as far as
 * it is there, in front of the next one, so that every block lies in one piece. The boot processor
 * reads while a window is free and decodes with the others while none is; without others it does
 * both in turn, and where the disk can read in the background the next window fills meanwhile.
 *
 * No frame is written while something unread still lies in it:
 *
 *  - What is written is data and repeated words, to claimed frames (placed) and to safe frames
 *    (staged); decoded blocks, to the processors' buffers; and the windows.
 *  - Each placed or staged frame is written by one job or one read, for no two of the plan's targets
 *    share a frame and the cursors only move on. While a block decodes into its frames it reads
 *    there only what it wrote itself; a block that was read there is only looked at by its job.
 *  - Windows, buffers and the queue are safe frames taken before staging takes any, so no target
 *    lies in them. The lists, and what opening the image left, were allocated from firmware before
 *    the claims were made, so they lie in no claim. The hand-off takes safe frames after staging,
 *    from what is left.
 *  - A window is read into again when its last block is retired, and its tail, which no block
 *    holds, was moved when the next window began: there are at least two.
 *  - A buffer is its processor's alone, and empty between two blocks.
 */
#include "load.h"

/* One job zeroes up to so many frames. */
#define ZERO_PAGES 256

/* Frames side by side that are worth a read of their own, and what is read straight at once. */
#define LEAST_DIRECT_PAGES 64
#define MOST_DIRECT_PAGES  2048

/* Whatever is done with so many pages, the boot processor says that it goes on. */
#define PROGRESS_PAGES 1024

struct thaw_load {
	struct thaw_machine *m;
	const struct thaw_image *image;
	const struct thaw_plan *plan;
	struct thaw_diag *diag;
	struct thaw_reader reader;
	const uint8_t *tail; /* a block begun at the end of the window before */
	size_t tail_bytes;
	struct thaw_cursor data;
	struct thaw_cursor zero;
	uint64_t split_pages; /* stream pages in published jobs and before */
	uint64_t done_pages;  /* stream pages retired */
	uint64_t zeroed;
	uint64_t worked_pages; /* decoded, read straight, zeroed */
	uint64_t shown_pages;  /* of these */
	uint64_t wiped_pages;  /* since that was said */
	uint32_t crc;
	bool at_half;
	unsigned workers;
	struct thaw_crew crew;
};

void *thaw_load_take(struct thaw_machine *m, struct thaw_plan *plan, size_t bytes)
{
	uint64_t first;

	if (!thaw_plan_scratch(plan, thaw_div_up(bytes, THAW_PAGE_SIZE), &first))
		return NULL;
	return m->frame(m, first);
}

enum thaw_err thaw_load_prepare(struct thaw_load **ret, struct thaw_machine *m,
				struct thaw_plan *plan, struct thaw_diag *diag)
{
	struct thaw_load *l = thaw_load_take(m, plan, sizeof(*l));

	if (!l)
		return thaw_fail(diag, THAW_NO_SAFE_FRAMES, "buffers", plan->pool.left, 0);
	__builtin_memset(l, 0, sizeof(*l));
	l->m = m;
	if (!thaw_crew_prepare(&l->crew, m, plan) || !thaw_reader_prepare(&l->reader, m, plan))
		return thaw_fail(diag, THAW_NO_SAFE_FRAMES, "buffers", plan->pool.left, 0);
	*ret = l;
	return THAW_OK;
}

/* --- retiring: in the order of the stream ------------------------------------------------- */

static enum thaw_err retire(struct thaw_load *l)
{
	const struct thaw_job *job;
	uint32_t pages;

	while ((job = thaw_queue_finished(&l->crew.queue))) {
		pages = job->block.pages;
		if (job->err)
			return thaw_fail(l->diag, job->err, "block", l->done_pages,
					 job->block.length);
		if (job->stored) {
			l->crc = thaw_crc32_combine(l->crc, job->crc,
						    (uint64_t)pages << THAW_PAGE_SHIFT);
			l->done_pages += pages;
		}
		l->worked_pages += pages;
		l->crew.queue.retired++;
	}
	return THAW_OK;
}

/* With the frames that are zeroed, which are no pages of the stream. Returns the user's wish. */
static enum thaw_err tell(struct thaw_load *l)
{
	if (!l->m->progress)
		return THAW_OK;
	return l->m->progress(l->m, l->image->decoded_pages + l->worked_pages,
			      l->image->facts.stream_pages + l->plan->zeroed);
}

static enum thaw_err show_progress(struct thaw_load *l)
{
	enum thaw_err wish;

	if (l->m->checkpoint && !l->at_half &&
	    l->done_pages * 2 >= l->image->facts.stream_pages) {
		l->at_half = true;
		l->m->checkpoint(l->m, THAW_CHECKPOINT_LOAD);
	}
	if (l->worked_pages - l->shown_pages < PROGRESS_PAGES)
		return THAW_OK;
	l->shown_pages = l->worked_pages;
	wish = tell(l);
	return wish ? thaw_fail(l->diag, wish, "progress", l->worked_pages, l->plan->zeroed)
		    : THAW_OK;
}

/* One step of the boot processor that makes room or progress: decodes a block, or waits a moment.
 */
static enum thaw_err step(struct thaw_load *l)
{
	enum thaw_err err;

	if (!thaw_crew_job(&l->crew, 0))
		thaw_cpu_relax();
	err = retire(l);
	return err ? err : show_progress(l);
}

static enum thaw_err make_room(struct thaw_load *l)
{
	enum thaw_err err = THAW_OK;

	while (!err && thaw_queue_is_full(&l->crew.queue))
		err = step(l);
	return err;
}

/* --- splitting: stored bytes into jobs ------------------------------------------------------ */

/* *to is where the block goes, and is moved behind it. */
static enum thaw_err publish_block(struct thaw_load *l, const struct thaw_block *block,
				   const uint8_t *stored, struct thaw_cursor *to)
{
	struct thaw_job *job;
	enum thaw_err err = make_room(l);

	if (err)
		return err;
	job = thaw_queue_slot(&l->crew.queue);
	*job = (struct thaw_job){.block = *block, .stored = stored, .to = *to};
	if (!thaw_cursor_skip(l->plan, to, block->pages))
		return thaw_fail(l->diag, THAW_BUG, "plan", l->split_pages, block->pages);
	l->split_pages += block->pages;
	thaw_queue_publish(&l->crew.queue);
	return THAW_OK;
}

/* Publishes every whole block in the bytes; what is left of one goes in front of the next window.
 */
static enum thaw_err split(struct thaw_load *l, const uint8_t *stored, size_t len,
			   struct thaw_cursor *to)
{
	struct thaw_block block;
	enum thaw_err err;

	while (len && l->split_pages < l->image->facts.stream_pages) {
		err = thaw_image_split(l->image, l->split_pages, stored, len, &block, l->diag);
		if (err)
			return err;
		if (!block.stored)
			break;
		err = publish_block(l, &block, stored, to);
		if (err)
			return err;
		stored += block.stored;
		len -= block.stored;
	}
	if (len >= THAW_HEADROOM || (len && l->split_pages == l->image->facts.stream_pages))
		return thaw_fail(l->diag, THAW_MAP_LONG, "stream", len, l->split_pages);
	l->tail = stored;
	l->tail_bytes = len;
	return THAW_OK;
}

/* --- reading: windows, and straight into place ------------------------------------------- */

/* Decodes while a window fills in the background, but leaves the others enough to go on with. */
static enum thaw_err work_while_reading(struct thaw_load *l)
{
	struct thaw_queue *q = &l->crew.queue;
	enum thaw_err err = THAW_OK;

	while (!err && l->reader.reading &&
	       q->published - __atomic_load_n(&q->taken, __ATOMIC_RELAXED) > 2 * l->workers &&
	       thaw_crew_job(&l->crew, 0))
		err = retire(l);
	return err ? err : show_progress(l);
}

/* So that the next window ends where much can be read straight. 0: it need not. */
static uint64_t pages_before_plain(const struct thaw_load *l)
{
	uint64_t bytes = thaw_image_before_plain(l->image, l->split_pages, LEAST_DIRECT_PAGES,
						 l->tail_bytes + l->reader.window_bytes);

	return bytes > l->tail_bytes ? (bytes - l->tail_bytes) >> THAW_PAGE_SHIFT : 0;
}

static enum thaw_err next_window(struct thaw_load *l)
{
	struct thaw_window *w = thaw_reader_window(&l->reader);
	uint8_t *begin = w->data - l->tail_bytes;
	enum thaw_err err = THAW_OK;

	while (!err && l->crew.queue.retired < w->last_job)
		err = step(l);
	if (err)
		return err;
	/* Nobody uses this window any more; the tail still lies in the one before. */
	__builtin_memcpy(begin, l->tail, l->tail_bytes);
	err = thaw_reader_fill(&l->reader, pages_before_plain(l));
	if (!err)
		err = work_while_reading(l);
	if (!err)
		err = thaw_reader_finish(&l->reader);
	if (err)
		return err;
	err = split(l, begin, l->tail_bytes + w->fill, &l->data);
	w->last_job = l->crew.queue.published;
	return err;
}

/*
 * Stored pages that are the decoded ones, in whole blocks, and whose next frames lie side by side.
 * Every page before them is in a job: of a window that ended in front of them nothing is left.
 */
static uint32_t direct_pages(const struct thaw_load *l, uint64_t *ret_where)
{
	struct thaw_cursor cursor = l->data;
	uint32_t pages = thaw_image_plain(l->image, l->split_pages, MOST_DIRECT_PAGES);
	uint32_t fit;

	if (pages < LEAST_DIRECT_PAGES || l->tail_bytes)
		return 0;
	fit = thaw_cursor_next(l->plan, &cursor, pages, ret_where);
	return fit == pages ? pages : thaw_image_plain(l->image, l->split_pages, fit);
}

static enum thaw_err read_straight(struct thaw_load *l, uint32_t pages, uint8_t *to)
{
	uint64_t page;
	uint32_t count;
	enum thaw_err err = THAW_OK;

	for (; pages && !err; pages -= count, to += (size_t)count << THAW_PAGE_SHIFT) {
		count = (uint32_t)thaw_stream_next(l->image, &l->reader.pos, pages, &page);
		if (!count)
			return thaw_fail(l->diag, THAW_MAP_SHORT, "stream", l->split_pages, pages);
		err = thaw_reader_straight(&l->reader, page, count, to);
	}
	return err;
}

/* What is in place already is checked by whoever is free, if its blocks have checksums. */
static enum thaw_err read_direct(struct thaw_load *l, uint32_t pages, uint64_t where)
{
	struct thaw_cursor to = l->data;
	uint8_t *frames = l->m->frame(l->m, where);
	enum thaw_err err;

	/* First the cursor: what lies before it is wiped if this fails halfway. */
	thaw_cursor_skip(l->plan, &l->data, pages);
	err = read_straight(l, pages, frames);
	if (!err && l->image->facts.blocks_have) {
		err = split(l, frames, (size_t)pages << THAW_PAGE_SHIFT, &to);
	} else if (!err) {
		l->split_pages += pages;
		l->done_pages += pages;
		l->worked_pages += pages;
		thaw_mounted_compare(l->crew.mounted, frames, pages);
	}
	if (!err)
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
		job = thaw_queue_slot(&l->crew.queue);
		*job = (struct thaw_job){.block.pages = pages, .to = l->zero};
		thaw_cursor_skip(l->plan, &l->zero, pages);
		l->zeroed += pages;
		thaw_queue_publish(&l->crew.queue);
		err = retire(l);
		if (!err)
			err = show_progress(l);
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
	thaw_mounted_compare(l->crew.mounted, image->head, pages);
	return split(l, image->rest, image->rest_bytes, &l->data);
}

static enum thaw_err run(struct thaw_load *l)
{
	enum thaw_err err = take_over(l);

	if (!err)
		err = publish_zeroes(l);
	while (!err && thaw_reader_has_more(&l->reader))
		err = read_on(l);
	while (!err && l->crew.queue.retired < l->crew.queue.published)
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
			    struct thaw_mounted *mounted, struct thaw_diag *diag)
{
	enum thaw_err err;
	enum thaw_err join_err = THAW_OK;

	l->image = image;
	l->plan = plan;
	l->diag = diag;
	l->zero.zero = true;
	l->split_pages = image->decoded_pages;
	l->done_pages = image->decoded_pages;
	l->crc = image->checksum_state;
	thaw_reader_start(&l->reader, image, disk, diag);
	thaw_crew_start(&l->crew, plan, mounted, image->facts.has_checksum);
	l->workers = l->m->workers_start(l->m, l->crew.most_workers, thaw_crew_work, &l->crew);
	err = run(l);
	thaw_reader_abandon(&l->reader);
	__atomic_store_n(&l->crew.queue.closed, true, __ATOMIC_RELEASE);
	if (l->workers)
		join_err = l->m->workers_join(l->m);
	if (join_err)
		return thaw_fail(diag, join_err, "workers", l->workers, 0);
	return err ? err : check_whole(l);
}

/* All of memory may have to be cleared: piece by piece, and whatever is typed meanwhile. */
static void wipe_frames(struct thaw_load *l, uint64_t frame, uint32_t count)
{
	uint32_t pages;

	for (; count; count -= pages, frame += pages) {
		pages = (uint32_t)thaw_min(count, PROGRESS_PAGES);
		__builtin_memset(l->m->frame(l->m, frame), 0, (size_t)pages << THAW_PAGE_SHIFT);
		l->wiped_pages += pages;
		if (l->wiped_pages >= PROGRESS_PAGES) {
			l->wiped_pages = 0;
			tell(l);
		}
	}
}

static void wipe_targets(struct thaw_load *l)
{
	const struct thaw_target *t = l->plan->targets;
	size_t i;

	/* The cursor runs ahead of what is decoded, so beyond it nothing was written. */
	for (i = 0; i < l->plan->target_count && i <= l->data.target; i++, t++) {
		if (t->kind == THAW_TARGET_PLACE || t->kind == THAW_TARGET_STAGE)
			wipe_frames(l, t->where, t->count);
	}
}

void thaw_load_wipe(struct thaw_load *l)
{
	if (l->plan)
		wipe_targets(l);
	thaw_crew_wipe(&l->crew);
	thaw_reader_wipe(&l->reader);
}
