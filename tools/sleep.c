/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * sleep.c: thawctl sleep pre|post ACTION.
 *
 * Before: sees to it that thaw starts at the next boot, and notes what the resume can be held
 * against. After: tells firmware's record that the machine is back, compares, and takes away what
 * would outlive the hibernation. Whatever fails is said and does not keep the machine from sleeping.
 */
#include "sleep.h"

#include "acpi.h"
#include "attempt.h"
#include "file.h"
#include "location.h"
#include "memmap_file.h"
#include "mounts.h"
#include "site.h"
#include "state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <thaw/loader.h>
#include <unistd.h>

static const char usage[] =
	"Usage: thawctl sleep [OPTION]... pre|post ACTION\n"
	"What systemd calls before and after the machine sleeps\n"
	"(systemd-suspend.service(8)). Nothing happens unless ACTION, or\n"
	"$SYSTEMD_SLEEP_ACTION, writes an image to disk.\n"
	"\n"
	"  --esp-path PATH, --disk DISK --part N   as for install\n"
	"  --help   show this text\n"
	"\n"
	"Exit status: 0 done, 3 something failed, 64 wrong usage.\n";

/* --- before ------------------------------------------------------------------------------ */

/* Whoever chose what boots once, next, gets it: a resident thaw restores at the boot behind that. */
static bool leave_next(const struct site *site)
{
	if (site->next >= 0 && site->next != site->entry)
		printf("BootNext is entry %04X: it boots first, and thaw restores at the boot after "
		       "it.\n",
		       (unsigned)site->next);
	return true;
}

/*
 * Armed, always; resident only when another entry came first, as the update of a boot loader may
 * have brought about.
 */
static bool arm(struct site *site)
{
	if (site_comes_first(site))
		return leave_next(site);
	if (site->entry < 0) {
		thawctl_error("'thawctl update' repairs it.",
			      "there is no boot entry: this hibernation is left to the kernel");
		return false;
	}
	if (bootvars_write_next((uint16_t)site->entry)) {
		puts("thaw starts at the next boot.");
		return true;
	}
	thawctl_error(site_hint(errno), "BootNext: %s", strerror(errno));
	return false;
}

static void note_map(FILE *out)
{
	struct thaw_memmap map = {0};

	if (access("/sys/firmware/memmap", R_OK) ||
	    !memmap_file_read("/sys/firmware/memmap", &map))
		return;
	fprintf(out, "memmap-digest 0x%08" PRIx32 "\n", thaw_memmap_e820_crc32(&map));
	/* As thaw prints them, so that this file is a map for 'check --memmap' too. */
	for (size_t i = 0; i < map.count; i++)
		fprintf(out, "thaw: map 0x%" PRIx64 " 0x%" PRIx64 " %s\n",
			map.ranges[i].frames.first << THAW_PAGE_SHIFT,
			map.ranges[i].frames.end << THAW_PAGE_SHIFT,
			thaw_mem_type_name(map.ranges[i].type));
	free(map.ranges);
}

/* ACPI20=0x... and the like, as the kernel found them in the EFI system table. */
static void note_tables(FILE *out)
{
	static const char *const files[] = {"config_table", "fw_vendor", "runtime"};
	char path[64];
	size_t size;
	char *text = file_read("/sys/firmware/efi/systab", &size);

	for (char *line = text ? strtok(text, "\n") : NULL; line; line = strtok(NULL, "\n"))
		fprintf(out, "table %s\n", line);
	free(text);
	for (size_t i = 0; i < THAW_ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "/sys/firmware/efi/%s", files[i]);
		text = file_read(path, &size);
		if (text)
			fprintf(out, "table %s=%.*s\n", files[i], (int)strcspn(text, "\n"), text);
		free(text);
	}
}

static void note_mounts(FILE *out)
{
	static struct mount_mark list[MOUNTS_MAX];
	size_t count = mounts_read(list, MOUNTS_MAX);

	for (size_t i = 0; i < count; i++)
		fprintf(out, "mount %s %s %" PRIu32 " %" PRIu32 "\n", list[i].device, list[i].type,
			list[i].mounted, list[i].times);
}

static bool take_notes(const struct site *site)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool ok;

	if (!out)
		return false;
	fprintf(out, "serial %" PRIu32 "\n", site->record.serial);
	if (site->entry >= 0)
		fprintf(out, "entry %d\n", site->entry);
	note_map(out);
	note_tables(out);
	note_mounts(out);
	ok = !fclose(out) && state_write("hibernated", text);
	free(text);
	return ok;
}

/* A thaw that would refuse everything need neither run nor know where to look. */
static bool will_restore(const struct site *site)
{
	return site->has_program && bootvars_secure_boot() == 0;
}

