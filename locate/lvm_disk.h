/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * lvm_disk.h: what LVM2 writes to a physical volume, byte for byte. Of lvm2 2.03.16: lib/label/label.h,
 * lib/format_text/layout.h; the checksum is CRC-32 from another beginning, lib/misc/crc.c.
 */
#ifndef THAW_LVM_DISK_H
#define THAW_LVM_DISK_H

#include <thaw/base.h>

/* Sectors of LVM have 512 bytes on every disk. */
#define LVM_SECTOR	  512
#define LVM_LABEL_SECTORS 4 /* the label is in one of the first so many */
#define LVM_CRC_BEGIN	  0xf597a6cfu
#define LVM_LOCN_IGNORED  1u

struct lvm_label_header {
	char id[8];	 /* LABELONE */
	uint64_t sector; /* where this is */
	uint32_t crc;	 /* from offset to the end of the sector */
	uint32_t offset; /* of the lvm_pv_header, from the beginning of this */
	char type[8];	 /* LVM2 001 */
};

struct lvm_disk_locn {
	uint64_t offset; /* bytes from the beginning of the device */
	uint64_t size;
};

/* Two lists follow, each with a zero entry at its end: data areas, metadata areas. */
struct lvm_pv_header {
	uint8_t uuid[32];
	uint64_t device_size;
};

/* A text: bytes from the beginning of the metadata area, whose end it may run over to begin anew. */
struct lvm_raw_locn {
	uint64_t offset;
	uint64_t size;
	uint32_t checksum;
	uint32_t flags;
};

struct lvm_mda_header {
	uint32_t crc;	/* of the sector behind this */
	char magic[16]; /* " LVM2 x[5A%r0N*>" */
	uint32_t version;
	uint64_t start; /* of this, from the beginning of the device */
	uint64_t size;
	struct lvm_raw_locn text; /* the one that counts; others follow */
};

_Static_assert(sizeof(struct lvm_label_header) == 32, "stored layout");
_Static_assert(offsetof(struct lvm_label_header, crc) == 16, "stored layout");
_Static_assert(offsetof(struct lvm_label_header, offset) == 20, "stored layout");
_Static_assert(offsetof(struct lvm_label_header, type) == 24, "stored layout");
_Static_assert(sizeof(struct lvm_pv_header) == 40, "stored layout");
_Static_assert(sizeof(struct lvm_disk_locn) == 16, "stored layout");
_Static_assert(sizeof(struct lvm_raw_locn) == 24, "stored layout");
_Static_assert(offsetof(struct lvm_mda_header, version) == 20, "stored layout");
_Static_assert(offsetof(struct lvm_mda_header, start) == 24, "stored layout");
_Static_assert(offsetof(struct lvm_mda_header, text) == 40, "stored layout");

#endif
