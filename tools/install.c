/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * install.c: thawctl install, update and uninstall.
 *
 * What is to be done are steps in an order in which a power cut after any of them does no harm: the
 * program comes before the entry that names it, and the entry before the order that starts it; the
 * way back goes the other way round. A step that is done already is left out, so that doing it again
 * finishes what was interrupted. A step that fails takes back those before it. Nothing of anybody
 * else's is written: no \EFI\BOOT, no other entry, and of BootOrder thaw's own number alone.
 */
#include "install.h"

#include "file.h"
#include "images.h"
#include "json.h"
#include "site.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct job {
	struct site site;
	char *program; /* what is to be on the partition */
	size_t size;
	const char *source;
	bool is_update;
	bool made_efi, made_entry;
	char said[160]; /* what the step says of itself */
};

struct step {
	const char *name;
	/* Is there anything to do? Writes what into said. */
	bool (*wanted)(struct job *job);
	bool (*apply)(struct job *job); /* false: errno says why */
	void (*undo)(struct job *job);	/* after apply(), also one that failed; may be NULL */
};

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
	char *text = job->site.has_conf ? conf_set(job->site.conf_text, "mode", mode)
					: conf_first(mode);
	bool ok = text && file_replace(job->site.conf_path, text, strlen(text));

	free(text);
	return ok;
}