/* Where the site could not be read, thaw may run all the same. */
static bool before(struct site *site, bool is_read)
{
	bool ok = is_read;

	if (is_read && will_restore(site)) {
		ok = location_note();
		ok &= arm(site);
	}
	return take_notes(site) && ok;
}

/* --- after ------------------------------------------------------------------------------- */

/*
 * This machine went to sleep when the record was at that serial: a newer attempt that was committed
 * is the one that brought it back.
 */
static bool end_attempt(struct site *site, uint32_t serial)
{
	const struct thaw_attempt *list[THAW_RECORD_ATTEMPTS];
	size_t count = attempts_sorted(&site->record, list);
	struct thaw_attempt *a = count ? &site->record.attempt[list[0] - site->record.attempt] : NULL;

	if (!a || a->serial <= serial || a->state != THAW_ATTEMPT_COMMITTING || a->reason)
		return true;
	a->state = THAW_ATTEMPT_RETURNED;
	if (bootvars_write_record(&site->record))
		return true;
	thawctl_error(site_hint(errno), "ThawStatus: %s", strerror(errno));
	return false;
}

/* Somebody else had the filesystem meanwhile: what memory holds of it is wrong now. */
static bool compare_mount(const char *line)
{
	struct mount_mark then, now;

	if (sscanf(line, "mount %127s %23s %" SCNu32 " %" SCNu32, then.device, then.type,
		   &then.mounted, &then.times) != 4 ||
	    !mount_mark_read(then.device, &now) ||
	    (now.mounted == then.mounted && now.times == then.times))
		return true;
	thawctl_error("Write nothing more to it: switch the machine off hard, boot normally and run "
		      "fsck.",
		      "%s was mounted by another system while this one was hibernated", then.device);
	return false;
}

/* The notes are of one hibernation: held against another, they would raise a false alarm. */
static bool compare(uint32_t *ret_serial, int *ret_entry)
{
	char *text = state_read("hibernated");
	bool ok = true;

	state_forget("hibernated");
	*ret_serial = UINT32_MAX;
	*ret_entry = -1;
	for (char *line = text ? strtok(text, "\n") : NULL; line; line = strtok(NULL, "\n")) {
		sscanf(line, "serial %" SCNu32, ret_serial);
		sscanf(line, "entry %d", ret_entry);
		ok &= compare_mount(line);
	}
	free(text);
	return ok;
}

/* An initramfs takes it away before it resumes; where none ran, it would name an image gone. */
static bool drop_location(void)
{
	bool was;

	if (!bootvars_delete_location(&was)) {
		thawctl_error(site_hint(errno), "HibernateLocation: %s", strerror(errno));
		return false;
	}
	if (was)
		puts("HibernateLocation removed: its image is consumed.");
	return true;
}

static bool after(struct site *site)
{
	uint32_t serial;
	int entry;
	bool ok = compare(&serial, &entry);

	if (site->entry >= 0)
		entry = site->entry;
	ok &= end_attempt(site, serial);
	if (site->next == BOOTVARS_NEXT_GONE || (site->next >= 0 && site->next == entry))
		ok &= bootvars_delete_next();
	ok &= drop_location();
	if (acpi_is_off(""))
		thawctl_error(ACPI_HINT, "ACPI is off: no power button, lid or battery is heard");
	attempts_tell_new(&site->record);
	return ok;
}

/* --- the command ------------------------------------------------------------------------- */

/* systemd names the action of the moment in the environment: suspend-then-hibernate is two. */
static bool writes_image(const char *action)
{
	const char *now = getenv("SYSTEMD_SLEEP_ACTION");

	if (!now)
		now = action;
	return !strcmp(now, "hibernate") || !strcmp(now, "hybrid-sleep") ||
	       !strcmp(now, "suspend-then-hibernate");
}

static bool is_understood(char **words, int count)
{
	if (count == 2 && (!strcmp(words[0], "pre") || !strcmp(words[0], "post")))
		return true;
	thawctl_error("'thawctl sleep --help' shows the usage.",
		      "sleep: pre or post, and then what for");
	return false;
}

int sleep_main(int argc, char **argv)
{
	struct site site;
	bool ok, pre;
	int result = site_parse(&site, argc, argv, "eda", usage);

	if (result)
		return result < 0 ? THAWCTL_DONE : result;
	if (!is_understood(argv + optind, argc - optind))
		return THAWCTL_USAGE;
	if (!writes_image(argv[optind + 1]))
		return THAWCTL_DONE;
	pre = !strcmp(argv[optind], "pre");
	if (pre)
		state_forget("hibernated");
	if (!bootvars_available())
		return THAWCTL_DONE;
	ok = site_read(&site, false);
	ok = (pre ? before(&site, ok) : after(&site)) && ok;
	site_free(&site);
	return ok ? THAWCTL_DONE : THAWCTL_ENVIRONMENT;
}
