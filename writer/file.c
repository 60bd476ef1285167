/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * file.c: the usual target: a file or a block device.
 */
#include "parts.h"

#include <errno.h>
#include <unistd.h>

static struct thaw_writer_file *file_of(struct thaw_writer_target *target)
{
	return (struct thaw_writer_file *)target;
}

static bool more(struct thaw_writer_target *target, uint64_t want, struct thaw_extent *ret)
{
	struct thaw_writer_file *file = file_of(target);

	if (file->next >= file->end)
		return false;
	*ret = (struct thaw_extent){file->next, thaw_min(want, file->end - file->next)};
	file->next += ret->count;
	return true;
}

static off_t place_of(const struct thaw_writer_file *file, uint64_t unit)
{
	return (off_t)(file->base + (unit << NATIVE_UNIT_SHIFT));
}

static bool read_units(struct thaw_writer_target *target, uint64_t unit, uint64_t units, void *buf)
{
	struct thaw_writer_file *file = file_of(target);
	size_t left = (size_t)units << NATIVE_UNIT_SHIFT;
	off_t at = place_of(file, unit);
	uint8_t *to = buf;
	ssize_t n;

	for (; left; left -= (size_t)n, to += n, at += n) {
		n = pread(file->fd, to, left, at);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			return false;
	}
	return true;
}

static bool write_units(struct thaw_writer_target *target, uint64_t unit, uint64_t units,
			const void *buf)
{
	struct thaw_writer_file *file = file_of(target);
	size_t left = (size_t)units << NATIVE_UNIT_SHIFT;
	off_t at = place_of(file, unit);
	const uint8_t *from = buf;
	ssize_t n;

	for (; left; left -= (size_t)n, from += n, at += n) {
		n = pwrite(file->fd, from, left, at);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			return false;
	}
	return true;
}

static bool flush(struct thaw_writer_target *target)
{
	return fsync(file_of(target)->fd) == 0;
}

void thaw_writer_file_init(struct thaw_writer_file *file, int fd, uint64_t base, uint64_t first,
			   uint64_t end)
{
	*file = (struct thaw_writer_file){
		.target = {more, read_units, write_units, flush},
		.fd = fd,
		.base = base,
		.next = first,
		.end = end,
	};
}
