/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * preflight.c: see preflight.h. Each finding is a line: what was looked at, what was found, and what
 * to do if that stands in the way.
 */
#include "preflight.h"

#include "acpi.h"
#include "file.h"
#include "json.h"
#include "thawctl.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <thaw/native_disk.h>
#include <unistd.h>

#define SECURE_BOOT "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

enum level { OK, WARNING, OBSTACLE };

struct machine {
	const char *root;
	struct json *json; /* NULL: words */
	enum level worst;
};

/* --- looking ----------------------------------------------------------------------------- */

/* A file below the root, "" if there is none; to be free()d. */
static char *look(const struct machine *m, const char *path)
{
	char full[PATH_MAX];
	size_t size;
	char *text;

	snprintf(full, sizeof(full), "%s%s", m->root, path);
	text = file_read(full, &size);
	return text ? text : calloc(1, 1);
}

static bool exists(const struct machine *m, const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", m->root, path);
	return !access(full, F_OK);
}

/* The EFI variable holds a value other than 0. Four bytes of attributes come first. */
static bool is_set(const struct machine *m, const char *path)
{
	char full[PATH_MAX];
	size_t size = 0;
	char *value;
	bool set;

	snprintf(full, sizeof(full), "%s%s", m->root, path);
	value = file_read(full, &size);
	set = value && size > 4 && value[4];
	free(value);
	return set;
}

static uint64_t number_after(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* A word of the kernel's command line, or the beginning of one that ends with "=". */
static bool has_word(const char *cmdline, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = cmdline; (at = strstr(at, word)); at += len) {
		bool begins = at == cmdline || at[-1] == ' ';

		if (begins && (word[len - 1] == '=' || !at[len] || strchr(" \n", at[len])))
			return true;
	}
	return false;
}

/* --- telling ----------------------------------------------------------------------------- */

__attribute__((format(printf, 5, 6))) static void tell(struct machine *m, enum level level,
						       const char *topic, const char *advice,
						       const char *format, ...)
{
	static const char *const names[] = {"ok", "warning", "obstacle"};
	static const char *const marks[] = {"  ok ", "  ?? ", "  no "};
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	m->worst = level > m->worst ? level : m->worst;
	if (m->json) {
		json_object(m->json, NULL);
		json_string(m->json, "topic", topic);
		json_string(m->json, "level", names[level]);
		json_string(m->json, "finding", text);
		json_string(m->json, "advice", level == OK ? NULL : advice);
		json_end(m->json);
		return;
	}
	printf("%s %-14s %s\n", marks[level], topic, text);
	if (level != OK)
		printf("                     %s\n", advice);
}

/* --- what has to be so ------------------------------------------------------------------- */

static void check_firmware(struct machine *m)
{
	bool uefi = exists(m, "/sys/firmware/efi");
	bool on = is_set(m, SECURE_BOOT);

	tell(m, uefi ? OK : OBSTACLE, "firmware",
	     "Boot the machine by UEFI: in the firmware's setup, without CSM.",
	     uefi ? "UEFI" : "the machine was not booted by UEFI");
	if (uefi)
		tell(m, on ? OBSTACLE : OK, "Secure Boot",
		     "Turn it off in the firmware's setup: an image cannot be authenticated.",
		     on ? "on" : "off");
}

