/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * swsusp.c: the image that Linux writes to swap: header, and the order in which the rest is opened.
 *
 * Stricter than the kernel: flags it does not know, compressed streams without a checksum (none
 * since 3.2), and an original signature that is not a swap area's are refused.
 */
#include "format.h"
#include "swsusp.h"

static const char image_sig[10] = "S1SUSPEND";
static const char swap_sig_2[11] = "SWAPSPACE2";
static const char swap_sig_1[11] = "SWAP-SPACE";

static enum thaw_err swsusp_probe(const void *page)
{
	const struct swsusp_header *header = page;

	return thaw_bytes_equal(header->sig, image_sig, sizeof(image_sig)) ? THAW_OK
									   : THAW_NO_IMAGE;
}

static enum thaw_err check_flags(const struct swsusp_header *header, struct thaw_diag *diag)
{
	uint32_t flags = header->flags;
	bool compressed = !(flags & SF_NOCOMPRESS_MODE);
	bool checked = flags & SF_CRC32_MODE;

	if (flags & ~SF_KNOWN)
		return thaw_fail(diag, THAW_HEADER_FLAGS, "flags", flags, SF_KNOWN);
	if (compressed != checked || (!compressed && (flags & SF_COMPRESSION_ALG_LZ4)))
		return thaw_fail(diag, THAW_HEADER_FLAGS, "flags", flags, 0);
	return THAW_OK;
}

/*
 * include/linux/swap.h, union swap_header: the version lies at 1024, and mm/swapfile.c takes no
 * other than 1. What another format wrote over an image may leave the signature at the page's end
 * alone: LUKS and ext4 have something else here.
 */
static enum thaw_err check_swap_header(const struct swsusp_header *header, struct thaw_diag *diag)
{
	uint32_t version = thaw_le32(header->reserved + SWAP_VERSION_OFFSET);

	if (thaw_bytes_equal(header->orig_sig, swap_sig_2, sizeof(header->orig_sig)) &&
	    version != 1)
		return thaw_fail(diag, THAW_FOREIGN, "swap header version", version, 1);
	return THAW_OK;
}

static void take_facts(struct thaw_facts *facts, const struct swsusp_header *header)
{
	facts->codec = THAW_CODEC_LZO1X;
	if (header->flags & SF_NOCOMPRESS_MODE)
		facts->codec = THAW_CODEC_NONE;
	else if (header->flags & SF_COMPRESSION_ALG_LZ4)
		facts->codec = THAW_CODEC_LZ4;
	facts->platform_mode = header->flags & SF_PLATFORM_MODE;
	facts->has_checksum = header->flags & SF_CRC32_MODE;
	facts->checksum = header->crc32;
	facts->has_hw_sig = header->flags & SF_HW_SIG;
	facts->hw_sig = header->hw_sig;
}

static enum thaw_err parse_header(struct swsusp_open *o, const struct swsusp_header *header)
{
	struct swsusp_header *consumed = (struct swsusp_header *)o->image->consumed;
	enum thaw_err err = check_flags(header, o->diag);

	if (err)
		return err;
	if (!thaw_bytes_equal(header->orig_sig, swap_sig_2, sizeof(header->orig_sig)) &&
	    !thaw_bytes_equal(header->orig_sig, swap_sig_1, sizeof(header->orig_sig)))
		return thaw_fail(o->diag, THAW_HEADER_FIELD, "orig_sig",
				 thaw_le64(header->orig_sig), 0);
	err = check_swap_header(header, o->diag);
	if (err)
		return err;
	if (!header->image || header->image >= o->pages ||
	    header->image == o->image->header_page)
		return thaw_fail(o->diag, THAW_HEADER_FIELD, "image", header->image, o->pages);
	o->first_map_page = header->image;
	*consumed = *header;
	__builtin_memcpy(consumed->sig, header->orig_sig, sizeof(consumed->sig));
	take_facts(&o->image->facts, header);
	return THAW_OK;
}

static enum thaw_err take_header(struct swsusp_open *o)
{
	const struct thaw_image *image = o->image;
	enum thaw_err err;

