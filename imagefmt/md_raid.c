/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * md_raid.c: is this disk one leg of a RAID that Linux's md runs?
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
 *
 * A RAID that was made in firmware's setup is md's, too, once Linux runs; to firmware without the driver
 * for it its members are plain disks. Its metadata lies in the last sector (DDF) or the last but one (Intel),
 * as libblkid 2.38 finds it with sectors of 512 bytes; that those of 4 KiB are counted likewise is inferred.
 * On a disk with a GPT of its own the table's copy lies there, so that what an array left that is gone is
 * not met.
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

/* util-linux, libblkid: ddf_raid.c, struct ddf_header, its beginning; mdadm, super-intel.c: MPB_SIGNATURE */
struct ddf_header {
	uint8_t magic[4];
	uint8_t other[28];
	uint8_t revision[8]; /* "01.02.00", text */
};

static const uint8_t ddf_magic[] = {0xde, 0x11, 0xde, 0x11};
static const uint8_t imsm_signature[] = "Intel Raid ISM Cfg Sig. ";

_Static_assert(offsetof(struct ddf_header, revision) == 32, "on disk");

#define SECTOR_BYTES 512

/* include/linux/swap.h, union swap_header: info.last_page of a "SWAPSPACE2". */
#define SWAP_LAST_PAGE 1028

#define SECTORS_PER_PAGE 8
#define MD_0_RESERVED	 16 /* pages, MD_RESERVED_BYTES */

/* What a page that is md's says of itself; NULL: it is none. */
typedef const char *whose(const void *page, uint64_t at);

static bool is_imsm(const uint8_t *sector)
{
	return thaw_bytes_equal(sector, imsm_signature, sizeof(imsm_signature) - 1);
}

static bool is_ddf(const uint8_t *sector)
{
	const struct ddf_header *header = (const struct ddf_header *)sector;

	return thaw_bytes_equal(header->magic, ddf_magic, sizeof(ddf_magic)) &&
	       header->revision[0] == '0' && header->revision[2] == '.';
}

/* The last but one page, which is the last but one sector where these are of 4 KiB. */
static const char *whose_last_but_one(const void *page, uint64_t at)
{
	const struct md_super_1 *super = page;

	if (super->magic == MD_MAGIC && super->major_version == 1 &&
	    super->super_offset == at * SECTORS_PER_PAGE)
		return "md raid 1.0";
	return is_imsm(page) ? "Intel RAID" : NULL;
}

static const char *whose_0(const void *page, uint64_t at)
{
	const struct md_super_0 *super = page;

	(void)at;
	return super->magic == MD_MAGIC && super->major_version == 0 && super->minor_version == 90
		       ? "md raid 0.90"
		       : NULL;
}

static const char *whose_last(const void *page, uint64_t at)
{
	const uint8_t *end = (const uint8_t *)page + THAW_PAGE_SIZE;

	(void)at;
	if (is_imsm(end - 2 * SECTOR_BYTES))
		return "Intel RAID";
	return is_ddf(end - SECTOR_BYTES) || is_ddf(page) ? "DDF RAID" : NULL;
}

uint64_t thaw_swap_pages(const uint8_t *header, const struct thaw_disk *disk)
{
	return thaw_min(disk->pages, (uint64_t)thaw_le32(header + SWAP_LAST_PAGE) + 1);
}

static enum thaw_err check(struct thaw_disk *disk, uint64_t pages, bool is_whole,
			   struct thaw_memory *memory, struct thaw_diag *diag)
{
	const struct {
		uint64_t at;
		whose *whose;
	} places[] = {
		{disk->pages - 2, whose_last_but_one},
		{disk->pages / MD_0_RESERVED * MD_0_RESERVED - MD_0_RESERVED, whose_0},
		{disk->pages - 1, whose_last},
	};
	size_t count = THAW_ARRAY_LEN(places) - !is_whole;
	void *page = NULL;
	const char *name;
	enum thaw_err err;
	size_t i;

	for (i = 0; i < count; i++) {
		/* Areas too small wrap around to a page that is not on the disk. */
		if (places[i].at < pages || places[i].at >= disk->pages)
			continue;
		if (!page)
			page = memory->alloc(memory, THAW_PAGE_SIZE);
		if (!page)
			return thaw_fail(diag, THAW_MEMORY, "md raid", THAW_PAGE_SIZE, 0);
		err = disk->read(disk, places[i].at, 1, page);
		if (err)
			return thaw_fail(diag, err, "md raid", places[i].at, disk->pages);
		name = places[i].whose(page, places[i].at);
		if (name)
			return thaw_fail(diag, THAW_FOREIGN, name, places[i].at, pages);
	}
	return THAW_OK;
}

enum thaw_err thaw_md_raid_check(struct thaw_disk *disk, uint64_t pages,
				 struct thaw_memory *memory, struct thaw_diag *diag)
{
	return check(disk, pages, false, memory, diag);
}

enum thaw_err thaw_md_raid_check_wholes(const struct thaw_disk *disk, struct thaw_memory *memory,
					struct thaw_diag *diag)
{
	enum thaw_err err = THAW_OK;
	size_t i;

	for (i = 0; !err && i < disk->whole_count; i++)
		err = check(disk->wholes[i], disk->wholes[i]->partitions_end, true, memory, diag);
	return err;
}