static void check_kernel(struct machine *m)
{
	char *release = look(m, "/proc/sys/kernel/osrelease"), *state = look(m, "/sys/power/state");
	char *lockdown = look(m, "/sys/kernel/security/lockdown");
	char *mode = look(m, "/sys/power/disk"), *cmdline = look(m, "/proc/cmdline");
	unsigned major = 0, minor = 0;
	bool old, locked = lockdown[0] && !strstr(lockdown, "[none]");
	bool off = !strstr(state, "disk") || strstr(mode, "[disabled]") ||
		   has_word(cmdline, "nohibernate");

	sscanf(release, "%u.%u", &major, &minor);
	old = major < 4 || (major == 4 && minor < 10);
	tell(m, old ? OBSTACLE : OK, "kernel", "thaw restores images of Linux 4.10 and later.",
	     "%.*s", (int)strcspn(release, "\n"), release[0] ? release : "unknown");
	tell(m, locked ? OBSTACLE : OK, "lockdown",
	     "A locked-down kernel does not hibernate; Secure Boot or lockdown= on the kernel's "
	     "command line locks it.",
	     locked ? "on" : "off");
	tell(m, off ? OBSTACLE : OK, "hibernation",
	     "Take 'nohibernate' off the kernel's command line, or use a kernel with "
	     "CONFIG_HIBERNATION.",
	     off ? "the kernel does not offer it" : "offered");
	free(release);
	free(state);
	free(lockdown);
	free(mode);
	free(cmdline);
}

