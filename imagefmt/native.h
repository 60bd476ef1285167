/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * native.h: the parts of opening an image of thaw's own format, in the order in which they run.
 */
#ifndef THAW_NATIVE_H
#define THAW_NATIVE_H

#include "vector.h"

#include <thaw/native_disk.h>

/* What the parts tell each other while an image is opened. */
struct native_open {
	struct thaw_image *image;
	struct thaw_disk *disk;
	uint64_t pages; /* of the disk that the image may lie in, */
	uint64_t end;	/* and what of them it does; known once the extents are */
	struct thaw_memory *memory;
	struct thaw_diag *diag;
	uint64_t max_frames;
	const struct native_anchor *anchor; /* in the image's header page */
	const struct native_header *header;
	struct thaw_extents logical; /* the disk runs of the logical space */
	struct thaw_extents others;  /* anchor, header and segments: nobody else's */
};

/* Reads units from the disk and holds them against a checksum. THAW_CHECKSUM or the disk's. */
enum thaw_err native_read_checked(struct native_open *o, uint64_t unit, uint64_t units,
				  uint64_t checksum, void *buf, const char *where);

/* native_header.c: what the header says by itself. */
enum thaw_err native_check_header(struct native_open *o);

/* native_extents.c: walks the segments. */
enum thaw_err native_read_extents(struct native_open *o);

/* native_tables.c: frames, blocks and memory map, into the image. */
enum thaw_err native_read_tables(struct native_open *o);

/* One table, checked against its checksum. *ret is NULL where there is none, or nothing in it. */
enum thaw_err native_read_table(struct native_open *o, uint32_t type, const void **ret,
				size_t *ret_count);

/* native_world.c: firmware's tables and watched ranges. */
enum thaw_err native_read_world(struct native_open *o);

#endif
