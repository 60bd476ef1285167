/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * hibernate_target.c: a partition of thaw's own type, or the free pages of an active swap
 * partition.
 *
 * All reads and writes are direct: the snapshot has the page cache as it was, and nothing of this
 * device may be in it.
 */
#include "area.h"
#include "hibernate.h"
#include "thawctl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

static struct hibernate_target *of(struct thaw_writer_target *target)
{
	return (struct hibernate_target *)target;
}

/* --- pages that the kernel lends ------------------------------------------------------------ */

static uint64_t take_page(struct hibernate_target *t)
{
	uint64_t page = t->ahead;

	t->ahead = 0;
	if (page)
		return page;
	pthread_mutex_lock(&t->kernel);
	page = snapshot_swap_page(t->snapshot);
	pthread_mutex_unlock(&t->kernel);
	return page;
}

/* As many neighbours as the kernel happens to give; the first that is none waits for the next call.
 */
static bool more_swap(struct thaw_writer_target *target, uint64_t want, struct thaw_extent *ret)
{
	struct hibernate_target *t = of(target);
	uint64_t page = take_page(t);

	if (!page)
		return false;
	*ret = (struct thaw_extent){page, 1};
	while (ret->count < want) {
		t->ahead = take_page(t);
		if (t->ahead != ret->page + ret->count)
			break;
		ret->count++;
		t->ahead = 0;
	}
	return true;
}

/* --- opening -------------------------------------------------------------------------------- */

static bool open_device(struct hibernate_target *t, int flags)
{
	struct stat st;
	uint64_t bytes;

	t->file.fd = open(t->path, O_RDWR | O_DIRECT | O_CLOEXEC | flags);
	if (t->file.fd < 0) {
		thawctl_error(errno == EBUSY ? "Unmount what is on it." : thawctl_hint(errno),
			      "%s: %s", t->path, strerror(errno));
		return false;
	}
	if (fstat(t->file.fd, &st) || !S_ISBLK(st.st_mode) ||
	    ioctl(t->file.fd, BLKGETSIZE64, &bytes)) {
		thawctl_error("Name a partition.", "%s: not a block device", t->path);
		return false;
	}
	if (area_stacked_kind(t->file.fd)) {
		thawctl_error("Name a partition of a disk.", "%s: firmware does not see it (%s)",
			      t->path, area_stacked_kind(t->file.fd));
		return false;
	}
	t->dev = st.st_rdev;
	t->bytes = bytes;
	return true;
}

static bool open_partition(struct hibernate_target *t)
{
	if (!open_device(t, O_EXCL))
		return false;
	thaw_writer_file_init(&t->file, t->file.fd, 0, 1, t->bytes >> THAW_PAGE_SHIFT);
	return true;
}

/* The header's page comes first; what is behind it the kernel knows. */
static bool open_swap(struct hibernate_target *t)
{
	if (!open_device(t, 0))
		return false;
	thaw_writer_file_init(&t->file, t->file.fd, 0, 0, 0);
	t->file.target.more = more_swap;
	return true;
}

bool hibernate_target_open(struct hibernate_target *ret, const char *path)
{
	bool ok;

	*ret = (struct hibernate_target){.file.fd = -1, .kernel = PTHREAD_MUTEX_INITIALIZER};
	if (!hibernate_find(path, ret->path, &ret->swap))
		return false;
	ok = ret->swap ? open_swap(ret) : open_partition(ret);
	if (!ok)
		hibernate_target_close(ret);
	return ok;
}

void hibernate_target_close(struct hibernate_target *target)
{
	if (target->file.fd >= 0) {
		/* What was cached of it before the snapshot is no longer what is on it. */
		ioctl(target->file.fd, BLKFLSBUF, 0);
		close(target->file.fd);
	}
	target->file.fd = -1;
}

bool hibernate_target_attach(struct hibernate_target *target, struct snapshot *snapshot)
{
	target->snapshot = snapshot;
	if (!target->swap)
		return true;
	if (snapshot_use_swap(snapshot, target->dev, target->header_page, &target->bytes))
		return true;
	thawctl_error(thawctl_hint(errno), "%s: the kernel does not lend its pages: %s",
		      target->path, strerror(errno));
	return false;
}

/* --- how fast it is -------------------------------------------------------------------------- */

#define PIECE	    ((size_t)2 << 20)
#define MOST_PIECES 32
#define LONG_ENOUGH UINT64_C(100000000) /* ns */
/*
 * Nobody knows what firmware's driver makes of the disk: it asks for one piece at a time. And
 * blocks that were never written read faster than any other. What is beyond this is not believed.
 */
