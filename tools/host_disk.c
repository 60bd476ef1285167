/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * host_disk.c: reads, and nothing else: the descriptor is read-only, and consume refuses.
 */
#include "host_disk.h"

#include <errno.h>
#include <unistd.h>

static enum thaw_err read_bytes(struct host_disk *d, uint64_t at, size_t len, uint8_t *buf)
{
	ssize_t got;

	while (len) {
		got = pread(d->fd, buf, len, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			d->error = got ? errno : 0;
			return THAW_READ;
		}
		at += (uint64_t)got;
		buf += got;
		len -= (size_t)got;
	}
	return THAW_OK;
}

static enum thaw_err host_read(struct thaw_disk *disk, uint64_t page, uint64_t count, void *buf)
{
	struct host_disk *d = (struct host_disk *)disk;

	d->error = 0;
	if (page > disk->pages || count > disk->pages - page)
		return THAW_READ;
	d->read_pages += count;
	return read_bytes(d, d->offset + (page << THAW_PAGE_SHIFT),
			  (size_t)count << THAW_PAGE_SHIFT, buf);
}

static enum thaw_err host_consume(struct thaw_disk *disk, uint64_t page, const void *old_page,
				  const void *new_page)
{
	(void)disk;
	(void)page;
	(void)old_page;
	(void)new_page;
	return THAW_WRITE;
}

void host_disk_init(struct host_disk *ret, int fd, uint64_t offset, uint64_t size)
{
	*ret = (struct host_disk){
		.seam.pages = size >> THAW_PAGE_SHIFT,
		.seam.read = host_read,
		.seam.consume = host_consume,
		.fd = fd,
		.offset = offset,
	};
}
