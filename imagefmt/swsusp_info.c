/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * swsusp_info.c: the swsusp_info page: how much there is, and where to jump.
 *
 * No checksum covers this page, so everything in it is bounded here and proved later: the counts by
 * the PFN list, the entry point by a walk of the image's page tables.
 */
#include "swsusp.h"

/* Bits of CR3 below the root table's address: PCID, or cache control. The kernel masks them. */
#define CR3_LOW_BITS UINT64_C(0xfff)

static bool is_canonical(uint64_t va)
{
	/* The wider of the two: 57 bits. The walk of the tables decides between them. */
	int64_t top = (int64_t)va >> 56;

	return top == 0 || top == -1;
}

static enum thaw_err parse_counts(struct swsusp_open *o, const struct swsusp_info *info)
{
	struct thaw_facts *facts = &o->image->facts;
	uint64_t meta;

	if (!info->image_pages || info->image_pages > o->max_frames)
		return thaw_fail(o->diag, THAW_INFO_COUNTS, "image_pages", info->image_pages,
				 o->max_frames);
	if (info->pages < info->image_pages + 2)
		return thaw_fail(o->diag, THAW_INFO_COUNTS, "pages", info->pages,
				 info->image_pages);
	/* Zero frames are in the PFN list but not in image_pages, so only the two ends are known.
	 */
	meta = info->pages - info->image_pages - 1;
	if (meta < thaw_div_up(info->image_pages, PFN_PER_PAGE) ||
	    meta > thaw_div_up(o->max_frames, PFN_PER_PAGE))
		return thaw_fail(o->diag, THAW_INFO_COUNTS, "pages", info->pages,
				 info->image_pages);
	if (info->size != info->pages << THAW_PAGE_SHIFT)
		return thaw_fail(o->diag, THAW_INFO_COUNTS, "size", info->size, info->pages);
	facts->data_frames = info->image_pages;
	facts->meta_pages = meta;
	facts->stream_pages = info->pages - 1;
	return THAW_OK;
}

/*
 * The record's magic says what it holds. A kernel without MD5 built in left the digest zero, and
 * Linux takes such an image for any memory map (get_e820_md5 and hibernation_e820_mismatch in 5.12).
 */
static enum thaw_err take_digest(struct thaw_facts *facts, const struct restore_data_record *rdr,
				 struct thaw_diag *diag)
{
	static const uint8_t not_computed[THAW_MD5_BYTES];

	if (rdr->magic == RESTORE_MAGIC_MD5) {
		__builtin_memcpy(facts->digest_md5, rdr->e820_digest, THAW_MD5_BYTES);
		if (!thaw_bytes_equal(facts->digest_md5, not_computed, THAW_MD5_BYTES))
			facts->digest_kind = THAW_DIGEST_MD5;
		return THAW_OK;
	}
	if (rdr->magic != RESTORE_MAGIC_CRC32)
		return thaw_fail(diag, THAW_RECORD_MAGIC, "magic", rdr->magic, 0);
	if (rdr->e820_checksum > UINT32_MAX)
		return thaw_fail(diag, THAW_HEADER_FIELD, "e820_checksum", rdr->e820_checksum, 0);
	facts->digest_kind = THAW_DIGEST_CRC32;
	facts->digest = (uint32_t)rdr->e820_checksum;
	return THAW_OK;
}

enum thaw_err swsusp_parse_info(struct swsusp_open *o, const struct swsusp_info *info)
{
	const struct restore_data_record *rdr = &info->arch;
	struct thaw_facts *facts = &o->image->facts;
	enum thaw_err err;

	err = take_digest(facts, rdr, o->diag);
	if (err)
		return err;
	if (!is_canonical(rdr->jump_address))
		return thaw_fail(o->diag, THAW_ENTRY_TABLES, "jump_address", rdr->jump_address, 0);
	if (!rdr->cr3 || (rdr->cr3 & CR3_LOW_BITS))
		return thaw_fail(o->diag, THAW_ENTRY_TABLES, "cr3", rdr->cr3, 0);
	facts->jump_va = rdr->jump_address;
	facts->jump_pa = rdr->jump_address_phys;
	facts->root_pa = rdr->cr3;
	return parse_counts(o, info);
}
