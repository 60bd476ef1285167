/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * area.c: partitions and superblocks, as libblkid knows them.
 */
#include "area.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <thaw/image.h>
#include <unistd.h>

#define GPT_SWAP "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"
#define MBR_SWAP 0x82

#define SECTOR 512u

/* --- what lies in an area ---------------------------------------------------------------- */

static bool has_image(int fd, uint64_t offset)
{
	static uint8_t page[THAW_PAGE_SIZE];

	return pread(fd, page, sizeof(page), (off_t)offset) == (ssize_t)sizeof(page) &&
	       thaw_image_probe(page) == THAW_OK;
}

/* Every superblock is looked at: what was swap once may be something else by now. */
static void find_superblocks(blkid_probe probe, struct area *ret)
{
	const char *type;

	while (blkid_do_probe(probe) == 0) {
		if (blkid_probe_lookup_value(probe, "TYPE", &type, NULL))
			continue;
		if (!strcmp(type, "swap") || !strcmp(type, "swsuspend"))
			ret->has_swap = true;
		else if (!ret->foreign[0])
			snprintf(ret->foreign, sizeof(ret->foreign), "%s", type);
	}
}

static void examine(int fd, struct area *area)
{
	blkid_probe probe = blkid_new_probe();

	area->has_image = has_image(fd, area->offset);
	if (!probe)
		return;
	if (!blkid_probe_set_device(probe, fd, (blkid_loff_t)area->offset,
				    (blkid_loff_t)area->size)) {
		blkid_probe_enable_superblocks(probe, 1);
		blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE);
		find_superblocks(probe, area);
	}
	blkid_free_probe(probe);
}

/* --- partitions -------------------------------------------------------------------------- */

static bool is_swap(blkid_partition partition)
{
	const char *type = blkid_partition_get_type_string(partition);

	return type ? !strcasecmp(type, GPT_SWAP) : blkid_partition_get_type(partition) == MBR_SWAP;
}

static bool take_partitions(blkid_partlist list, struct areas *ret)
{
	int count = blkid_partlist_numof_partitions(list);
	int i;

	ret->list = calloc((size_t)count + 1, sizeof(*ret->list));
	for (i = 0; ret->list && i < count; i++) {
		blkid_partition p = blkid_partlist_get_partition(list, i);

		if (!p || blkid_partition_is_extended(p))
			continue;
		ret->list[ret->count++] = (struct area){
			.offset = (uint64_t)blkid_partition_get_start(p) * SECTOR,
			.size = (uint64_t)blkid_partition_get_size(p) * SECTOR,
			.partition = blkid_partition_get_partno(p),
			.is_swap = is_swap(p),
		};
	}
	return ret->list;
}

/* sector 0: the device's own. */
static bool find_partitions(blkid_probe probe, int fd, unsigned sector, struct areas *ret)
{
	blkid_partlist list;

	if (blkid_probe_set_device(probe, fd, 0, 0))
		return false;
	if (sector)
		blkid_probe_set_sectorsize(probe, sector);
	blkid_probe_enable_superblocks(probe, 0);
	blkid_probe_enable_partitions(probe, 1);
	list = blkid_probe_get_partitions(probe);
	return !list || !blkid_partlist_numof_partitions(list) || take_partitions(list, ret);
}

/* Nothing says which sectors the disk of a disk image had. Firmware splits no partition further. */
static bool probe_partitions(int fd, const struct stat *st, struct areas *ret)
{
	blkid_probe probe = blkid_new_probe();
	bool ok;

	if (!probe)
		return false;
	ok = find_partitions(probe, fd, 0, ret);
	if (ok && S_ISBLK(st->st_mode) && !blkid_probe_is_wholedisk(probe))
		ret->count = 0;
	if (ok && !ret->count && S_ISREG(st->st_mode))
		ok = find_partitions(probe, fd, 4096, ret);
	blkid_free_probe(probe);
	return ok;
}

static bool take_whole(int fd, struct areas *ret)
{
	off_t size = lseek(fd, 0, SEEK_END);

	if (size < 0)
		return false;
	if (!ret->list)
		ret->list = calloc(1, sizeof(*ret->list));
	if (!ret->list)
		return false;
	ret->list[0] = (struct area){.size = (uint64_t)size};
	ret->count = 1;
	return true;
}

bool areas_find(int fd, struct areas *ret, bool whole)
{
	struct stat st;
	size_t i;

	*ret = (struct areas){0};
	errno = ENOMEM;
	if (fstat(fd, &st) || (!whole && !probe_partitions(fd, &st, ret)) ||
	    (!ret->count && !take_whole(fd, ret))) {
		free(ret->list);
		return false;
	}
	for (i = 0; i < ret->count; i++) {
		examine(fd, &ret->list[i]);
		ret->images += ret->list[i].has_image;
	}
	return true;
}

/* --- devices made of others -------------------------------------------------------------- */

/* A file of the kernel's about the device; NULL: there is none. */
static FILE *open_about(dev_t dev, const char *name)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s", major(dev), minor(dev), name);
	return fopen(path, "re");
}

/* The beginning of "CRYPT-LUKS2-<uuid>-<name>" or "LVM-<uuids>" that says what it is. */
static void shorten(char *uuid)
{
	char *end = strchr(uuid, '-');

	if (end && !strncmp(uuid, "CRYPT-", strlen("CRYPT-")))
		end = strchr(end + 1, '-');
	if (end)
		*end = 0;
}

const char *area_stacked_kind(int fd)
{
	static char kind[AREA_TYPE_MAX];
	struct stat st;
	FILE *file;

	if (fstat(fd, &st) || !S_ISBLK(st.st_mode))
		return NULL;
	file = open_about(st.st_rdev, "md/level");
	if (file) {
		fclose(file);
		return "md";
	}
	file = open_about(st.st_rdev, "dm/uuid");
	if (!file)
		return NULL;
	if (!fgets(kind, sizeof(kind), file) || kind[0] == '\n')
		strcpy(kind, "device mapper");
	fclose(file);
	shorten(kind);
	return kind;
}
