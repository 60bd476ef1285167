/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * thawctl.c: the host's side of thaw. Each subcommand is a row of the table.
 */
#include "thawctl.h"

#include "attempt.h"
#include "check.h"
#include "hibernate.h"
#include "image.h"
#include "images.h"
#include "install.h"
#include "sleep.h"
#include "status.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

void thawctl_error(const char *hint, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("thawctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	fprintf(stderr, "  %s\n", hint);
}

const char *thawctl_hint(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return "Run it as root.";
	case ENOENT:
		return "'lsblk' lists the disks and partitions there are.";
	case EBUSY:
		return "Take it out of use first: umount, swapoff.";
	case EROFS:
		return "Mount it for writing: mount -o remount,rw PATH.";
	case ENOSPC:
		return "Make room, or name another place.";
	default:
		return "Run it again; 'dmesg' may say more.";
	}
}

/* Within a word of several letters optind still stands before it. */
const char *thawctl_refused_word(char **argv)
{
	const char *next = argv[optind];

	return next && next[0] == '-' && next[1] && next[1] != '-' && optopt > 0 &&
			       optopt < 128 && strchr(next + 1, optopt)
		       ? next
		       : argv[optind - 1];
}

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

static int show_help(int argc, char **argv);
static int show_version(int argc, char **argv);

static const struct command commands[] = {
	{"status", status_main, "say whether thaw is installed, and what happened last"},
	{"install", install_main, "put thaw into the boot"},
	{"update", update_main, "renew thaw, and repair what is missing"},
	{"uninstall", uninstall_main, "take thaw out of the boot"},
	{"log", log_main, "show the last attempts"},
	{"check", check_main, "say whether an image would be restored"},
	{"image", image_main, "look into an image, verify it, convert it"},
	{"sleep", sleep_main, "what systemd calls when the machine sleeps"},
	{"pass-over", pass_over_main, "forbid the images that this boot went past"},
	{"hibernate", hibernate_main, "save the system and switch the machine off"},
	{"--help", show_help, "show this text"},
	{"--version", show_version, "show the version"},
};

static int show_help(int argc, char **argv)
{
	size_t i;

	(void)argc;
	(void)argv;
	puts("Usage: thawctl COMMAND [OPTION]...\n"
	     "Looks after thaw, which restores a hibernated machine from firmware.\n");
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		printf("  %-12s %s\n", commands[i].name, commands[i].summary);
	puts("\n'thawctl COMMAND --help' shows the options of a command; see thawctl(8).");
	return THAWCTL_DONE;
}

static int show_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("thawctl " THAW_VERSION);
	return THAWCTL_DONE;
}

static int run(int argc, char **argv)
{
	const char *hint = "'thawctl --help' lists the commands.";
	size_t i;

	if (argc < 2) {
		thawctl_error(hint, "no command given");
		return THAWCTL_USAGE;
	}
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return show_help(argc, argv);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	}
	thawctl_error(hint, "there is no command '%s'", argv[1]);
	return THAWCTL_USAGE;
}

/* Half an answer is none: who reads it by a program would take it for a whole one. */
int main(int argc, char **argv)
{
	int result = run(argc, argv);

	if (!fflush(stdout) && !ferror(stdout))
		return result;
	thawctl_error("Make room, or send it elsewhere.", "standard output cannot be written");
	return THAWCTL_ENVIRONMENT;
}
