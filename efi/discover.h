/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * discover.h: which areas of which disks carry an image.
 */
#ifndef THAW_EFI_DISCOVER_H
#define THAW_EFI_DISCOVER_H

#include "config.h"
#include "disk.h"

struct candidate {
	struct disk disk;
	uint64_t header_page;
	uint64_t mark; /* thaw_image_mark of the page read */
	bool read_only;
};

/*
 * Reads one page of every area in question and keeps the areas that carry an image's signature, at
 * most max. Returns how many there are, which may be more than max. *ret_complete: no other disk
 * can matter: the one that is configured was there, or none can be meant.
 */
size_t discover(const struct config *config, struct candidate *ret, size_t max, bool *ret_complete);

#endif
