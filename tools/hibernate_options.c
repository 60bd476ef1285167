/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * hibernate_options.c: the command line of thawctl hibernate.
 */
#include "hibernate.h"
#include "thawctl.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"Usage: thawctl hibernate [OPTION]... [DEVICE]\n"
	"Saves the running system and switches the machine off; thaw restores it. DEVICE\n"
	"is a partition of thaw's type or active swap space. Without it the only\n"
	"partition of the type is taken, else the only active swap partition.\n"
	"\n"
	"  --mode MODE      platform, shutdown or reboot; else what /sys/power/disk says\n"
	"  --compress WHEN  auto (where that restores sooner), always or never\n"
	"  --replace        give up a session of another system that DEVICE holds\n"
	"  --force          do not ask whether thaw will run at the next boot\n"
	"  --esp-path PATH, --disk DISK --part N   as for install\n"
	"  --dry-run        only say what would be done\n"
	"  --help           show this text\n"
	"\n"
	"Exit status: 0 the system was restored, 2 it cannot hibernate so, 3 it failed\n"
	"and goes on, 64 wrong usage.\n";

enum {
	OPT_MODE = 256,
	OPT_COMPRESS,
	OPT_REPLACE,
	OPT_FORCE,
	OPT_ESP_PATH,
	OPT_DISK,
	OPT_PART,
	OPT_DRY_RUN,
};

static const struct option options[] = {
	{"mode", required_argument, NULL, OPT_MODE},
	{"compress", required_argument, NULL, OPT_COMPRESS},
	{"replace", no_argument, NULL, OPT_REPLACE},
	{"force", no_argument, NULL, OPT_FORCE},
	{"esp-path", required_argument, NULL, OPT_ESP_PATH},
	{"disk", required_argument, NULL, OPT_DISK},
	{"part", required_argument, NULL, OPT_PART},
	{"dry-run", no_argument, NULL, OPT_DRY_RUN},
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* Each list of words is in the order of its enum. */
static bool parse_word(const char *text, const char *const words[3], int *ret)
{
	for (*ret = 0; *ret < 3; ++*ret) {
		if (!strcmp(text, words[*ret]))
			return true;
	}
	return false;
}

static bool parse_mode(struct hibernate_options *o)
{
	static const char *const modes[] = {"platform", "shutdown", "reboot"};
	int word;
	bool ok = parse_word(optarg, modes, &word);

	o->mode = ok ? (enum snapshot_mode)word : o->mode;
	return ok;
}

static bool parse_compress(struct hibernate_options *o)
{
	static const char *const whens[] = {"auto", "always", "never"};
	int word;
	bool ok = parse_word(optarg, whens, &word);

	o->compress = ok ? (enum hibernate_compress)word : o->compress;
	return ok;
}

static bool take_option(struct hibernate_options *o, int option)
{
	switch (option) {
	case OPT_MODE:
		return parse_mode(o);
	case OPT_COMPRESS:
		return parse_compress(o);
	case OPT_REPLACE:
		o->replace = true;
		return true;
	case OPT_FORCE:
		o->force = true;
		return true;
	case OPT_ESP_PATH:
		o->site->esp_path = optarg;
		return true;
	case OPT_DISK:
		o->site->disk = optarg;
		return true;
	case OPT_PART:
		o->site->part = atoi(optarg);
		return o->site->part > 0;
	case OPT_DRY_RUN:
		o->dry_run = true;
		return true;
	default:
		return false;
	}
}

int hibernate_options_parse(struct hibernate_options *o, int argc, char **argv)
{
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return THAWCTL_DONE + 1;
		}
		if (!take_option(o, option)) {
			thawctl_error("'thawctl hibernate --help' shows the options.",
				      "hibernate: '%s' is not understood",
				      thawctl_refused_word(argv));
			return THAWCTL_USAGE + 1;
		}
	}
	if (argc - optind > 1 || !o->site->disk != !o->site->part) {
		thawctl_error("'thawctl hibernate --help' shows the options.",
			      argc - optind > 1 ? "more than one device"
						: "--disk and --part go together");
		return THAWCTL_USAGE + 1;
	}
	o->path = argv[optind];
	return 0;
}
