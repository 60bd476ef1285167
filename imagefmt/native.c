/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * native.c: thaw's own image format (docs/FORMAT.md): anchor, and the order in which the rest is
 * opened.
 *
 * Everything is found from the anchor, and everything is covered by the checksum of what names it,
 * so a number is looked at only after its checksum held.
 */
#include "format.h"
#include "native.h"
#include "xxh64.h"

static const uint8_t anchor_magic[8] = NATIVE_ANCHOR_MAGIC;

/* --- anchor ------------------------------------------------------------------------------- */

static bool is_zero(const uint8_t *p, size_t n)
{
	while (n && !*p) {
		p++;
		n--;
	}
	return !n;
}

static bool has_magic(const struct native_anchor *a)
{
	return thaw_bytes_equal(a->magic, anchor_magic, sizeof(anchor_magic));
}

static bool is_swap(const void *page)
{
	const struct native_swap_page *swap = page;

	return thaw_bytes_equal(swap->sig, NATIVE_SUSPEND_SIG, sizeof(swap->sig)) && !swap->image &&
	       has_magic(&swap->anchor);
}

static const struct native_anchor *find_anchor(const void *page)
{
	const struct native_swap_page *swap = page;
	const struct native_anchor *own = page;

	if (is_swap(page))
		return &swap->anchor;
	/* What has taken the area since has something behind the record. */
	if (has_magic(own) && is_zero((const uint8_t *)(own + 1), NATIVE_UNIT - sizeof(*own)))
		return own;
	return NULL;
}

static bool is_sealed(const struct native_anchor *a)
{
	return a->checksum == thaw_xxh64(a, offsetof(struct native_anchor, checksum), 0);
}

/* A record that says there is no image is believed only if it is whole. */
static enum thaw_err native_probe(const void *page)
{
	const struct native_anchor *a = find_anchor(page);

	return a && !(is_sealed(a) && a->version == NATIVE_VERSION &&
		      (a->state == NATIVE_STATE_DONE || a->state == NATIVE_STATE_WRITING))
		       ? THAW_OK
		       : THAW_NO_IMAGE;
}

static enum thaw_err check_anchor(struct native_open *o)
{
	const struct native_anchor *a = o->anchor;

	if (!is_sealed(a))
		return thaw_fail(o->diag, THAW_CHECKSUM, "anchor", a->checksum, 0);
	if (a->version != NATIVE_VERSION)
		return thaw_fail(o->diag, THAW_HEADER_FIELD, "anchor version", a->version,
				 NATIVE_VERSION);
	if (a->state != NATIVE_STATE_SAVED)
		return thaw_fail(o->diag, THAW_HEADER_FIELD, "anchor state", a->state, 0);
	if (a->anchor_unit != o->image->header_page)
		return thaw_fail(o->diag, THAW_HEADER_FIELD, "anchor_unit", a->anchor_unit,
				 o->image->header_page);
	if (!a->header_unit || a->header_unit >= o->pages || a->header_unit == a->anchor_unit)
		return thaw_fail(o->diag, THAW_MAP_BOUNDS, "header_unit", a->header_unit, o->pages);
	return THAW_OK;
}

/* The anchor's page as it is when there is no image any more. */
static void make_consumed(struct thaw_image *image)
{
	struct native_swap_page *swap = (struct native_swap_page *)image->consumed;
	struct native_anchor *own = (struct native_anchor *)image->consumed;

	__builtin_memcpy(image->consumed, image->header, THAW_PAGE_SIZE);
	if (is_swap(image->header)) {
		__builtin_memcpy(swap->sig, swap->orig_sig, sizeof(swap->sig));
		__builtin_memset(&swap->anchor, 0, sizeof(swap->anchor));
		return;
	}
	own->state = NATIVE_STATE_DONE;
	own->checksum = thaw_xxh64(own, offsetof(struct native_anchor, checksum), 0);
}

/* What swap_header says of itself must be there for swapon(8) when the image is gone. */
static enum thaw_err check_swap(struct native_open *o)
{
	const struct native_swap_page *swap = (const void *)o->image->header;

	if (!is_swap(swap))
		return THAW_OK;
	if (!thaw_bytes_equal(swap->orig_sig, NATIVE_SWAP_SIG, sizeof(swap->orig_sig)))
		return thaw_fail(o->diag, THAW_HEADER_FIELD, "orig_sig", thaw_le64(swap->orig_sig),
				 0);
	if (swap->swap_version != 1)
		return thaw_fail(o->diag, THAW_FOREIGN, "swap header version", swap->swap_version,
				 1);
	return THAW_OK;
}

/* The header of a swap file counts in pages of the file. */
static bool is_swap_space(const struct thaw_image *image)
{
	return is_swap(image->header) && !image->header_page;
}

static enum thaw_err take_anchor(struct native_open *o)
{
	enum thaw_err err;

	if (is_swap_space(o->image))
		o->pages = thaw_swap_pages(o->image->header, o->disk);
	o->anchor = find_anchor(o->image->header);
	err = o->anchor ? check_anchor(o) : THAW_NO_IMAGE;
	if (!err)
		err = check_swap(o);
	if (!err)
		make_consumed(o->image);
	return err;
}

/* All of the swap space is content, whatever lies there; else what the image has is known to be. */
static enum thaw_err check_raid(struct native_open *o)
{
	return thaw_md_raid_check(o->disk, is_swap_space(o->image) ? o->pages : o->end, o->memory,
				  o->diag);
}

/* --- the whole ---------------------------------------------------------------------------- */

