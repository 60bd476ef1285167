/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * whole.c: see whole.h.
 */
#include "whole.h"

#include "area.h"

#include <blkid/blkid.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of a device that is a partition; -1: it is none. */
static int open_parent(int fd)
{
	char name[64], path[80];
	struct stat st;
	dev_t disk;

	if (fstat(fd, &st) || !S_ISBLK(st.st_mode) ||
	    blkid_devno_to_wholedisk(st.st_rdev, name, sizeof(name), &disk) || disk == st.st_rdev)
		return -1;
	snprintf(path, sizeof(path), "/dev/%s", name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* In bytes; 0: there are no partitions, or nobody can tell. */
static uint64_t partitions_end(int fd)
{
	struct areas areas;
	uint64_t end = 0;

	if (!areas_find(fd, &areas, false))
		return 0;
	for (size_t i = 0; i < areas.count; i++) {
		if (areas.list[i].partition)
			end = thaw_max(end, areas.list[i].offset + areas.list[i].size);
	}
	free(areas.list);
	return end;
}

void whole_open(struct whole *ret, struct host_disk *area, bool in_fd)
{
	off_t size;
	uint64_t end;

	*ret = (struct whole){.fd = in_fd ? dup(area->fd) : open_parent(area->fd)};
	size = ret->fd < 0 ? -1 : lseek(ret->fd, 0, SEEK_END);
	end = size < 0 ? 0 : partitions_end(ret->fd);
	if (!end)
		return;
	host_disk_init(&ret->disk, ret->fd, 0, (uint64_t)size);
	ret->disk.seam.partitions_end = thaw_div_up(end, THAW_PAGE_SIZE);
	ret->seam = &ret->disk.seam;
	area->seam.wholes = &ret->seam;
	area->seam.whole_count = 1;
}

void whole_close(struct whole *whole)
{
	if (whole->fd >= 0)
		close(whole->fd);
}
