/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * hibernate_stream.c: the snapshot as the kernel hands it out, page by page: one with counts and
 * the entry point, the list of frames, then the frames that are not zero, in the list's order. The
 * same pages that Linux's own image has (see swsusp_disk.h), before they are packed.
 *
 * Nothing here is checked less than if it came from a disk: what is not understood is not saved.
 */
#include "hibernate.h"
#include "../imagefmt/swsusp_disk.h"

#include <errno.h>
#include <string.h>

struct copy {
	struct hibernate_stream *stream;
	struct hibernate_target *target;
	struct thaw_writer *writer;
	uint64_t count;	     /* frames in the list */
	uint64_t data_pages; /* that the info page promises */
	uint64_t list_pages;
	uint64_t done; /* pages of the stream */
	bool witnessed;
	/* neighbouring data frames whose pages wait in the batch */
	uint64_t first;
	uint32_t waiting;
	enum thaw_writer_err error;
};

static enum hibernate_err read_page(struct copy *c, void *page)
{
	int got;

	pthread_mutex_lock(&c->target->kernel);
	got = snapshot_read(c->target->snapshot, page);
	pthread_mutex_unlock(&c->target->kernel);
	if (!got)
		errno = ENODATA;
	if (got != 1)
		return HIBERNATE_READ;
	c->done++;
	if (!(c->done & 0x3ff) && c->stream->progress)
		c->stream->progress(c->stream->arg, c->done, c->stream->pages);
	return HIBERNATE_OK;
}

/* --- the first page ------------------------------------------------------------------------ */

static enum hibernate_err read_info(struct copy *c, struct thaw_writer_facts *facts)
{
	/* A page of the batch, which is not in use yet. */
	const struct swsusp_info *info = (const void *)c->stream->batch;
	const struct restore_data_record *record = &info->arch;
	enum hibernate_err err = read_page(c, c->stream->batch);

	if (err)
		return err;
	if (record->magic != RESTORE_MAGIC_CRC32 || record->e820_checksum > UINT32_MAX)
		return HIBERNATE_RECORD;
	if (!info->image_pages || info->pages < info->image_pages + 2 ||
	    info->pages != c->stream->pages || info->size != info->pages << THAW_PAGE_SHIFT)
		return HIBERNATE_FRAMES;
	c->data_pages = info->image_pages;
	c->list_pages = info->pages - info->image_pages - 1;
	facts->arch = NATIVE_ARCH_X86_64;
	facts->entry.x86_64 = (struct native_entry_x86_64){
		.jump_va = record->jump_address,
		.jump_pa = record->jump_address_phys,
		.root_pa = record->cr3,
	};
	facts->map_digest = (uint32_t)record->e820_checksum;
	facts->has_map_digest = true;
	return HIBERNATE_OK;
}

/* --- the list of frames -------------------------------------------------------------------- */

/* Kernels before 6.6 save zero frames like any other. */
static bool is_zero(uint64_t entry)
{
	return entry & ENCODED_PFN_ZERO_FLAG;
}

static uint64_t frame_of(uint64_t entry)
{
	return entry & ~ENCODED_PFN_ZERO_FLAG;
}

static bool list_is_sound(const struct copy *c)
{
	const uint64_t *frames = c->stream->frames;
	uint64_t data = 0;
	uint64_t i;

	for (i = 0; i < c->count; i++) {
		if (i && frame_of(frames[i]) <= frame_of(frames[i - 1]))
			return false;
		data += !is_zero(frames[i]);
	}
	return c->count && frame_of(frames[c->count - 1]) < THAW_FRAME_LIMIT &&
	       data == c->data_pages;
}

static enum hibernate_err read_list(struct copy *c)
{
	uint64_t *frames = c->stream->frames;
	enum hibernate_err err;
	uint64_t i;

	if (c->list_pages > c->stream->capacity / PFN_PER_PAGE)
		return HIBERNATE_FRAMES;
	for (i = 0; i < c->list_pages; i++) {
		err = read_page(c, frames + i * PFN_PER_PAGE);
		if (err)
			return err;
	}
	/* The end mark is missing where the last page is full. */
	while (c->count < c->list_pages * PFN_PER_PAGE && frames[c->count] != BM_END_OF_MAP)
		c->count++;
	return list_is_sound(c) ? HIBERNATE_OK : HIBERNATE_FRAMES;
}

/* --- the frames ---------------------------------------------------------------------------- */

static enum hibernate_err told(struct copy *c, enum thaw_writer_err error)
{
	c->error = error;
	return error ? HIBERNATE_WRITER : HIBERNATE_OK;
}

/* Hands over what waits. */
static enum hibernate_err flush(struct copy *c)
{
	uint32_t count = c->waiting;

	c->waiting = 0;
	if (!count)
		return HIBERNATE_OK;
	return told(c, thaw_writer_data(c->writer, c->first, count, c->stream->batch));
}

/* The first is saved as zeros, which it never was: whoever finds it so was restored. */
static enum hibernate_err copy_spare(struct copy *c, uint64_t frame)
{
	enum hibernate_err err = flush(c);

	if (err)
		return err;
	if (c->witnessed)
		return told(c, thaw_writer_spare(c->writer, frame, 1));
	c->witnessed = true;
	return told(c, thaw_writer_fill(c->writer, frame, 1, 0));
}

static enum hibernate_err copy_data(struct copy *c, uint64_t frame)
{
	uint8_t *page;
	enum hibernate_err err = HIBERNATE_OK;

	if (c->waiting == HIBERNATE_BATCH || (c->waiting && c->first + c->waiting != frame))
		err = flush(c);
	page = c->stream->batch + (size_t)c->waiting * THAW_PAGE_SIZE;
	if (!err)
		err = read_page(c, page);
	if (err)
		return err;
	if (!memcmp(page, c->stream->spare, THAW_PAGE_SIZE))
		return copy_spare(c, frame);
	if (!c->waiting)
		c->first = frame;
	c->waiting++;
	return HIBERNATE_OK;
}

static enum hibernate_err copy_frames(struct copy *c)
{
	const uint64_t *frames = c->stream->frames;
	enum hibernate_err err = HIBERNATE_OK;
	uint64_t i;

	for (i = 0; !err && i < c->count; i++) {
		if (!is_zero(frames[i])) {
			err = copy_data(c, frames[i]);
			continue;
		}
		err = flush(c);
		if (!err)
			err = told(c, thaw_writer_fill(c->writer, frame_of(frames[i]), 1, 0));
	}
	if (!err)
		err = flush(c);
	return err || c->witnessed ? err : HIBERNATE_FRAMES;
}

enum hibernate_err hibernate_stream_copy(struct hibernate_stream *stream,
					 struct hibernate_target *target,
					 struct thaw_writer *writer,
					 struct thaw_writer_facts *facts,
					 enum thaw_writer_err *ret_writer)
{
	struct copy c = {.stream = stream, .target = target, .writer = writer};
	enum hibernate_err err = read_info(&c, facts);

	if (!err)
		err = read_list(&c);
	if (!err)
		err = copy_frames(&c);
	*ret_writer = c.error;
	return err;
}
