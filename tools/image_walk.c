/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * image_walk.c: an image from its first frame to its last, decoded and checked.
 */
#include "image.h"

#include <stdlib.h>
#include <string.h>
#include <thaw/crc32.h>

#define WINDOW_BYTES ((size_t)4 << 20)

struct walk {
	struct image_source *s;
	image_visit visit;
	void *arg;
	struct thaw_diag *diag;
	struct thaw_stream_pos pos;
	enum thaw_crc32_method method;
	uint8_t *window; /* stored bytes, beginning with a block */
	size_t fill;
	uint8_t *pages;	  /* one decoded block */
	uint64_t decoded; /* stream pages */
	uint32_t crc;
	size_t run;
	uint32_t done; /* frames of that run */
	bool stopped;
};

/* --- frames ------------------------------------------------------------------------------- */

static void visit(struct walk *w, const struct thaw_run *piece, const uint8_t *pages)
{
	w->stopped = w->stopped || !w->visit(w->arg, piece, pages);
}

/* Runs without pages, up to the next that has some. */
static void pass_runs(struct walk *w)
{
	const struct thaw_image *image = &w->s->image;

	while (w->run < image->run_count && image->runs[w->run].kind != THAW_RUN_DATA)
		visit(w, &image->runs[w->run++], NULL);
}

static void take_pages(struct walk *w, const uint8_t *pages, uint64_t count)
{
	struct thaw_run piece;

	for (; count && !w->stopped; count -= piece.count) {
		pass_runs(w);
		/* The counts were checked when the image was opened. */
		if (w->run == w->s->image.run_count)
			return;
		piece = w->s->image.runs[w->run];
		piece.first += w->done;
		piece.count = (uint32_t)thaw_min(count, piece.count - w->done);
		visit(w, &piece, pages);
		pages += (size_t)piece.count << THAW_PAGE_SHIFT;
		w->done += piece.count;
		if (w->done == w->s->image.runs[w->run].count) {
			w->run++;
			w->done = 0;
		}
	}
}

/* --- blocks ------------------------------------------------------------------------------- */

static enum thaw_err take_block(struct walk *w, const struct thaw_block *block,
				const uint8_t *stored)
{
	enum thaw_err err = thaw_block_decode(block, stored, w->pages);

	if (err)
		return thaw_fail(w->diag, err, "block", w->decoded, block->length);
	if (w->s->image.facts.has_checksum)
		w->crc = thaw_crc32_by(w->method, w->crc, w->pages,
				       (size_t)block->pages << THAW_PAGE_SHIFT);
	w->decoded += block->pages;
	take_pages(w, w->pages, block->pages);
	return THAW_OK;
}

/* All whole blocks in the window; what is left of one moves to its front. */
static enum thaw_err take_blocks(struct walk *w)
{
	const struct thaw_image *image = &w->s->image;
	struct thaw_block block;
	size_t used = 0;
	enum thaw_err err = THAW_OK;

	while (!err && !w->stopped && used < w->fill && w->decoded < image->facts.stream_pages) {
		err = thaw_image_split(image, w->decoded, w->window + used, w->fill - used, &block,
				       w->diag);
		if (err || !block.stored)
			break;
		err = take_block(w, &block, w->window + used);
		used += block.stored;
	}
	w->fill -= used;
	memmove(w->window, w->window + used, w->fill);
	return err;
}

static enum thaw_err read_more(struct walk *w, bool *ret_end)
{
	uint64_t page = 0;
	uint64_t count = thaw_stream_next(&w->s->image, &w->pos,
					  (WINDOW_BYTES - w->fill) >> THAW_PAGE_SHIFT, &page);
	enum thaw_err err;

	*ret_end = !count;
	if (!count)
		return THAW_OK;
	err = w->s->disk.seam.read(&w->s->disk.seam, page, count, w->window + w->fill);
	w->fill += (size_t)count << THAW_PAGE_SHIFT;
	return err ? thaw_fail(w->diag, err, "stream", page, count) : THAW_OK;
}

static enum thaw_err check_end(struct walk *w)
{
	const struct thaw_facts *facts = &w->s->image.facts;

	if (w->stopped)
		return THAW_OK;
	if (w->decoded != facts->stream_pages)
		return thaw_fail(w->diag, THAW_MAP_SHORT, "stream", w->decoded,
				 facts->stream_pages);
	if (w->fill)
		return thaw_fail(w->diag, THAW_MAP_LONG, "stream", w->fill, w->decoded);
	if (facts->has_checksum && w->crc != facts->checksum)
		return thaw_fail(w->diag, THAW_CHECKSUM, "crc32", w->crc, facts->checksum);
	pass_runs(w);
	return THAW_OK;
}

static enum thaw_err run(struct walk *w)
{
	const struct thaw_image *image = &w->s->image;
	bool end = false;
	enum thaw_err err;

	take_pages(w, image->head, image->head_pages);
	memcpy(w->window, image->rest, image->rest_bytes);
	w->fill = image->rest_bytes;
	err = take_blocks(w);
	while (!err && !end && !w->stopped) {
		err = read_more(w, &end);
		if (!err)
			err = take_blocks(w);
	}
	return err ? err : check_end(w);
}

enum thaw_err image_walk(struct image_source *s, image_visit visit_piece, void *arg,
			 struct thaw_diag *diag)
{
	struct walk w = {
		.s = s,
		.visit = visit_piece,
		.arg = arg,
		.diag = diag,
		.pos = s->image.pos,
		.method = thaw_crc32_choose(NULL),
		.window = aligned_alloc(THAW_PAGE_SIZE, WINDOW_BYTES),
		.pages = aligned_alloc(THAW_PAGE_SIZE, THAW_BLOCK_BYTES),
		.decoded = s->image.decoded_pages,
		.crc = s->image.checksum_state,
	};
	enum thaw_err err = THAW_MEMORY;

	if (w.window && w.pages)
		err = run(&w);
	else
		thaw_fail(diag, THAW_MEMORY, "window", WINDOW_BYTES, 0);
	free(w.window);
	free(w.pages);
	return err;
}
