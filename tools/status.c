/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * status.c: thawctl status: is thaw installed and in order, what happened at the last attempts, and
 * where would the next image be looked for.
 */
#include "status.h"

#include "attempt.h"
#include "site.h"

#include <stdio.h>
#include <stdlib.h>

#define SHOWN 4

static const char usage[] =
	"Usage: thawctl status [OPTION]...\n"
	"Says whether thaw is installed and in order, how the last attempts ended and\n"
	"why, and where the next image would be looked for.\n"
	"\n"
	"  --esp-path PATH, --disk DISK --part N, --no-variables   as for install\n"
	"  --json   answer in JSON\n"
	"  --help   show this text\n"
	"\n"
	"Exit status: 0 installed and in order, 1 not installed, 2 something is amiss, 3\n"
	"it cannot be found out, 64 wrong usage.\n";

static int verdict(const struct site *site, const char *trouble)
{
	if (!trouble)
		return THAWCTL_DONE;
	return site_is_installed(site) ? THAWCTL_AMISS : THAWCTL_NO_IMAGE;
}

static const char *repair(const struct site *site)
{
	if (site->has_program && !site->variables)
		return "Boot the machine by UEFI.";
	return site_is_installed(site) ? "'thawctl update' repairs it."
				       : "'thawctl install' installs it.";
}

/* --- text -------------------------------------------------------------------------------- */

static void print_entry(const struct site *site)
{
	int at = boot_order_find(&site->order, (uint16_t)site->entry);

	if (site->entry < 0)
		return;
	printf("  boot entry    Boot%04X, ", (unsigned)site->entry);
	if (at < 0)
		fputs("not in BootOrder", stdout);
	else
		printf("%d of %zu in BootOrder", at + 1, site->order.count);
	puts(site->next == site->entry ? ", and next" : "");
}

static void print_where(const struct site *site)
{
	char device[80], offset[40];

	conf_value(site->conf_text, "device", device, sizeof(device));
	conf_value(site->conf_text, "offset", offset, sizeof(offset));
	printf("  looks for it  %s", device[0] ? device : "on every fixed disk's swap partitions");
	if (offset[0])
		printf(", at page %s", offset);
	putchar('\n');
}

static void print_program(const struct site *site)
{
	if (site->has_program)
		printf("  program       %s%s%s\n", site->program, site->version[0] ? ", " : "",
		       site->version);
	if (!site_is_installed(site))
		return;
	printf("  mode          %s\n", conf_mode_name(site->conf.mode));
	print_entry(site);
	print_where(site);
	if (site->conf.dry_run)
		puts("  dry run       yes: no image is restored (thaw.conf)");
	if (site->conf.ignored)
		printf("  thaw.conf     %u lines are not understood, the first is %u\n",
		       site->conf.ignored, site->conf.first_ignored);
	if (site->variables && bootvars_secure_boot() != 0)
		puts("  Secure Boot   on: every image is refused");
}

static void print_attempts(const struct site *site)
{
	const struct thaw_attempt *list[THAW_RECORD_ATTEMPTS];
	size_t count = attempts_sorted(&site->record, list);

	if (site->record_state == BOOTVARS_RECORD_DAMAGED)
		puts("the record of earlier boots is damaged; the next image is refused once");
	if (count)
		puts("last attempts, newest first (the firmware's clock):");
	for (size_t i = 0; i < count && i < SHOWN; i++) {
		fputs("  ", stdout);
		attempt_print(list[i]);
		attempt_print_details(list[i]);
	}
}

static void print(const struct site *site, const char *trouble)
{
	if (!trouble)
		puts("thaw is installed and in order.");
	else if (site_is_installed(site))
		printf("thaw is not in order: %s.\n", trouble);
	else
		printf("thaw is not installed on %s.\n", site->esp.path);
	if (trouble)
		printf("  %s\n", repair(site));
	print_program(site);
	print_attempts(site);
}

/* --- JSON -------------------------------------------------------------------------------- */

static void print_json_entry(struct json *json, const struct site *site)
{
	int at = boot_order_find(&site->order, (uint16_t)site->entry);

	if (site->entry < 0) {
		json_null(json, "entry");
		return;
	}
	json_object(json, "entry");
	json_number(json, "number", (uint64_t)site->entry);
	json_bool(json, "active", site->entry_active);
	if (at < 0)
		json_null(json, "position");
	else
		json_number(json, "position", (uint64_t)at);
	json_bool(json, "next", site->next == site->entry);
	json_end(json);
}

static void print_json_record(struct json *json, const struct site *site)
{
	static const char *const states[] = {"missing", "damaged", "whole"};
	const struct thaw_attempt *list[THAW_RECORD_ATTEMPTS];
	size_t count = attempts_sorted(&site->record, list);

	json_string(json, "record", states[site->record_state]);
	json_array(json, "attempts");
	for (size_t i = 0; i < count; i++)
		attempt_print_json(json, list[i]);
	json_end(json);
}

static void print_json(const struct site *site, const char *trouble)
{
	struct json json = {.out = stdout};
	char device[80];

	conf_value(site->conf_text, "device", device, sizeof(device));
	json_object(&json, NULL);
	json_bool(&json, "installed", site_is_installed(site));
	json_string(&json, "trouble", trouble);
	json_string(&json, "advice", trouble ? repair(site) : NULL);
	json_string(&json, "program", site->has_program ? site->program : NULL);
	json_string(&json, "version", site->version[0] ? site->version : NULL);
	json_string(&json, "mode", conf_mode_name(site->conf.mode));
	print_json_entry(&json, site);
	json_string(&json, "device", device[0] ? device : NULL);
	json_number(&json, "offset", site->conf.offset_pages);
	json_bool(&json, "dry_run", site->conf.dry_run);
	json_bool(&json, "secure_boot", site->variables && bootvars_secure_boot() != 0);
	print_json_record(&json, site);
	json_end(&json);
}

int status_main(int argc, char **argv)
{
	struct site site;
	int result = site_parse(&site, argc, argv, "ednj", usage);
	const char *trouble;

	if (result)
		return result < 0 ? THAWCTL_DONE : result;
	if (!site_read(&site, true)) {
		site_free(&site);
		return THAWCTL_ENVIRONMENT;
	}
	trouble = site_trouble(&site);
	if (site.json)
		print_json(&site, trouble);
	else
		print(&site, trouble);
	result = verdict(&site, trouble);
	site_free(&site);
	return result;
}