#define MOST_RATE UINT64_C(2000000000) /* bytes a second */

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Spent waiting: what Linux itself needs for a read, thaw does not. */
static uint64_t waited_ns(void)
{
	return now_ns(CLOCK_MONOTONIC) - now_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* Large reads one after another, as thaw's; the first may have to wake the disk. */
static uint64_t measure(int fd, void *piece)
{
	uint64_t began = 0;
	uint64_t rate = 0;
	uint64_t ns = 0;
	uint64_t n;

	for (n = 0; n <= MOST_PIECES && ns < LONG_ENOUGH; n++) {
		if (pread(fd, piece, PIECE, (off_t)(n * PIECE)) != (ssize_t)PIECE)
			break;
		if (!n)
			began = waited_ns();
		ns = waited_ns() - began;
	}
	if (n > 1 && ns)
		rate = (uint64_t)((double)((n - 1) * PIECE) * 1e9 / (double)ns);
	return thaw_min(rate, MOST_RATE);
}

uint64_t hibernate_target_read_rate(const struct hibernate_target *target)
{
	void *piece = aligned_alloc(NATIVE_UNIT, PIECE);
	uint64_t rate = piece ? measure(target->file.fd, piece) : 0;

	free(piece);
	return rate;
}

/* --- an image that is there already --------------------------------------------------------- */

struct existing {
	struct native_anchor anchor;
	struct native_header header;
};

static bool read_unit(const struct hibernate_target *t, uint64_t unit, void *ret)
{
	void *page = aligned_alloc(NATIVE_UNIT, NATIVE_UNIT);
	bool ok = page && pread(t->file.fd, page, NATIVE_UNIT,
				(off_t)(unit << NATIVE_UNIT_SHIFT)) == (ssize_t)NATIVE_UNIT;

	if (ok)
		memcpy(ret, page, NATIVE_UNIT);
	free(page);
	return ok;
}

static bool end_own(uint8_t *page)
{
	memset(page, 0, NATIVE_UNIT);
	return true;
}

static bool end_swap(uint8_t *page)
{
	struct native_swap_page *swap = (struct native_swap_page *)page;

	if (memcmp(swap->sig, NATIVE_SUSPEND_SIG, sizeof(swap->sig)))
		return false;
	memcpy(swap->sig, swap->orig_sig, sizeof(swap->sig));
	memset(&swap->anchor, 0, sizeof(swap->anchor));
	return true;
}

bool hibernate_target_forget(const struct hibernate_target *target)
{
	static uint8_t page[NATIVE_UNIT] __attribute__((aligned(4096)));
	off_t at = (off_t)(target->header_page << NATIVE_UNIT_SHIFT);
	int fd = target->file.fd;

	if (pread(fd, page, sizeof(page), at) != (ssize_t)sizeof(page))
		return false;
	if (!(target->swap ? end_swap(page) : end_own(page)))
		return true;
	return pwrite(fd, page, sizeof(page), at) == (ssize_t)sizeof(page) && !fsync(fd);
}

/* A swap area that is in use holds no image. */
static bool has_image(const struct hibernate_target *t, struct native_header *ret)
{
	static const uint8_t magic[8] = NATIVE_ANCHOR_MAGIC;
	uint8_t page[NATIVE_UNIT];
	struct native_anchor anchor;

	memset(ret, 0, sizeof(*ret));
	if (t->swap || !read_unit(t, 0, page))
		return false;
	memcpy(&anchor, page, sizeof(anchor));
	if (memcmp(anchor.magic, magic, sizeof(magic)) || anchor.state != NATIVE_STATE_SAVED)
		return false;
	if (!read_unit(t, anchor.header_unit, ret))
		memset(ret, 0, sizeof(*ret));
	return true;
}

bool hibernate_target_vacant(const struct hibernate_target *target, bool replace)
{
	struct native_header header;
	char name[sizeof(header.hostname) + 1];
	uint8_t own[16];

	if (replace || !has_image(target, &header))
		return true;
	/* This system runs, so its image of another day can never be restored again. */
	if (hibernate_machine_id(own) && !memcmp(own, header.machine_id, sizeof(own)))
		return true;
	thawctl_plain(name, header.hostname, sizeof(header.hostname));
	thawctl_error("With --replace it is given up.",
		      "%s: holds a session of another system%s%s already", target->path,
		      name[0] ? ", " : "", name);
	return false;
}
