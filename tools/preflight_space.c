/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * preflight_space.c: where the image could go.
 */
#include "preflight_machine.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <thaw/base.h>
#include <thaw/native_disk.h>

static uint64_t number_after(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* What Linux makes the device of others by, where its name says it. */
static const char *named_kind(const char *name)
{
	static const struct {
		const char *prefix, *kind;
	} kinds[] = {{"md", "RAID"}, {"bcache", "bcache"}, {"zd", "ZFS"}};

	for (size_t i = 0; i < THAW_ARRAY_LEN(kinds); i++) {
		size_t len = strlen(kinds[i].prefix);

		if (!strncmp(name, kinds[i].prefix, len) && isdigit((unsigned char)name[len]))
			return kinds[i].kind;
	}
	return NULL;
}

/* The kinds of logical volumes that thaw does not read are made of hidden volumes. */
static const char *volume_kind(const struct preflight *m, const char *name)
{
	char path[PATH_MAX];
	const char *kind = NULL;
	struct dirent *entry;
	DIR *slaves;

	snprintf(path, sizeof(path), "%s/sys/class/block/%s/slaves", m->root, name);
	slaves = opendir(path);
	while (!kind && slaves && (entry = readdir(slaves)))
		kind = !strncmp(entry->d_name, "dm-", 3)
			       ? "a logical volume on LUKS, or neither linear nor striped"
			       : named_kind(entry->d_name);
	if (slaves)
		closedir(slaves);
	return kind;
}

/* NULL: firmware can see it as it is, or thaw through it. */
static const char *stacked(const struct preflight *m, const char *name)
{
	char path[PATH_MAX];
	char *uuid;
	const char *kind = named_kind(name);

	snprintf(path, sizeof(path), "/sys/class/block/%s/dm/uuid", name);
	uuid = preflight_read(m, path);
	if (preflight_has(m, path))
		kind = !strncmp(uuid, "CRYPT-", 6) ? "LUKS"
		       : !strncmp(uuid, "LVM-", 4) ? volume_kind(m, name)
						   : "the device mapper";
	free(uuid);
	return kind;
}

/* Swap on /dev/mapper/NAME is a link to /dev/dm-N. */
static void kernel_name(const char *device, char *ret, size_t size)
{
	char real[PATH_MAX];
	const char *path = realpath(device, real) ? real : device;
	const char *slash = strrchr(path, '/');

	snprintf(ret, size, "%.250s", slash ? slash + 1 : path);
}

static bool is_on_usb(const struct preflight *m, const char *name)
{
	char path[PATH_MAX], real[PATH_MAX];

	snprintf(path, sizeof(path), "%s/sys/class/block/%s", m->root, name);
	return realpath(path, real) && strstr(real, "/usb");
}

/* false: thaw could not read an image from there. */
static bool check_swap(struct preflight *m, const char *device, const char *type)
{
	char name[256];
	const char *kind;

	kernel_name(device, name, sizeof(name));
	kind = stacked(m, name);
	if (!strncmp(name, "zram", 4)) {
		preflight_tell(m, PREFLIGHT_WARNING, "swap", "No image can be written to it.",
			       "%s is compressed memory", device);
		return false;
	}
	if (kind) {
		preflight_tell(m, PREFLIGHT_WARNING, "swap",
			       "Firmware cannot read an image from there; make a plain "
			       "swap partition for hibernation.",
			       "%s is on %s", device, kind);
		return false;
	}
	if (is_on_usb(m, name))
		preflight_tell(m, PREFLIGHT_WARNING, "swap",
			       "Name it in thaw.conf: device PARTUUID=...",
			       "%s is on USB, which is not searched", device);
	else if (!strcmp(type, "file"))
		preflight_tell(m, PREFLIGHT_WARNING, "swap",
			       "Where systemd is older than 254, thaw.conf needs device and offset: "
			       "the numbers of resume= and resume_offset=. Newer ones tell thaw.",
			       "%s is a file", device);
	else
		preflight_tell(m, PREFLIGHT_OK, "swap", NULL, "%s", device);
	return true;
}

static uint64_t check_swaps(struct preflight *m, bool own)
{
	char *text = preflight_read(m, "/proc/swaps");
	uint64_t usable_kib = 0;
	char device[256], type[32];
	uint64_t kib;
	unsigned count = 0;

	for (char *at = strchr(text, '\n'); at; at = strchr(at + 1, '\n')) {
		if (sscanf(at, " %255s %31s %" SCNu64, device, type, &kib) != 3)
			continue;
		count++;
		usable_kib += check_swap(m, device, type) ? kib : 0;
	}
	if (!usable_kib)
		preflight_tell(
			m, own ? PREFLIGHT_WARNING : PREFLIGHT_OBSTACLE, "swap",
			own ? "'systemctl hibernate' needs some, unless it is made to use 'thawctl "
			      "hibernate': see thawctl(8)."
			    : "Make a swap partition of about the size of the memory: mkswap, "
			      "swapon, "
			      "/etc/fstab.",
			count ? "none that thaw could read an image from" : "there is none");
	free(text);
	return usable_kib;
}

/* What udev wrote down of a block device, with libblkid's words; "" if it did not. */
static char *look_at_device(const struct preflight *m, const char *name)
{
	char path[PATH_MAX];
	char *number;

	snprintf(path, sizeof(path), "/sys/class/block/%.250s/dev", name);
	number = preflight_read(m, path);
	snprintf(path, sizeof(path), "/run/udev/data/b%.*s", (int)strcspn(number, "\n"), number);
	free(number);
	return preflight_read(m, path);
}

static uint64_t check_partition(struct preflight *m, const char *name)
{
	char path[PATH_MAX];
	char *words = look_at_device(m, name), *size;
	uint64_t kib = 0;

	if (strstr(words, "\nE:ID_PART_ENTRY_TYPE=" NATIVE_GPT_TYPE_TEXT "\n")) {
		snprintf(path, sizeof(path), "/sys/class/block/%.250s/size", name);
		size = preflight_read(m, path);
		kib = strtoull(size, NULL, 10) / 2;
		free(size);
		preflight_tell(m, is_on_usb(m, name) ? PREFLIGHT_WARNING : PREFLIGHT_OK,
			       "partition", "Name it in thaw.conf: device PARTUUID=...",
			       "%s is for images of 'thawctl hibernate'%s", name,
			       is_on_usb(m, name) ? ", but on USB, which is not searched" : "");
	}
	free(words);
	return kib;
}

/* The largest of thaw's own type. */
static uint64_t check_partitions(struct preflight *m)
{
	char path[PATH_MAX];
	struct dirent *e;
	uint64_t most = 0, kib;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/class/block", m->root);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		kib = e->d_name[0] == '.' ? 0 : check_partition(m, e->d_name);
		most = kib > most ? kib : most;
	}
	if (dir)
		closedir(dir);
	return most;
}

/* The kernel aims at image_size bytes, before compression; it does not promise to get there. */
static void check_size(struct preflight *m, uint64_t room_kib, const char *what)
{
	char *memory = preflight_read(m, "/proc/meminfo"),
	     *size = preflight_read(m, "/sys/power/image_size");
	uint64_t memory_mib = number_after(memory, "MemTotal:") / 1024;
	uint64_t image_mib = strtoull(size, NULL, 10) >> 20;
	bool small = room_kib / 1024 < image_mib;

	if (room_kib)
		preflight_tell(m, small ? PREFLIGHT_WARNING : PREFLIGHT_OK, "size",
			       "Hibernation may fail for want of space: make it larger, or write a "
			       "smaller "
			       "number to /sys/power/image_size.",
			       "%" PRIu64 " MiB of %s for %" PRIu64
			       " MiB of memory, images of about %" PRIu64 " MiB",
			       room_kib / 1024, what, memory_mib, image_mib);
	free(memory);
	free(size);
}

void preflight_space(struct preflight *m)
{
	uint64_t own_kib = check_partitions(m);

	check_size(m, own_kib, "thaw's partition");
	check_size(m, check_swaps(m, own_kib), "swap");
}
