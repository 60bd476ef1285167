/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * image_target.c: where a converted image goes, and what must not be overwritten there.
 */
#include "image_convert.h"

#include "area.h"
#include "bootvars.h"
#include "thawctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
	return S_ISREG(st.st_mode) ? st.st_size
				   : page[0] || memcmp(page, page + 1, NATIVE_UNIT - 1);
}

static int check_content(int fd, const struct image_options *o, const struct area *area)
{
	uint8_t page[NATIVE_UNIT] __attribute__((aligned(8))) = {0};
	bool anchor;
	const char *what;

	if (pread(fd, page, sizeof(page), 0) < 0) {
		thawctl_error(thawctl_hint(errno), "%s: %s", o->target, strerror(errno));
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
static int check_target(int fd, const struct image_options *o, bool *ret_image)
{
	struct areas areas;
	int status;

	if (!areas_find(fd, &areas, false)) {
		thawctl_error(thawctl_hint(errno), "%s: %s", o->target, strerror(errno));
		return THAWCTL_ENVIRONMENT;
	}
	if (areas.list->partition) {
		thawctl_error("Name a partition, or a file.", "%s: has partitions", o->target);
		status = THAWCTL_USAGE;
	} else {
		status = check_content(fd, o, areas.list);
		*ret_image = areas.list->has_image;
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
		verdict =
			thaw_record_verdict(&record, s->image.facts.identity, s->image.facts.mark);
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
		end = (off_t)((IMAGE_FIRST_UNIT + frames + frames / 16 + 1024)
			      << NATIVE_UNIT_SHIFT);
		if (ftruncate(fd, end))
			end = -1;
	}
	if (end < 0) {
		thawctl_error(thawctl_hint(errno), "%s: %s", o->target, strerror(errno));
		return THAWCTL_ENVIRONMENT;
	}
	*ret_units = (uint64_t)end >> NATIVE_UNIT_SHIFT;
	if (*ret_units > IMAGE_FIRST_UNIT)
		return THAWCTL_DONE;
	thawctl_error("Name a larger one.", "%s: %s", o->target,
		      thaw_writer_sentence(THAW_WRITER_SPACE));
	return THAWCTL_ENVIRONMENT;
}

int image_target_open(const struct image_source *s, const struct image_options *o,
		      uint64_t *ret_units, bool *ret_image)
{
	int fd = open(o->target, O_RDWR | O_CREAT | O_CLOEXEC | O_EXCL, 0600);
	int status;

	/* O_EXCL of a block device that exists: nobody has it mounted. */
	if (fd < 0 && errno == EEXIST)
		fd = open(o->target, O_RDWR | O_CLOEXEC | O_EXCL);
	if (fd < 0) {
		thawctl_error(thawctl_hint(errno), "%s: %s", o->target, strerror(errno));
		return -1;
	}
	status = image_check_place(s, o->target, fd);
	if (!status)
		status = check_target(fd, o, ret_image);
	if (!status)
		status = check_record(s, o, fd);
	if (!status)
		status = size_target(fd, s, o, ret_units);
	if (!status)
		return fd;
	close(fd);
	return -1;
}
