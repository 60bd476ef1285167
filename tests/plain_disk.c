/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * plain_disk.c: see plain_disk.h.
 */
#include "plain_disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static enum thaw_err disk_read(struct thaw_disk *d, uint64_t page, uint64_t count, void *buf)
{
	struct plain_disk *disk = (struct plain_disk *)d;
	uint64_t i;

	if (!count || page >= d->pages || count > d->pages - page ||
	    (disk->has_bad && disk->bad_page >= page && disk->bad_page < page + count))
		return THAW_READ;
	for (i = page; i < page + count; i++) {
		disk->reads++;
		disk->rereads += disk->times[i]++ != 0;
	}
	memcpy(buf, disk->bytes + page * THAW_PAGE_SIZE, count * THAW_PAGE_SIZE);
	return THAW_OK;
}

static enum thaw_err disk_consume(struct thaw_disk *d, uint64_t page, const void *old_page,
				  const void *new_page)
{
	struct plain_disk *disk = (struct plain_disk *)d;
	uint8_t *at = disk->bytes + page * THAW_PAGE_SIZE;

	if (page >= d->pages || memcmp(at, old_page, THAW_PAGE_SIZE))
		return THAW_CHANGED;
	memcpy(at, new_page, THAW_PAGE_SIZE);
	disk->consumed++;
	disk->consumed_page = page;
	return THAW_OK;
}

static uint8_t *map(uint64_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

void plain_disk_init(struct plain_disk *ret, uint64_t pages)
{
	*ret = (struct plain_disk){
		.d = {.pages = pages, .read = disk_read, .consume = disk_consume},
		.bytes = map(pages * THAW_PAGE_SIZE),
		.times = map(pages),
	};
}

void plain_disk_free(struct plain_disk *disk)
{
	if (!disk->bytes)
		return;
	munmap(disk->bytes, disk->d.pages * THAW_PAGE_SIZE);
	munmap(disk->times, disk->d.pages);
}

void plain_disk_load(struct plain_disk *disk, const char *path)
{
	FILE *file = fopen(path, "rb");

	if (!file || !fread(disk->bytes, 1, disk->d.pages * THAW_PAGE_SIZE, file)) {
		fprintf(stderr, "%s is missing: run the tests from the top of the tree\n", path);
		abort();
	}
	fclose(file);
}

static void *memory_alloc(struct thaw_memory *m, uint64_t bytes)
{
	struct plain_memory *memory = (struct plain_memory *)m;
	void *p;

	if (memory->count == THAW_ARRAY_LEN(memory->list) ||
	    (memory->fail_at && !--memory->fail_at))
		return NULL;
	p = aligned_alloc(THAW_PAGE_SIZE, thaw_div_up(bytes, THAW_PAGE_SIZE) * THAW_PAGE_SIZE);
	memset(p, 0xa5, thaw_div_up(bytes, THAW_PAGE_SIZE) * THAW_PAGE_SIZE);
	return memory->list[memory->count++] = p;
}

void plain_memory_init(struct plain_memory *ret)
{
	ret->m.alloc = memory_alloc;
	ret->count = 0;
	ret->fail_at = 0;
}

void plain_memory_free(struct plain_memory *memory)
{
	while (memory->count)
		free(memory->list[--memory->count]);
}
