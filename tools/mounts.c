/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * mounts.c: see mounts.h.
 *
 * The ext filesystems count and date their mounts in the superblock (Linux 6.12, fs/ext4/ext4.h,
 * struct ext4_super_block), which a kernel that has one mounted does not change. It is read past the
 * page cache: that one comes back with the image, and would always agree with itself.
 */
#include "mounts.h"

#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <thaw/base.h>
#include <unistd.h>

#define PAGE	    4096
#define SUPERBLOCK  1024
#define MOUNT_TIME  0x2c
#define MOUNT_COUNT 0x34
#define MAGIC	    0x38
#define EXT_MAGIC   0xef53

static bool read_superblock(const char *device, uint8_t *page)
{
	int fd = open(device, O_RDONLY | O_DIRECT | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = pread(fd, page, PAGE, 0) == PAGE;
	close(fd);
	return ok;
}

bool mount_mark_read(const char *device, struct mount_mark *ret)
{
	uint8_t *page = aligned_alloc(PAGE, PAGE);
	const uint8_t *super = page + SUPERBLOCK;
	bool ok = page && read_superblock(device, page) &&
		  thaw_le16(super + MAGIC) == EXT_MAGIC;

	if (ok) {
		snprintf(ret->device, sizeof(ret->device), "%s", device);
		ret->mounted = thaw_le32(super + MOUNT_TIME);
		ret->times = thaw_le16(super + MOUNT_COUNT);
	}
	free(page);
	return ok;
}

static bool is_known(const struct mount_mark *list, size_t count, const char *device)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(list[i].device, device))
			return true;
	}
	return false;
}

size_t mounts_read(struct mount_mark *ret, size_t max)
{
	FILE *file = setmntent("/proc/self/mounts", "re");
	const struct mntent *entry;
	size_t count = 0;

	while (file && count < max && (entry = getmntent(file))) {
		if (strncmp(entry->mnt_type, "ext", 3) || entry->mnt_fsname[0] != '/' ||
		    is_known(ret, count, entry->mnt_fsname) ||
		    !mount_mark_read(entry->mnt_fsname, &ret[count]))
			continue;
		snprintf(ret[count++].type, sizeof(ret->type), "%s", entry->mnt_type);
	}
	if (file)
		endmntent(file);
	return count;
}
