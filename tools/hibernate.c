/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * hibernate.c: thawctl hibernate: saves the running system in thaw's format and switches off.
 *
 * The story: prepare everything, freeze, take the snapshot. From there the program goes on twice. In
 * the system that was saved it writes the image and switches the machine off; if anything goes
 * wrong it takes the image back, thaws the system and says why. In the system that was restored it
 * thaws and says how long everything took.
 *
 * Point of no return for the running system: none. For what it has on disk: the writer's last
 * flush. Behind it the system may go on only if the image is gone again.
 */
#include "bootvars.h"
#include "hibernate.h"
#include "images.h"
#include "thawctl.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define MOST_THREADS 8

/* --- the command line ----------------------------------------------------------------------- */

static const char usage[] =
	"Usage: thawctl hibernate [OPTION]... [DEVICE]\n"
	"Saves the running system and switches the machine off; thaw restores it. DEVICE is a\n"
	"partition of thaw's type or active swap space. Without it the only partition of the type\n"
	"is taken, else the only active swap partition.\n"
	"\n"
	"  --mode MODE   platform, shutdown or reboot, instead of what /sys/power/disk says\n"
	"  --replace     give up a session of another system that DEVICE holds\n"
	"  --force       do not ask whether thaw will run at the next boot\n"
	"  --esp-path PATH, --disk DISK --part N   as for 'thawctl install'\n"
	"  --dry-run     only say what would be done\n"
	"  --help        show this text\n"
	"\n"
	"Exit status: 0 the system was restored, 2 it cannot hibernate so, 3 it failed and goes "
	"on,\n"
	"64 wrong usage.\n";

enum {
	OPT_MODE = 256,
	OPT_REPLACE,
	OPT_FORCE,
	OPT_ESP_PATH,
	OPT_DISK,
	OPT_PART,
	OPT_DRY_RUN,
	OPT_HELP,
};

static const struct option options[] = {
	{"mode", required_argument, NULL, OPT_MODE},
	{"replace", no_argument, NULL, OPT_REPLACE},
	{"force", no_argument, NULL, OPT_FORCE},
	{"esp-path", required_argument, NULL, OPT_ESP_PATH},
	{"disk", required_argument, NULL, OPT_DISK},
	{"part", required_argument, NULL, OPT_PART},
	{"dry-run", no_argument, NULL, OPT_DRY_RUN},
	{"help", no_argument, NULL, OPT_HELP},
	{0},
};

struct hibernation {
	const char *path; /* NULL: find one */
	enum snapshot_mode mode;
	bool replace;
	bool force; /* the site was not looked at */
	bool armed;
	struct site site;
	bool dry_run;
	unsigned threads;
	int console; /* -1: none. All that may be written to while the system is frozen */
	struct hibernate_target target;
	struct hibernate_watched watched;
	struct hibernate_facts facts;
	struct hibernate_memory memory;
	struct hibernate_times times;
	struct snapshot snapshot;
	uint8_t uuid[NATIVE_UUID_BYTES];
	unsigned percent;    /* that the console was told */
	bool maybe_saved;    /* from here on the disk may hold an image */
	bool left;	     /* it does, and could not be taken back */
	char complaint[256]; /* told when there is somebody to be told */
};

static bool parse_mode(const char *text, enum snapshot_mode *ret)
{
	static const char *const names[] = {"platform", "shutdown", "reboot"};
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(names); i++) {
		if (strcmp(text, names[i]))
			continue;
		*ret = (enum snapshot_mode)i;
		return true;
	}
	return false;
}

static bool take_option(struct hibernation *h, int option)
{
	switch (option) {
	case OPT_MODE:
		return parse_mode(optarg, &h->mode);
	case OPT_REPLACE:
		h->replace = true;
		return true;
	case OPT_FORCE:
		h->force = true;
		return true;
	case OPT_ESP_PATH:
		h->site.esp_path = optarg;
		return true;
	case OPT_DISK:
		h->site.disk = optarg;
		return true;
	case OPT_PART:
		h->site.part = atoi(optarg);
		return h->site.part > 0;
	case OPT_DRY_RUN:
		h->dry_run = true;
		return true;
	default:
		return false;
	}
}

