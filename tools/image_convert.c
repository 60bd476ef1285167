/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * image_convert.c: an image into thaw's own format.
 *
 * The original is ended only when the new one is whole and on the disk: in between there are two,
 * which firmware refuses to choose from. With two left, each would be a copy of a session whose
 * filesystems the other has changed.
 */
#include "image_convert.h"

#include "advice.h"
#include "thawctl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct convert {
	struct image_source *s;
	const struct image_options *o;
	struct thaw_writer *writer;
	struct thaw_writer_file file;
	enum thaw_writer_err err;
	struct image_machine machine;
	uint64_t total;
	uint64_t done;
	unsigned shown; /* per cent */
};

/* --- frames ------------------------------------------------------------------------------- */

static void show_progress(struct convert *c, uint32_t frames)
{
	unsigned percent;

	c->done += frames;
	percent = (unsigned)(c->done * 100 / c->total);
	if (c->o->quiet || percent == c->shown || !isatty(STDERR_FILENO))
		return;
	c->shown = percent;
	fprintf(stderr, "\r%3u %%%s", percent, percent == 100 ? "\n" : "");
}

static bool give(void *arg, const struct thaw_run *piece, const uint8_t *pages)
{
	struct convert *c = arg;
	uint32_t i;

	c->err = image_machine_spare(&c->machine, c->writer, piece->first);
	if (c->err)
		return false;
	if (piece->kind == THAW_RUN_DATA)
		c->err = thaw_writer_data(c->writer, piece->first, piece->count, pages);
	else
		c->err = thaw_writer_fill(c->writer, piece->first, piece->count, piece->fill);
	for (i = 0; pages && i < piece->count && !c->machine.map_count; i++)
		image_machine_search(&c->machine, piece->first + i,
				     pages + ((size_t)i << THAW_PAGE_SHIFT));
	show_progress(c, piece->count);
	return !c->err;
}

static int digest_missing(const struct convert *c)
{
	thawctl_error("The original is as it was.",
		      "%s: has no CRC-32 of the memory map that it was saved under, and the map "
		      "itself was not found",
		      c->o->path);
	return THAWCTL_REFUSED;
}

/* --- the original -------------------------------------------------------------------------- */

/* Writes the one page that says there is an image, if it is still what was read. */
static bool end_original(const struct image_source *s, const char *path)
{
	const struct thaw_image *image = &s->image;
	off_t at = (off_t)(s->offset + (image->header_page << THAW_PAGE_SHIFT));
	uint8_t page[THAW_PAGE_SIZE];
	int fd = open(path, O_RDWR | O_CLOEXEC);
	bool good;

	if (fd >= 0)
		errno = 0;
	good = fd >= 0 && pread(fd, page, sizeof(page), at) == (ssize_t)sizeof(page) &&
	       !memcmp(page, image->header, sizeof(page)) &&
	       pwrite(fd, image->consumed, sizeof(page), at) == (ssize_t)sizeof(page) && !fsync(fd);
	if (!good)
		thawctl_error("Two images of one session are there now: end one of them, for "
			      "instance with 'wipefs', before the machine is restored.",
			      "%s: the original could not be ended: %s", path,
			      errno ? strerror(errno) : "it is not what was read any more");
	if (fd >= 0)
		close(fd);
	return good;
}

/* --- the whole ---------------------------------------------------------------------------- */

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int write_failed(const struct convert *c)
{
	int error = c->writer ? thaw_writer_errno(c->writer) : 0;

	thawctl_error(c->err == THAW_WRITER_SAVED   ? "--replace gives it up."
		      : c->err == THAW_WRITER_SPACE ? "Name a larger target."
						    : thawctl_hint(error),
		      "%s: %s%s%s", c->o->target, thaw_writer_sentence(c->err), error ? " " : "",
		      error ? strerror(error) : "");
	return THAWCTL_ENVIRONMENT;
}

/* What cannot be opened is no image, and must not stand next to the one it was made of. */
static void take_back(const struct convert *c)
{
	static const uint8_t zero[NATIVE_UNIT];

	if (pwrite(c->file.fd, zero, sizeof(zero), 0) != (ssize_t)sizeof(zero) || fsync(c->file.fd))
		thawctl_error("'wipefs' clears it.", "%s: could not be taken back: %s",
			      c->o->target, strerror(errno));
}

