/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * host_disk.h: an area of a block device or of a disk image as a struct thaw_disk.
 */
#ifndef THAW_TOOLS_HOST_DISK_H
#define THAW_TOOLS_HOST_DISK_H

#include <thaw/platform.h>

struct host_disk {
	struct thaw_disk seam;
	int fd;		 /* opened read-only; the caller's */
	uint64_t offset; /* of the area, in bytes */
	int error;	 /* errno of the last read that failed; 0: beyond the end */
	uint64_t read_pages;
};

/* size and offset in bytes; a piece of a page at the end of the area is left out. */
void host_disk_init(struct host_disk *ret, int fd, uint64_t offset, uint64_t size);

#endif