/* 0: go on; else the exit status plus one. */
static int parse(struct hibernation *h, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == OPT_HELP) {
			fputs(usage, stdout);
			return THAWCTL_DONE + 1;
		}
		if (!take_option(h, option)) {
			thawctl_error("'thawctl hibernate --help' shows the options.",
				      "wrong usage");
			return THAWCTL_USAGE + 1;
		}
	}
	if (argc - optind > 1 || !h->site.disk != !h->site.part) {
		thawctl_error("'thawctl hibernate --help' shows the options.",
			      argc - optind > 1 ? "more than one device"
						: "--disk and --part go together");
		return THAWCTL_USAGE + 1;
	}
	h->path = argv[optind];
	return 0;
}

/* --- before the freeze ---------------------------------------------------------------------- */

static bool choose_mode(struct hibernation *h)
{
	if (h->mode != SNAPSHOT_MODE_OTHER)
		return true;
	h->mode = snapshot_mode();
	if (h->mode != SNAPSHOT_MODE_OTHER)
		return true;
	thawctl_error("Choose one with --mode.",
		      "/sys/power/disk names a mode that thaw does not have");
	return false;
}

static bool reserve(struct hibernation *h)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	h->threads = (unsigned)thaw_min((uint64_t)(processors > 0 ? processors : 1), MOST_THREADS);
	h->console = open("/dev/console", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (getrandom(h->uuid, sizeof(h->uuid), 0) == (ssize_t)sizeof(h->uuid) &&
	    hibernate_memory_reserve(&h->memory, hibernate_memory_bytes(), h->threads))
		return true;
	thawctl_error("Free some memory, or raise the limit of locked memory.",
		      "the memory that hibernating needs could not be locked: %s", strerror(errno));
	return false;
}

static bool prepare(struct hibernation *h)
{
	if (!hibernate_ready() || !choose_mode(h) ||
	    (!h->force && !hibernate_boot_ready(&h->site, h->mode)) ||
	    !hibernate_target_open(&h->target, h->path) ||
	    (!h->force && !hibernate_boot_finds(&h->site, h->target.path)) ||
	    !hibernate_target_vacant(&h->target, h->replace))
		return false;
	hibernate_facts_collect(&h->facts, h->mode);
	return hibernate_watched_find(&h->watched) && (h->dry_run || reserve(h));
}

/*
 * How well memory compresses nobody knows before. A quarter is what it hardly ever falls below; what
 * does not fit then is found out in the writing, and the system goes on.
 */
static bool has_room(const struct hibernate_target *target)
{
	uint64_t likely = hibernate_likely_bytes();

	if (target->bytes >= likely / 4)
		return true;
	thawctl_error("Make it larger, or lower /sys/power/image_size.",
		      "%s: room for %" PRIu64 " MiB, and some %" PRIu64 " MiB of memory to save",
		      target->path, target->bytes >> 20, likely >> 20);
	return false;
}

static int show_plan(const struct hibernation *h)
{
	size_t i;

	/* How much of a swap area is free only the snapshot's device tells. */
	if (!h->target.swap && !has_room(&h->target))
		return THAWCTL_REFUSED;
	printf("Would hibernate to %s (%s), %" PRIu64 " MiB.\n", h->target.path,
	       h->target.swap ? "swap space" : "a partition of thaw's type",
	       h->target.bytes >> 20);
	printf("Memory to save: %" PRIu64 " MiB at most.\n", hibernate_likely_bytes() >> 20);
	for (i = 0; i < h->watched.count; i++)
		printf("Watched: %s\n", h->watched.list[i].name);
	return THAWCTL_DONE;
}

