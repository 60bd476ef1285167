/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * install_steps.c: see install_steps.h.
 */
#include "install_steps.h"

#include "file.h"
#include "images.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- forward ----------------------------------------------------------------------------- */

static bool want_folder(struct job *job)
{
	struct stat st;

	snprintf(job->said, sizeof(job->said), "make %.120s", job->site.folder);
	return stat(job->site.folder, &st) != 0;
}

static bool make_folder(struct job *job)
{
	char efi[PATH_MAX];

	snprintf(efi, sizeof(efi), "%.3000s/EFI", job->site.esp.path);
	job->made_efi = !mkdir(efi, 0755);
	if (!job->made_efi && errno != EEXIST)
		return false;
	return !mkdir(job->site.folder, 0755) && file_sync_folder(efi);
}

static void remove_folder(struct job *job)
{
	char efi[PATH_MAX];

	rmdir(job->site.folder);
	snprintf(efi, sizeof(efi), "%.3000s/EFI", job->site.esp.path);
	if (job->made_efi)
		rmdir(efi);
}

static bool want_program(struct job *job)
{
	size_t size;
	char *there = file_read(job->site.program, &size);
	bool same = there && size == job->size && !memcmp(there, job->program, size);

	free(there);
	snprintf(job->said, sizeof(job->said), "copy %.60s to %.80s", job->source,
		 job->site.program);
	return !same;
}

static bool copy_program(struct job *job)
{
	return file_replace(job->site.program, job->program, job->size);
}

/* One that was there before was a thaw, and this one is no worse. */
static void remove_new_program(struct job *job)
{
	if (!job->site.has_program)
		unlink(job->site.program);
}

/*
 * Whoever took thaw.conf away is content with what is usual, and an update does not bring it back;
 * unless there is no entry either, and so an installation that was interrupted.
 */
static bool is_taken_away(const struct job *job)
{
	return job->is_update && !job->site.has_conf &&
	       (!job->site.variables || job->site.entry >= 0);
}

static bool want_conf(struct job *job)
{
	char mode[16];

	snprintf(job->said, sizeof(job->said), "write %.100s (mode %s)", job->site.conf_path,
		 conf_mode_name(job->site.conf.mode));
	conf_value(job->site.conf_text, "mode", mode, sizeof(mode));
	if (is_taken_away(job))
		return false;
	return !job->site.has_conf || (job->site.mode && strcmp(mode, job->site.mode));
}

static bool write_conf(struct job *job)
{
	const char *mode = conf_mode_name(job->site.conf.mode);
	char *text =
		job->site.has_conf ? conf_set(job->site.conf_text, "mode", mode) : conf_first(mode);
	bool ok = text && file_replace(job->site.conf_path, text, strlen(text));

	free(text);
	return ok;
}

static void restore_conf(struct job *job)
{
	if (!job->site.has_conf)
		unlink(job->site.conf_path);
	else
		file_replace(job->site.conf_path, job->site.conf_text, strlen(job->site.conf_text));
}

/* A damaged one may hold what forbids a stale image: firmware's side deals with that, once. */
static bool want_record(struct job *job)
{
	snprintf(job->said, sizeof(job->said), "create the firmware variable ThawStatus");
	return job->site.variables && job->site.record_state == BOOTVARS_RECORD_MISSING;
}

static bool create_record(struct job *job)
{
	struct thaw_record record;
	unsigned count;

	thaw_record_init(&record);
	count = images_pass_over(&record, job->site.disk);
	if (count)
		thawctl_error("Nothing needs to be done: the next hibernation makes a new one.",
			      "%u old hibernation image%s will not be restored", count,
			      count > 1 ? "s" : "");
	return bootvars_create_record(&record);
}

static void delete_record(struct job *job)
{
	(void)job;
	bootvars_delete_record();
}

static bool want_entry(struct job *job)
{
	snprintf(job->said, sizeof(job->said),
		 job->site.entry < 0 ? "create a boot entry" : "switch boot entry %04X on",
		 (unsigned)job->site.entry);
	return job->site.variables && (job->site.entry < 0 || !job->site.entry_active);
}

static bool create_entry(struct job *job)
{
	if (job->site.entry >= 0)
		return bootvars_activate_entry((uint16_t)job->site.entry);
	job->site.entry = bootvars_make_entry(&job->site.esp);
	job->made_entry = job->site.entry >= 0;
	return job->made_entry;
}

