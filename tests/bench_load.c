/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * bench_load.c: the pipeline on the host, over a disk in memory, against its decoder alone and
 * against memcpy. Frames are touched beforehand, so that the host's page faults do not count.
 *
 *	bench_load IMAGE BYTE-OFFSET [RUNS]
 *
 * Kinds take turns, so that what else the machine does hits all alike; and a run is the best of some
 * tries, for it lasts no longer than a host needs to give one of two processors to somebody else.
 * Prints MiB/s of decoded pages (medians of the runs) and ratios, then one line of JSON.
 */
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thaw/crc32.h>

#include "../tools/host_machine.h"
#include "../tools/memmap_file.h"
#include "timing.h"

#define MOST_RUNS 31
#define TRIES     5

struct memory_disk {
	struct thaw_disk seam;
	const uint8_t *bytes;
};

struct piece {
	struct thaw_block block;
	const uint8_t *stored;
	uint64_t page; /* of those that are decoded, the first that is in it */
};

struct bench {
	struct memory_disk disk;
	uint8_t *stream; /* the stored blocks, one behind the other */
	size_t stream_bytes;
	uint64_t pages; /* that they decode to */
	bool checked;	/* the stream has a checksum */
	struct piece *pieces;
	size_t piece_count;
};

static enum thaw_err disk_read(struct thaw_disk *disk, uint64_t page, uint64_t count, void *buf)
{
	struct memory_disk *d = (struct memory_disk *)disk;

	if (page >= disk->pages || count > disk->pages - page)
		return THAW_READ;
	memcpy(buf, d->bytes + (page << THAW_PAGE_SHIFT), (size_t)count << THAW_PAGE_SHIFT);
	return THAW_OK;
}

static void open_disk(struct memory_disk *disk, const char *path, off_t offset)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	uint8_t *bytes;
	ssize_t n;
	size_t at = 0;

	if (fd < 0 || fstat(fd, &st) || st.st_size <= offset)
		errx(1, "cannot open the image");
	bytes = malloc((size_t)(st.st_size - offset));
	while (bytes && (n = pread(fd, bytes + at, (size_t)(st.st_size - offset) - at,
				   offset + (off_t)at)) > 0)
		at += (size_t)n;
	close(fd);
	disk->bytes = bytes;
	disk->seam = (struct thaw_disk){ .pages = at >> THAW_PAGE_SHIFT, .read = disk_read };
}

static void open_image(struct bench *b, struct thaw_image *image, struct thaw_memory *memory)
{
	struct thaw_diag diag = { 0 };

	if (thaw_image_open(image, &b->disk.seam, 0, UINT64_C(1) << 40, memory, &diag))
		errx(1, "%s", thaw_err_name(diag.code));
}

static void cut_stream(struct bench *b, const struct thaw_image *image)
{
	const uint8_t *at = b->stream;
	const uint8_t *end = at + b->stream_bytes;
	struct piece *piece;
	uint64_t page;

	b->pieces = malloc((size_t)b->pages * sizeof(*b->pieces));
	for (page = 0; page < b->pages; page += piece->block.pages) {
		piece = &b->pieces[b->piece_count++];
		*piece = (struct piece){.stored = at, .page = page};
		if (thaw_image_split(image, image->decoded_pages + page, at, (size_t)(end - at),
				     &piece->block, NULL) ||
		    !piece->block.stored)
			errx(1, "the stream does not split");
		at += piece->block.stored;
	}
}

/* What the pipeline will decode: the stored bytes, and where they are cut. */
static void gather_stream(struct bench *b)
{
	struct host_memory memory;
	struct thaw_image image;
	uint64_t page;
	uint64_t count;

	host_memory_init(&memory);
	open_image(b, &image, &memory.seam);
	b->stream = malloc((size_t)image.facts.stored_pages << THAW_PAGE_SHIFT);
	memcpy(b->stream, image.rest, image.rest_bytes);
	b->stream_bytes = image.rest_bytes;
	while ((count = thaw_stream_next(&image, &image.pos, UINT64_MAX, &page))) {
		disk_read(&b->disk.seam, page, count, b->stream + b->stream_bytes);
		b->stream_bytes += (size_t)count << THAW_PAGE_SHIFT;
	}
	b->pages = image.facts.stream_pages - image.decoded_pages;
	b->checked = image.facts.has_checksum;
	cut_stream(b, &image);
	host_memory_free(&memory);
}

/*
 * Blocks one after the other, with nothing around them.
 * DECODE: into one block that stays in the cache.
 * CHECK: that, and its checksum.
 * MOVE: each block copied from the disk first, and decoded into frames of its own. However many
 * processors do that, none of them gets below it.
 */
