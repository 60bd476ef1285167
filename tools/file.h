/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * file.h: whole files, read and replaced.
 */
#ifndef THAW_TOOLS_FILE_H
#define THAW_TOOLS_FILE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The content, terminated by a NUL that does not count; to be free()d. NULL: errno says why, EFBIG
 * if there are more than 64 MiB.
 */
char *file_read(const char *path, size_t *ret_size);

/*
 * Replaces a file, or makes it, so that at any instant the old or the new content is there: written
 * beside it as PATH.new, made durable, renamed. false: errno says why, and PATH is as it was.
 */
bool file_replace(const char *path, const void *data, size_t size);

/* Makes what was done in a folder durable. false: errno says why. */
bool file_sync_folder(const char *path);

#endif
