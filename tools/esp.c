/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * esp.c: see esp.h.
 */
#include "esp.h"

#include "thawctl.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <thaw/base.h>
#include <unistd.h>

#define GPT_ESP "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
#define MBR_ESP 0xef
#define SECTOR	512u

/* --- where it is mounted ----------------------------------------------------------------- */

/* Looking into it wakes an automount. */
static bool is_mounted_fat(const char *path)
{
	char inside[PATH_MAX], above[PATH_MAX];
	struct stat here, up;
	struct statfs fs;

	snprintf(inside, sizeof(inside), "%s/.", path);
	snprintf(above, sizeof(above), "%s/..", path);
	return !stat(inside, &here) && !stat(above, &up) && here.st_dev != up.st_dev &&
	       !statfs(inside, &fs) && fs.f_type == MSDOS_SUPER_MAGIC;
}

static const char *why_none(void)
{
	if (access("/sys/firmware/efi", F_OK))
		return "This machine was not booted by UEFI, or this is a container of one: thaw "
		       "cannot run here.";
	return "Mount it (its type in 'lsblk -o NAME,PARTTYPENAME,MOUNTPOINT' is EFI System), or "
	       "say where it is: --esp-path.";
}

/* Not in systemd's order: a FAT /boot may be the extended boot loader partition, with an EFI folder. */
static bool find_path(struct esp *esp)
{
	static const char *const places[] = {"/efi", "/boot/efi", "/boot"};
	char efi[PATH_MAX];
	bool closed = false;
	struct stat st;

	for (size_t i = 0; i < THAW_ARRAY_LEN(places); i++) {
		snprintf(efi, sizeof(efi), "%s/EFI", places[i]);
		closed |= stat(efi, &st) && errno == EACCES;
		if (!is_mounted_fat(places[i]) || stat(efi, &st))
			continue;
		snprintf(esp->path, sizeof(esp->path), "%s", places[i]);
		return true;
	}
	thawctl_error(closed ? thawctl_hint(EACCES) : why_none(),
		      "no EFI system partition is mounted at /efi, /boot/efi or /boot");
	return false;
}

static bool take_path(struct esp *esp, const char *path)
{
	struct stat st;

	if (!realpath(path, esp->path) || stat(esp->path, &st)) {
		thawctl_error(errno == EACCES ? thawctl_hint(errno)
					      : "Name the folder that the EFI system partition is "
						"mounted on.",
			      "%s: %s", path, strerror(errno));
		return false;
	}
	if (S_ISDIR(st.st_mode))
		return true;
	thawctl_error("Name the folder that the EFI system partition is mounted on.",
		      "%s: not a folder", path);
	return false;
}

/* --- what it is on ----------------------------------------------------------------------- */

static bool is_esp(blkid_partition p)
{
	const char *type = blkid_partition_get_type_string(p);

	return type ? !strcasecmp(type, GPT_ESP) : blkid_partition_get_type(p) == MBR_ESP;
}

/* UEFI 2.10, table 10.55: firmware counts in the disk's own sectors, libblkid in those of 512. */
static bool take_partition(struct esp *esp, blkid_partlist list, unsigned sector)
{
	blkid_partition p = blkid_partlist_get_partition_by_partno(list, esp->partition);
	const char *uuid = p ? blkid_partition_get_uuid(p) : NULL;

	if (!uuid || !is_esp(p))
		return false;
	esp->gpt = blkid_partition_get_type_string(p) != NULL;
	snprintf(esp->id, sizeof(esp->id), "%s", uuid);
	esp->first_lba = (uint64_t)blkid_partition_get_start(p) * SECTOR / sector;
	esp->lbas = (uint64_t)blkid_partition_get_size(p) * SECTOR / sector;
	return true;
}

static bool probe_disk(struct esp *esp)
{
	blkid_probe probe = blkid_new_probe_from_filename(esp->disk);
	blkid_partlist list;

	if (!probe)
		return false;
	list = blkid_probe_get_partitions(probe);
	esp->known = list && take_partition(esp, list, blkid_probe_get_sectorsize(probe));
	blkid_free_probe(probe);
	return esp->known;
}

static int partition_number(dev_t dev)
{
	char path[80];
	int number = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", (unsigned)(dev >> 8 & 0xfff),
		 (unsigned)((dev & 0xff) | (dev >> 12 & 0xfff00)));
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%d", &number) != 1)
		number = 0;
	fclose(file);
	return number;
}

static bool ask_mount(struct esp *esp)
{
	struct stat st;
	char name[64];
	dev_t whole;

	if (stat(esp->path, &st) || blkid_devno_to_wholedisk(st.st_dev, name, sizeof(name), &whole))
		return false;
	snprintf(esp->disk, sizeof(esp->disk), "/dev/%s", name);
	esp->partition = partition_number(st.st_dev);
	return esp->partition > 0;
}

bool esp_find(struct esp *ret, const char *path, const char *disk, int partition, bool need_disk)
{
	*ret = (struct esp){.partition = partition};
	if (path ? !take_path(ret, path) : !find_path(ret))
		return false;
	if (disk)
		snprintf(ret->disk, sizeof(ret->disk), "%s", disk);
	if ((disk || ask_mount(ret)) && probe_disk(ret))
		return true;
	if (!need_disk)
		return true;
	thawctl_error("A boot entry needs a partition of the type EFI System on a disk with GPT or "
		      "MBR; name it with --disk and --part, or go without: --no-variables.",
		      "%s: %s%s is not on an EFI system partition that can be read", ret->path,
		      ret->disk[0] ? "" : "this ", ret->disk[0] ? ret->disk : "folder");
	return false;
}
