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
 * Of a disk that was cloned two may have that UUID, and the clone's superblock is another. It does
 * not count where the filesystem itself is there as it was, on a disk that is more the machine's
 * own: a fixed one, or the one that holds thaw. It does where both had been mounted, and one of them
 * changed.
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
#define EXT_STATE	0x3a
#define EXT_LAST_CHECK	0x40
#define EXT_GROUP	0x5a /* 0: not a backup */
#define EXT_INCOMPAT	0x60
#define EXT_UUID	0x68

#define EXT_MAGIC_VALUE	  0xef53
#define EXT_NEEDS_RECOVERY 0x4 /* of the incompatible features: the journal is in use */
#define EXT_VALID	   0x1 /* of the state: unmounted cleanly; with a journal always */

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
		.clean = thaw_le16(sb + EXT_STATE) & EXT_VALID,
	};

	__builtin_memcpy(v.uuid, sb + EXT_UUID, sizeof(v.uuid));
	return v;
}

void thaw_mounted_look(struct thaw_mounted *ret, struct thaw_machine *m)
{
	enum thaw_volume_site site = THAW_VOLUME_FIXED;
	size_t n;

	ret->count = 0;
	for (n = 0; m->volume && n < THAW_VOLUMES_TRIED && m->volume(m, n, ret->page, &site); n++) {
		if (!is_superblock(ret->page) || ret->count == THAW_VOLUMES)
			continue;
		ret->volume[ret->count] = volume_of(ret->page);
		ret->volume[ret->count++].site = site;
	}
}

static bool is_copy(const struct thaw_volume *a, const struct thaw_volume *b)
{
	return thaw_bytes_equal(a->uuid, b->uuid, sizeof(a->uuid));
}

static bool has_marks(const struct thaw_volume *a, const struct thaw_volume *b)
{
	return a->mount_time == b->mount_time && a->mount_count == b->mount_count &&
	       a->last_check == b->last_check && a->in_use == b->in_use;
}

/* Nothing is ever taken back, so it does not matter who of several says it first. */
static void say(bool *it)
{
	__atomic_store_n(it, true, __ATOMIC_RELAXED);
}

static void compare(struct thaw_mounted *mounted, const struct thaw_volume *saved)
{
	struct thaw_volume *const end = mounted->volume + mounted->count;
	bool strange = saved->in_use || !saved->clean;
	struct thaw_volume *v;

	for (v = mounted->volume; v < end; v++) {
		if (is_copy(v, saved) && has_marks(v, saved)) {
			say(&v->same);
			strange = false;
		}
	}
	for (v = mounted->volume; v < end; v++) {
		if (is_copy(v, saved)) {
			say(&v->saved);
			if (strange)
				say(&v->strange);
		}
	}
}

/* The filesystem itself is there, as it was, and this is a copy that nobody had mounted. */
static bool is_mere_copy(const struct thaw_mounted *mounted, const struct thaw_volume *v)
{
	const struct thaw_volume *w = mounted->volume;

	for (; w < mounted->volume + mounted->count; w++) {
		if (is_copy(v, w) && w->same && w->site > v->site)
			return !v->strange;
	}
	return false;
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
		if (v->saved && !v->same && !is_mere_copy(mounted, v))
			return thaw_fail(diag, THAW_MOUNTED, "ext4 mounts", v->mount_count,
					 v->mount_time);
	}
	return THAW_OK;
}
