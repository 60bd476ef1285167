/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * hibernate_boot.c: will thaw run at the next boot, and look where the image is going to be? Nothing
 * but thaw reads the image: without it the session would be lost.
 */
#include "hibernate.h"
#include "probe.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* --- will it run? --------------------------------------------------------------------------- */

struct obstacle {
	const char *what; /* NULL: none */
	const char *hint;
};

/* What thaw.conf tells it: it would go on to the next boot entry, and nobody else reads the image. */
static struct obstacle find_conf_obstacle(const struct config *conf, enum snapshot_mode mode)
{
	if (conf->dry_run)
		return (struct obstacle){"thaw.conf says 'dry-run yes'", "Take that line out."};
	if (conf->device.kind == CONFIG_DEVICE_ANY && conf->offset_pages)
		return (struct obstacle){"thaw.conf has an offset without a device, and then no "
					 "image is looked for",
					 "Take that line out, or name the device."};
	if (conf->refuse_hw_sig && mode == SNAPSHOT_MODE_PLATFORM)
		return (struct obstacle){"thaw.conf says 'hwsig refuse', and so saved it has the "
					 "hardware's signature",
					 "Take that line out, or choose --mode shutdown."};
	return (struct obstacle){0};
}

static struct obstacle find_obstacle(const struct site *site, enum snapshot_mode mode)
{
	static const char update[] = "'thawctl update' repairs it.";

	if (!site->has_program)
		return (struct obstacle){"it is not installed", "'thawctl install' installs it."};
	if (!site->variables)
		return (struct obstacle){"firmware's variables cannot be reached",
					 "Mount efivarfs at /sys/firmware/efi/efivars."};
	if (site->entry < 0)
		return (struct obstacle){"it has no boot entry", update};
	if (!site->entry_active)
		return (struct obstacle){"its boot entry is switched off", update};
	/* An older one may not know the format, and would pass the image over. */
	if (site->version[0] && strcmp(site->version, THAW_VERSION))
		return (struct obstacle){"the program on the EFI system partition is of another "
					 "version",
					 "'thawctl update' brings it up to date."};
	if (site->record_state == BOOTVARS_RECORD_DAMAGED)
		return (struct obstacle){"its record of earlier boots is damaged",
					 "'thawctl uninstall' and 'thawctl install' make it anew."};
	return find_conf_obstacle(&site->conf, mode);
}

bool hibernate_boot_ready(struct site *site, enum snapshot_mode mode)
{
	struct obstacle obstacle;

	if (!site_read(site, false))
		return false;
	obstacle = find_obstacle(site, mode);
	if (obstacle.what)
		thawctl_error(obstacle.hint, "thaw would not restore this system: %s",
			      obstacle.what);
	return !obstacle.what;
}

/* --- will it look there? -------------------------------------------------------------------- */

/* thaw's own parser knows when two names mean one device. */
static bool is_named(const struct config_device *wanted, const char *tag, const char *value)
{
	struct config made = {.dry_run = false};
	const struct config_device *is = &made.device;
	char line[128];
	int size = snprintf(line, sizeof(line), "device %s=%s\n", tag, value);

	if (size < 0 || size >= (int)sizeof(line))
		return false;
	config_parse(&made, (const uint8_t *)line, (size_t)size);
	return is->kind == wanted->kind && is->mbr == wanted->mbr &&
	       !memcmp(is->uuid, wanted->uuid, sizeof(is->uuid)) &&
	       is->mbr_signature == wanted->mbr_signature &&
	       is->mbr_partition == wanted->mbr_partition;
}

static bool is_device(const struct config_device *wanted, const char *path)
{
	const bool partuuid = wanted->kind == CONFIG_DEVICE_PARTUUID;
	char value[PROBE_VALUE_MAX];

	/* Of what else it found here it may be in doubt; the partition's own name is not. */
	return probe_value(path, partuuid ? "PART_ENTRY_UUID" : "UUID", true, value) &&
	       is_named(wanted, partuuid ? "PARTUUID" : "UUID", value);
}

/* Firmware starts the disk that it loads thaw from; another it may leave alone. */
static bool is_beside_thaw(const struct site *site, const char *path)
{
	struct stat target, home;
	dev_t disk;

	return !stat(path, &target) && S_ISBLK(target.st_mode) && !stat(site->esp.disk, &home) &&
	       S_ISBLK(home.st_mode) &&
	       !blkid_devno_to_wholedisk(target.st_rdev, NULL, 0, &disk) && disk == home.st_rdev;
}

/* The line of thaw.conf that means the partition. */
static void name_it(const struct site *site, const char *path, char *ret, size_t size)
{
	char value[PROBE_VALUE_MAX];

	snprintf(ret, size, "Name it in %s: device PARTUUID=%s", site->conf_path,
		 probe_value(path, "PART_ENTRY_UUID", true, value) ? value : "...");
}

/* thaw starts disks only for what is named, and of two images it knows not which is meant. */
static bool is_found_unnamed(const struct site *site, const char *path)
{
	char other[HIBERNATE_PATH_MAX];
	char hint[PATH_MAX + 128];

	name_it(site, path, hint, sizeof(hint));
	if (hibernate_is_removable(path))
		thawctl_error(hint, "thaw would not look for the image on %s: it is removable",
			      path);
	else if (!is_beside_thaw(site, path))
		thawctl_error(hint,
			      "thaw might not find the image on %s: firmware need not start that "
			      "disk, which is not the one with thaw on it",
			      path);
	else if (hibernate_find_other(path, other))
		thawctl_error(hint,
			      "%s holds an image of another time, and thaw would not know which to "
			      "restore",
			      other);
	else
		return true;
	return false;
}

bool hibernate_boot_finds(const struct site *site, const char *path)
{
	const struct config *conf = &site->conf;

	if (conf->device.kind == CONFIG_DEVICE_ANY)
		return is_found_unnamed(site, path);
	if (!conf->offset_pages && is_device(&conf->device, path))
		return true;
	thawctl_error("Change 'device' and 'offset' there, or name the device that they mean.",
		      "thaw would not look for the image on %s: %s names another place", path,
		      site->conf_path);
	return false;
}

/* --- to it ---------------------------------------------------------------------------------- */

bool hibernate_boot_arm(const struct site *site, bool *ret_armed)
{
	*ret_armed = !site_comes_first(site) && bootvars_write_next((uint16_t)site->entry);
	if (*ret_armed || site_comes_first(site))
		return true;
	thawctl_error(site_hint(errno), "BootNext: %s", strerror(errno));
	return false;
}

void hibernate_boot_disarm(const struct site *site)
{
	int next = bootvars_read_next();

	if (next != BOOTVARS_NEXT_GONE && next != site->entry)
		return;
	if (!bootvars_delete_next())
		thawctl_error(site_hint(errno), "BootNext: %s", strerror(errno));
}
