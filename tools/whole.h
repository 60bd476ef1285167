/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * whole.h: the disk under a partition, as firmware shows it to thaw.
 */
#ifndef THAW_TOOLS_WHOLE_H
#define THAW_TOOLS_WHOLE_H

#include "host_disk.h"

struct whole {
	struct host_disk disk;
	struct thaw_disk *seam; /* what the partition points to */
	int fd;
};

/*
 * Tells the area which disk it lies on: that of fd if it is a partition in it, else the one of which
 * fd is a partition's device. None where there is none, or it cannot be read. To be closed after the
 * area's last use.
 */
void whole_open(struct whole *ret, struct host_disk *area, bool in_fd);
void whole_close(struct whole *whole);

#endif
