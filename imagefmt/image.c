/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * image.c: the one door to all formats. A new format is a new file and a row in the table.
 */
#include "format.h"
#include "lz4.h"
#include "lzo1x.h"
#include "xxh64.h"

static const struct thaw_format *const formats[] = {
	&thaw_swsusp,
};

static const struct thaw_format *find_format(const void *page)
{
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(formats); i++) {
		if (formats[i]->probe(page) == THAW_OK)
			return formats[i];
	}
	return NULL;
}

enum thaw_err thaw_image_probe(const void *page)
{
	return find_format(page) ? THAW_OK : THAW_NO_IMAGE;
}

uint64_t thaw_image_mark(const void *page)
{
	return thaw_xxh64(page, THAW_PAGE_SIZE, 0);
}

enum thaw_err thaw_image_open(struct thaw_image *ret_image, struct thaw_disk *disk,
			      uint64_t header_page, uint64_t max_frames, struct thaw_memory *memory,
			      struct thaw_diag *diag)
{
	size_t i;
	enum thaw_err err = THAW_NO_IMAGE;

	for (i = 0; i < THAW_ARRAY_LEN(formats) && err == THAW_NO_IMAGE; i++) {
		*ret_image = (struct thaw_image){0};
		ret_image->format = formats[i];
		err = formats[i]->open(ret_image, disk, header_page, max_frames, memory, diag);
	}
	return err;
}

uint64_t thaw_stream_next(const struct thaw_image *image, struct thaw_stream_pos *pos,
			  uint64_t max_pages, uint64_t *ret_page)
{
	const struct thaw_extent *extent;
	uint64_t count;

	if (pos->extent == image->extent_count || !max_pages)
		return 0;
	extent = &image->extents[pos->extent];
	count = thaw_min(max_pages, extent->count - pos->done);
	*ret_page = extent->page + pos->done;
	pos->done += count;
	if (pos->done == extent->count)
		*pos = (struct thaw_stream_pos){pos->extent + 1, 0};
	return count;
}

enum thaw_err thaw_image_split(const struct thaw_image *image, uint64_t decoded_pages,
			       const uint8_t *stored, size_t len, struct thaw_block *ret,
			       struct thaw_diag *diag)
{
	return image->format->split(image, decoded_pages, stored, len, ret, diag);
}

enum thaw_err thaw_block_decode(const struct thaw_block *block, const uint8_t *stored, void *dst)
{
	size_t want = (size_t)block->pages << THAW_PAGE_SHIFT;
	size_t got = 0;
	enum thaw_err err = THAW_BLOCK_DATA;

	stored += block->offset;
	switch (block->codec) {
	case THAW_CODEC_NONE:
		__builtin_memcpy(dst, stored, want);
		return THAW_OK;
	case THAW_CODEC_LZO1X:
		err = thaw_lzo1x_decode(stored, block->length, dst, want, &got);
		break;
	case THAW_CODEC_LZ4:
		err = thaw_lz4_decode(stored, block->length, dst, want, &got);
		break;
	}
	return !err && got != want ? THAW_BLOCK_DATA : err;
}
