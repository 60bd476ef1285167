/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * image_convert.c: an image into thaw's own format.
 *
 * The original is ended only when the new one is whole and on the disk: in between there are two,
 * which firmware refuses to choose from. With two left, each would be a copy of a session whose
 * filesystems the other has changed.
 */
#include "image.h"

#include "area.h"
#include "thawctl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <thaw/crc32.h>
#include <thaw/writer.h>
#include <time.h>
#include <unistd.h>

/* Aligned as erase blocks of flash are. */
#define FIRST_UNIT 256u

#define MOST_ENTRIES 128

struct convert {
	struct image_source *s;
	const struct image_options *o;
	struct thaw_writer *writer;
	struct thaw_writer_file file;
	enum thaw_writer_err err;
	struct native_memory map[MOST_ENTRIES]; /* the saved one */
	size_t map_count;
	uint64_t total;
	uint64_t done;
	unsigned shown; /* per cent */
};

/* --- the saved memory map ------------------------------------------------------------------ */

/* A table of so many entries in a page: the digest in the header proves it. */
static bool take_table(struct convert *c, const uint8_t *table, uint32_t count)
{
	uint32_t crc = thaw_crc32(UINT32_MAX, table, 4 + count * sizeof(struct thaw_e820));
	struct thaw_e820 e;
	uint32_t i;

	if (~crc != c->s->image.facts.digest)
		return false;
	for (i = 0; i < count; i++) {
		memcpy(&e, table + 4 + i * sizeof(e), sizeof(e));
		c->map[i] = (struct native_memory){e.addr, e.size, e.type, 0};
	}
	c->map_count = count;
	return true;
}

/*
 * The kernel keeps firmware's table in a slab object (arch/x86/kernel/e820.c), which does not cross
 * pages; the first entry begins at address 0.
 */
static void search_page(struct convert *c, const uint8_t *page)
{
	uint32_t count;
	size_t at;

	for (at = 0; at + 24 <= THAW_PAGE_SIZE; at += 8) {
		count = thaw_le32(page + at);
		if (count && count <= MOST_ENTRIES && !thaw_le64(page + at + 4) &&
		    thaw_le64(page + at + 12) &&
		    4 + count * sizeof(struct thaw_e820) <= THAW_PAGE_SIZE - at &&
		    take_table(c, page + at, count))
			return;
	}
}

static void take_saved_map(struct convert *c)
{
	const struct thaw_image *image = &c->s->image;
	size_t i;

	if (image->saved_map_count > MOST_ENTRIES)
		return;
	for (i = 0; i < image->saved_map_count; i++)
		c->map[i] =
			(struct native_memory){image->saved_map[i].addr, image->saved_map[i].size,
					       image->saved_map[i].type, 0};
	c->map_count = i;
}

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

static enum thaw_writer_err give_fill(struct convert *c, const struct thaw_run *piece)
{
	uint64_t page[THAW_PAGE_SIZE / sizeof(uint64_t)];
	enum thaw_writer_err err = THAW_WRITER_OK;
	uint32_t i;

	for (i = 0; i < THAW_ARRAY_LEN(page); i++)
		page[i] = piece->fill;
	for (i = 0; i < piece->count && !err; i++)
		err = thaw_writer_data(c->writer, piece->first + i, 1, page);
	return err;
}

static bool give(void *arg, const struct thaw_run *piece, const uint8_t *pages)
{
	struct convert *c = arg;
	uint32_t i;

	if (piece->kind == THAW_RUN_DATA)
		c->err = thaw_writer_data(c->writer, piece->first, piece->count, pages);
	else if (piece->kind == THAW_RUN_ZERO)
		c->err = thaw_writer_zero(c->writer, piece->first, piece->count);
	else
		c->err = give_fill(c, piece);
	for (i = 0; pages && i < piece->count && !c->map_count; i++)
		search_page(c, pages + ((size_t)i << THAW_PAGE_SHIFT));
	show_progress(c, piece->count);
	return !c->err;
}

static void describe(struct convert *c)
{
	const struct thaw_facts *facts = &c->s->image.facts;
	struct native_header header;
	struct thaw_writer_facts f = {
		.source = NATIVE_SOURCE_CONVERTED,
		.platform_mode = facts->platform_mode,
		.has_hw_sig = facts->has_hw_sig,
		.hw_sig = facts->hw_sig,
		.has_map_digest = facts->digest_kind == THAW_DIGEST_CRC32,
		.map_digest = facts->digest,
		.arch = NATIVE_ARCH_X86_64,
		.entry.x86_64 = {facts->jump_va, facts->jump_pa, facts->root_pa, 0, 0},
		.writer = "thawctl " THAW_VERSION,
		.memory_map = c->map,
		.memory_map_count = c->map_count,
	};

	if (image_is_native(c->s) && image_header(c->s, &header)) {
		f.created = header.created;
		f.release = header.release;
		f.kernel_version = header.kernel_version;
		f.hostname = header.hostname;
		memcpy(f.machine_id, header.machine_id, sizeof(f.machine_id));
	}
	c->err = thaw_writer_describe(c->writer, &f);
}

/* --- the target ---------------------------------------------------------------------------- */

/* Nothing of anybody's is overwritten but an image of thaw's, and that only when told to. */
static int check_target(int fd, const struct image_options *o)
{
	struct areas areas;
	const struct area *area;
	int status = THAWCTL_DONE;

	if (!areas_find(fd, &areas, false)) {
		thawctl_error(NULL, "%s: %s", o->target, strerror(errno));
		return THAWCTL_ENVIRONMENT;
	}
	area = areas.list;
	if (area->partition) {
		thawctl_error("Name a partition, or a file.", "%s: has partitions", o->target);
		status = THAWCTL_USAGE;
	} else if (area->foreign[0]) {
		thawctl_error("'wipefs' clears what is not needed any more.", "%s: holds %s",
			      o->target, area->foreign);
		status = THAWCTL_ENVIRONMENT;
	}
	free(areas.list);
	return status;
}

