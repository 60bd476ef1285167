/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * lvm_label.c: the label of a physical volume.
 */
#include <thaw/crc32.h>

#include "lvm.h"
#include "lvm_disk.h"

static bool is_whole(const struct lvm_label_header *label, const uint8_t *sector, uint64_t number)
{
	size_t from = offsetof(struct lvm_label_header, offset);

	return thaw_bytes_equal(label->id, "LABELONE", sizeof(label->id)) &&
	       thaw_bytes_equal(label->type, "LVM2 001", sizeof(label->type)) &&
	       label->sector == number &&
	       label->offset >= sizeof(*label) &&
	       label->offset <= LVM_SECTOR - sizeof(struct lvm_pv_header) &&
	       thaw_crc32(LVM_CRC_BEGIN, sector + from, LVM_SECTOR - from) == label->crc;
}

/* Takes the next entry of a list in the sector; false at its end, or where the sector ends. */
static bool take_locn(const uint8_t *sector, size_t *at, struct lvm_disk_locn *ret)
{
	if (*at + sizeof(*ret) > LVM_SECTOR)
		return false;
	__builtin_memcpy(ret, sector + *at, sizeof(*ret));
	*at += sizeof(*ret);
	return ret->offset != 0;
}

/* The first metadata area; what lies before the data is where every lvm2 puts it. */
static void take_area(struct thaw_label *ret, const uint8_t *sector, size_t at)
{
	struct lvm_disk_locn locn;

	while (take_locn(sector, &at, &locn))
		;
	if (take_locn(sector, &at, &locn)) {
		ret->at = locn.offset;
		ret->size = locn.size;
	}
}

bool lvm_label_parse(struct thaw_label *ret, const void *page)
{
	const uint8_t *sector = page;
	struct lvm_label_header label;
	uint64_t i;

	*ret = (struct thaw_label){{0}, 0, 0};
	for (i = 0; i < LVM_LABEL_SECTORS; i++, sector += LVM_SECTOR) {
		__builtin_memcpy(&label, sector, sizeof(label));
		if (!is_whole(&label, sector, i))
			continue;
		__builtin_memcpy(ret->uuid, sector + label.offset, sizeof(ret->uuid));
		take_area(ret, sector, label.offset + sizeof(struct lvm_pv_header));
		return true;
	}
	return false;
}
