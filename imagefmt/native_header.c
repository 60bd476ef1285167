/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * native_header.c: what the header says by itself. Its checksum held, so what is wrong here is of
 * another version, another machine, or made up.
 */
#include "native.h"

static const uint8_t header_magic[8] = NATIVE_HEADER_MAGIC;

/* Bits of CR3 below the root table's address. */
#define CR3_LOW_BITS UINT64_C(0xfff)

static enum thaw_err refuse(struct native_open *o, const char *where, uint64_t a, uint64_t b)
{
	return thaw_fail(o->diag, THAW_HEADER_FIELD, where, a, b);
}

static enum thaw_err check_version(struct native_open *o)
{
	const struct native_header *h = o->header;

	if (!thaw_bytes_equal(h->magic, header_magic, sizeof(header_magic)))
		return refuse(o, "header magic", thaw_le64(h->magic), 0);
	if (h->version != NATIVE_VERSION)
		return refuse(o, "version", h->version, NATIVE_VERSION);
	if (h->incompatible)
		return thaw_fail(o->diag, THAW_HEADER_FLAGS, "incompatible", h->incompatible, 0);
	if (h->read_only)
		return thaw_fail(o->diag, THAW_HEADER_FLAGS, "read_only", h->read_only, 0);
	if (h->flags & ~NATIVE_FLAGS_KNOWN)
		return thaw_fail(o->diag, THAW_HEADER_FLAGS, "flags", h->flags, NATIVE_FLAGS_KNOWN);
	return THAW_OK;
}

static enum thaw_err check_identity(struct native_open *o)
{
	const struct native_header *h = o->header;
	const struct native_anchor *a = o->anchor;

	if (!thaw_bytes_equal(h->uuid, a->uuid, sizeof(h->uuid)))
		return refuse(o, "uuid", thaw_le64(h->uuid), thaw_le64(a->uuid));
	if (h->generation != a->generation)
		return refuse(o, "generation", h->generation, a->generation);
	if (!(h->flags & NATIVE_FLAG_HW_SIG) && h->hw_sig)
		return refuse(o, "hw_sig", h->hw_sig, h->flags);
	if (!(h->flags & NATIVE_FLAG_MAP_DIGEST))
		return refuse(o, "map_digest", h->map_digest, h->flags);
	return THAW_OK;
}

/* Whoever shows or copies them relies on it. */
static enum thaw_err check_texts(struct native_open *o)
{
	const struct native_header *h = o->header;

	if (h->release[sizeof(h->release) - 1] ||
	    h->kernel_version[sizeof(h->kernel_version) - 1] ||
	    h->writer[sizeof(h->writer) - 1] || h->hostname[sizeof(h->hostname) - 1])
		return refuse(o, "text", 0, 0);
	return THAW_OK;
}

/* The walk of the image's page tables proves the rest. */
static enum thaw_err take_entry(struct native_open *o)
{
	const struct native_header *h = o->header;
	struct thaw_facts *facts = &o->image->facts;
	struct native_entry_x86_64 entry;

	if (h->arch != NATIVE_ARCH_X86_64 || h->entry_bytes != sizeof(entry))
		return refuse(o, "arch", h->arch, h->entry_bytes);
	if (h->page_shift != THAW_PAGE_SHIFT)
		return refuse(o, "page_shift", h->page_shift, THAW_PAGE_SHIFT);
	__builtin_memcpy(&entry, h->entry, sizeof(entry));
	if (!entry.root_pa || (entry.root_pa & CR3_LOW_BITS))
		return thaw_fail(o->diag, THAW_ENTRY_TABLES, "root_pa", entry.root_pa, 0);
	if (entry.depth && entry.depth != 4 && entry.depth != 5)
		return refuse(o, "depth", entry.depth, 0);
	facts->jump_va = entry.jump_va;
	facts->jump_pa = entry.jump_pa;
	facts->root_pa = entry.root_pa;
	return THAW_OK;
}

/* Sums that cannot overflow, each bounded by the machine. */
static enum thaw_err check_counts(struct native_open *o)
{
	const struct native_header *h = o->header;
	const uint64_t frames[] = {h->data_frames, h->zero_frames, h->fill_frames, h->spare_frames};
	uint64_t left = o->max_frames;
	size_t i;

	if (!h->data_frames)
		return thaw_fail(o->diag, THAW_INFO_COUNTS, "data_frames", 0, 0);
	for (i = 0; i < THAW_ARRAY_LEN(frames); i++) {
		if (frames[i] > left)
			return thaw_fail(o->diag, THAW_INFO_COUNTS, "frames", frames[i],
					 o->max_frames);
		left -= frames[i];
	}
	if (!h->logical_units || h->logical_units > o->pages ||
	    h->logical_units > NATIVE_AREA_MAX)
		return thaw_fail(o->diag, THAW_MAP_BOUNDS, "logical_units", h->logical_units,
				 o->pages);
	if (!h->extent_count || h->extent_count > h->logical_units)
		return thaw_fail(o->diag, THAW_MAP_BOUNDS, "extent_count", h->extent_count,
				 h->logical_units);
	if (!h->data_bytes || h->data_bytes % NATIVE_UNIT ||
	    h->data_bytes >> NATIVE_UNIT_SHIFT > h->logical_units)
		return thaw_fail(o->diag, THAW_MAP_BOUNDS, "data_bytes", h->data_bytes,
				 h->logical_units);
	return THAW_OK;
}

static void take_facts(struct native_open *o)
{
	const struct native_header *h = o->header;
	struct thaw_facts *facts = &o->image->facts;

	/* Each block says what it is; most are this. */
	facts->codec = THAW_CODEC_LZ4;
	facts->blocks_have = true;
	facts->platform_mode = h->flags & NATIVE_FLAG_PLATFORM;
	facts->has_hw_sig = h->flags & NATIVE_FLAG_HW_SIG;
	facts->hw_sig = h->hw_sig;
	facts->digest_kind = THAW_DIGEST_CRC32;
	facts->digest = h->map_digest;
	facts->stream_pages = h->data_frames;
	facts->data_frames = h->data_frames;
	facts->zero_frames = h->zero_frames + h->fill_frames;
	facts->stored_pages = h->data_bytes >> NATIVE_UNIT_SHIFT;
}

enum thaw_err native_check_header(struct native_open *o)
{
	enum thaw_err err = check_version(o);

	if (!err)
		err = check_identity(o);
	if (!err)
		err = check_texts(o);
	if (!err)
		err = take_entry(o);
	if (!err)
		err = check_counts(o);
	if (!err)
		take_facts(o);
	return err;
}
