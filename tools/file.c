/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * file.c: see file.h.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_BYTES (64u << 20)

/* Files of /proc and /sys do not know their size: read until there is no more. */
static bool read_all(int fd, char **buf, size_t *size)
{
	size_t capacity = 0;
	ssize_t n = 1;

	while (n > 0) {
		if (*size + 1 >= capacity) {
			char *larger = realloc(*buf, capacity = 2 * capacity + 4096);

			if (!larger)
				return false;
			*buf = larger;
		}
		n = read(fd, *buf + *size, capacity - *size - 1);
		if (n > 0)
			*size += (size_t)n;
		if (*size > MOST_BYTES) {
			errno = EFBIG;
			return false;
		}
	}
	return n == 0;
}

char *file_read(const char *path, size_t *ret_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *buf = NULL;
	size_t size = 0;
	bool ok;

	if (fd < 0)
		return NULL;
	ok = read_all(fd, &buf, &size);
	close(fd);
	if (!ok) {
		free(buf);
		return NULL;
	}
	buf[size] = 0;
	*ret_size = size;
	return buf;
}

static bool write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0)
			return false;
		data += n;
		size -= (size_t)n;
	}
	return !fsync(fd);
}

static bool write_new(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool ok;

	if (fd < 0)
		return false;
	ok = write_all(fd, data, size);
	return !close(fd) && ok;
}

bool file_sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = !fsync(fd);
	close(fd);
	return ok;
}

bool file_replace(const char *path, const void *data, size_t size)
{
	char beside[PATH_MAX], folder[PATH_MAX];
	int error;

	if (snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside)) {
		errno = ENAMETOOLONG;
		return false;
	}
	snprintf(folder, sizeof(folder), "%s", path);
	if (write_new(beside, data, size) && !rename(beside, path))
		return file_sync_folder(dirname(folder));
	error = errno;
	unlink(beside);
	errno = error;
	return false;
}
