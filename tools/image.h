/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * image.h: thawctl image: what its verbs share.
 */
#ifndef THAW_TOOLS_IMAGE_H
#define THAW_TOOLS_IMAGE_H

#include "host_disk.h"
#include "host_memory.h"

#include <thaw/image.h>
#include <thaw/native_disk.h>

int image_main(int argc, char **argv);

/* What the command line said. */
struct image_options {
	const char *path;
	const char *target; /* of convert and extract */
	bool has_offset;
	uint64_t header_page;
	bool json;
	bool keep;
	bool replace;
	bool store;
	bool quiet;
	unsigned threads;
};

/* Physical addresses have 52 bits: no image holds more frames. */
#define IMAGE_MOST_FRAMES (UINT64_C(1) << 40)

/* An image that was opened, and with that all its metadata checked. */
struct image_source {
	struct host_disk disk;
	struct host_memory memory;
	struct thaw_image image;
	uint64_t offset; /* of its area, in bytes */
	uint64_t size;
	int partition;	 /* 0: the whole of the path */
	int fd;
};

/* Of an image in thaw's own format. The page of the anchor belongs to the image. */
const struct native_anchor *image_anchor(const struct image_source *s);
/* buf: one page for the header. false: it could not be read. */
bool image_header(struct image_source *s, struct native_header *buf);
bool image_is_native(const struct image_source *s);

/* --- image_walk.c ------------------------------------------------------------------------ */

/*
 * A piece of a run: frames side by side, and their pages if they are data, else NULL. false ends
 * the walk.
 */
typedef bool (*image_visit)(void *arg, const struct thaw_run *piece, const uint8_t *pages);

/*
 * Reads and decodes the whole image, in ascending order of its frames, and holds it against its
 * checksums. THAW_OK, also when visit ended it; else what firmware would say, and *diag.
 */
enum thaw_err image_walk(struct image_source *s, image_visit visit, void *arg,
			 struct thaw_diag *diag);

/* Says why; returns an exit status. */
int image_refused(const struct image_source *s, const char *path, enum thaw_err err,
		  const struct thaw_diag *diag);

/* --- image_place.c ----------------------------------------------------------------------- */

/*
 * Would writing to the open file or device change the image? Then says so. THAWCTL_DONE, or an exit
 * status.
 */
int image_check_place(const struct image_source *s, const char *target, int fd);

/* --- the verbs ---------------------------------------------------------------------------- */

int image_info(struct image_source *s, const struct image_options *o);
int image_dump(struct image_source *s, const struct image_options *o);
int image_verify(struct image_source *s, const struct image_options *o);
int image_extract(struct image_source *s, const struct image_options *o);
int image_convert(struct image_source *s, const struct image_options *o);

#endif
