/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * snapshot.h: the kernel's snapshot of itself, through /dev/snapshot.
 *
 * Order: open, freeze, take; then read and power_off in the system that was saved, or close in the
 * one that was restored or is to go on. Every failure leaves a state in which close() thaws
 * everything. Between freeze and close no filesystem may be touched, and whatever threads there are
 * must have been made after the freeze (they inherit from the caller that they are not frozen) and
 * be outlived before close.
 *
 * Facts: Linux 6.1 and 6.12, kernel/power/user.c and Documentation/power/userland-swsusp.rst.
 */
#ifndef THAW_TOOLS_SNAPSHOT_H
#define THAW_TOOLS_SNAPSHOT_H

#include <thaw/base.h>

/* How the machine is switched off; the kernel's own choice stands in /sys/power/disk. */
enum snapshot_mode {
	SNAPSHOT_MODE_PLATFORM, /* ACPI S4 */
	SNAPSHOT_MODE_SHUTDOWN,
	SNAPSHOT_MODE_REBOOT,
	SNAPSHOT_MODE_UNSAID,
};

struct snapshot {
	int fd;
	enum snapshot_mode mode;
};

enum snapshot_taken {
	SNAPSHOT_FAILED,  /* errno */
	SNAPSHOT_SAVED,	  /* this is the system that was saved: write the snapshot down */
	SNAPSHOT_RESTORED /* it has been, and this is the system brought back from it */
};

/*
 * The mode that the kernel would use; where that is none of ours, as "suspend" which hybrid sleep leaves
 * there, platform, or what there is in its place.
 */
enum snapshot_mode snapshot_mode(void);

/* Tells the drivers that hibernation is coming. false: errno; ENOENT, EPERM and EBUSY are usual. */
bool snapshot_open(struct snapshot *ret, enum snapshot_mode mode);

/* Writes out the filesystems and freezes everybody but the caller. false: errno. */
bool snapshot_freeze(struct snapshot *s);

/* Returns once or twice. */
enum snapshot_taken snapshot_take(struct snapshot *s);

/* Pages that can be read. 0: errno. */
uint64_t snapshot_pages(struct snapshot *s);

/* The next page of the snapshot. 1: done, 0: there is none, -1: errno. */
int snapshot_read(struct snapshot *s, void *page);

/*
 * A page of the swap area chosen by snapshot_use_swap(), in pages from the beginning of its device;
 * free again when the device is closed. 0: none left, or errno.
 */
uint64_t snapshot_swap_page(struct snapshot *s);

/* Bytes free in the swap area, and which area is meant: device, pages to its header. */
bool snapshot_use_swap(struct snapshot *s, uint64_t dev, uint64_t header_page, uint64_t *ret_free);

/* Waits until the caller's threads, which have ended, are gone for the kernel, too. */
void snapshot_outlive_threads(void);

/* Switches the machine off. Returns only if that failed or was called off: errno. */
void snapshot_power_off(struct snapshot *s);

/* Forgets the snapshot, if any, thaws the system, if it is frozen, and closes the device. */
void snapshot_close(struct snapshot *s);

#endif
