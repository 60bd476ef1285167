/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * swsusp_frames.c: the PFN list, which is the beginning of the stream.
 *
 * It has to be decoded before anything can be planned. The last block of it usually holds the first
 * data pages too, and the last window read holds blocks beyond it: both are kept for the loader, so
 * that no page of the disk is read twice and what was checked is what is used.
 */
#include "swsusp.h"
#include <thaw/crc32.h>

/* Several blocks, so that a block never has to wait for more than one refill. */
#define WINDOW_BYTES (512 * 1024)

_Static_assert(WINDOW_BYTES >= 2 * THAW_BLOCK_STORED_MAX, "a window must hold any block");

struct reader {
	struct swsusp_open *o;
	uint8_t *window;
	size_t used;
	size_t fill;
	uint8_t *pages; /* one decoded block */
	struct thaw_runs runs;
	uint64_t next_frame; /* the least that may follow */
	uint64_t frames;
	bool ended; /* the end mark was met */
};

/* Moves what is left to the front and reads on behind it. */
static enum thaw_err refill(struct reader *r)
{
	struct thaw_image *image = r->o->image;
	size_t left = r->fill - r->used;
	uint64_t page;
	uint64_t count;
	enum thaw_err err;

	__builtin_memmove(r->window, r->window + r->used, left);
	r->used = 0;
	r->fill = left;
	while (r->fill < WINDOW_BYTES) {
		count = thaw_stream_next(image, &image->pos,
					 (WINDOW_BYTES - r->fill) / THAW_PAGE_SIZE, &page);
		if (!count)
			break;
		err = r->o->disk->read(r->o->disk, page, count, r->window + r->fill);
		if (err)
			return thaw_fail(r->o->diag, err, "stream", page, count);
		r->fill += (size_t)count << THAW_PAGE_SHIFT;
	}
	if (r->fill == left)
		return thaw_fail(r->o->diag, THAW_MAP_SHORT, "stream", image->decoded_pages,
				 image->facts.stream_pages);
	return THAW_OK;
}

static enum thaw_err next_block(struct reader *r, struct thaw_block *block)
{
	struct thaw_image *image = r->o->image;
	enum thaw_err err;

	for (;;) {
		err = swsusp_split(image, image->decoded_pages, r->window + r->used,
				   r->fill - r->used, block, r->o->diag);
		if (err || block->stored)
			return err;
		err = refill(r);
		if (err)
			return err;
	}
}

static enum thaw_err decode_block(struct reader *r, uint64_t *ret_pages)
{
	struct thaw_image *image = r->o->image;
	struct thaw_block block;
	enum thaw_err err = next_block(r, &block);

	if (err)
		return err;
	err = thaw_block_decode(&block, r->window + r->used, r->pages);
	if (err)
		return thaw_fail(r->o->diag, err, "chunk", image->decoded_pages, block.length);
	r->used += block.stored;
	image->decoded_pages += block.pages;
	if (image->facts.has_checksum)
		image->checksum_state = thaw_crc32(image->checksum_state, r->pages,
						   (size_t)block.pages << THAW_PAGE_SHIFT);
	*ret_pages = block.pages;
	return THAW_OK;
}

/* So many that follow each other, from that of the entry on. */
static enum thaw_err take_frames(struct reader *r, uint64_t entry, uint32_t count)
{
	struct swsusp_open *o = r->o;
	struct thaw_facts *facts = &o->image->facts;
	bool zero = entry & ENCODED_PFN_ZERO_FLAG;
	uint64_t first = entry & ~ENCODED_PFN_ZERO_FLAG;
	enum thaw_err err;

	if (first >= THAW_FRAME_LIMIT || count > THAW_FRAME_LIMIT - first)
		return thaw_fail(o->diag, THAW_FRAMES_RANGE, "pfn", first, THAW_FRAME_LIMIT);
	if (first < r->next_frame)
		return thaw_fail(o->diag, THAW_FRAMES_ORDER, "pfn", first, r->next_frame);
	r->next_frame = first + count;
	r->frames += count;
	facts->zero_frames += zero ? count : 0;
	err = thaw_runs_add(&r->runs, first, count, zero ? THAW_RUN_ZERO : THAW_RUN_DATA, o->memory);
	return err ? thaw_fail(o->diag, err, "runs", r->frames, 0) : THAW_OK;
}

static enum thaw_err take_page(struct reader *r, const uint64_t *entries)
{
	size_t count;
	size_t i;
	enum thaw_err err = THAW_OK;

	for (i = 0; !err && i < PFN_PER_PAGE; i += count) {
		count = 1;
		if (r->ended && entries[i])
			return thaw_fail(r->o->diag, THAW_FRAMES_COUNT, "pfn after the end",
					 entries[i], i);
		if (r->ended)
			continue;
		if (entries[i] == BM_END_OF_MAP) {
			r->ended = true;
			continue;
		}
		count = swsusp_consecutive(entries + i, PFN_PER_PAGE - i);
		err = take_frames(r, entries[i], (uint32_t)count);
	}
	return err;
}

static enum thaw_err take_list(struct reader *r)
{
	struct thaw_image *image = r->o->image;
	uint64_t left = image->facts.meta_pages;
	uint64_t pages = 0;
	uint64_t here = 0;
	uint64_t i;
	enum thaw_err err;

	while (left) {
		err = decode_block(r, &pages);
		if (err)
			return err;
		here = thaw_min(left, pages);
		if (!image->facts.has_checksum)
			thaw_xxh64_update(&r->o->identity, r->pages,
					  (size_t)here << THAW_PAGE_SHIFT);
		for (i = 0; i < here; i++) {
			err = take_page(r, (const uint64_t *)r->pages + i * PFN_PER_PAGE);
			if (err)
				return err;
		}
		left -= here;
	}
	image->head = r->pages + (here << THAW_PAGE_SHIFT);
	image->head_pages = pages - here;
	return THAW_OK;
}

/* The list must account for exactly the data pages of the stream and the list pages themselves. */
static enum thaw_err check_list(struct reader *r)
{
	const struct thaw_facts *facts = &r->o->image->facts;

	if (r->frames > r->o->max_frames)
		return thaw_fail(r->o->diag, THAW_FRAMES_COUNT, "frames", r->frames,
				 r->o->max_frames);
	if (r->frames - facts->zero_frames != facts->data_frames)
		return thaw_fail(r->o->diag, THAW_FRAMES_COUNT, "data frames",
				 r->frames - facts->zero_frames, facts->data_frames);
	if (thaw_div_up(r->frames, PFN_PER_PAGE) != facts->meta_pages)
		return thaw_fail(r->o->diag, THAW_FRAMES_COUNT, "list pages", r->frames,
				 facts->meta_pages);
	return THAW_OK;
}

enum thaw_err swsusp_read_frames(struct swsusp_open *o)
{
	struct thaw_image *image = o->image;
	struct reader r = {.o = o};
	enum thaw_err err;

	image->scratch_bytes = WINDOW_BYTES + THAW_BLOCK_BYTES;
	image->scratch = o->memory->alloc(o->memory, image->scratch_bytes);
	if (!image->scratch)
		return thaw_fail(o->diag, THAW_MEMORY, "window", WINDOW_BYTES, 0);
	r.window = image->scratch;
	r.pages = image->scratch + WINDOW_BYTES;
	err = take_list(&r);
	if (!err)
		err = check_list(&r);
	if (err)
		return err;
	image->rest = r.window + r.used;
	image->rest_bytes = r.fill - r.used;
	image->runs = r.runs.list;
	image->run_count = r.runs.count;
	return THAW_OK;
}