/* A new file becomes as long as it could have to be; what is not written takes no room. */
static int size_target(int fd, const struct image_source *s, const struct image_options *o,
		       uint64_t *ret_units)
{
	const struct thaw_facts *facts = &s->image.facts;
	uint64_t frames = facts->data_frames + facts->zero_frames;
	off_t end = lseek(fd, 0, SEEK_END);

	if (!end) {
		end = (off_t)((FIRST_UNIT + frames + frames / 16 + 1024) << NATIVE_UNIT_SHIFT);
		if (ftruncate(fd, end))
			end = -1;
	}
	if (end < 0) {
		thawctl_error(NULL, "%s: %s", o->target, strerror(errno));
		return THAWCTL_ENVIRONMENT;
	}
	*ret_units = (uint64_t)end >> NATIVE_UNIT_SHIFT;
	return THAWCTL_DONE;
}

static bool is_same_file(int a, int b)
{
	struct stat one;
	struct stat other;

	if (fstat(a, &one) || fstat(b, &other))
		return false;
	return S_ISBLK(one.st_mode) ? S_ISBLK(other.st_mode) && one.st_rdev == other.st_rdev
				    : one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static int open_target(const struct image_source *s, const struct image_options *o,
		       uint64_t *ret_units)
{
	int fd = open(o->target, O_RDWR | O_CREAT | O_CLOEXEC | O_EXCL, 0600);
	int status = THAWCTL_ENVIRONMENT;

	/* O_EXCL of a block device that exists: nobody has it mounted. */
	if (fd < 0 && errno == EEXIST)
		fd = open(o->target, O_RDWR | O_CLOEXEC | O_EXCL);
	if (fd < 0) {
		thawctl_error(NULL, "%s: %s", o->target, strerror(errno));
		return -1;
	}
	if (is_same_file(fd, s->fd))
		thawctl_error("The image needs an area of its own.",
			      "%s: is what is to be converted", o->target);
	else
		status = check_target(fd, o);
	if (!status)
		status = size_target(fd, s, o, ret_units);
	if (!status)
		return fd;
	close(fd);
	return -1;
}

/* --- the original -------------------------------------------------------------------------- */

/* Writes the one page that says there is an image, if it is still what was read. */
static bool end_original(const struct image_source *s, const char *path)
{
	const struct thaw_image *image = &s->image;
	off_t at = (off_t)(s->offset + (image->header_page << THAW_PAGE_SHIFT));
	uint8_t page[THAW_PAGE_SIZE];
	int fd = open(path, O_RDWR | O_CLOEXEC);
	bool good = fd >= 0 && pread(fd, page, sizeof(page), at) == (ssize_t)sizeof(page) &&
		    !memcmp(page, image->header, sizeof(page)) &&
		    pwrite(fd, image->consumed, sizeof(page), at) == (ssize_t)sizeof(page) &&
		    !fsync(fd);

	if (!good)
		thawctl_error("Two images of one session are there now: end one of them, for "
			      "instance with 'wipefs', before the machine is restored.",
			      "%s: the original could not be ended: %s", path, strerror(errno));
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

	thawctl_error(c->err == THAW_WRITER_SAVED ? "--replace gives it up." : NULL, "%s: %s%s%s",
		      c->o->target, thaw_writer_sentence(c->err), error ? " " : "",
		      error ? strerror(error) : "");
	return THAWCTL_ENVIRONMENT;
}

static int run(struct convert *c)
{
	struct thaw_writer_options options = {
		.replace = c->o->replace,
		.threads = c->o->threads,
		.store = c->o->store,
		.frames = c->total,
	};
	struct thaw_diag diag = {0};
	enum thaw_err err;

	c->err = thaw_writer_open(&c->writer, &c->file.target, &options);
	if (c->err)
		return write_failed(c);
	take_saved_map(c);
	err = image_walk(c->s, give, c, &diag);
	if (err)
		return image_refused(c->s, c->o->path, err, &diag);
	if (!c->err)
		describe(c);
	if (!c->err)
		c->err = thaw_writer_finish(c->writer);
	return c->err ? write_failed(c) : THAWCTL_DONE;
}

static void tell(const struct convert *c, double seconds)
{
	struct thaw_writer_stats stats;
	double mib = (double)(c->total << THAW_PAGE_SHIFT) / (1 << 20);

	thaw_writer_stats(c->writer, &stats);
	printf("%s: %" PRIu64 " frames, %.1f MiB in %.1f MiB, %.1f s (%.0f MiB/s)\n", c->o->target,
	       c->total, mib, (double)stats.written / (1 << 20), seconds, mib / seconds);
	if (!c->map_count)
		puts("The saved memory map was not found among the pages; only its digest is "
		     "kept.");
}

int image_convert(struct image_source *s, const struct image_options *o)
{
	struct convert c = {.s = s, .o = o};
	double began = seconds_now();
	uint64_t units;
	int fd = open_target(s, o, &units);
	int status;

	if (fd < 0)
		return THAWCTL_ENVIRONMENT;
	c.total = s->image.facts.data_frames + s->image.facts.zero_frames;
	thaw_writer_file_init(&c.file, fd, 0, FIRST_UNIT, units);
	status = run(&c);
	if (!status && !o->keep && !end_original(s, o->path))
		status = THAWCTL_ENVIRONMENT;
	if (!status && !o->quiet)
		tell(&c, seconds_now() - began);
	thaw_writer_close(c.writer);
	close(fd);
	return status;
}
