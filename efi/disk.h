/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * disk.h: a block device of the firmware as a struct thaw_disk.
 */
#ifndef THAW_EFI_DISK_H
#define THAW_EFI_DISK_H

#include <thaw/platform.h>

#include "firmware.h"

struct disk {
	struct thaw_disk seam; /* first: cast back */
	EFI_HANDLE handle;
	EFI_BLOCK_IO *block_io;
	EFI_BLOCK_IO2_PROTOCOL *block_io2; /* NULL: none */
	struct thaw_disk *whole; /* of a partition: seam.wholes */
	UINT32 media_id;
	UINT32 blocks_per_page;
	unsigned piece;	      /* how much is asked for at once, less after each failure: see disk.c */
	uint64_t seen_pages, seen_us; /* what reading took so far: tells how fast the device is */
	EFI_BLOCK_IO2_TOKEN token;    /* of the read in the background */
	bool in_background;
	uint64_t mark;	      /* what its buffer was marked with */
	uint64_t until_us;    /* when it is late */
	uint64_t page, count; /* what it reads, and where to */
	void *buf;
};

/*
 * Takes the device behind a handle. false: no media, or a geometry that pages do not fit: a block
 * size other than a divisor of 4096, or buffers to be aligned to more than that.
 */
bool disk_open(struct disk *ret, EFI_HANDLE handle, EFI_BLOCK_IO *block_io);

#endif
