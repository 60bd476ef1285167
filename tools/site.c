/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * site.c: see site.h.
 */
#include "site.h"

#include "file.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- the command line -------------------------------------------------------------------- */

static const struct option options[] = {
	{"esp-path", required_argument, NULL, 'e'}, {"disk", required_argument, NULL, 'd'},
	{"part", required_argument, NULL, 'p'},	    {"source", required_argument, NULL, 's'},
	{"mode", required_argument, NULL, 'm'},	    {"no-variables", no_argument, NULL, 'n'},
	{"dry-run", no_argument, NULL, 'r'},	    {"json", no_argument, NULL, 'j'},
	{"quiet", no_argument, NULL, 'q'},	    {"new", no_argument, NULL, 'N'},
	{"help", no_argument, NULL, 'h'},	    {0},
};

static bool take_mode(struct site *site)
{
	site->mode = optarg;
	return !strcmp(optarg, "resident") || !strcmp(optarg, "armed");
}

static bool take_part(struct site *site)
{
	char *end;

	site->part = (int)strtol(optarg, &end, 10);
	return site->part > 0 && !*end;
}

static bool take_option(struct site *site, int option)
{
	switch (option) {
	case 'e':
		site->esp_path = optarg;
		return true;
	case 'd':
		site->disk = optarg;
		return true;
	case 'p':
		return take_part(site);
	case 's':
		site->source = optarg;
		return true;
	case 'm':
		return take_mode(site);
	case 'n':
		return site->no_variables = true;
	case 'r':
		return site->dry_run = true;
	case 'j':
		return site->json = true;
	case 'q':
		return site->quiet = true;
	default:
		return site->fresh = true;
	}
}

static bool is_accepted(const char *accepted, int option)
{
	return option != '?' && strchr(accepted, option == 'p' ? 'd' : option);
}

int site_parse(struct site *ret, int argc, char **argv, const char *accepted, const char *usage)
{
	char hint[64];
	int option;

	*ret = (struct site){.entry = -1, .next = -1};
	snprintf(hint, sizeof(hint), "'thawctl %s --help' shows the usage.", argv[0]);
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return -1;
		}
		if (option == ':') {
			thawctl_error(hint, "%s: '%s' wants a value", argv[0], argv[optind - 1]);
			return THAWCTL_USAGE;
		}
		if (!is_accepted(accepted, option) || !take_option(ret, option)) {
			thawctl_error(hint, "%s: '%s' is not understood", argv[0],
				      thawctl_refused_word(argv));
			return THAWCTL_USAGE;
		}
	}
	if (!ret->disk == !ret->part && (optind == argc || strchr(accepted, 'a')))
		return THAWCTL_DONE;
	thawctl_error(hint,
		      !ret->disk != !ret->part ? "%s: --disk and --part go together"
					       : "%s: it takes no arguments",
		      argv[0]);
	return THAWCTL_USAGE;
}

const char *site_hint(int error)
{
	return error == ENOSPC
		       ? "Make room: on the EFI system partition for 200 KiB, in the firmware's "
			 "variables (efibootmgr lists entries that nobody needs)."
		       : thawctl_hint(error);
}

/* --- programs ---------------------------------------------------------------------------- */