enum bare { DECODE, CHECK, MOVE };

struct loop {
	const struct bench *b;
	enum bare how;
	enum thaw_crc32_method method;
	uint8_t *frames;
	size_t next; /* block; atomic */
};

static uint8_t *frames_of(const struct bench *b)
{
	size_t bytes = (size_t)b->pages << THAW_PAGE_SHIFT;
	uint8_t *frames = aligned_alloc((size_t)2 << 20, (bytes | (((size_t)2 << 20) - 1)) + 1);

	if (!frames)
		errx(1, "no memory");
	madvise(frames, bytes, MADV_HUGEPAGE);
	memset(frames, 1, bytes);
	return frames;
}

static void do_piece(const struct loop *loop, const struct piece *piece)
{
	static _Thread_local uint8_t cached[THAW_BLOCK_BYTES] __attribute__((aligned(4096)));
	static _Thread_local uint8_t copied[THAW_BLOCK_STORED_MAX] __attribute__((aligned(4096)));
	struct thaw_block block = piece->block;
	const uint8_t *stored = piece->stored;
	uint8_t *to = cached;
	volatile uint32_t crc;

	if (loop->how == DECODE)
		block.has_checksum = false;
	if (loop->how == MOVE) {
		stored = memcpy(copied, stored, block.stored);
		to = loop->frames + (piece->page << THAW_PAGE_SHIFT);
	}
	if (thaw_block_decode(&block, stored, to))
		errx(1, "the decoder alone fails");
	if (loop->how != DECODE && loop->b->checked)
		crc = thaw_crc32_by(loop->method, 0, to, (size_t)block.pages << THAW_PAGE_SHIFT);
	(void)crc;
}

static void *do_pieces(void *arg)
{
	struct loop *loop = arg;
	size_t i;

	while ((i = __atomic_fetch_add(&loop->next, 1, __ATOMIC_RELAXED)) < loop->b->piece_count)
		do_piece(loop, &loop->b->pieces[i]);
	return NULL;
}

static double without_pipeline(const struct bench *b, enum bare how, unsigned processors)
{
	struct loop loop = {.b = b, .how = how, .method = thaw_crc32_choose(NULL)};
	pthread_t other;
	double began;

	if (how == MOVE)
		loop.frames = frames_of(b);
	began = now();
	if (processors > 1 && pthread_create(&other, NULL, do_pieces, &loop))
		errx(1, "no thread");
	do_pieces(&loop);
	if (processors > 1)
		pthread_join(other, NULL);
	began = now() - began;
	free(loop.frames);
	return began;
}

static void plan(struct bench *b, struct host_machine *machine, struct thaw_image *image,
		 struct thaw_plan *p, struct thaw_load **load)
{
	struct thaw_machine *m = &machine->seam;
	struct thaw_diag diag;
	struct thaw_memmap map = { .capacity = 64 };
	size_t i;

	open_image(b, image, &m->memory);
	map.ranges = m->memory.alloc(&m->memory, map.capacity * sizeof(*map.ranges));
	if (m->memory_map(m, &map) || thaw_plan_reserve(p, image, &map, &m->memory))
		errx(1, "no memory");
	p->claim_count = thaw_plan_claims(&map, p->claims);
	for (i = 0; i < p->claim_count; i++) {
		if (m->claim(m, p->claims[i]))
			errx(1, "no memory");
		madvise(m->frame(m, p->claims[i].first),
			(size_t)thaw_range_count(p->claims[i]) << THAW_PAGE_SHIFT, MADV_HUGEPAGE);
	}
	if (thaw_plan_find_safe(p, image, &diag) || thaw_load_prepare(load, m, p, &diag) ||
	    thaw_plan_make(p, image, &diag))
		errx(1, "%s", thaw_err_name(diag.code));
}

static void touch_pages(volatile uint8_t *page, uint64_t count)
{
	for (; count; count--, page += THAW_PAGE_SIZE)
		*page = *page;
}

/* Frames lie in large pages, as in firmware's page tables, and the host has given them already. */
static void touch(struct thaw_machine *m, const struct thaw_plan *p)
{
	size_t i;

	for (i = 0; i < p->scratch_count; i++)
		touch_pages(m->frame(m, p->scratch[i].first), thaw_range_count(p->scratch[i]));
	for (i = 0; i < p->target_count; i++) {
		if (p->targets[i].kind != THAW_TARGET_LATE)
			memset(m->frame(m, p->targets[i].where), 1,
			       (size_t)p->targets[i].count << THAW_PAGE_SHIFT);
	}
}

