/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * site.h: thaw on this machine: what is wanted, and what is there.
 */
#ifndef THAW_TOOLS_SITE_H
#define THAW_TOOLS_SITE_H

#include "bootvars.h"
#include "conf.h"
#include "thawctl.h"

struct site {
	/* what was asked for */
	const char *esp_path; /* NULL: where it is mounted */
	const char *disk;     /* NULL: what it is on */
	int part;
	const char *source; /* the program to install; NULL: the one that came with thawctl */
	const char *mode;   /* NULL: as it is */
	bool no_variables;
	bool dry_run;
	bool json;
	bool quiet;
	bool fresh; /* log: only what is new since it was asked last */
	/* what is there */
	struct esp esp;
	char folder[PATH_MAX], program[PATH_MAX], conf_path[PATH_MAX];
	bool has_program;
	char version[32]; /* of the program on the partition, "" if it does not say */
	bool has_conf;
	struct config conf;
	char *conf_text;
	bool variables;
	int entry; /* number of the boot entry, -1: none */
	bool entry_active;
	struct boot_order order;
	int next; /* as bootvars_read_next() has it */
	enum bootvars_record record_state;
	struct thaw_record record;
};

/*
 * Takes the options of a command; accepted has the first letter of each that it knows:
 * e esp-path, d disk and part, s source, m mode, n no-variables, r dry-run, j json, q quiet, N new;
 * a: arguments may follow, from argv[optind].
 * THAWCTL_DONE: go on. THAWCTL_USAGE: said why. -1: help was shown.
 */
int site_parse(struct site *ret, int argc, char **argv, const char *accepted, const char *usage);

/* Finds out what is there; false: said why. The variables are read without the partition, too. */
bool site_read(struct site *site, bool need_disk);

void site_free(struct site *site);

/* What about thaw's place in the boot: NULL if all is as the mode wants it, else what is wrong. */
const char *site_trouble(const struct site *site);

/* Does BootOrder start it first, as the mode wants it? Else only BootNext brings it to run. */
bool site_comes_first(const struct site *site);

/* Is anything of it there? */
bool site_is_installed(const struct site *site);

/* The program that is to be installed. To be free()d; NULL: said why. */
char *site_read_source(const struct site *site, size_t *ret_size, const char **ret_path);

/* Of a program's .sbat section, "" if it has none of thaw's. */
void site_version_of(const char *program, size_t size, char *ret, size_t max);

/* What to do about an errno. Static. */
const char *site_hint(int error);

#endif
