/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * install.c: thawctl install, update and uninstall.
 *
 * A step that is done already is left out, so that doing it again finishes what was interrupted. A
 * step that fails takes back those before it.
 */
#include "install.h"

#include "install_steps.h"
#include "json.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static bool run(struct job *job, struct json *json, const struct steps *steps, size_t *ret_done)
{
	bool done[INSTALL_STEPS_MAX] = {false};

	for (size_t i = 0; i < steps->count; i++) {
		const struct step *step = &steps->list[i];

		if (!step->wanted(job))
			continue;
		done[i] = true;
		if (!job->site.dry_run && !step->apply(job)) {
			int error = errno;

			take_back(job, steps->list, done, i + 1);
			thawctl_error(site_hint(error), "cannot %s: %s%s", job->said,
				      strerror(error),
				      steps == &install_forward ? "; what was done before is undone"
								: "");
			return false;
		}
		++*ret_done;
		tell(job, json, step);
	}
	return true;
}

/* Half of a step is worse than a moment's wait for whoever presses Ctrl-C, or than a line unread. */
static void hold_signals(void)
{
	static const int held[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < THAW_ARRAY_LEN(held); i++)
		sigaddset(&set, held[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int finish(struct job *job, const struct steps *steps, const char *nothing)
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
	ok = run(job, &json, steps, &done);
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
		result = finish(job, &install_forward,
				"thaw is installed already; there is nothing to do.");
	}
	free(job->program);
	return result;
}

static const char install_usage[] =
	"Usage: thawctl install [OPTION]...\n"
	"Copies thaw.efi to the EFI system partition and makes it the first boot entry.\n"
	"What boots today boots after it, unchanged. Doing it again finishes what was\n"
	"interrupted.\n"
	"\n"
	"  --mode resident   thaw is first in BootOrder and steps aside when there is no\n"
	"                    image\n"
	"  --mode armed      thaw stays out of BootOrder; it runs only after the machine\n"
	"                    was hibernated (BootNext, by a systemd sleep hook)\n"
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
	"Puts a newer thaw.efi in place of the one installed, and repairs what is\n"
	"missing: the boot entry, its place in BootOrder, the status variable.\n"
	"\n"
	"  --esp-path PATH, --disk DISK --part N, --source FILE, --no-variables,\n"
	"  --dry-run, --quiet, --json, --help   as for install\n"
	"\n"
	"Exit status: 0 done, 1 not installed, 3 failed and undone, 64 wrong usage.\n";

static const char uninstall_usage[] =
	"Usage: thawctl uninstall [OPTION]...\n"
	"Takes thaw out of the boot: its place in BootOrder, its entry, its variable, its\n"
	"files.\n"
	"\n"
	"  --esp-path PATH, --disk DISK --part N, --no-variables, --dry-run, --quiet,\n"
	"  --json, --help   as for install\n"
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
		result = finish(&job, &install_backward,
				"thaw is not installed; there is nothing to do.");
	site_free(&job.site);
	return result;
}
