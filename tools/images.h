/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * images.h: the images that lie on this machine's disks while it runs.
 */
#ifndef THAW_TOOLS_IMAGES_H
#define THAW_TOOLS_IMAGES_H

#include <thaw/record.h>

/*
 * Marks every image that can be seen as passed over: this system runs, so they are of before, and
 * what it mounted is no longer what they know. disk: one more to look at, a device or a disk image;
 * may be NULL. Returns how many were marked.
 */
unsigned images_pass_over(struct thaw_record *record, const char *disk);

/* thawctl pass-over */
int pass_over_main(int argc, char **argv);

#endif
