/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * mounted.c: did somebody else mount a filesystem that the saved machine had mounted?
 *
 * Linux's image says nothing about filesystems, but it holds their superblocks: a mounted ext4
 * keeps its own in the page cache of its device for as long as it is mounted (fs/ext4/super.c,
 * s_sbh), 1024 bytes into the first page. Mounting for writing counts in it (ext4_setup_super),
 * replaying the journal and repairing leave their marks, and all of them go to memory and to the
 * disk at once. So a filesystem whose superblock is in the image, but only with other marks than on
 * its disk, is not the one that the saved machine knows.
 *
 * Filesystems that firmware cannot see (encrypted, in a logical volume) and others than ext2 to
 * ext4 are not looked at.
 */
#include <thaw/loader.h>

/* Documentation/filesystems/ext4/super.rst; bytes into the superblock */
#define SUPERBLOCK_AT	1024
#define EXT_MOUNT_TIME	0x2c
#define EXT_MOUNT_COUNT 0x34
#define EXT_MAGIC	0x38
#define EXT_LAST_CHECK	0x40
#define EXT_GROUP	0x5a /* 0: not a backup */
#define EXT_INCOMPAT	0x60
#define EXT_UUID	0x68

#define EXT_MAGIC_VALUE	  0xef53
#define EXT_NEEDS_RECOVERY 0x4 /* of the incompatible features: the journal is in use */

static bool is_superblock(const uint8_t *page)
{
	const uint8_t *sb = page + SUPERBLOCK_AT;

	return thaw_le16(sb + EXT_MAGIC) == EXT_MAGIC_VALUE && !thaw_le16(sb + EXT_GROUP);
}

static struct thaw_volume volume_of(const uint8_t *page)
{
	const uint8_t *sb = page + SUPERBLOCK_AT;
	struct thaw_volume v = {
		.mount_time = thaw_le32(sb + EXT_MOUNT_TIME),
		.mount_count = thaw_le16(sb + EXT_MOUNT_COUNT),
		.last_check = thaw_le32(sb + EXT_LAST_CHECK),
		.in_use = thaw_le32(sb + EXT_INCOMPAT) & EXT_NEEDS_RECOVERY,
	};

	__builtin_memcpy(v.uuid, sb + EXT_UUID, sizeof(v.uuid));
	return v;
}

void thaw_mounted_look(struct thaw_mounted *ret, struct thaw_machine *m)
{
	size_t n;

	ret->count = 0;
	for (n = 0; m->volume && n < THAW_VOLUMES_TRIED && m->volume(m, n, ret->page); n++) {
		if (is_superblock(ret->page) && ret->count < THAW_VOLUMES)
			ret->volume[ret->count++] = volume_of(ret->page);
	}
}

/* Nothing is ever taken back, so it does not matter who of several says it first. */
static void compare(struct thaw_mounted *mounted, const struct thaw_volume *saved)
{
	struct thaw_volume *v = mounted->volume;

	for (; v < mounted->volume + mounted->count; v++) {
		if (!thaw_bytes_equal(v->uuid, saved->uuid, sizeof(v->uuid)))
			continue;
		__atomic_store_n(&v->saved, true, __ATOMIC_RELAXED);
		if (v->mount_time == saved->mount_time && v->mount_count == saved->mount_count &&
		    v->last_check == saved->last_check && v->in_use == saved->in_use)
			__atomic_store_n(&v->same, true, __ATOMIC_RELAXED);
	}
}

void thaw_mounted_compare(struct thaw_mounted *mounted, const uint8_t *pages, uint32_t count)
{
	struct thaw_volume saved;

	if (!mounted->count)
		return;
	for (; count; count--, pages += THAW_PAGE_SIZE) {
		if (!is_superblock(pages))
			continue;
		saved = volume_of(pages);
		compare(mounted, &saved);
	}
}

enum thaw_err thaw_mounted_check(const struct thaw_mounted *mounted, struct thaw_diag *diag)
{
	const struct thaw_volume *v = mounted->volume;

	for (; v < mounted->volume + mounted->count; v++) {
		if (v->saved && !v->same)
			return thaw_fail(diag, THAW_MOUNTED, "ext4 mounts", v->mount_count,
					 v->mount_time);
	}
	return THAW_OK;
}
