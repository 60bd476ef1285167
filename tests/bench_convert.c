/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * bench_convert.c: how fast the writer of thaw's own format takes pages, next to what liblz4 alone
 * does with them.
 *
 *	bench_convert FILE [RUNS]
 *
 * The file holds memory pages: a decoded image. liblz4 compresses them block by block, from memory
 * into one buffer, nothing else; the writer finds repeated words, sums up, compresses, and lays the
 * blocks out for a target that keeps nothing. With one thread, and with one for each processor. Runs
 * of all kinds take turns; medians. Prints MiB/s, then one line of JSON.
 */
#include <err.h>
#include <lz4.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <thaw/writer.h>

#include "timing.h"

#define BLOCK	     ((size_t)NATIVE_BLOCK_BYTES)
#define MOST_RUNS    31
#define MOST_THREADS 64
#define GIVEN	     512u /* pages at a time */

struct bench {
	uint8_t *pages;
	size_t bytes;
	size_t next; /* block to compress; atomic */
};

static void load(struct bench *b, const char *name)
{
	FILE *f = fopen(name, "rb");
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < (long)BLOCK)
		errx(1, "cannot read the pages");
	rewind(f);
	b->bytes = (size_t)size / BLOCK * BLOCK;
	b->pages = malloc(b->bytes);
	if (!b->pages || fread(b->pages, 1, b->bytes, f) != b->bytes)
		errx(1, "cannot read the pages");
	fclose(f);
}

/* --- liblz4 alone ------------------------------------------------------------------------- */

static void *compress(void *arg)
{
	struct bench *b = arg;
	char *out = malloc((size_t)LZ4_compressBound(BLOCK));
	size_t i;

	while (out && (i = __atomic_fetch_add(&b->next, 1, __ATOMIC_RELAXED)) < b->bytes / BLOCK)
		LZ4_compress_default((const char *)b->pages + i * BLOCK, out, BLOCK,
				     LZ4_compressBound(BLOCK));
	free(out);
	return NULL;
}

static double alone(struct bench *b, unsigned threads)
{
	pthread_t thread[MOST_THREADS];
	double began = now();

	b->next = 0;
	for (unsigned i = 0; i < threads; i++) {
		if (pthread_create(&thread[i], NULL, compress, b))
			errx(1, "no thread");
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	return now() - began;
}

/* --- the writer --------------------------------------------------------------------------- */

static bool read_none(struct thaw_writer_target *target, uint64_t unit, uint64_t units, void *buf)
{
	(void)target, (void)unit;
	memset(buf, 0, units << NATIVE_UNIT_SHIFT);
	return true;
}

static bool write_none(struct thaw_writer_target *target, uint64_t unit, uint64_t units,
		       const void *buf)
{
	(void)target, (void)unit, (void)units, (void)buf;
	return true;
}

static bool flush_none(struct thaw_writer_target *target)
{
	(void)target;
	return true;
}

static double writer(struct bench *b, unsigned threads)
{
	struct thaw_writer_options options = {.threads = threads};
	struct thaw_writer_facts facts = {
		.source = NATIVE_SOURCE_MADE_UP,
		.has_map_digest = true,
		.arch = NATIVE_ARCH_X86_64,
		.entry.x86_64 = {.root_pa = 4096},
	};
	struct thaw_writer_file file;
	struct thaw_writer *w;
	uint64_t left = b->bytes >> THAW_PAGE_SHIFT;
	uint64_t at = 0;
	uint32_t count;
	double began = now();

	thaw_writer_file_init(&file, -1, 0, 1, UINT64_C(1) << 40);
	file.target.read = read_none;
	file.target.write = write_none;
	file.target.flush = flush_none;
	if (thaw_writer_open(&w, &file.target, &options) || thaw_writer_describe(w, &facts))
		errx(1, "the writer does not begin");
	for (; left; left -= count, at += count) {
		count = (uint32_t)thaw_min(left, GIVEN);
		if (thaw_writer_data(w, at, count, b->pages + (at << THAW_PAGE_SHIFT)))
			errx(1, "the writer fails");
	}
	if (thaw_writer_finish(w))
		errx(1, "the writer does not end");
	thaw_writer_close(w);
	return now() - began;
}

/* --- the whole ---------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	static const char *const names[] = {"liblz4_one", "writer_one", "liblz4_all", "writer_all"};
	static double times[4][MOST_RUNS];
	static struct bench b;
	int runs = argc > 2 ? atoi(argv[2]) : 5;
	unsigned all = (unsigned)thaw_min((uint64_t)sysconf(_SC_NPROCESSORS_ONLN), MOST_THREADS);
	double medians[4];
	double mib;

	if (argc < 2 || runs < 1 || runs > MOST_RUNS)
		errx(2, "usage: bench_convert FILE [RUNS]");
	load(&b, argv[1]);
	mib = (double)b.bytes / (1 << 20);
	for (int i = 0; i < runs; i++) {
		times[0][i] = alone(&b, 1);
		times[1][i] = writer(&b, 1);
		times[2][i] = alone(&b, all);
		times[3][i] = writer(&b, all);
	}
	for (int k = 0; k < 4; k++) {
		medians[k] = median(times[k], runs);
		printf("%-12s %6.0f MiB/s\n", names[k], mib / medians[k]);
	}
	printf("{\"bench\": \"convert\", \"mib\": %.1f, \"threads\": %u", mib, all);
	for (int k = 0; k < 4; k++)
		printf(", \"%s_s\": %.6f", names[k], medians[k]);
	printf("}\n");
	return 0;
}