enum thaw_err native_read_checked(struct native_open *o, uint64_t unit, uint64_t units,
				  uint64_t checksum, void *buf, const char *where)
{
	enum thaw_err err = o->disk->read(o->disk, unit, units, buf);

	if (err)
		return thaw_fail(o->diag, err, where, unit, units);
	if (thaw_xxh64(buf, (size_t)units << NATIVE_UNIT_SHIFT, 0) != checksum)
		return thaw_fail(o->diag, THAW_CHECKSUM, where, unit, checksum);
	return THAW_OK;
}

static enum thaw_err read_header(struct native_open *o)
{
	void *page = o->memory->alloc(o->memory, NATIVE_UNIT);
	enum thaw_err err;

	if (!page)
		return thaw_fail(o->diag, THAW_MEMORY, "header", NATIVE_UNIT, 0);
	err = native_read_checked(o, o->anchor->header_unit, 1, o->anchor->header_checksum, page,
				  "header");
	if (err)
		return err;
	o->header = page;
	err = native_check_header(o);
	if (err)
		return err;
	if (thaw_extents_add(&o->others, (struct thaw_extent){o->image->header_page, 1}, o->memory) ||
	    thaw_extents_add(&o->others, (struct thaw_extent){o->anchor->header_unit, 1}, o->memory))
		return thaw_fail(o->diag, THAW_MEMORY, "extents", 0, 0);
	return THAW_OK;
}

static enum thaw_err native_open(struct thaw_image *ret, struct thaw_disk *disk,
				 uint64_t max_frames, struct thaw_memory *memory,
				 struct thaw_diag *diag)
{
	struct native_open o = {
		.image = ret,
		.disk = disk,
		.pages = disk->pages,
		.memory = memory,
		.diag = diag,
		.max_frames = max_frames,
	};
	enum thaw_err err;

	err = take_anchor(&o);
	if (!err)
		err = read_header(&o);
	if (!err)
		err = native_read_extents(&o);
	if (err)
		return err;
	/* The anchor names all that there is by its checksum. */
	ret->facts.identity = thaw_xxh64(o.anchor, sizeof(*o.anchor), 0);
	err = check_raid(&o);
	return err ? err : native_read_tables(&o);
}

/* --- blocks ------------------------------------------------------------------------------- */

/* The block that begins with a page of the stream. The table was checked: there is one. */
static size_t find_block(const struct native_block *blocks, size_t count, uint64_t page)
{
	size_t low = 0;
	size_t high = count;

	while (low + 1 < high) {
		size_t mid = low + (high - low) / 2;

		if (blocks[mid].first_page <= page)
			low = mid;
		else
			high = mid;
	}
	return low;
}

static enum thaw_err native_split(const struct thaw_image *image, uint64_t decoded_pages,
				  const uint8_t *stored, size_t len, struct thaw_block *ret,
				  struct thaw_diag *diag)
{
	const struct native_block *blocks = image->blocks;
	size_t i = find_block(blocks, image->block_count, decoded_pages);
	uint64_t end = i + 1 < image->block_count ? blocks[i + 1].position
						  : image->facts.stored_pages << THAW_PAGE_SHIFT;
	size_t step = (size_t)(end - blocks[i].position);

	(void)stored;
	*ret = (struct thaw_block){0};
	if (blocks[i].first_page != decoded_pages)
		return thaw_fail(diag, THAW_BUG, "block", decoded_pages, blocks[i].first_page);
	if (len < step)
		return THAW_OK;
	*ret = (struct thaw_block){
		.stored = step,
		.length = blocks[i].stored,
		.pages = blocks[i].pages,
		.codec = blocks[i].codec == NATIVE_CODEC_LZ4 ? THAW_CODEC_LZ4 : THAW_CODEC_NONE,
		.has_checksum = true,
		.checksum = blocks[i].checksum,
	};
	return THAW_OK;
}

/* Not coded, and nothing lies between it and what follows. */
static bool is_plain(const struct thaw_image *image, size_t i)
{
	const struct native_block *b = &image->blocks[i];

	return b->codec == NATIVE_CODEC_NONE &&
	       (i + 1 == image->block_count || b[1].position == b->position + b->stored);
}

static uint32_t plain_from(const struct thaw_image *image, size_t i, uint32_t max_pages)
{
	uint32_t pages = 0;

	for (; i < image->block_count && is_plain(image, i); i++) {
		if (image->blocks[i].pages > max_pages - pages)
			break;
		pages += image->blocks[i].pages;
	}
	return pages;
}

static uint32_t native_plain(const struct thaw_image *image, uint64_t decoded_pages,
			     uint32_t max_pages)
{
	size_t i = find_block(image->blocks, image->block_count, decoded_pages);

	return image->blocks[i].first_page == decoded_pages ? plain_from(image, i, max_pages) : 0;
}

static uint64_t native_before_plain(const struct thaw_image *image, uint64_t decoded_pages,
				    uint32_t least_pages, uint64_t max_bytes)
{
	const struct native_block *b = image->blocks;
	size_t i = find_block(b, image->block_count, decoded_pages);
	uint64_t begin = b[i].position;

	for (; i < image->block_count && b[i].position - begin < max_bytes; i++) {
		if (plain_from(image, i, least_pages + THAW_BLOCK_PAGES) >= least_pages)
			return b[i].position - begin;
	}
	return 0;
}

_Static_assert(NATIVE_BLOCK_BYTES == THAW_BLOCK_BYTES, "the model's largest blocks");
_Static_assert(NATIVE_BLOCK_BYTES + NATIVE_UNIT <= THAW_BLOCK_STORED_MAX, "with what is between");

const struct thaw_format thaw_native = {
	.name = "thaw",
	.probe = native_probe,
	.open = native_open,
	.split = native_split,
	.plain = native_plain,
	.before_plain = native_before_plain,
};