/* An entry that was there and only switched on may stay. */
static void delete_new_entry(struct job *job)
{
	if (job->made_entry)
		bootvars_delete_entry((uint16_t)job->site.entry);
}

/* Asked before the entry has a number, too. */
static bool want_order(struct job *job)
{
	int at = boot_order_find(&job->site.order, (uint16_t)job->site.entry);
	bool armed = job->site.conf.mode == CONFIG_MODE_ARMED;

	snprintf(job->said, sizeof(job->said),
		 armed ? "take it out of BootOrder" : "put it first in BootOrder");
	return job->site.variables && (armed ? at >= 0 : at != 0);
}

static bool set_order(struct job *job)
{
	struct boot_order order = job->site.order;
	uint16_t number = (uint16_t)job->site.entry;

	errno = ENOSPC;
	if (job->site.conf.mode == CONFIG_MODE_ARMED)
		boot_order_remove(&order, number);
	else if (!boot_order_put_first(&order, number))
		return false;
	return bootvars_write_order(&order);
}

static const struct step forward[] = {
	{"folder", want_folder, make_folder, remove_folder},
	{"program", want_program, copy_program, remove_new_program},
	{"configuration", want_conf, write_conf, restore_conf},
	{"record", want_record, create_record, delete_record},
	{"entry", want_entry, create_entry, delete_new_entry},
	{"order", want_order, set_order, NULL},
};

/* --- back -------------------------------------------------------------------------------- */

static bool is_ordered(struct job *job)
{
	snprintf(job->said, sizeof(job->said), "take it out of BootOrder");
	return job->site.entry >= 0 &&
	       boot_order_find(&job->site.order, (uint16_t)job->site.entry) >= 0;
}

static bool leave_order(struct job *job)
{
	struct boot_order order = job->site.order;

	boot_order_remove(&order, (uint16_t)job->site.entry);
	return bootvars_write_order(&order);
}

static bool is_next(struct job *job)
{
	snprintf(job->said, sizeof(job->said), "delete BootNext");
	return job->site.entry >= 0 && job->site.next == job->site.entry;
}

static bool delete_next(struct job *job)
{
	(void)job;
	return bootvars_delete_next();
}

static bool has_entry(struct job *job)
{
	snprintf(job->said, sizeof(job->said), "delete boot entry %04X", (unsigned)job->site.entry);
	return job->site.entry >= 0;
}

static bool drop_entry(struct job *job)
{
	return bootvars_delete_entry((uint16_t)job->site.entry);
}

static bool has_record(struct job *job)
{
	snprintf(job->said, sizeof(job->said), "delete the firmware variable ThawStatus");
	return job->site.variables && job->site.record_state != BOOTVARS_RECORD_MISSING;
}

static bool drop_record(struct job *job)
{
	(void)job;
	return bootvars_delete_record();
}

static bool has_files(struct job *job)
{
	struct stat st;

	snprintf(job->said, sizeof(job->said), "remove %.120s", job->site.folder);
	return !stat(job->site.folder, &st);
}

static bool is_gone(const char *path)
{
	return !unlink(path) || errno == ENOENT;
}

/* What else lies in the folder is somebody's: it stays, and so does the folder. */
static bool drop_files(struct job *job)
{
	struct site *site = &job->site;
	char left[2][PATH_MAX];

	snprintf(left[0], PATH_MAX, "%.4000s.new", site->program);
	snprintf(left[1], PATH_MAX, "%.4000s.new", site->conf_path);
	if (!is_gone(site->program) || !is_gone(site->conf_path) || !is_gone(left[0]) ||
	    !is_gone(left[1]))
		return false;
	return !rmdir(site->folder) || errno == ENOTEMPTY || errno == EEXIST;
}

static const struct step backward[] = {
	{"order", is_ordered, leave_order, NULL}, {"next", is_next, delete_next, NULL},
	{"entry", has_entry, drop_entry, NULL},	  {"record", has_record, drop_record, NULL},
	{"files", has_files, drop_files, NULL},
};

const struct steps install_forward = {forward, THAW_ARRAY_LEN(forward)};
const struct steps install_backward = {backward, THAW_ARRAY_LEN(backward)};

_Static_assert(THAW_ARRAY_LEN(forward) <= INSTALL_STEPS_MAX &&
		       THAW_ARRAY_LEN(backward) <= INSTALL_STEPS_MAX,
	       "room for what was done");
