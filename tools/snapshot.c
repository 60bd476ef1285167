/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * snapshot.c: see snapshot.h.
 */
#include "snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/suspend_ioctls.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

enum snapshot_mode snapshot_mode(void)
{
	static const char *const names[] = {"[platform]", "[shutdown]", "[reboot]"};
	FILE *file = fopen("/sys/power/disk", "re");
	char line[128] = "";
	size_t i;

	if (file) {
		if (!fgets(line, sizeof(line), file))
			line[0] = 0;
		fclose(file);
	}
	for (i = 0; i < THAW_ARRAY_LEN(names); i++) {
		if (strstr(line, names[i]))
			return (enum snapshot_mode)i;
	}
	return strstr(line, "platform") ? SNAPSHOT_MODE_PLATFORM : SNAPSHOT_MODE_SHUTDOWN;
}

bool snapshot_open(struct snapshot *ret, enum snapshot_mode mode)
{
	*ret = (struct snapshot){.fd = open("/dev/snapshot", O_RDONLY | O_CLOEXEC), .mode = mode};
	if (ret->fd < 0)
		return false;
	if (!ioctl(ret->fd, SNAPSHOT_PLATFORM_SUPPORT, mode == SNAPSHOT_MODE_PLATFORM))
		return true;
	snapshot_close(ret);
	return false;
}

bool snapshot_freeze(struct snapshot *s)
{
	return !ioctl(s->fd, SNAPSHOT_FREEZE, 0);
}

enum snapshot_taken snapshot_take(struct snapshot *s)
{
	/* Written by the kernel on both returns, so never held in a register. */
	volatile int saved = -1;

	if (ioctl(s->fd, SNAPSHOT_CREATE_IMAGE, &saved))
		return SNAPSHOT_FAILED;
	return saved ? SNAPSHOT_SAVED : SNAPSHOT_RESTORED;
}

uint64_t snapshot_pages(struct snapshot *s)
{
	__kernel_loff_t bytes = 0;

	if (ioctl(s->fd, SNAPSHOT_GET_IMAGE_SIZE, &bytes))
		return 0;
	return (uint64_t)bytes >> THAW_PAGE_SHIFT;
}

int snapshot_read(struct snapshot *s, void *page)
{
	ssize_t got = read(s->fd, page, THAW_PAGE_SIZE);

	if (got == (ssize_t)THAW_PAGE_SIZE)
		return 1;
	if (got > 0)
		errno = EIO;
	return got ? -1 : 0;
}

uint64_t snapshot_swap_page(struct snapshot *s)
{
	__kernel_loff_t at = 0;

	if (ioctl(s->fd, SNAPSHOT_ALLOC_SWAP_PAGE, &at))
		return 0;
	return (uint64_t)at >> THAW_PAGE_SHIFT;
}

bool snapshot_use_swap(struct snapshot *s, uint64_t dev, uint64_t header_page, uint64_t *ret_free)
{
	struct resume_swap_area area = {
		.offset = (__kernel_loff_t)header_page,
		/* The kernel's encoding of 32 bits: as struct stat has it (linux/kdev_t.h). */
		.dev = (uint32_t)dev,
	};
	__kernel_loff_t bytes = 0;

	if (ioctl(s->fd, SNAPSHOT_SET_SWAP_AREA, &area) ||
	    ioctl(s->fd, SNAPSHOT_AVAIL_SWAP_SIZE, &bytes))
		return false;
	*ret_free = (uint64_t)bytes;
	return true;
}

void snapshot_power_off(struct snapshot *s)
{
	if (s->mode == SNAPSHOT_MODE_PLATFORM) {
		/* Somebody wants the machine awake: the caller takes the image back. */
		if (ioctl(s->fd, SNAPSHOT_POWER_OFF, 0) && (errno == EAGAIN || errno == EBUSY))
			return;
	}
	reboot(s->mode == SNAPSHOT_MODE_REBOOT ? RB_AUTOBOOT : RB_POWER_OFF);
}

static unsigned threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *e;
	unsigned count = 0;

	while (dir && (e = readdir(dir)))
		count += e->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

/* A thread that was joined is not gone yet, and the kernel complains of it when it thaws. */
void snapshot_outlive_threads(void)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	unsigned tries;

	for (tries = 0; tries < 1000 && threads() > 1; tries++)
		nanosleep(&moment, NULL);
}

void snapshot_close(struct snapshot *s)
{
	int error = errno;

	/*
	 * Does nothing while the kernel holds a snapshot: close() frees that, and thaws all in one go.
	 * SNAPSHOT_FREE would thaw the kernel's threads first, and let them run before anybody else.
	 */
	ioctl(s->fd, SNAPSHOT_UNFREEZE, 0);
	close(s->fd);
	s->fd = -1;
	errno = error;
}