/* --- swap space -------------------------------------------------------------------------- */

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
static const char *volume_kind(const struct machine *m, const char *name)
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
static const char *stacked(const struct machine *m, const char *name)
{
	char path[PATH_MAX];
	char *uuid;
	const char *kind = named_kind(name);

	snprintf(path, sizeof(path), "/sys/class/block/%s/dm/uuid", name);
	uuid = look(m, path);
	if (exists(m, path))
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

static bool is_on_usb(const struct machine *m, const char *name)
{
	char path[PATH_MAX], real[PATH_MAX];

	snprintf(path, sizeof(path), "%s/sys/class/block/%s", m->root, name);
	return realpath(path, real) && strstr(real, "/usb");
}

/* false: thaw could not read an image from there. */
static bool check_swap(struct machine *m, const char *device, const char *type)
{
	char name[256];
	const char *kind;

	kernel_name(device, name, sizeof(name));
	kind = stacked(m, name);
	if (!strncmp(name, "zram", 4)) {
		tell(m, WARNING, "swap", "No image can be written to it.",
		     "%s is compressed memory", device);
		return false;
	}
	if (kind) {
		tell(m, WARNING, "swap", "Firmware cannot read an image from there; make a plain "
					 "swap partition for hibernation.",
		     "%s is on %s", device, kind);
		return false;
	}
	if (is_on_usb(m, name))
		tell(m, WARNING, "swap", "Name it in thaw.conf: device PARTUUID=...",
		     "%s is on USB, which is not searched", device);
	else if (!strcmp(type, "file"))
		tell(m, WARNING, "swap", "thaw.conf needs device and offset: the numbers of "
					 "resume= and resume_offset=.",
		     "%s is a file", device);
	else
		tell(m, OK, "swap", NULL, "%s", device);
	return true;
}

static uint64_t check_swaps(struct machine *m, bool own)
{
	char *text = look(m, "/proc/swaps");
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
		tell(m, own ? WARNING : OBSTACLE, "swap",
		     own ? "'systemctl hibernate' needs some, unless it is made to use 'thawctl "
			   "hibernate': see thawctl(8)."
			 : "Make a swap partition of about the size of the memory: mkswap, swapon, "
			   "/etc/fstab.",
		     count ? "none that thaw could read an image from" : "there is none");
	free(text);
	return usable_kib;
}

/* What udev wrote down of a block device, with libblkid's words; "" if it did not. */
static char *look_at_device(const struct machine *m, const char *name)
{
	char path[PATH_MAX];
	char *number;

	snprintf(path, sizeof(path), "/sys/class/block/%.250s/dev", name);
	number = look(m, path);
	snprintf(path, sizeof(path), "/run/udev/data/b%.*s", (int)strcspn(number, "\n"), number);
	free(number);
	return look(m, path);
}

static uint64_t check_partition(struct machine *m, const char *name)
{
	char path[PATH_MAX];
	char *words = look_at_device(m, name), *size;
	uint64_t kib = 0;

	if (strstr(words, "\nE:ID_PART_ENTRY_TYPE=" NATIVE_GPT_TYPE_TEXT "\n")) {
		snprintf(path, sizeof(path), "/sys/class/block/%.250s/size", name);
		size = look(m, path);
		kib = strtoull(size, NULL, 10) / 2;
		free(size);
		tell(m, is_on_usb(m, name) ? WARNING : OK, "partition",
		     "Name it in thaw.conf: device PARTUUID=...",
		     "%s is for images of 'thawctl hibernate'%s", name,
		     is_on_usb(m, name) ? ", but on USB, which is not searched" : "");
	}
	free(words);
	return kib;
}

/* The largest of thaw's own type. */
static uint64_t check_partitions(struct machine *m)
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
static void check_size(struct machine *m, uint64_t room_kib, const char *what)
{
	char *memory = look(m, "/proc/meminfo"), *size = look(m, "/sys/power/image_size");
	uint64_t memory_mib = number_after(memory, "MemTotal:") / 1024;
	uint64_t image_mib = strtoull(size, NULL, 10) >> 20;
	bool small = room_kib / 1024 < image_mib;

	if (room_kib)
		tell(m, small ? WARNING : OK, "size",
		     "Hibernation may fail for want of space: make it larger, or write a smaller "
		     "number to /sys/power/image_size.",
		     "%" PRIu64 " MiB of %s for %" PRIu64 " MiB of memory, images of about %" PRIu64
		     " MiB",
		     room_kib / 1024, what, memory_mib, image_mib);
	free(memory);
	free(size);
}

static void check_fallback(struct machine *m)
{
	char *cmdline = look(m, "/proc/cmdline"), *resume = look(m, "/sys/power/resume");
	bool set = has_word(cmdline, "resume=") || (resume[0] && strncmp(resume, "0:0", 3));
	bool no = has_word(cmdline, "noresume");

	tell(m, set && !no ? OK : WARNING, "fallback",
	     "Put resume=UUID=... on the kernel's command line (without 'noresume'): where thaw "
	     "refuses an image, the kernel behind it still gets its chance.",
	     no	   ? "the kernel was told not to resume by itself"
	     : set ? "the kernel can resume by itself"
		   : "the kernel does not know where to resume from");
	free(cmdline);
	free(resume);
}

/* Saved otherwise, the kernel does not turn ACPI on again, nor does firmware have to. */
static void check_mode(struct machine *m)
{
	char *mode = look(m, "/sys/power/disk");
	bool platform = strstr(mode, "[platform]");

	if (acpi_is_off(m->root))
		tell(m, WARNING, "ACPI", ACPI_HINT, "off since the machine was restored");
	tell(m, platform ? OK : WARNING, "mode",
	     "Write 'platform' to /sys/power/disk, if that is offered (systemd: HibernateMode=): else the "
	     "power button may be dead after a restore.",
	     platform ? "platform" : "the machine hibernates without ACPI's S4");
	free(mode);
}

static void check_all(struct machine *m)
{
	uint64_t own_kib;

	check_firmware(m);
	check_kernel(m);
	check_mode(m);
	own_kib = check_partitions(m);
	check_size(m, own_kib, "thaw's partition");
	check_size(m, check_swaps(m, own_kib), "swap");
	check_fallback(m);
}

int preflight(const char *root, bool as_json)
{
	struct json json = {.out = stdout};
	struct machine m = {.root = root, .json = as_json ? &json : NULL};

	if (as_json) {
		json_object(&json, NULL);
		json_array(&json, "findings");
	}
	check_all(&m);
	if (as_json) {
		json_end(&json);
		json_bool(&json, "ready", m.worst != OBSTACLE);
		json_end(&json);
	} else {
		puts(m.worst == OBSTACLE ? "thaw could not restore this machine."
					 : "thaw could restore this machine. 'thawctl status' says "
					   "whether it is installed.");
	}
	return m.worst == OBSTACLE ? THAWCTL_REFUSED : THAWCTL_DONE;
}
