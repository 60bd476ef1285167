/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * image_place.c: whether what is to be written lies over the image that it is made of: the same
 * file, a disk and its partition, or a loop device and its file.
 */
#include "image.h"

#include "thawctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define SECTOR 512u

/* Where a file or device begins in what it is a part of. */
struct place {
	bool device; /* a block device, id is its number; else a file */
	dev_t id;
	ino_t inode;
	uint64_t begin; /* bytes */
};

/* A line that the kernel has about the device. false: it has none of that name. */
static bool read_about(dev_t dev, const char *name, char *ret, size_t size)
{
	char path[80];
	FILE *file;
	bool good;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s", major(dev), minor(dev), name);
	file = fopen(path, "re");
	if (!file)
		return false;
	good = fgets(ret, (int)size, file);
	fclose(file);
	if (good)
		ret[strcspn(ret, "\n")] = 0;
	return good;
}

static void go_to_disk(struct place *p)
{
	char text[40];
	unsigned major;
	unsigned minor;

	if (!read_about(p->id, "partition", text, sizeof(text)) ||
	    !read_about(p->id, "start", text, sizeof(text)))
		return;
	p->begin += strtoull(text, NULL, 10) * SECTOR;
	if (read_about(p->id, "../dev", text, sizeof(text)) &&
	    sscanf(text, "%u:%u", &major, &minor) == 2)
		p->id = makedev(major, minor);
}

static bool go_to_file(struct place *p)
{
	char path[4096];
	char offset[40];
	struct stat st;

	if (!read_about(p->id, "loop/offset", offset, sizeof(offset)) ||
	    !read_about(p->id, "loop/backing_file", path, sizeof(path)) || stat(path, &st))
		return false;
	p->begin += strtoull(offset, NULL, 10);
	p->device = S_ISBLK(st.st_mode);
	p->id = p->device ? st.st_rdev : st.st_dev;
	p->inode = st.st_ino;
	return true;
}

/* Loop devices may lie in one another; the kernel allows no circle. */
static bool find_place(int fd, struct place *ret)
{
	struct stat st;

	if (fstat(fd, &st))
		return false;
	*ret = (struct place){S_ISBLK(st.st_mode), st.st_dev, st.st_ino, 0};
	if (ret->device)
		ret->id = st.st_rdev;
	while (ret->device) {
		go_to_disk(ret);
		if (!go_to_file(ret))
			break;
	}
	return true;
}

static bool is_same(const struct place *a, const struct place *b)
{
	return a->device == b->device && a->id == b->id && (a->device || a->inode == b->inode);
}

/* A file may grow over anything behind its beginning. */
static uint64_t end_of(const struct place *p, int fd)
{
	struct stat st;
	off_t size = -1;

	if (!fstat(fd, &st) && S_ISBLK(st.st_mode))
		size = lseek(fd, 0, SEEK_END);
	return size < 0 ? UINT64_MAX : p->begin + (uint64_t)size;
}

int image_check_place(const struct image_source *s, const char *target, int fd)
{
	struct place image;
	struct place other;

	if (find_place(s->fd, &image) && find_place(fd, &other)) {
		image.begin += s->offset;
		if (!is_same(&image, &other) || image.begin >= end_of(&other, fd) ||
		    other.begin >= image.begin + s->size)
			return THAWCTL_DONE;
	}
	thawctl_error("The new one needs a place of its own.",
		      "%s: is what is to be read, or has it in it", target);
	return THAWCTL_ENVIRONMENT;
}
