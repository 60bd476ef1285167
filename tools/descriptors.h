/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * descriptors.h: a memory map in the making, in firmware's own form, so that the code that reads
 * firmware's maps sorts, merges and checks this one too.
 */
#ifndef THAW_TOOLS_DESCRIPTORS_H
#define THAW_TOOLS_DESCRIPTORS_H

#include <thaw/platform.h>

struct thaw_efi_descriptor;

struct descriptors {
	struct thaw_efi_descriptor *list;
	size_t count;
	size_t capacity;
};

enum thaw_err descriptors_add(struct descriptors *d, struct thaw_range frames,
			      enum thaw_mem_type type);

/* ret->ranges is to be free()d. THAW_MEMORY, or THAW_FIRMWARE: ranges overlap, or there are none.
 */
enum thaw_err descriptors_parse(const struct descriptors *d, struct thaw_memmap *ret);

void descriptors_free(struct descriptors *d);

#endif