/* --- while the system is frozen ------------------------------------------------------------- */

static void complain(struct hibernation *h, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void complain(struct hibernation *h, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(h->complaint, sizeof(h->complaint), format, args);
	va_end(args);
}

/* Lost where nobody takes it: whoever reads may be frozen. */
static void show(struct hibernation *h, const char *format, unsigned number)
{
	char line[80];
	int length = snprintf(line, sizeof(line), format, number);
	ssize_t ignored = 0;

	if (h->console >= 0)
		ignored = write(h->console, line, (size_t)length);
	(void)ignored;
}

static void progress(void *arg, uint64_t done, uint64_t total)
{
	struct hibernation *h = arg;
	unsigned percent = (unsigned)(done * 100 / total);

	if (percent < h->percent + 10)
		return;
	h->percent = percent - percent % 10;
	show(h, "thawctl: %u %% saved\r\n", h->percent);
}

static bool told(struct hibernation *h, struct thaw_writer *writer, enum thaw_writer_err err)
{
	int error = writer ? thaw_writer_errno(writer) : errno;

	if (err)
		complain(h, "%s: %s%s%s", h->target.path, thaw_writer_sentence(err),
			 error ? " " : "", error ? strerror(error) : "");
	return !err;
}

static bool copy_stream(struct hibernation *h, struct thaw_writer *writer)
{
	struct hibernate_stream stream = {
		.frames = h->memory.frames,
		.capacity = h->memory.frame_capacity,
		.batch = h->memory.batch,
		.spare = h->memory.spares,
		.pages = snapshot_pages(&h->snapshot),
		.progress = progress,
		.arg = h,
	};
	enum thaw_writer_err error = THAW_WRITER_OK;

	switch (hibernate_stream_copy(&stream, &h->target, writer, &h->facts.facts, &error)) {
	case HIBERNATE_OK:
		return true;
	case HIBERNATE_READ:
		complain(h, "the kernel's snapshot cannot be read: %s", strerror(errno));
		return false;
	case HIBERNATE_RECORD:
		complain(h, "the kernel's snapshot is of a kind that thaw does not know");
		return false;
	case HIBERNATE_FRAMES:
		complain(h, "the kernel's snapshot contradicts itself");
		return false;
	case HIBERNATE_WRITER:
		break;
	}
	return told(h, writer, error);
}

static bool describe(struct hibernation *h, struct thaw_writer *writer)
{
	struct thaw_writer_facts *facts = &h->facts.facts;
	const char *name = "";

	if (!hibernate_watched_read(&h->watched, &name)) {
		complain(h, "the superblock of %s cannot be read: %s", name, strerror(errno));
		return false;
	}
	facts->watched = h->watched.list;
	facts->watched_count = h->watched.count;
	/* A map that is not the one the kernel goes by says nothing. */
	if (facts->map_digest != hibernate_map_digest(&h->facts))
		facts->memory_map_count = 0;
	hibernate_times_note(&h->times, h->facts.notes, sizeof(h->facts.notes));
	facts->notes = h->facts.notes;
	return told(h, writer, thaw_writer_describe(writer, facts));
}

/* false: complained. */
static bool write_image(struct hibernation *h)
{
	struct thaw_writer_options writing = {
		.anchor_unit = h->target.header_page,
		.swap = h->target.swap,
		.replace = true, /* what may not be replaced was refused before */
		.threads = h->threads,
		.frames = h->memory.frame_capacity,
		.uuid = h->uuid,
	};
	struct thaw_writer *writer = NULL;
	bool ok;

	errno = 0;
	ok = told(h, NULL, thaw_writer_open(&writer, &h->target.file.target, &writing)) &&
	     copy_stream(h, writer);
	hibernate_times_mark(&h->times, HIBERNATE_TIME_WRITE);
	ok = ok && describe(h, writer);
	h->maybe_saved = ok;
	ok = ok && told(h, writer, thaw_writer_finish(writer));
	thaw_writer_close(writer);
	return ok;
}

static void take_back(struct hibernation *h)
{
	h->left = h->maybe_saved && !hibernate_target_forget(&h->target);
}

static void save(struct hibernation *h)
{
	hibernate_times_mark(&h->times, HIBERNATE_TIME_SNAPSHOT);
	show(h, "thawctl: saving %u MiB of memory\r\n",
	     (unsigned)(snapshot_pages(&h->snapshot) >> 8));
	if (write_image(h)) {
		show(h, "thawctl: saved, switching off\r\n", 0);
		snapshot_power_off(&h->snapshot);
		complain(h, "the machine did not switch off: %s", strerror(errno));
	}
	take_back(h);
}

/* --- the whole ------------------------------------------------------------------------------ */

/* The disk refused to end the image: then firmware's record has to forbid it. */
static const char *forbid(void)
{
	struct thaw_record record;
	unsigned count;

	if (bootvars_available() && bootvars_read_record(&record) == BOOTVARS_RECORD_WHOLE) {
		count = images_pass_over(&record, NULL);
		if (count && bootvars_write_record(&record))
			return "The system goes on. An image is left that could not be taken back; "
			       "thaw will not restore it.";
	}
	return "The system goes on. An image may be left that could not be taken back: do not let "
	       "it be restored; 'thawctl uninstall' takes thaw out of the boot.";
}

static int fail(struct hibernation *h)
{
	snapshot_close(&h->snapshot);
	thawctl_error(h->left ? forbid() : "The system goes on.", "not hibernated: %s",
		      h->complaint);
	return THAWCTL_ENVIRONMENT;
}

static int hibernate(struct hibernation *h)
{
	if (!snapshot_freeze(&h->snapshot)) {
		complain(h, "not everything could be frozen: %s; see dmesg(1)", strerror(errno));
		return fail(h);
	}
	hibernate_times_mark(&h->times, HIBERNATE_TIME_FREEZE);
	switch (snapshot_take(&h->snapshot)) {
	case SNAPSHOT_SAVED:
		save(h);
		return fail(h);
	case SNAPSHOT_RESTORED:
		snapshot_close(&h->snapshot);
		hibernate_times_report(&h->times, &h->target, h->uuid);
		return THAWCTL_DONE;
	case SNAPSHOT_FAILED:
		break;
	}
	complain(h, "the kernel could not take its snapshot: %s; see dmesg(1)", strerror(errno));
	return fail(h);
}

static int run(struct hibernation *h)
{
	sigset_t all;
	int status;

	/* A signal would break off what must not be. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	hibernate_times_begin(&h->times);
	if (!snapshot_open(&h->snapshot, h->mode)) {
		hibernate_explain_open();
		return THAWCTL_REFUSED;
	}
	if (!hibernate_target_attach(&h->target, &h->snapshot) || !has_room(&h->target) ||
	    (!h->force && !hibernate_boot_arm(&h->site, &h->armed))) {
		snapshot_close(&h->snapshot);
		return THAWCTL_REFUSED;
	}
	status = hibernate(h);
	/* Here goes on what was restored, or was not saved. */
	if (h->armed)
		hibernate_boot_disarm(&h->site);
	return status;
}

int hibernate_main(int argc, char **argv)
{
	struct hibernation h = {
		.mode = SNAPSHOT_MODE_OTHER, .console = -1, .target.file.fd = -1, .site = {.entry = -1, .next = -1}};
	int status = parse(&h, argc, argv);

	if (status)
		return status - 1;
	if (!prepare(&h))
		status = THAWCTL_REFUSED;
	else
		status = h.dry_run ? show_plan(&h) : run(&h);
	hibernate_watched_free(&h.watched);
	hibernate_facts_free(&h.facts);
	hibernate_target_close(&h.target);
	site_free(&h.site);
	return status;
}
