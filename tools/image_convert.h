/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * image_convert.h: the parts of thawctl image convert.
 */
#ifndef THAW_TOOLS_IMAGE_CONVERT_H
#define THAW_TOOLS_IMAGE_CONVERT_H

#include "image.h"

#include <thaw/writer.h>

/* --- image_machine.c: the saved machine beside its frames ---------------------------------- */

/* As many as the loader looks for: Linux's table holds 128 and 3 for each node. */
#define IMAGE_MOST_ENTRIES 384

struct image_machine {
	const struct thaw_facts *facts; /* of the image */
	struct native_header header;	/* of an image of thaw's own, else 0 */
	const struct native_memory *map;
	size_t map_count; /* 0: not known */
	struct native_memory found[IMAGE_MOST_ENTRIES]; /* among the pages */
	uint64_t frame;	/* whose page is held, for a table may go on in the next */
	bool holds;
	uint8_t held[2 * THAW_PAGE_SIZE]; /* that page, and room for the next */
	/* The image's own tables, NULL where it has none. */
	struct native_memory *table;
	struct native_run *runs;
	size_t run_count;
	size_t run_next; /* that was not given yet */
	struct native_firmware *firmware;
	size_t firmware_count;
	struct native_watched *watched;
	size_t watched_count;
	char *notes;
};

/* false: a table could not be read. close it in any case. */
bool image_machine_open(struct image_machine *ret, struct image_source *s);
void image_machine_close(struct image_machine *m);

/*
 * Looks for the saved memory map in the pages, given in the order of frames, at every multiple of 8: the
 * kernel keeps it in a slab object (arch/x86/kernel/e820.c), and its first entry begins at address 0.
 * The object may go on in the next frame. page is NULL behind the last.
 */
void image_machine_search(struct image_machine *m, uint64_t frame, const uint8_t *page);

/* The format knows a map by its CRC-32, which a map has and another digest does not give. */
bool image_machine_has_digest(const struct image_machine *m);

/* Gives the spare frames below that frame which were not given yet. */
enum thaw_writer_err image_machine_spare(struct image_machine *m, struct thaw_writer *w,
					 uint64_t below);

enum thaw_writer_err image_machine_describe(const struct image_machine *m, struct thaw_writer *w);

/* --- image_target.c: where the new image goes ----------------------------------------------- */

/* Of a target. Aligned as erase blocks of flash are. */
#define IMAGE_FIRST_UNIT 256u

/*
 * Opens it, or makes it, and finds out whether it may be overwritten; nothing of it is. *ret_units
 * is its size, *ret_image whether it holds an image, which will be given up. -1: it was said why not.
 */
int image_target_open(const struct image_source *s, const struct image_options *o,
		      uint64_t *ret_units, bool *ret_image);

#endif
