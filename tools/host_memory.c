/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * host_memory.c: see host_memory.h.
 */
#include "host_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Lies in a page of its own in front of what is given out. */
struct host_block {
	struct host_block *next;
	size_t len;
};

static void *map_bytes(uint64_t bytes)
{
	void *p;

	if (bytes > SIZE_MAX / 2)
		return NULL;
	p = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

static void *host_alloc(struct thaw_memory *seam, uint64_t bytes)
{
	struct host_memory *memory = (struct host_memory *)seam;
	struct host_block *block;

	if (thaw_add_overflows(bytes, THAW_PAGE_SIZE, &bytes))
		return NULL;
	block = map_bytes(bytes);
	if (!block)
		return NULL;
	*block = (struct host_block){memory->blocks, (size_t)bytes};
	memory->blocks = block;
	return (uint8_t *)block + THAW_PAGE_SIZE;
}

void host_memory_init(struct host_memory *ret)
{
	*ret = (struct host_memory){.seam.alloc = host_alloc};
}

static bool make_room(struct host_memory *memory)
{
	size_t count = memory->claim_count + 1;
	struct thaw_range *claims = realloc(memory->claims, count * sizeof(*claims));
	uint8_t **bases;

	if (!claims)
		return false;
	memory->claims = claims;
	bases = realloc(memory->bases, count * sizeof(*bases));
	if (!bases)
		return false;
	memory->bases = bases;
	return true;
}

enum thaw_err host_memory_claim(struct host_memory *memory, struct thaw_range frames)
{
	uint64_t bytes;
	uint8_t *base;

	if (thaw_mul_overflows(thaw_range_count(frames), THAW_PAGE_SIZE, &bytes) ||
	    !make_room(memory))
		return THAW_MEMORY;
	base = map_bytes(bytes);
	if (!base)
		return THAW_MEMORY;
	memory->claims[memory->claim_count] = frames;
	memory->bases[memory->claim_count++] = base;
	return THAW_OK;
}

void *host_memory_frame(const struct host_memory *memory, uint64_t frame)
{
	size_t i = thaw_range_find(memory->claims, memory->claim_count, frame);

	if (i == memory->claim_count || !thaw_range_has(memory->claims[i], frame))
		return NULL;
	return memory->bases[i] + ((frame - memory->claims[i].first) << THAW_PAGE_SHIFT);
}

void host_memory_free(struct host_memory *memory)
{
	struct host_block *block;
	size_t i;

	for (i = 0; i < memory->claim_count; i++)
		munmap(memory->bases[i], (size_t)thaw_range_count(memory->claims[i])
						 << THAW_PAGE_SHIFT);
	free(memory->claims);
	free(memory->bases);
	while ((block = memory->blocks)) {
		memory->blocks = block->next;
		munmap(block, block->len);
	}
	host_memory_init(memory);
}

uint64_t host_memory_available(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kib;
	uint64_t bytes = UINT64_MAX;
	char line[128];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			bytes = (uint64_t)kib << 10;
	}
	if (file)
		fclose(file);
	return bytes;
}