	thaw_xxh64_update(&o->identity, image->header, THAW_PAGE_SIZE);
	err = thaw_extents_add(&o->others, (struct thaw_extent){image->header_page, 1}, o->memory);
	if (err)
		return thaw_fail(o->diag, err, "extents", 0, 0);
	/* The header of a swap file counts in pages of the file. */
	if (!image->header_page)
		o->pages = thaw_swap_pages(image->header, o->disk);
	return parse_header(o, (const struct swsusp_header *)image->header);
}

/* All of the swap space is content, whatever lies there; of a file's disk what the image has. */
static enum thaw_err check_raid(struct swsusp_open *o)
{
	return thaw_md_raid_check(o->disk, o->image->header_page ? o->end : o->pages, o->memory,
				  o->diag);
}

static enum thaw_err swsusp_open(struct thaw_image *ret, struct thaw_disk *disk,
				 uint64_t max_frames, struct thaw_memory *memory,
				 struct thaw_diag *diag)
{
	struct swsusp_open o = {
		.image = ret,
		.disk = disk,
		.pages = disk->pages,
		.memory = memory,
		.diag = diag,
		.max_frames = max_frames,
	};
	enum thaw_err err;

	thaw_xxh64_init(&o.identity, 0);
	err = take_header(&o);
	if (!err)
		err = swsusp_read_map(&o);
	if (err)
		return err;
	ret->extents = o.stream.list;
	ret->extent_count = o.stream.count;
	/* The header holds the stream's checksum. A stream without one adds its PFN list below. */
	ret->facts.identity = thaw_xxh64_final(&o.identity);
	err = check_raid(&o);
	if (!err)
		err = swsusp_read_frames(&o);
	if (!ret->facts.has_checksum)
		ret->facts.identity = err ? 0 : thaw_xxh64_final(&o.identity);
	return err;
}

static enum thaw_err split_raw(uint64_t pages, size_t len, struct thaw_block *ret)
{
	pages = thaw_min(pages, len >> THAW_PAGE_SHIFT);
	*ret = (struct thaw_block){
		.stored = (size_t)pages << THAW_PAGE_SHIFT,
		.length = (size_t)pages << THAW_PAGE_SHIFT,
		.pages = (uint32_t)pages,
		.codec = THAW_CODEC_NONE,
	};
	return THAW_OK;
}

enum thaw_err swsusp_split(const struct thaw_image *image, uint64_t decoded_pages,
			   const uint8_t *stored, size_t len, struct thaw_block *ret,
			   struct thaw_diag *diag)
{
	uint64_t pages = thaw_min(UNC_PAGES, image->facts.stream_pages - decoded_pages);
	uint64_t length;
	size_t total;

	if (image->facts.codec == THAW_CODEC_NONE)
		return split_raw(pages, len, ret);
	*ret = (struct thaw_block){0};
	if (len < THAW_PAGE_SIZE)
		return THAW_OK;
	length = thaw_le64(stored);
	if (!length || length > CMP_MAX)
		return thaw_fail(diag, THAW_BLOCK_LENGTH, "chunk", length, decoded_pages);
	total = (size_t)thaw_div_up(length + CMP_HEADER, THAW_PAGE_SIZE) << THAW_PAGE_SHIFT;
	if (len < total)
		return THAW_OK;
	*ret = (struct thaw_block){
		.stored = total,
		.offset = CMP_HEADER,
		.length = (size_t)length,
		.pages = (uint32_t)pages,
		.codec = image->facts.codec,
	};
	return THAW_OK;
}

/* A checksum of the stream wants to see all of it in order. */
static uint32_t swsusp_plain(const struct thaw_image *image, uint64_t decoded_pages,
			     uint32_t max_pages)
{
	const struct thaw_facts *facts = &image->facts;

	if (facts->codec != THAW_CODEC_NONE || facts->has_checksum)
		return 0;
	return (uint32_t)thaw_min(facts->stream_pages - decoded_pages, max_pages);
}

_Static_assert(UNC_PAGES == THAW_BLOCK_PAGES, "chunks are the model's largest blocks");
_Static_assert((CMP_MAX + CMP_HEADER + 4095) / 4096 * 4096 == THAW_BLOCK_STORED_MAX, "likewise");

const struct thaw_format thaw_swsusp = {
	.name = "swsusp",
	.probe = swsusp_probe,
	.open = swsusp_open,
	.split = swsusp_split,
	.plain = swsusp_plain,
};
