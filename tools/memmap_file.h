/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * memmap_file.h: memory maps that do not come from firmware.
 */
#ifndef THAW_TOOLS_MEMMAP_FILE_H
#define THAW_TOOLS_MEMMAP_FILE_H

#include <thaw/image.h>

/*
 * Reads a map from a text file of "START END TYPE" lines, from a log in which thaw printed them, or
 * from a directory like /sys/firmware/memmap. ret->ranges is to be free()d. false: said why.
 */
bool memmap_file_read(const char *path, struct thaw_memmap *ret);

/*
 * Makes up the map of a machine on which the image could be restored: its frames are RAM, and so is
 * a bit more. Says nothing about any real machine. THAW_OK, or THAW_MEMORY.
 */
enum thaw_err memmap_make_up(const struct thaw_image *image, struct thaw_memmap *ret);

#endif