static double pipeline(struct bench *b, unsigned processors)
{
	static struct host_machine machine;
	static struct thaw_mounted mounted = { .count = 1 };
	struct host_memory memory;
	struct thaw_image image;
	struct thaw_memmap map;
	struct thaw_plan p;
	struct thaw_load *load;
	struct thaw_diag diag;
	double began;

	host_memory_init(&memory);
	open_image(b, &image, &memory.seam);
	if (memmap_make_up(&image, &map))
		errx(1, "no memory");
	host_memory_free(&memory);
	host_machine_init(&machine, &map);
	machine.seam.cpu.processors = processors;
	plan(b, &machine, &image, &p, &load);
	touch(&machine.seam, &p);
	began = now();
	if (thaw_load_run(load, &image, &p, &b->disk.seam, &mounted, &diag))
		errx(1, "%s", thaw_err_name(diag.code));
	began = now() - began;
	host_machine_free(&machine);
	return began;
}

static double copy_alone(struct bench *b)
{
	size_t bytes = (size_t)b->pages << THAW_PAGE_SHIFT;
	uint8_t *to = malloc(bytes);
	uint8_t *from = malloc(bytes);
	double began;

	if (!to || !from)
		errx(1, "no memory");
	memset(to, 1, bytes);
	memset(from, 2, bytes);
	began = now();
	memcpy(to, from, bytes);
	__asm__ volatile("" : : "r"(to) : "memory");
	began = now() - began;
	free(to);
	free(from);
	return began;
}

enum what { ALONE, CHECKED, MOVED, MOVED_TWO, ONE, TWO, COPY, WHATS };

static double run(struct bench *b, enum what what)
{
	switch (what) {
	case ALONE:
		return without_pipeline(b, DECODE, 1);
	case CHECKED:
		return without_pipeline(b, CHECK, 1);
	case MOVED:
		return without_pipeline(b, MOVE, 1);
	case MOVED_TWO:
		return without_pipeline(b, MOVE, 2);
	case ONE:
		return pipeline(b, 1);
	case TWO:
		return pipeline(b, 2);
	default:
		return copy_alone(b);
	}
}

static void run_all(struct bench *b, double times[WHATS][MOST_RUNS], int number)
{
	for (int i = 0; i < TRIES; i++) {
		for (enum what what = 0; what < WHATS; what++) {
			double took = run(b, what);

			if (!i || took < times[what][number])
				times[what][number] = took;
		}
	}
}

static void tell(const char *what, double mib, double seconds, double than, const char *of)
{
	printf("%-32s %6.0f MiB/s", what, mib / seconds);
	if (of)
		printf("  %5.2f of %s", than / seconds, of);
	printf("\n");
}

static void report(const struct bench *b, const double *t, int runs)
{
	double mib = (double)b->pages / 256;

	printf("%llu pages, medians of %d runs, each the best of %d\n",
	       (unsigned long long)b->pages, runs, TRIES);
	tell("memcpy", mib, t[COPY], 0, NULL);
	tell("decoder alone", mib, t[ALONE], 0, NULL);
	tell("and its checksum", mib, t[CHECKED], t[ALONE], "the decoder alone");
	tell("and copying from disk, to frames", mib, t[MOVED], t[ALONE], "the decoder alone");
	tell("the same, 2 threads", mib, t[MOVED_TWO], t[MOVED], "one thread");
	tell("pipeline, 1 thread", mib, t[ONE], t[ALONE], "the decoder alone");
	tell("pipeline, 2 threads", mib, t[TWO], t[ONE], "one thread");
	printf("{\"bench\": \"load\", \"pages\": %llu, \"runs\": %d, \"memcpy_s\": %.6f, "
	       "\"decoder_s\": %.6f, \"checked_s\": %.6f, \"moved_s\": %.6f, "
	       "\"moved_two_s\": %.6f, \"one_s\": %.6f, \"two_s\": %.6f}\n",
	       (unsigned long long)b->pages, runs, t[COPY], t[ALONE], t[CHECKED], t[MOVED],
	       t[MOVED_TWO], t[ONE], t[TWO]);
}

int main(int argc, char **argv)
{
	static struct bench b;
	static double times[WHATS][MOST_RUNS];
	double medians[WHATS];
	int runs = argc > 3 ? atoi(argv[3]) : 5;

	if (argc < 3 || runs < 1 || runs > MOST_RUNS)
		errx(2, "usage: bench_load IMAGE BYTE-OFFSET [RUNS]");
	open_disk(&b.disk, argv[1], atoll(argv[2]));
	gather_stream(&b);
	for (int i = 0; i < runs; i++)
		run_all(&b, times, i);
	for (enum what what = 0; what < WHATS; what++)
		medians[what] = median(times[what], runs);
	report(&b, medians, runs);
	return 0;
}
