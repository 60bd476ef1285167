/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * hibernate_memory.c: after the snapshot the kernel has only as much free memory as it kept back
 * for drivers, and nobody can make room. So the heap is grown before, and never shrinks; threads
 * leave their stacks to their successors. All of it is locked.
 */
#include "hibernate.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

/* What the writer has beside its tables: a window, and blocks in the making for each thread. */
#define HEAP_BASE	((size_t)8 << 20)
#define HEAP_PER_THREAD ((size_t)9 << 18)
/* Tables: 24 bytes a run, 32 a block, copied as they grow; a run has several pages mostly. */
#define HEAP_PER_FRAME 16
#define STACK_BYTES    ((size_t)256 << 10)
/* Room for a loader where the image takes all of the rest. */
#define SPARE_PAGES 256

static void *take(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* --- the heap ------------------------------------------------------------------------------- */

/* One piece of the heap, touched and given back to malloc, which keeps it. */
static bool grow_heap(size_t bytes)
{
	volatile char *p;
	size_t i;

	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, -1);
	p = malloc(bytes);
	if (!p)
		return false;
	for (i = 0; i < bytes; i += THAW_PAGE_SIZE)
		p[i] = 0;
	free((void *)p);
	return true;
}

/* --- threads -------------------------------------------------------------------------------- */

static void *wait_for_all(void *arg)
{
	pthread_barrier_wait(arg);
	return NULL;
}

/* glibc keeps the stacks of threads that ended for those to come. */
static bool leave_stacks(unsigned count)
{
	pthread_barrier_t barrier;
	pthread_attr_t attr;
	pthread_t *threads = calloc(count, sizeof(*threads));
	unsigned begun = 0;
	unsigned i;

	if (!threads || pthread_attr_init(&attr) || pthread_attr_setstacksize(&attr, STACK_BYTES) ||
	    pthread_setattr_default_np(&attr) || pthread_barrier_init(&barrier, NULL, count + 1)) {
		free(threads);
		return false;
	}
	while (begun < count && !pthread_create(&threads[begun], NULL, wait_for_all, &barrier))
		begun++;
	/* With too few at the barrier nobody would ever leave it. */
	if (begun < count)
		return false;
	pthread_barrier_wait(&barrier);
	for (i = 0; i < begun; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	free(threads);
	return true;
}

/* --- the whole ------------------------------------------------------------------------------ */

/* Pages that nobody else has, so that the snapshot's copies of them can be told by their content. */
static bool fill_spares(uint8_t *spares)
{
	size_t got = 0;
	ssize_t n;
	size_t i;

	while (got < THAW_PAGE_SIZE) {
		n = getrandom(spares + got, THAW_PAGE_SIZE - got, 0);
		if (n < 0 && errno != EINTR)
			return false;
		got += n > 0 ? (size_t)n : 0;
	}
	for (i = 1; i < SPARE_PAGES; i++)
		memcpy(spares + i * THAW_PAGE_SIZE, spares, THAW_PAGE_SIZE);
	return true;
}

bool hibernate_memory_is_restored(const struct hibernate_memory *memory)
{
	const uint8_t *page = memory->spares;
	const uint8_t *end = page + SPARE_PAGES * THAW_PAGE_SIZE;

	while (page < end && (*page || memcmp(page, page + 1, THAW_PAGE_SIZE - 1)))
		page += THAW_PAGE_SIZE;
	return page < end;
}

bool hibernate_memory_reserve(struct hibernate_memory *ret, uint64_t memory_bytes, unsigned threads)
{
	/* The kernel copies what it saves, so that is half of the memory at most. */
	uint64_t frames = thaw_div_up(memory_bytes / 2, THAW_PAGE_SIZE) + THAW_PAGE_SIZE;

	/* Of the writer's threads one writes. */
	if (!leave_stacks(threads + 1) || mlockall(MCL_CURRENT | MCL_FUTURE) ||
	    !grow_heap(HEAP_BASE + threads * HEAP_PER_THREAD + (size_t)frames * HEAP_PER_FRAME))
		return false;
	ret->frame_capacity = frames;
	ret->frames = take((size_t)frames * sizeof(*ret->frames));
	ret->batch = take(HIBERNATE_BATCH * THAW_PAGE_SIZE);
	ret->spares = take(SPARE_PAGES * THAW_PAGE_SIZE);
	return ret->frames && ret->batch && ret->spares && fill_spares(ret->spares);
}
