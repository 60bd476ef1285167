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
#include "bootvars.h"
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
	struct native_firmware firmware[NATIVE_FIRMWARE_MAX];
	struct native_watched watched[NATIVE_WATCHED_MAX];
	uint64_t total;
	uint64_t done;
	unsigned shown; /* per cent */
};

/* --- the saved memory map ------------------------------------------------------------------ */

static bool is_proved(const struct thaw_facts *facts, const uint8_t *table, size_t bytes)
{
	uint8_t digest[THAW_MD5_BYTES];
	struct thaw_md5 md5;

	if (facts->digest_kind == THAW_DIGEST_CRC32)
		return ~thaw_crc32(UINT32_MAX, table, bytes) == facts->digest;
	if (facts->digest_kind != THAW_DIGEST_MD5)
		return false;
	thaw_md5_init(&md5);
	thaw_md5_update(&md5, table, bytes);
	thaw_md5_final(&md5, digest);
	return !memcmp(digest, facts->digest_md5, sizeof(digest));
}

/* A table of so many entries in a page: the digest in the header proves it. */
static bool take_table(struct convert *c, const uint8_t *table, uint32_t count)
{
	struct thaw_e820 e;
	uint32_t i;

	if (!is_proved(&c->s->image.facts, table, 4 + count * sizeof(e)))
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

/* The format knows a map by its CRC-32, which a map has and another digest does not give. */
static bool has_digest(const struct convert *c)
{
	return c->map_count || c->s->image.facts.digest_kind == THAW_DIGEST_CRC32;
}

static int digest_missing(const struct convert *c)
{
	thawctl_error("The original is as it was.",
		      "%s: has no CRC-32 of the memory map that it was saved under, and the map "
		      "itself was not found",
		      c->o->path);
	return THAWCTL_REFUSED;
}

/* What the old image, if it is one of thaw's, says of the machine around it: checked as before. */
static void take_world(struct convert *c, struct thaw_writer_facts *f)
{
	const struct thaw_image *image = &c->s->image;
	size_t i;

	for (i = 0; i < image->table_count && i < NATIVE_FIRMWARE_MAX; i++) {
		const struct thaw_table *t = &image->tables[i];
		struct native_firmware *to = &c->firmware[i];

		*to = (struct native_firmware){
			.address = t->address, .bytes = t->bytes, .checksum = t->checksum};
		memcpy(to->guid, t->guid, sizeof(to->guid));
	}
	f->firmware = c->firmware;
	f->firmware_count = i;
	for (i = 0; i < image->watched_count && i < NATIVE_WATCHED_MAX; i++) {
		const struct thaw_watched *w = &image->watched[i];
		struct native_watched *to = &c->watched[i];

		*to = (struct native_watched){
			.offset = w->offset, .bytes = w->bytes, .checksum = w->checksum};
		memcpy(to->partition, w->partition, sizeof(to->partition));
		snprintf(to->name, sizeof(to->name), "%s", w->name);
	}
	f->watched = c->watched;
	f->watched_count = i;
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
	take_world(c, &f);
	c->err = thaw_writer_describe(c->writer, &f);
}

/* --- the target ---------------------------------------------------------------------------- */

/* An anchor of thaw's, in an area of its own, whatever it says: begun, saved or done with. */
static bool has_anchor(const uint8_t *page)
{
	static const uint8_t magic[8] = NATIVE_ANCHOR_MAGIC;
	const struct native_anchor *a = (const void *)page;

	return !memcmp(a->magic, magic, sizeof(magic)) &&
	       thaw_bytes_match(a, offsetof(struct native_anchor, checksum), a->checksum);
}

/* Of somebody's, says libblkid; or a session, or where one will go: --replace does not help. */
static const char *held(const struct area *area, bool anchor)
{
	if (area->foreign[0])
		return area->foreign;
	if (area->has_swap)
		return area->has_image ? "a hibernation image of Linux's" : "swap space";
	return area->has_image && !anchor ? "a hibernation image" : NULL;
}

/* What nobody knows: a file, or a device that does not begin with zeroes. */
static bool is_used(int fd, const uint8_t *page)
{
	struct stat st;

	if (fstat(fd, &st))
		return true;
	return S_ISREG(st.st_mode) ? st.st_size : page[0] || memcmp(page, page + 1, NATIVE_UNIT - 1);
}

static int check_content(int fd, const struct image_options *o, const struct area *area)
{
	uint8_t page[NATIVE_UNIT] __attribute__((aligned(8))) = {0};
	bool anchor;
	const char *what;

	if (pread(fd, page, sizeof(page), 0) < 0) {
		thawctl_error(NULL, "%s: %s", o->target, strerror(errno));
		return THAWCTL_ENVIRONMENT;
	}
	anchor = has_anchor(page);
	what = held(area, anchor);
	if (what) {
		thawctl_error("'wipefs' clears what is not needed any more.", "%s: holds %s",
			      o->target, what);
		return THAWCTL_ENVIRONMENT;
	}
	if (anchor || o->replace || !is_used(fd, page))
		return THAWCTL_DONE;
	thawctl_error("--replace overwrites it.", "%s: is not empty", o->target);
	return THAWCTL_ENVIRONMENT;
}

/* Nothing of anybody's is overwritten but an image of thaw's, and that only when told to. */
static int check_target(int fd, const struct image_options *o)
{
	struct areas areas;
	int status;

	if (!areas_find(fd, &areas, false)) {
		thawctl_error(NULL, "%s: %s", o->target, strerror(errno));
		return THAWCTL_ENVIRONMENT;
	}
	if (areas.list->partition) {
		thawctl_error("Name a partition, or a file.", "%s: has partitions", o->target);
		status = THAWCTL_USAGE;
	} else {
		status = check_content(fd, o, areas.list);
	}
	free(areas.list);
	return status;
}

/*
 * The new one has another identity, of which firmware's record knows nothing: it would be restored
 * where the old one is forbidden, over filesystems that have gone on. A file is in nobody's way.
 */
static int check_record(const struct image_source *s, const struct image_options *o, int fd)
{
	struct thaw_record record;
	enum thaw_err verdict = THAW_OK;
	struct stat st;

	if (bootvars_available() && bootvars_read_record(&record) != BOOTVARS_RECORD_MISSING)
		verdict = thaw_record_verdict(&record, s->image.facts.identity,
					      s->image.facts.mark);
	if (!verdict || (o->keep && !fstat(fd, &st) && S_ISREG(st.st_mode)))
		return THAWCTL_DONE;
	thawctl_error("--keep converts it to a file, to be looked at.", "%s: %s: %s", o->path,
		      thaw_err_name(verdict), thaw_err_sentence(verdict));
	return THAWCTL_ENVIRONMENT;
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
	/* The anchor is not touched where nothing has room. */
	if (*ret_units > FIRST_UNIT)
		return THAWCTL_DONE;
	thawctl_error(NULL, "%s: %s", o->target, thaw_writer_sentence(THAW_WRITER_SPACE));
	return THAWCTL_ENVIRONMENT;
}

static int open_target(const struct image_source *s, const struct image_options *o,
		       uint64_t *ret_units)
{
	int fd = open(o->target, O_RDWR | O_CREAT | O_CLOEXEC | O_EXCL, 0600);
	int status;

	/* O_EXCL of a block device that exists: nobody has it mounted. */
	if (fd < 0 && errno == EEXIST)
		fd = open(o->target, O_RDWR | O_CLOEXEC | O_EXCL);
	if (fd < 0) {
		thawctl_error(NULL, "%s: %s", o->target, strerror(errno));
		return -1;
	}
	status = image_check_place(s, o->target, fd);
	if (!status)
		status = check_target(fd, o);
	if (!status)
		status = check_record(s, o, fd);
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

/* What cannot be opened is no image, and must not stand next to the one it was made of. */
static void take_back(const struct convert *c)
{
	static const uint8_t zero[NATIVE_UNIT];

	if (pwrite(c->file.fd, zero, sizeof(zero), 0) != (ssize_t)sizeof(zero) ||
	    fsync(c->file.fd))
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

	take_saved_map(c);
	if (!c->map_count && c->s->image.facts.digest_kind == THAW_DIGEST_NONE)
		return digest_missing(c);
	c->err = thaw_writer_open(&c->writer, &c->file.target, &options);
	if (c->err)
		return write_failed(c);
	err = image_walk(c->s, give, c, &diag);
	if (err)
		return image_refused(c->s, c->o->path, err, &diag);
	if (!c->err && !has_digest(c))
		return digest_missing(c);
	if (!c->err)
		describe(c);
	if (!c->err)
		c->err = thaw_writer_finish(c->writer);
	return c->err ? write_failed(c) : check_new(c);
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
	static struct convert c;
	double began = seconds_now();
	uint64_t units;
	int fd = open_target(s, o, &units);
	int status;

	if (fd < 0)
		return THAWCTL_ENVIRONMENT;
	c.s = s;
	c.o = o;
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
