/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * lvm.h: volume groups of LVM2, as far as swap space lies in them: linear and striped volumes.
 */
#ifndef THAW_LVM_H
#define THAW_LVM_H

#include <thaw/locate.h>

#include "lvm_text.h"
#include "volume.h"

/* lvm_label.c: a physical volume's label in page 0. false: there is none that is whole. */
bool lvm_label_parse(struct thaw_label *ret, const void *page);

/*
 * lvm_area.c: reads the metadata that a label points to into memory of its own.
 * THAW_OK, THAW_READ, THAW_MEMORY, or THAW_FOREIGN: that is no metadata, or not whole.
 */
enum thaw_err lvm_area_read(struct lvm_text *ret, struct thaw_disk *disk,
			    const struct thaw_label *label, struct thaw_memory *memory);

#define LVM_VOLUMES_MAX 32 /* physical ones in a group */

#define LVM_IN_USE_MAX	128

struct lvm_physical {
	struct lvm_word name;
	uint8_t uuid[32];
	uint64_t first_page; /* of extent 0 */
	uint64_t extents;
	bool missing;		/* LVM says that its content is not to be trusted */
	struct thaw_disk *disk; /* set by whoever has it; NULL: not here */
};

struct lvm_group {
	uint8_t id[32];
	uint64_t serial; /* the higher, the newer */
	uint64_t extent_pages;
	bool exported;
	struct lvm_physical physical[LVM_VOLUMES_MAX];
	size_t physical_count;
	struct lvm_text logical; /* the section of the logical volumes */
	/* Names of those that are origin or store of a snapshot: not plain, though they look so. */
	struct lvm_word in_use[LVM_IN_USE_MAX];
	size_t in_use_count;
	bool in_use_all; /* there are more of them, or the text is not understood: any may be one */
};

/*
 * lvm_group.c: parses the text of a group, which the result goes on pointing into. false: no group,
 * or one that does not fit pages or the limits above.
 */
bool lvm_group_parse(struct lvm_group *ret, struct lvm_text text);

/* Does a snapshot of the group need the volume with that name? */
bool lvm_group_uses(const struct lvm_group *group, struct lvm_word name);

enum lvm_next {
	LVM_NEXT_VOLUME,
	LVM_NEXT_OTHER, /* a volume that cannot be used; *ret_why says why, a static string */
	LVM_NEXT_END,
};

/*
 * lvm_volume.c: the next logical volume that users see. *cursor is group->logical at first. The
 * physical volumes' disks are known by then.
 */
enum lvm_next lvm_volume_next(const struct lvm_group *group, struct lvm_text *cursor,
			      struct volume *ret, const char **ret_why);

#endif
