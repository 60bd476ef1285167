/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * image.c: the one door to all formats. A new format is a new file and a row in the table.
 */
#include "format.h"
#include "lz4.h"
#include "lzo1x.h"
#include "xxh64.h"

static const struct thaw_format *const formats[] = {
	&thaw_native, /* before the other: its anchor in a swap header has Linux's signature too */
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

bool thaw_bytes_match(const void *bytes, size_t count, uint64_t checksum)
{
	return thaw_xxh64(bytes, count, 0) == checksum;
}

uint64_t thaw_image_mark(const void *page)
{
	return thaw_xxh64(page, THAW_PAGE_SIZE, 0);
}

static enum thaw_err read_header(struct thaw_image *image, struct thaw_disk *disk,
				 struct thaw_memory *memory, struct thaw_diag *diag)
{
	void *page;
	enum thaw_err err;

	if (image->header_page >= disk->pages)
		return thaw_fail(diag, THAW_NO_IMAGE, "area", image->header_page, disk->pages);
	page = memory->alloc(memory, THAW_PAGE_SIZE);
	if (!page)
		return thaw_fail(diag, THAW_MEMORY, "header page", THAW_PAGE_SIZE, 0);
	err = disk->read(disk, image->header_page, 1, page);
	if (err)
		return thaw_fail(diag, err, "header page", image->header_page, 0);
	image->format = find_format(page);
	if (!image->format)
		return thaw_fail(diag, THAW_NO_IMAGE, "header page", image->header_page, 0);
	image->header = page;
	image->facts.format = image->format->name;
	image->facts.mark = thaw_image_mark(page);
	return THAW_OK;
}

enum thaw_err thaw_image_open(struct thaw_image *ret_image, struct thaw_disk *disk,
			      uint64_t header_page, uint64_t max_frames, struct thaw_memory *memory,
			      struct thaw_diag *diag)
{
	enum thaw_err err;

	*ret_image = (struct thaw_image){.header_page = header_page};
	err = read_header(ret_image, disk, memory, diag);
	if (!err)
		err = ret_image->format->open(ret_image, disk, max_frames, memory, diag);
	return err ? err : thaw_md_raid_check_wholes(disk, memory, diag);
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

uint32_t thaw_image_plain(const struct thaw_image *image, uint64_t decoded_pages,
			  uint32_t max_pages)
{
	return image->format->plain(image, decoded_pages, max_pages);
}

uint64_t thaw_image_before_plain(const struct thaw_image *image, uint64_t decoded_pages,
				 uint32_t least_pages, uint64_t max_bytes)
{
	if (!image->format->before_plain)
		return 0;
	return image->format->before_plain(image, decoded_pages, least_pages, max_bytes);
}

const char *thaw_codec_name(enum thaw_codec codec)
{
	static const char *const names[] = {
		[THAW_CODEC_NONE] = "none",
		[THAW_CODEC_LZO1X] = "lzo1x",
		[THAW_CODEC_LZ4] = "lz4",
	};

	return names[codec];
}

static enum thaw_err decode(const struct thaw_block *block, const uint8_t *stored, void *dst)
{
	size_t want = (size_t)block->pages << THAW_PAGE_SHIFT;
	size_t got = 0;
	enum thaw_err err = THAW_BLOCK_DATA;

	stored += block->offset;
	switch (block->codec) {
	case THAW_CODEC_NONE:
		if (dst != stored)
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

enum thaw_err thaw_block_decode(const struct thaw_block *block, const uint8_t *stored, void *dst)
{
	enum thaw_err err = decode(block, stored, dst);

	if (!err && block->has_checksum &&
	    thaw_xxh64(dst, (size_t)block->pages << THAW_PAGE_SHIFT, 0) != block->checksum)
		return THAW_CHECKSUM;
	return err;
}
