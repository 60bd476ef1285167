/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * md_raid.c: is this disk one leg of a Linux software RAID?
 *
 * md's metadata 0.90 and 1.0 lie at the end of each member, so the leg of a mirror begins with a swap
 * header, or as a physical volume of LVM, and looks like a plain one. To consume the image on one leg
 * would leave it on the other. The content itself tells where to look: what md keeps for itself lies
 * behind the last page of swap, of LVM's last extent, or of the image where there is neither, so a page
 * of these is never taken for md's, and never read here. Where the members are whole disks and the
 * partition table lies in the array, each of them looks like a partitioned disk: then md's part lies
 * behind the last partition. (Within the last one it would be of a mirror of partitions.)
 *
 * From include/uapi/linux/raid/md_p.h and drivers/md/md.c (super_1_load, MD_NEW_SIZE_SECTORS) of
 * Linux 6.12. Metadata 1.1 and 1.2 lie at the beginning, where the header would be.
 */
#include "format.h"

#define MD_MAGIC 0xa92b4efcu

/* struct mdp_superblock_1 */
struct md_super_1 {
	uint32_t magic;
	uint32_t major_version;
	uint8_t other[136];
	uint64_t super_offset; /* in sectors: where this superblock lies */
};

/* struct mdp_superblock_s, its beginning; in the byte order of the machine that wrote it */
struct md_super_0 {
	uint32_t magic;
	uint32_t major_version;
	uint32_t minor_version;
};

_Static_assert(offsetof(struct md_super_1, super_offset) == 144, "on disk");
_Static_assert(offsetof(struct md_super_0, minor_version) == 8, "on disk");

/* include/linux/swap.h, union swap_header: info.last_page of a "SWAPSPACE2". */
#define SWAP_LAST_PAGE 1028

#define SECTORS_PER_PAGE 8
#define MD_0_RESERVED	 16 /* pages, MD_RESERVED_BYTES */

static bool is_super_1(const void *page, uint64_t at)
{
	const struct md_super_1 *super = page;

	return super->magic == MD_MAGIC && super->major_version == 1 &&
	       super->super_offset == at * SECTORS_PER_PAGE;
}

static bool is_super_0(const void *page, uint64_t at)
{
	const struct md_super_0 *super = page;

	(void)at;
	return super->magic == MD_MAGIC && super->major_version == 0 && super->minor_version == 90;
}

uint64_t thaw_swap_pages(const uint8_t *header, const struct thaw_disk *disk)
{
	return thaw_min(disk->pages, (uint64_t)thaw_le32(header + SWAP_LAST_PAGE) + 1);
}

enum thaw_err thaw_md_raid_check(struct thaw_disk *disk, uint64_t pages,
				 struct thaw_memory *memory, struct thaw_diag *diag)
{
	const struct {
		uint64_t at;
		bool (*is_super)(const void *page, uint64_t at);
		const char *name;
	} places[] = {
		{disk->pages - 2, is_super_1, "md raid 1.0"},
		{disk->pages / MD_0_RESERVED * MD_0_RESERVED - MD_0_RESERVED, is_super_0,
		 "md raid 0.90"},
	};
	void *page = NULL;
	enum thaw_err err;
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(places); i++) {
		/* Areas too small for either wrap around to a page that is not on the disk. */
		if (places[i].at < pages || places[i].at >= disk->pages)
			continue;
		if (!page)
			page = memory->alloc(memory, THAW_PAGE_SIZE);
		if (!page)
			return thaw_fail(diag, THAW_MEMORY, "md raid", THAW_PAGE_SIZE, 0);
		err = disk->read(disk, places[i].at, 1, page);
		if (err)
			return thaw_fail(diag, err, "md raid", places[i].at, disk->pages);
		if (places[i].is_super(page, places[i].at))
			return thaw_fail(diag, THAW_FOREIGN, places[i].name, places[i].at,
					 pages);
	}
	return THAW_OK;
}

enum thaw_err thaw_md_raid_check_wholes(const struct thaw_disk *disk, struct thaw_memory *memory,
					struct thaw_diag *diag)
{
	enum thaw_err err = THAW_OK;
	size_t i;

	for (i = 0; !err && i < disk->whole_count; i++)
		err = thaw_md_raid_check(disk->wholes[i], disk->wholes[i]->partitions_end, memory,
					 diag);
	return err;
}
