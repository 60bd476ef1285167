/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * writer.c: the order in which an image comes to be. Contract: include/thaw/writer.h.
 */
#include "parts.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_SHIFT_DEFAULT 12

/* Seen in images of real guests: a run is some ten frames long, a block some twenty pages. */
#define FRAMES_PER_RUN	 8
#define FRAMES_PER_BLOCK 16

static enum thaw_writer_err check_options(const struct thaw_writer_options *o)
{
	bool shift = o->page_shift == 12 || o->page_shift == 14 || o->page_shift == 16;

	return shift && (!o->swap || o->page_shift == 12) && (o->swap || !o->anchor_unit)
		       ? THAW_WRITER_OK
		       : THAW_WRITER_FACTS;
}

static enum thaw_writer_err allocate(struct thaw_writer *w)
{
	uint64_t frames = w->options.frames;

	w->header = aligned_alloc(NATIVE_UNIT, NATIVE_UNIT);
	w->anchor_page = aligned_alloc(NATIVE_UNIT, NATIVE_UNIT);
	if (!w->header || !w->anchor_page ||
	    !vector_reserve(&w->frames.runs, sizeof(struct native_run),
			    (size_t)(frames / FRAMES_PER_RUN)) ||
	    !vector_reserve(&w->pipeline.blocks, sizeof(struct native_block),
			    (size_t)(frames / FRAMES_PER_BLOCK)))
		return THAW_WRITER_MEMORY;
	memset(w->header, 0, NATIVE_UNIT);
	return THAW_WRITER_OK;
}

static enum thaw_writer_err begin(struct thaw_writer *w, struct thaw_writer_target *target)
{
	enum thaw_writer_err err = check_options(&w->options);

	if (!err)
		err = output_open(&w->output, target);
	if (err)
		return err;
	err = pipeline_open(&w->pipeline, &w->output, &w->options);
	if (!err)
		err = allocate(w);
	return err ? err : anchor_begin(w);
}

enum thaw_writer_err thaw_writer_open(struct thaw_writer **ret, struct thaw_writer_target *target,
				      const struct thaw_writer_options *options)
{
	struct thaw_writer *w = calloc(1, sizeof(*w));
	enum thaw_writer_err err;

	*ret = NULL;
	if (!w)
		return THAW_WRITER_MEMORY;
	w->options = *options;
	if (!w->options.page_shift)
		w->options.page_shift = PAGE_SHIFT_DEFAULT;
	w->frames.pipeline = &w->pipeline;
	w->frames.page_shift = w->options.page_shift;
	err = begin(w, target);
	if (err)
		thaw_writer_close(w);
	else
		*ret = w;
	return err;
}

enum thaw_writer_err thaw_writer_data(struct thaw_writer *w, uint64_t first, uint32_t count,
				      const void *pages)
{
	if (!w->err)
		w->err = frames_data(&w->frames, first, count, pages);
	return w->err;
}

enum thaw_writer_err thaw_writer_fill(struct thaw_writer *w, uint64_t first, uint32_t count,
				      uint64_t word)
{
	if (!w->err)
		w->err = frames_fill(&w->frames, first, count, word);
	return w->err;
}

enum thaw_writer_err thaw_writer_spare(struct thaw_writer *w, uint64_t first, uint32_t count)
{
	if (!w->err)
		w->err = frames_spare(&w->frames, first, count);
	return w->err;
}

enum thaw_writer_err thaw_writer_finish(struct thaw_writer *w)
{
	uint64_t header_unit = 0;

	if (!w->err)
		w->err = frames_end(&w->frames);
	if (!w->err && !w->frames.total[NATIVE_RUN_DATA])
		w->err = THAW_WRITER_ORDER;
	if (!w->err && !w->described)
		w->err = THAW_WRITER_FACTS;
	if (!w->err)
		w->err = tables_write(w, &header_unit);
	if (!w->err)
		w->err = anchor_commit(w, header_unit);
	return w->err;
}

void thaw_writer_close(struct thaw_writer *w)
{
	if (!w)
		return;
	if (w->pipeline.output)
		pipeline_close(&w->pipeline);
	output_close(&w->output);
	free(w->frames.runs.list);
	free(w->header);
	free(w->anchor_page);
	free(w->memory_map);
	free(w->firmware);
	free(w->watched);
	free(w->notes);
	free(w);
}

int thaw_writer_errno(const struct thaw_writer *w)
{
	return w->output.saved_errno;
}

void thaw_writer_stats(const struct thaw_writer *w, struct thaw_writer_stats *ret)
{
	const uint64_t *total = w->frames.total;

	*ret = (struct thaw_writer_stats){
		.data_frames = total[NATIVE_RUN_DATA],
		.zero_frames = total[NATIVE_RUN_ZERO],
		.fill_frames = total[NATIVE_RUN_FILL],
		.spare_frames = total[NATIVE_RUN_SPARE],
		.runs = w->frames.runs.count,
		.blocks = w->pipeline.blocks.count,
		.raw_blocks = w->pipeline.raw_blocks,
		.data_bytes = w->header->data_bytes,
		.written = w->output.written,
		.extents = w->output.extents.count,
		.generation = w->header->generation,
	};
	memcpy(ret->uuid, w->header->uuid, sizeof(ret->uuid));
}

const char *thaw_writer_sentence(enum thaw_writer_err err)
{
	static const char *const sentences[] = {
#define THAW_WRITER_SENTENCE(symbol, sentence) [THAW_WRITER_##symbol] = sentence,
		THAW_WRITER_ERR_LIST(THAW_WRITER_SENTENCE)
#undef THAW_WRITER_SENTENCE
	};

	return (size_t)err < THAW_ARRAY_LEN(sentences) ? sentences[err] : "";
}