/* The line "thaw,1,thaw,thaw,VERSION,..." of the .sbat section (shim's SBAT.md). */
void site_version_of(const char *program, size_t size, char *ret, size_t max)
{
	static const char line[] = "\nthaw,";
	const char *at = memmem(program, size, line, strlen(line));
	const char *end = program + size;

	ret[0] = 0;
	for (int field = 0; at && field < 4; field++) {
		at = memchr(at, ',', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	if (at && end - at > (ptrdiff_t)max)
		snprintf(ret, max, "%.*s", (int)strcspn(at, ",\n"), at);
}

/* Beside thawctl in the tree where both were built; else where both were installed. */
static void default_source(char *ret, size_t size)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[n > 0 ? n : 0] = 0;
	slash = strrchr(self, '/');
	if (slash)
		*slash = 0;
	snprintf(ret, size, "%.4000s/thaw.efi", self);
	if (access(ret, R_OK))
		snprintf(ret, size, "%.4000s/../lib/thaw/thaw.efi", self);
}

char *site_read_source(const struct site *site, size_t *ret_size, const char **ret_path)
{
	static char path[PATH_MAX];
	char *program;

	if (site->source)
		snprintf(path, sizeof(path), "%s", site->source);
	else
		default_source(path, sizeof(path));
	*ret_path = path;
	program = file_read(path, ret_size);
	if (!program)
		thawctl_error("Build it ('make'), or say where it is: --source.", "%s: %s", path,
			      strerror(errno));
	else if (*ret_size < 2 || memcmp(program, "MZ", 2)) {
		thawctl_error("Name a thaw.efi: --source.", "%s: not an EFI program", path);
		free(program);
		program = NULL;
	}
	return program;
}

/* --- what is there ----------------------------------------------------------------------- */

static void look_at_program(struct site *site)
{
	size_t size;
	char *program = file_read(site->program, &size);

	site->has_program = program != NULL;
	if (program)
		site_version_of(program, size, site->version, sizeof(site->version));
	free(program);
}

static bool read_files(struct site *site)
{
	snprintf(site->folder, sizeof(site->folder), "%.3000s/EFI/thaw", site->esp.path);
	snprintf(site->program, sizeof(site->program), "%.3500s/thaw.efi", site->folder);
	snprintf(site->conf_path, sizeof(site->conf_path), "%.3500s/thaw.conf", site->folder);
	look_at_program(site);
	if (conf_read(site->conf_path, &site->conf, &site->conf_text)) {
		site->has_conf = site->conf_text != NULL;
		return true;
	}
	thawctl_error(site_hint(errno), "%s: %s", site->conf_path, strerror(errno));
	return false;
}

static bool read_variables(struct site *site)
{
	site->variables = !site->no_variables && bootvars_available();
	if (!site->variables)
		return true;
	site->record_state = bootvars_read_record(&site->record);
	site->next = bootvars_read_next();
	if (site->esp.known)
		site->entry = bootvars_find_entry(&site->esp, &site->entry_active);
	if (bootvars_read_order(&site->order))
		return true;
	thawctl_error(site_hint(errno), "BootOrder cannot be read: %s", strerror(errno));
	return false;
}

bool site_read(struct site *site, bool need_disk)
{
	bool found;

	need_disk = need_disk && !site->no_variables;
	found = esp_find(&site->esp, site->esp_path, site->disk, site->part, need_disk) &&
		read_files(site);
	if (!read_variables(site) || !found)
		return false;
	if (site->mode)
		site->conf.mode =
			strcmp(site->mode, "armed") ? CONFIG_MODE_RESIDENT : CONFIG_MODE_ARMED;
	return true;
}

void site_free(struct site *site)
{
	free(site->conf_text);
	site->conf_text = NULL;
}

bool site_is_installed(const struct site *site)
{
	return site->has_program || site->entry >= 0;
}

bool site_comes_first(const struct site *site)
{
	return site->conf.mode == CONFIG_MODE_RESIDENT && site->entry >= 0 &&
	       boot_order_find(&site->order, (uint16_t)site->entry) == 0;
}

const char *site_trouble(const struct site *site)
{
	int at = boot_order_find(&site->order, (uint16_t)site->entry);

	if (!site->has_program)
		return site->entry >= 0 ? "its program is missing" : "it is not installed";
	if (!site->variables)
		return site->no_variables ? NULL : "firmware's variables cannot be reached";
	if (site->entry < 0)
		return "it is not installed in firmware, its boot entry is missing";
	if (!site->entry_active)
		return "its boot entry is switched off";
	if (site->record_state == BOOTVARS_RECORD_MISSING)
		return "its status variable is missing";
	if (site->conf.mode == CONFIG_MODE_RESIDENT && at < 0)
		return "its boot entry is not in BootOrder";
	if (site->conf.mode == CONFIG_MODE_RESIDENT && at > 0)
		return "another boot entry comes before it";
	return site->conf.mode == CONFIG_MODE_ARMED && at >= 0 ? "it is in BootOrder, though armed"
							       : NULL;
}
