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
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define MOST_THREADS 8

struct hibernation {
	struct hibernate_options options;
	struct site site;
	bool armed;
	unsigned threads;
	uint64_t read_rate; /* of the target, bytes a second; 0: not known */
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

/* --- before the freeze ---------------------------------------------------------------------- */

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
	if (h->options.mode == SNAPSHOT_MODE_UNSAID)
		h->options.mode = snapshot_mode();
	if (!hibernate_ready() ||
	    (!h->options.force && !hibernate_boot_ready(&h->site, h->options.mode)) ||
	    !hibernate_target_open(&h->target, h->options.path) ||
	    (!h->options.force && !hibernate_boot_finds(&h->site, h->target.path)) ||
	    !hibernate_target_vacant(&h->target, h->options.replace))
		return false;
	hibernate_facts_collect(&h->facts, h->options.mode);
	if (h->options.compress == COMPRESS_AUTO)
		h->read_rate = hibernate_target_read_rate(&h->target);
	return hibernate_watched_find(&h->watched) && (h->options.dry_run || reserve(h));
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

/* Tables can be as long as this, if no frame has a neighbour. */
#define MOST_BYTES_PER_PAGE (THAW_PAGE_SIZE + sizeof(struct native_run) + sizeof(struct native_block))

/* What is stored as it is takes more room: only where there is enough for all of it. */
static bool has_room_for_all(struct hibernation *h)
{
	return h->target.bytes / MOST_BYTES_PER_PAGE > snapshot_pages(&h->snapshot) + 1024;
}

/* false: complained. */
static bool write_image(struct hibernation *h)
{
	struct thaw_writer_options writing = {
		.anchor_unit = h->target.header_page,
		.swap = h->target.swap,
		.replace = true, /* what may not be replaced was refused before */
		.threads = h->threads,
		.store = h->options.compress == COMPRESS_NEVER,
		.read_rate = has_room_for_all(h) ? h->read_rate : 0,
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
	snapshot_outlive_threads();
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
		if (!hibernate_memory_is_restored(&h->memory)) {
			complain(h, "something woke the machine before its memory was saved");
			return fail(h);
		}
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
	if (!snapshot_open(&h->snapshot, h->options.mode)) {
		hibernate_explain_open();
		return THAWCTL_REFUSED;
	}
	if (!hibernate_target_attach(&h->target, &h->snapshot) || !has_room(&h->target) ||
	    (!h->options.force && !hibernate_boot_arm(&h->site, &h->armed))) {
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
		.options = {.mode = SNAPSHOT_MODE_UNSAID, .site = &h.site},
		.console = -1,
		.target.file.fd = -1,
		.site = {.entry = -1, .next = -1},
	};
	int status = hibernate_options_parse(&h.options, argc, argv);

	if (status)
		return status - 1;
	if (!prepare(&h))
		status = THAWCTL_REFUSED;
	else
		status = h.options.dry_run ? show_plan(&h) : run(&h);
	hibernate_watched_free(&h.watched);
	hibernate_facts_free(&h.facts);
	hibernate_target_close(&h.target);
	site_free(&h.site);
	return status;
}
