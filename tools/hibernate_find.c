/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * hibernate_find.c: which partition is for images. None on a disk that may be taken away, unless it
 * is named: thaw does not look there by itself.
 *
 * A partition is asked itself for its type, through libblkid: so it works in an initramfs without
 * udev too. Disks of RAM and what Linux makes of others are no partitions.
 */
#include "area.h"
#include "hibernate.h"
#include "probe.h"
#include "thawctl.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <thaw/image.h>
#include <unistd.h>

/* --- what a device is of -------------------------------------------------------------------- */

/* Its folder in sysfs, as /sys/devices/.../block/sda/sda1; "" if it has none. */
static void find_folder(const char *path, char ret[static PATH_MAX])
{
	char number[64];
	struct stat st;

	ret[0] = 0;
	if (stat(path, &st) || !S_ISBLK(st.st_mode))
		return;
	snprintf(number, sizeof(number), "/sys/dev/block/%u:%u", major(st.st_rdev),
		 minor(st.st_rdev));
	if (!realpath(number, ret))
		ret[0] = 0;
}

/* What Linux makes of memory, files or the network, and firmware never sees. */
static bool is_made_up(const char *path)
{
	static const char *const kinds[] = {"zram", "ram", "loop", "nbd"};
	char folder[PATH_MAX];
	const char *name;

	find_folder(path, folder);
	name = strrchr(folder, '/');
	for (size_t i = 0; name && i < THAW_ARRAY_LEN(kinds); i++) {
		size_t length = strlen(kinds[i]);

		if (!strncmp(name + 1, kinds[i], length) &&
		    isdigit((unsigned char)name[1 + length]))
			return true;
	}
	return false;
}

bool hibernate_is_removable(const char *path)
{
	char folder[PATH_MAX], file[PATH_MAX + 16];
	FILE *removable;
	bool is;

	find_folder(path, folder);
	if (!folder[0] || strstr(folder, "/usb"))
		return folder[0];
	snprintf(file, sizeof(file), "%s/../removable", folder);
	removable = fopen(file, "re");
	is = removable && fgetc(removable) == '1';
	if (removable)
		fclose(removable);
	return is;
}

static bool may_be_chosen(const char *path)
{
	return !is_made_up(path) && !hibernate_is_removable(path);
}

/* --- partitions of thaw's type -------------------------------------------------------------- */

static bool has_thaw_type(const char *path)
{
	char type[PROBE_VALUE_MAX];

	return probe_value(path, "PART_ENTRY_TYPE", false, type) &&
	       !strcasecmp(type, NATIVE_GPT_TYPE_TEXT);
}

static bool is_partition(const char *name)
{
	char path[HIBERNATE_PATH_MAX + 64];

	snprintf(path, sizeof(path), "/sys/class/block/%s/partition", name);
	return !access(path, F_OK);
}

static unsigned find_thaw(char *ret_path)
{
	DIR *dir = opendir("/sys/class/block");
	struct dirent *e;
	unsigned found = 0;
	char path[HIBERNATE_PATH_MAX + 8];

	while (dir && (e = readdir(dir))) {
		snprintf(path, sizeof(path), "/dev/%s", e->d_name);
		if (e->d_name[0] == '.' || strlen(path) >= HIBERNATE_PATH_MAX ||
		    !is_partition(e->d_name) || !may_be_chosen(path) || !has_thaw_type(path))
			continue;
		found++;
		strcpy(ret_path, path);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* --- active swap ---------------------------------------------------------------------------- */

/* Active swap partitions, or, with a device given, whether that is one. */
static unsigned find_swap(const struct stat *wanted, char *ret_path)
{
	FILE *file = fopen("/proc/swaps", "re");
	char path[HIBERNATE_PATH_MAX];
	struct stat st;
	char line[512];
	unsigned found = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%255s", path) != 1 || stat(path, &st) || !S_ISBLK(st.st_mode))
			continue;
		if (wanted ? st.st_rdev != wanted->st_rdev
			   : !is_partition(strrchr(path, '/') + 1) || !may_be_chosen(path))
			continue;
		found++;
		snprintf(ret_path, HIBERNATE_PATH_MAX, "%s", path);
	}
	if (file)
		fclose(file);
	return found;
}

/* --- other images --------------------------------------------------------------------------- */

/* Of what Linux makes of other devices thaw reads logical volumes alone. */
static bool has_image(const char *path)
{
	static uint8_t page[THAW_PAGE_SIZE];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *kind;
	bool has;

	if (fd < 0)
		return false;
	kind = area_stacked_kind(fd);
	has = (!kind || !strcmp(kind, "LVM")) &&
	      pread(fd, page, sizeof(page), 0) == (ssize_t)sizeof(page) &&
	      thaw_image_probe(page) == THAW_OK;
	close(fd);
	return has;
}

bool hibernate_find_other(const char *path, char *ret_path)
{
	DIR *dir = opendir("/sys/class/block");
	struct stat target, st;
	struct dirent *e;
	bool found = false;

	if (stat(path, &target))
		target.st_rdev = 0;
	while (dir && !found && (e = readdir(dir))) {
		if (snprintf(ret_path, HIBERNATE_PATH_MAX, "/dev/%s", e->d_name) >=
			    HIBERNATE_PATH_MAX ||
		    e->d_name[0] == '.' || stat(ret_path, &st) || st.st_rdev == target.st_rdev)
			continue;
		found = may_be_chosen(ret_path) && has_image(ret_path);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* --- the choice ----------------------------------------------------------------------------- */

static bool take_named(const char *path, char *ret_path, bool *ret_swap)
{
	struct stat st;

	if (stat(path, &st)) {
		thawctl_error(thawctl_hint(errno), "%s: %s", path, strerror(errno));
		return false;
	}
	if (is_made_up(path)) {
		thawctl_error("Name a partition of a disk.",
			      "%s: firmware does not see it, and what is in memory does not last",
			      path);
		return false;
	}
	*ret_swap = S_ISBLK(st.st_mode) && find_swap(&st, ret_path);
	snprintf(ret_path, HIBERNATE_PATH_MAX, "%s", path);
	if (*ret_swap || has_thaw_type(path))
		return true;
	thawctl_error("Make it one, as with 'sfdisk --part-type DISK NUMBER " NATIVE_GPT_TYPE_TEXT "'.",
		      "%s: neither a partition of thaw's type nor active swap space", path);
	return false;
}

bool hibernate_find(const char *path, char *ret_path, bool *ret_swap)
{
	unsigned found;

	if (path)
		return take_named(path, ret_path, ret_swap);
	*ret_swap = false;
	found = find_thaw(ret_path);
	if (!found) {
		*ret_swap = true;
		found = find_swap(NULL, ret_path);
	}
	if (found == 1)
		return true;
	if (found)
		thawctl_error("Name the one that is meant.", "there are %u %s", found,
			      *ret_swap ? "active swap partitions" : "partitions of thaw's type");
	else
		thawctl_error("Make a partition of the type " NATIVE_GPT_TYPE_TEXT ", or use swapon(8).",
			      "there is neither a partition of thaw's type nor an active swap "
			      "partition");
	return false;
}
