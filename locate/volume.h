/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * volume.h: a disk made of pieces of others.
 */
#ifndef THAW_VOLUME_H
#define THAW_VOLUME_H

#include <thaw/platform.h>

#define VOLUME_SEGMENTS_MAX 64
#define VOLUME_STRIPES_MAX  128 /* of all segments together */

struct volume_stripe {
	struct thaw_disk *disk;
	uint64_t first; /* page */
};

/* Pages dealt out to its stripes in turn, chunk pages at a time. */
struct volume_segment {
	uint64_t first;
	uint64_t pages;
	uint64_t chunk; /* pages; with one stripe: as many as it has */
	size_t stripe;	/* the first of its stripes */
	size_t stripes;
};

struct volume {
	struct thaw_disk seam; /* first: cast back */
	struct volume_segment segments[VOLUME_SEGMENTS_MAX];
	size_t segment_count;
	struct volume_stripe stripes[VOLUME_STRIPES_MAX];
	size_t stripe_count;
	struct thaw_disk *wholes[VOLUME_STRIPES_MAX]; /* seam.wholes */
	struct thaw_disk *waits_for; /* of the read under way; NULL: it is done */
};

/* An empty one. */
void volume_init(struct volume *ret);

/*
 * Appends pages: to be dealt out to count stripes, chunk pages at a time. Copies stripes. false: no
 * room, nothing to append, pages that do not deal out evenly, or stripes outside their disks.
 */
bool volume_append(struct volume *v, uint64_t pages, uint64_t chunk,
		   const struct volume_stripe *stripes, size_t count);

#endif
