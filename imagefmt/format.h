/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * format.h: what a format has to provide; image.c has the table.
 */
#ifndef THAW_FORMAT_H
#define THAW_FORMAT_H

#include <thaw/image.h>

/*
 * Contracts as those of the functions of the same name in image.h. open finds header_page, header
 * and facts.mark filled in, and a header page that probe liked.
 */
struct thaw_format {
	const char *name;
	enum thaw_err (*probe)(const void *page);
	enum thaw_err (*open)(struct thaw_image *ret, struct thaw_disk *disk, uint64_t max_frames,
			      struct thaw_memory *memory, struct thaw_diag *diag);
	enum thaw_err (*split)(const struct thaw_image *image, uint64_t decoded_pages,
			       const uint8_t *stored, size_t len, struct thaw_block *ret,
			       struct thaw_diag *diag);
	uint32_t (*plain)(const struct thaw_image *image, uint64_t decoded_pages,
			  uint32_t max_pages);
	/* NULL: blocks are all coded, or none is. */
	uint64_t (*before_plain)(const struct thaw_image *image, uint64_t decoded_pages,
				 uint32_t least_pages, uint64_t max_bytes);
};

/*
 * md_raid.c: how many pages of the area such a header lets an image use. What lies behind the swap space
 * is somebody else's, and was read for thaw_md_raid_check().
 */
uint64_t thaw_swap_pages(const uint8_t *header, const struct thaw_disk *disk);

/*
 * md_raid.c: thaw_md_raid_check() of the whole disks under this one, behind their partitions, where the
 * last page is looked at, too: a RAID that was made in firmware's setup has its metadata there.
 */
enum thaw_err thaw_md_raid_check_wholes(const struct thaw_disk *disk, struct thaw_memory *memory,
					struct thaw_diag *diag);

extern const struct thaw_format thaw_native;
extern const struct thaw_format thaw_swsusp;

#endif