/* Opened as firmware will open it. Until then the original is the session. */
static int check_new(struct convert *c)
{
	struct thaw_diag diag = {0};
	struct image_source new = {.fd = c->file.fd};
	enum thaw_err err;

	host_memory_init(&new.memory);
	host_disk_init(&new.disk, new.fd, 0, c->file.end << NATIVE_UNIT_SHIFT);
	err = thaw_image_open(&new.image, &new.disk.seam, 0, IMAGE_MOST_FRAMES, &new.memory.seam,
			      &diag);
	if (!err && new.image.facts.data_frames + new.image.facts.zero_frames != c->total)
		err = thaw_fail(&diag, THAW_INFO_COUNTS, "frames", new.image.facts.data_frames,
				c->total);
	host_memory_free(&new.memory);
	if (!err)
		return THAWCTL_DONE;
	take_back(c);
	return image_refused(&new, c->o->target, err, &diag);
}

/* Opens the writer, which ends what is in the target, and gives it everything. */
static int write_image(struct convert *c, struct thaw_writer_target *target)
{
	struct thaw_writer_options options = {
		.replace = c->o->replace,
		.threads = c->o->threads,
		.store = c->o->store,
		.frames = c->total,
	};
	struct thaw_diag diag = {0};
	enum thaw_err err;

	c->done = 0;
	c->machine.run_next = 0;
	c->err = thaw_writer_open(&c->writer, target, &options);
	if (c->err)
		return write_failed(c);
	err = image_walk(c->s, give, c, &diag);
	if (err)
		return image_refused(c->s, c->o->path, err, &diag);
	if (!c->machine.map_count)
		image_machine_search(&c->machine, 0, NULL);
	if (!c->err && !image_machine_has_digest(&c->machine))
		return digest_missing(c);
	if (!c->err)
		c->err = image_machine_spare(&c->machine, c->writer, UINT64_MAX);
	if (!c->err)
		c->err = image_machine_describe(&c->machine, c->writer);
	if (!c->err)
		c->err = thaw_writer_finish(c->writer);
	return c->err ? write_failed(c) : THAWCTL_DONE;
}

static bool read_nothing(struct thaw_writer_target *target, uint64_t unit, uint64_t units,
			 void *buf)
{
	(void)target;
	(void)unit;
	memset(buf, 0, units << NATIVE_UNIT_SHIFT);
	return true;
}

static bool write_nothing(struct thaw_writer_target *target, uint64_t unit, uint64_t units,
			  const void *buf)
{
	(void)target;
	(void)unit;
	(void)units;
	(void)buf;
	return true;
}

static bool flush_nothing(struct thaw_writer_target *target)
{
	(void)target;
	return true;
}

/* The same without a disk: whether the original is whole, and the new one fits. */
static int rehearse(struct convert *c)
{
	struct thaw_writer_file file = c->file;
	int status;

	file.target.read = read_nothing;
	file.target.write = write_nothing;
	file.target.flush = flush_nothing;
	status = write_image(c, &file.target);
	thaw_writer_close(c->writer);
	c->writer = NULL;
	return status;
}

static int run(struct convert *c, bool replaces)
{
	int status = THAWCTL_DONE;

	if (!image_machine_open(&c->machine, c->s)) {
		thawctl_error(advice_for(THAW_READ), "%s: a table cannot be read", c->o->path);
		return THAWCTL_ENVIRONMENT;
	}
	if (!c->machine.map_count && c->s->image.facts.digest_kind == THAW_DIGEST_NONE)
		return digest_missing(c);
	/* An image is not given up for one that may come to nothing. */
	if (replaces && c->o->replace)
		status = rehearse(c);
	if (!status)
		status = write_image(c, &c->file.target);
	return status ? status : check_new(c);
}

static void tell(const struct convert *c, double seconds)
{
	struct thaw_writer_stats stats;
	double mib = (double)(c->total << THAW_PAGE_SHIFT) / (1 << 20);

	thaw_writer_stats(c->writer, &stats);
	printf("%s: %" PRIu64 " frames, %.1f MiB in %.1f MiB, %.1f s (%.0f MiB/s)\n", c->o->target,
	       c->total, mib, (double)stats.written / (1 << 20), seconds, mib / seconds);
	if (!c->machine.map_count)
		puts("The saved memory map was not found among the pages; only its digest is "
		     "kept.");
}

int image_convert(struct image_source *s, const struct image_options *o)
{
	static struct convert c;
	double began = seconds_now();
	uint64_t units;
	bool replaces;
	int fd = image_target_open(s, o, &units, &replaces);
	int status;

	if (fd < 0)
		return THAWCTL_ENVIRONMENT;
	c = (struct convert){.s = s, .o = o};
	c.total = s->image.facts.data_frames + s->image.facts.zero_frames;
	thaw_writer_file_init(&c.file, fd, 0, IMAGE_FIRST_UNIT, units);
	status = run(&c, replaces);
	if (!status && !o->keep && !end_original(s, o->path))
		status = THAWCTL_ENVIRONMENT;
	if (!status && !o->quiet)
		tell(&c, seconds_now() - began);
	thaw_writer_close(c.writer);
	image_machine_close(&c.machine);
	close(fd);
	return status;
}
