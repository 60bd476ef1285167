/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * reader.c: the stream from the disk, into windows or straight to where it belongs. The boot
 * processor's alone.
 */
#include "load.h"

/*
 * Windows are large enough that a read's own cost does not count, and all of them together small enough
 * for a cache. Each is read twice the size of the one before, from the least on, so that the other
 * processors soon have work.
 */
#define MOST_WINDOW_BYTES  ((size_t)4 << 20)
#define LEAST_WINDOW_BYTES ((size_t)256 << 10)

/* The windows are to take no more than a quarter of what the staged frames may need too. */
static size_t choose_window_bytes(const struct thaw_plan *plan)
{
	uint64_t room = (plan->pool.left << THAW_PAGE_SHIFT) / 4 / THAW_WINDOWS;
	uint64_t largest = thaw_plan_largest(plan) << THAW_PAGE_SHIFT;
	size_t bytes = MOST_WINDOW_BYTES;

	while (bytes > LEAST_WINDOW_BYTES && (bytes > room || bytes + 2 * THAW_HEADROOM > largest))
		bytes /= 2;
	return bytes;
}

bool thaw_reader_prepare(struct thaw_reader *r, struct thaw_machine *m, struct thaw_plan *plan)
{
	uint8_t *p;
	unsigned i;

	r->window_bytes = choose_window_bytes(plan);
	for (i = 0; i < THAW_WINDOWS; i++) {
		p = thaw_load_take(m, plan, THAW_HEADROOM + r->window_bytes);
		if (!p)
			return false;
		r->window[i].data = p + THAW_HEADROOM;
	}
	return true;
}

void thaw_reader_start(struct thaw_reader *r, const struct thaw_image *image,
		       struct thaw_disk *disk, struct thaw_diag *diag)
{
	r->image = image;
	r->disk = disk;
	r->diag = diag;
	r->pos = image->pos;
	r->next_bytes = LEAST_WINDOW_BYTES;
}

bool thaw_reader_has_more(const struct thaw_reader *r)
{
	return r->pos.extent < r->image->extent_count;
}

/* --- windows ----------------------------------------------------------------------------- */

struct thaw_window *thaw_reader_window(struct thaw_reader *r)
{
	return &r->window[r->next_window];
}

enum thaw_err thaw_reader_fill(struct thaw_reader *r, uint64_t most_pages)
{
	struct thaw_window *w = thaw_reader_window(r);
	struct thaw_disk *disk = r->disk;
	size_t most = r->next_bytes;
	uint64_t page = 0;
	uint64_t count = 0;
	uint8_t *at;
	enum thaw_err err = THAW_OK;

	if (most_pages && most_pages < most >> THAW_PAGE_SHIFT)
		most = (size_t)most_pages << THAW_PAGE_SHIFT;
	w->fill = 0;
	r->next_bytes = thaw_min(2 * r->next_bytes, r->window_bytes);
	while (!err && w->fill < most && thaw_reader_has_more(r)) {
		count = thaw_stream_next(r->image, &r->pos,
					 (most - w->fill) >> THAW_PAGE_SHIFT, &page);
		at = w->data + w->fill;
		w->fill += (size_t)count << THAW_PAGE_SHIFT;
		r->reading = disk->read_start &&
			     (w->fill == most || !thaw_reader_has_more(r));
		err = r->reading ? disk->read_start(disk, page, count, at)
				 : disk->read(disk, page, count, at);
	}
	if (err)
		r->reading = false;
	return err ? thaw_fail(r->diag, err, "stream", page, count) : THAW_OK;
}

enum thaw_err thaw_reader_finish(struct thaw_reader *r)
{
	enum thaw_err err = THAW_OK;

	if (r->reading)
		err = r->disk->read_wait(r->disk);
	r->reading = false;
	r->next_window = (r->next_window + 1) % THAW_WINDOWS;
	return err ? thaw_fail(r->diag, err, "stream", r->pos.extent, r->pos.done) : THAW_OK;
}

void thaw_reader_abandon(struct thaw_reader *r)
{
	if (r->reading)
		r->disk->read_wait(r->disk);
	r->reading = false;
}

/* --- straight into place ------------------------------------------------------------------- */

enum thaw_err thaw_reader_straight(struct thaw_reader *r, uint64_t page, uint32_t count, void *to)
{
	enum thaw_err err = r->disk->read(r->disk, page, count, to);

	return err ? thaw_fail(r->diag, err, "stream", page, count) : THAW_OK;
}

void thaw_reader_wipe(struct thaw_reader *r)
{
	unsigned i;

	for (i = 0; i < THAW_WINDOWS; i++)
		__builtin_memset(r->window[i].data - THAW_HEADROOM, 0,
				 THAW_HEADROOM + r->window_bytes);
}
