/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * lvm_area.c: the metadata area of a physical volume: a header that points at the text that counts
 * in a ring of older ones. The checksums tell a text that was torn.
 */
#include <thaw/crc32.h>

#include "lvm.h"
#include "lvm_disk.h"

static const char magic[16] = " LVM2 x[5A%r0N*>";

/* lvm2's own areas are of 1 MiB, less what comes before; a text is of some KiB. */
#define TEXT_MAX ((uint64_t)256 << 10)

/* Reads bytes from anywhere on the disk into memory taken for it; NULL: *ret_err says why. */
static uint8_t *read_bytes(struct thaw_disk *disk, uint64_t at, uint64_t len,
			   struct thaw_memory *memory, enum thaw_err *ret_err)
{
	uint64_t page = at >> THAW_PAGE_SHIFT;
	uint64_t skip = at % THAW_PAGE_SIZE;
	uint64_t pages = thaw_div_up(skip + len, THAW_PAGE_SIZE);
	uint8_t *buf;

	*ret_err = THAW_READ;
	if (page >= disk->pages || pages > disk->pages - page)
		return NULL;
	buf = memory->alloc(memory, pages << THAW_PAGE_SHIFT);
	*ret_err = buf ? disk->read(disk, page, pages, buf) : THAW_MEMORY;
	return *ret_err ? NULL : buf + skip;
}

static bool is_header(const struct lvm_mda_header *h, const uint8_t *sector,
		      const struct thaw_label *label)
{
	return thaw_bytes_equal(h->magic, magic, sizeof(magic)) && h->version == 1 &&
	       h->start == label->at && h->size <= label->size &&
	       thaw_crc32(LVM_CRC_BEGIN, sector + sizeof(h->crc), LVM_SECTOR - sizeof(h->crc)) ==
		       h->crc;
}

static bool is_text(const struct lvm_mda_header *h)
{
	const struct lvm_raw_locn *text = &h->text;

	return !(text->flags & LVM_LOCN_IGNORED) && text->offset >= LVM_SECTOR &&
	       text->offset < h->size && text->size && text->size <= TEXT_MAX &&
	       text->size <= h->size - LVM_SECTOR;
}

/* A text that runs over the end of the ring goes on behind the header. */
static enum thaw_err read_ring(uint8_t *to, struct thaw_disk *disk, const struct lvm_mda_header *h,
			       struct thaw_memory *memory)
{
	uint64_t first = thaw_min(h->text.size, h->size - h->text.offset);
	uint64_t rest = h->text.size - first;
	enum thaw_err err;
	uint8_t *bytes = read_bytes(disk, h->start + h->text.offset, first, memory, &err);

	if (!bytes)
		return err;
	__builtin_memcpy(to, bytes, first);
	if (!rest)
		return THAW_OK;
	bytes = read_bytes(disk, h->start + LVM_SECTOR, rest, memory, &err);
	if (bytes)
		__builtin_memcpy(to + first, bytes, rest);
	return err;
}

enum thaw_err lvm_area_read(struct lvm_text *ret, struct thaw_disk *disk,
			    const struct thaw_label *label, struct thaw_memory *memory)
{
	struct lvm_mda_header h;
	enum thaw_err err;
	uint8_t *bytes;
	uint64_t end;

	if (label->size < 2 * LVM_SECTOR || thaw_add_overflows(label->at, label->size, &end))
		return THAW_FOREIGN;
	bytes = read_bytes(disk, label->at, LVM_SECTOR, memory, &err);
	if (!bytes)
		return err;
	__builtin_memcpy(&h, bytes, sizeof(h));
	if (!is_header(&h, bytes, label) || !is_text(&h))
		return THAW_FOREIGN;
	bytes = memory->alloc(memory, h.text.size);
	if (!bytes)
		return THAW_MEMORY;
	err = read_ring(bytes, disk, &h, memory);
	if (!err && thaw_crc32(LVM_CRC_BEGIN, bytes, h.text.size) != h.text.checksum)
		err = THAW_FOREIGN;
	*ret = (struct lvm_text){bytes, bytes + h.text.size};
	return err;
}
