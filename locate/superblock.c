/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * superblock.c: whose an area is, and the UUID that blkid shows of it.
 *
 * What was formatted twice may have two superblocks. Which one is valid nobody can tell, so that is
 * as good as none. Page 0 outranks the late one: where page 0 is swap space, any page beyond it may
 * hold any content.
 */
#include <thaw/locate.h>

#include "lvm.h"

/* A superblock is known by a magic; offsets in bytes from the beginning of the page. */
struct super_form {
	enum thaw_super_kind kind;
	uint16_t magic_at;
	uint16_t uuid_at; /* 0: it has none of use */
	uint8_t magic_len;
	const char *magic;
};

/*
 * swap: include/linux/swap.h, union swap_header: magic at the page's end, UUID at 1036; a hibernated
 * one has another magic (kernel/power/swap.c). ext2 to ext4: fs/ext4/ext4.h, superblock at 1024,
 * s_magic at 56, s_uuid at 104. xfs: fs/xfs/libxfs/xfs_format.h, sb_magicnum at 0, sb_uuid at 32.
 * LUKS: cryptsetup's on-disk format, magic at 0. All of Linux 6.12.
 */
static const struct super_form early[] = {
	{THAW_SUPER_SWAP, 4086, 1036, 10, "SWAPSPACE2"},
	{THAW_SUPER_SWAP, 4086, 1036, 10, "S1SUSPEND"},
	{THAW_SUPER_EXT, 1024 + 56, 1024 + 104, 2, "\x53\xef"},
	{THAW_SUPER_XFS, 0, 32, 4, "XFSB"},
	{THAW_SUPER_LUKS, 0, 0, 6, "LUKS\xba\xbe"},
};

/* include/uapi/linux/btrfs_tree.h, struct btrfs_super_block at 64 KiB: fsid at 32, magic at 64. */
static const struct super_form late = {THAW_SUPER_BTRFS, 64, 32, 8, "_BHRfS_M"};

static bool take(struct thaw_superblock *ret, const struct super_form *form, const uint8_t *page)
{
	if (!thaw_bytes_equal(page + form->magic_at, form->magic, form->magic_len))
		return false;
	ret->kind = form->kind;
	if (form->uuid_at)
		__builtin_memcpy(ret->uuid, page + form->uuid_at, sizeof(ret->uuid));
	return true;
}

void thaw_superblock_parse(struct thaw_superblock *ret, const void *page)
{
	struct thaw_label label;
	size_t count = 0;
	size_t i;

	*ret = (struct thaw_superblock){THAW_SUPER_NONE, {0}};
	for (i = 0; i < THAW_ARRAY_LEN(early); i++)
		count += take(ret, &early[i], page);
	if (lvm_label_parse(&label, page)) {
		ret->kind = THAW_SUPER_LVM;
		count++;
	}
	if (count > 1)
		*ret = (struct thaw_superblock){THAW_SUPER_NONE, {0}};
}

void thaw_superblock_parse_late(struct thaw_superblock *ret, const void *page)
{
	*ret = (struct thaw_superblock){THAW_SUPER_NONE, {0}};
	take(ret, &late, page);
}