static void restore_conf(struct job *job)
{
	if (!job->site.has_conf)
		unlink(job->site.conf_path);
	else
		file_replace(job->site.conf_path, job->site.conf_text,
			     strlen(job->site.conf_text));
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

/* --- doing it ---------------------------------------------------------------------------- */

static void tell(const struct job *job, struct json *json, const struct step *step)
{
	if (job->site.json) {
		json_object(json, NULL);
		json_string(json, "step", step->name);
		json_string(json, "what", job->said);
		json_end(json);
	} else if (!job->site.quiet) {
		printf("%s%s\n", job->site.dry_run ? "would " : "", job->said);
	}
}

static void take_back(struct job *job, const struct step *steps, const bool *done, size_t count)
{
	while (count--) {
		if (done[count] && steps[count].undo)
			steps[count].undo(job);
	}
}

static bool run(struct job *job, struct json *json, const struct step *steps, size_t count,
		size_t *ret_done)
{
	bool done[8] = {false};

	for (size_t i = 0; i < count; i++) {
		if (!steps[i].wanted(job))
			continue;
		if (!job->site.dry_run && !steps[i].apply(job)) {
			int error = errno;

			done[i] = true;
			take_back(job, steps, done, i + 1);
			thawctl_error(site_hint(error), "cannot %s: %s%s", job->said,
				      strerror(error),
				      steps == forward ? "; what was done before is undone" : "");
			return false;
		}
		done[i] = true;
		++*ret_done;
		tell(job, json, &steps[i]);
	}
	return true;
}

/* Half of a step is worse than a moment's wait for whoever presses Ctrl-C. */
static void hold_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int finish(struct job *job, const struct step *steps, size_t count, const char *nothing)
{
	struct json json = {.out = stdout};
	size_t done = 0;
	bool ok;

	hold_signals();
	if (job->site.json) {
		json_object(&json, NULL);
		json_bool(&json, "dry_run", job->site.dry_run);
		json_array(&json, "steps");
	}
	ok = run(job, &json, steps, count, &done);
	if (job->site.json) {
		json_end(&json);
		json_bool(&json, "ok", ok);
		json_end(&json);
	} else if (ok && !done && !job->site.quiet) {
		puts(nothing);
	}
	return ok ? THAWCTL_DONE : THAWCTL_ENVIRONMENT;
}

static bool check_firmware(const struct site *site)
{
	if (site->no_variables || site->variables)
		return true;
	thawctl_error("Boot the machine by UEFI; in a chroot or for another machine use "
		      "--no-variables and make the boot entry there.",
		      "firmware's variables cannot be reached");
	return false;
}

static void warn(const struct site *site)
{
	if (site->variables && bootvars_secure_boot() != 0)
		thawctl_error("Turn Secure Boot off in the firmware's setup to use thaw; until "
			      "then it steps aside.",
			      "Secure Boot is on: every image will be refused");
}

static int bring_up(struct job *job)
{
	int result = THAWCTL_ENVIRONMENT;

	job->program = site_read_source(&job->site, &job->size, &job->source);
	if (job->program && check_firmware(&job->site)) {
		warn(&job->site);
		result = finish(job, forward, THAW_ARRAY_LEN(forward),
				"thaw is installed already; there is nothing to do.");
	}
	free(job->program);
	return result;
}

static const char install_usage[] =
	"Usage: thawctl install [OPTION]...\n"
	"Copies thaw.efi to the EFI system partition and makes it the first boot entry. What boots\n"
	"today boots after it, unchanged. Doing it again finishes what was interrupted.\n"
	"\n"
	"  --mode resident   thaw is first in BootOrder and steps aside when there is no image\n"
	"  --mode armed      thaw stays out of BootOrder; it runs only after the machine was\n"
	"                    hibernated (BootNext, by a systemd sleep hook)\n"
	"  --esp-path PATH   where the EFI system partition is mounted\n"
	"  --disk DISK --part N\n"
	"                    what it is on, if that cannot be found out\n"
	"  --source FILE     the thaw.efi to install\n"
	"  --no-variables    write files only; make no boot entry\n"
	"  --dry-run         say what would be done\n"
	"  --quiet           say nothing but errors\n"
	"  --json            answer in JSON\n"
	"  --help            show this text\n"
	"\n"
	"Exit status: 0 done, 3 failed and undone, 64 wrong usage.\n";

static const char update_usage[] =
	"Usage: thawctl update [OPTION]...\n"
	"Puts a newer thaw.efi in place of the one installed, and repairs what is missing: the boot\n"
	"entry, its place in BootOrder, the status variable.\n"
	"\n"
	"  --esp-path PATH, --disk DISK --part N, --source FILE, --no-variables, --dry-run,\n"
	"  --quiet, --json, --help   as for install\n"
	"\n"
	"Exit status: 0 done, 1 not installed, 3 failed and undone, 64 wrong usage.\n";

static const char uninstall_usage[] =
	"Usage: thawctl uninstall [OPTION]...\n"
	"Takes thaw out of the boot: its place in BootOrder, its entry, its variable, its files.\n"
	"\n"
	"  --esp-path PATH, --disk DISK --part N, --no-variables, --dry-run, --quiet, --json,\n"
	"  --help   as for install\n"
	"\n"
	"Exit status: 0 done, 3 failed (run it again), 64 wrong usage.\n";

int install_main(int argc, char **argv)
{
	struct job job = {0};
	int result = site_parse(&job.site, argc, argv, "edsmnrjq", install_usage);

	if (result)
		return result < 0 ? THAWCTL_DONE : result;
	result = site_read(&job.site, true) ? bring_up(&job) : THAWCTL_ENVIRONMENT;
	site_free(&job.site);
	return result;
}

int update_main(int argc, char **argv)
{
	struct job job = {.is_update = true};
	int result = site_parse(&job.site, argc, argv, "edsnrjq", update_usage);

	if (result)
		return result < 0 ? THAWCTL_DONE : result;
	if (!site_read(&job.site, true)) {
		result = THAWCTL_ENVIRONMENT;
	} else if (!site_is_installed(&job.site)) {
		thawctl_error("'thawctl install' installs it.", "thaw is not installed on %s",
			      job.site.esp.path);
		result = THAWCTL_NO_IMAGE;
	} else {
		result = bring_up(&job);
	}
	site_free(&job.site);
	return result;
}

int uninstall_main(int argc, char **argv)
{
	struct job job = {0};
	int result = site_parse(&job.site, argc, argv, "ednrjq", uninstall_usage);

	if (result)
		return result < 0 ? THAWCTL_DONE : result;
	result = THAWCTL_ENVIRONMENT;
	if (site_read(&job.site, true) && check_firmware(&job.site))
		result = finish(&job, backward, THAW_ARRAY_LEN(backward),
				"thaw is not installed; there is nothing to do.");
	site_free(&job.site);
	return result;
}
