/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * groups.h: the logical volumes that lie on areas.
 */
#ifndef THAW_GROUPS_H
#define THAW_GROUPS_H

#include <thaw/locate.h>

#define GROUPS_VOLUMES_MAX 64

/*
 * Makes areas of the logical volumes on those count areas that were found to be physical volumes;
 * at most GROUPS_VOLUMES_MAX. What cannot be used is told by note; an area that could not be read, or not
 * understood for want of memory, is unreadable then. Returns how many there are.
 */
size_t groups_volumes(struct thaw_area *ret, struct thaw_area *areas, size_t count,
		      struct thaw_memory *memory,
		      void (*note)(const char *what, uint64_t a, uint64_t b));

#endif
