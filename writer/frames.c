/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * frames.c: the frames in order, and which of them need no page.
 */
#include "parts.h"

#include <string.h>

/*
 * Fewer frames of one word than these are cheaper as data: a run of their own costs its entry, the
 * entry of the run behind, and a block that cannot be decoded in one piece.
 */
#define LEAST_SAME 8

/* A block ends where the frames do not go on, unless it is shorter than this. */
#define LEAST_BLOCK_BYTES (NATIVE_BLOCK_BYTES / 2)

/* Frames that one run may have at most. */
static uint64_t run_limit(const struct frames *f)
{
	return (UINT64_C(1) << (44 - f->page_shift)) - 1;
}

static bool goes_on(const struct frames *f, uint64_t first, uint32_t count, uint32_t kind,
		    uint64_t fill)
{
	const struct native_run *run = f->runs.list;

	if (!f->runs.count)
		return false;
	run += f->runs.count - 1;
	return run->kind == kind && run->fill == fill && run->first + run->count == first &&
	       count <= run_limit(f) - run->count;
}

static enum thaw_writer_err add_run(struct frames *f, uint64_t first, uint32_t count, uint32_t kind,
				    uint64_t fill)
{
	struct native_run *run = f->runs.list;

	f->total[kind] += count;
	if (goes_on(f, first, count, kind, fill)) {
		run[f->runs.count - 1].count += count;
		return THAW_WRITER_OK;
	}
	run = vector_add(&f->runs, sizeof(*run));
	if (!run)
		return THAW_WRITER_MEMORY;
	*run = (struct native_run){first, count, kind, fill};
	return THAW_WRITER_OK;
}

/* Where the page of the frame goes, in *ret. */
static enum thaw_writer_err add_page(struct frames *f, uint64_t frame, uint8_t **ret)
{
	struct pipeline *p = f->pipeline;
	bool breaks = frame != f->next_data &&
		      (size_t)pipeline_fill(p) << f->page_shift >= LEAST_BLOCK_BYTES;
	enum thaw_writer_err err = THAW_WRITER_OK;

	if (breaks || pipeline_is_full(p))
		err = pipeline_publish(p);
	if (!err)
		err = add_run(f, frame, 1, NATIVE_RUN_DATA, 0);
	f->next_data = frame + 1;
	*ret = err ? NULL : pipeline_page(p);
	return err;
}

static void fill_page(uint8_t *page, uint64_t word, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i += sizeof(word))
		memcpy(page + i, &word, sizeof(word));
}

static enum thaw_writer_err settle_same(struct frames *f)
{
	uint32_t count = f->same_count;
	uint8_t *page;
	uint32_t i;
	enum thaw_writer_err err = THAW_WRITER_OK;

	f->same_count = 0;
	if (count >= LEAST_SAME)
		return add_run(f, f->same_first, count,
			       f->same_word ? NATIVE_RUN_FILL : NATIVE_RUN_ZERO, f->same_word);
	for (i = 0; i < count && !err; i++) {
		err = add_page(f, f->same_first + i, &page);
		if (!err)
			fill_page(page, f->same_word, (size_t)1 << f->page_shift);
	}
	return err;
}

static bool is_same(const uint8_t *page, size_t bytes, uint64_t *ret_word)
{
	*ret_word = thaw_le64(page);
	return *ret_word == thaw_le64(page + bytes - sizeof(*ret_word)) &&
	       !memcmp(page, page + sizeof(*ret_word), bytes - sizeof(*ret_word));
}

static enum thaw_writer_err take_same(struct frames *f, uint64_t frame, uint64_t word)
{
	enum thaw_writer_err err = THAW_WRITER_OK;

	if (f->same_count && f->same_first + f->same_count == frame && f->same_word == word &&
	    f->same_count < run_limit(f)) {
		f->same_count++;
		return THAW_WRITER_OK;
	}
	err = settle_same(f);
	f->same_first = frame;
	f->same_count = 1;
	f->same_word = word;
	return err;
}

static enum thaw_writer_err take_page(struct frames *f, uint64_t frame, const uint8_t *page)
{
	size_t bytes = (size_t)1 << f->page_shift;
	uint64_t word;
	uint8_t *to;
	enum thaw_writer_err err;

	if (is_same(page, bytes, &word))
		return take_same(f, frame, word);
	err = settle_same(f);
	if (!err)
		err = add_page(f, frame, &to);
	if (!err)
		memcpy(to, page, bytes);
	return err;
}

static enum thaw_writer_err check_order(struct frames *f, uint64_t first, uint32_t count)
{
	uint64_t limit = UINT64_C(1) << (52 - f->page_shift);

	if (!count || count > run_limit(f) || first < f->next || first > limit ||
	    count > limit - first)
		return THAW_WRITER_ORDER;
	f->next = first + count;
	return THAW_WRITER_OK;
}

enum thaw_writer_err frames_data(struct frames *f, uint64_t first, uint32_t count,
				 const uint8_t *pages)
{
	enum thaw_writer_err err = check_order(f, first, count);
	uint32_t i;

	for (i = 0; i < count && !err; i++)
		err = take_page(f, first + i, pages + ((size_t)i << f->page_shift));
	return err;
}

/* Without pages. */
static enum thaw_writer_err frames_bare(struct frames *f, uint64_t first, uint32_t count,
					uint32_t kind, uint64_t word)
{
	enum thaw_writer_err err = check_order(f, first, count);

	if (!err)
		err = settle_same(f);
	return err ? err : add_run(f, first, count, kind, word);
}

enum thaw_writer_err frames_fill(struct frames *f, uint64_t first, uint32_t count, uint64_t word)
{
	return frames_bare(f, first, count, word ? NATIVE_RUN_FILL : NATIVE_RUN_ZERO, word);
}

enum thaw_writer_err frames_spare(struct frames *f, uint64_t first, uint32_t count)
{
	return frames_bare(f, first, count, NATIVE_RUN_SPARE, 0);
}

enum thaw_writer_err frames_end(struct frames *f)
{
	enum thaw_writer_err err = settle_same(f);

	return err ? err : pipeline_drain(f->pipeline);
}
