/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * bench_codec.c: how fast the decoders and checksums are, next to the libraries, on a file.
 *
 *	bench_codec [-j] [-r rounds] file
 *
 * The file should hold memory pages: a dump, or a decoded image. It is cut into blocks of 128 KiB,
 * as Linux does, and each block is compressed on its own. All candidates take turns every few
 * milliseconds, so that whatever else the machine does hits all alike; medians over the rounds are
 * compared.
 */
#include <lz4hc.h>	/* and so liblz4's own lz4.h, whatever the search path */
#include <lzo/lzo1x.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <thaw/crc32.h>
#include "lz4.h"
#include "lzo1x.h"
#include "timing.h"

#define BLOCK ((size_t)128 << 10)
#define BLOCK_CODED (BLOCK + BLOCK / 16 + 1024)
#define ROUNDS_MAX 101
#define SLICE 32	/* blocks per turn */

struct blocks {
	uint8_t *coded;		/* count slots of BLOCK_CODED bytes */
	size_t *coded_len;
};

struct bench {
	const uint8_t *data;
	size_t len, count;
	struct blocks lzo, lz4;
	uint8_t *out;		/* BLOCK bytes, as one processor's buffer would be */
};

static volatile uint32_t sink;

static void *need(void *p)
{
	if (!p) {
		perror("bench_codec");
		exit(2);
	}
	return p;
}

static size_t block_len(const struct bench *b, size_t i)
{
	return i + 1 < b->count ? BLOCK : b->len - i * BLOCK;
}

static void load(struct bench *b, const char *name)
{
	FILE *f = need(fopen(name, "rb"));

	fseek(f, 0, SEEK_END);
	b->len = (size_t)ftell(f);
	rewind(f);
	b->data = need(malloc(b->len + 1));
	if (!b->len || fread((void *)b->data, 1, b->len, f) != b->len)
		need(NULL);
	fclose(f);
	b->count = (b->len + BLOCK - 1) / BLOCK;
	b->out = need(malloc(BLOCK));
}

static void alloc_blocks(const struct bench *b, struct blocks *blocks)
{
	blocks->coded = need(malloc(b->count * BLOCK_CODED));
	blocks->coded_len = need(calloc(b->count, sizeof(size_t)));
}

static void compress_all(struct bench *b)
{
	void *work = need(malloc(LZO1X_1_MEM_COMPRESS));

	alloc_blocks(b, &b->lzo);
	alloc_blocks(b, &b->lz4);
	for (size_t i = 0; i < b->count; i++) {
		lzo_uint n = BLOCK_CODED;

		lzo1x_1_compress(b->data + i * BLOCK, block_len(b, i),
				 b->lzo.coded + i * BLOCK_CODED, &n, work);
		b->lzo.coded_len[i] = n;
		b->lz4.coded_len[i] = (size_t)LZ4_compress_default(
			(const char *)b->data + i * BLOCK, (char *)b->lz4.coded + i * BLOCK_CODED,
			(int)block_len(b, i), (int)BLOCK_CODED);
	}
	free(work);
}

static size_t total(const struct bench *b, const struct blocks *blocks)
{
	size_t sum = 0;

	for (size_t i = 0; i < b->count; i++)
		sum += blocks->coded_len[i];
	return sum;
}

/* Each candidate does block i and says whether it worked. */

static bool do_memcpy(struct bench *b, size_t i)
{
	memcpy(b->out, b->data + i * BLOCK, block_len(b, i));
	return true;
}

static bool do_lzo_thaw(struct bench *b, size_t i)
{
	size_t n;

	return !thaw_lzo1x_decode(b->lzo.coded + i * BLOCK_CODED, b->lzo.coded_len[i], b->out,
				  BLOCK, &n) && n == block_len(b, i);
}

static bool do_lzo_lib(struct bench *b, size_t i)
{
	lzo_uint n = BLOCK;

	return lzo1x_decompress_safe(b->lzo.coded + i * BLOCK_CODED, b->lzo.coded_len[i], b->out,
				     &n, NULL) == LZO_E_OK && n == block_len(b, i);
}

static bool do_lz4_thaw(struct bench *b, size_t i)
{
	size_t n;

	return !thaw_lz4_decode(b->lz4.coded + i * BLOCK_CODED, b->lz4.coded_len[i], b->out,
				BLOCK, &n) && n == block_len(b, i);
}

static bool do_lz4_lib(struct bench *b, size_t i)
{
	int n = LZ4_decompress_safe((const char *)b->lz4.coded + i * BLOCK_CODED, (char *)b->out,
				    (int)b->lz4.coded_len[i], (int)BLOCK);

	return n >= 0 && (size_t)n == block_len(b, i);
}

static bool do_crc_table(struct bench *b, size_t i)
{
	sink = thaw_crc32(0, b->data + i * BLOCK, block_len(b, i));
	return true;
}

static bool do_crc_chosen(struct bench *b, size_t i)
{
	static int method = -1;

	if (method < 0)
		method = (int)thaw_crc32_choose(NULL);
	sink = thaw_crc32_by((enum thaw_crc32_method)method, 0, b->data + i * BLOCK,
			     block_len(b, i));
	return true;
}

static bool do_crc_zlib(struct bench *b, size_t i)
{
	sink = (uint32_t)crc32(0, b->data + i * BLOCK, (uInt)block_len(b, i));
	return true;
}

static struct candidate {
	const char *name;
	bool (*run)(struct bench *b, size_t i);
	const char *against;
	bool decodes;
	double seconds[ROUNDS_MAX];
} candidates[] = {
	{ .name = "memcpy", .run = do_memcpy },
	{ .name = "liblzo2", .run = do_lzo_lib, .decodes = true },
	{ .name = "thaw lzo1x", .run = do_lzo_thaw, .against = "liblzo2", .decodes = true },
	{ .name = "liblz4", .run = do_lz4_lib, .decodes = true },
	{ .name = "thaw lz4", .run = do_lz4_thaw, .against = "liblz4", .decodes = true },
	{ .name = "zlib crc32", .run = do_crc_zlib },
	{ .name = "thaw crc32 table", .run = do_crc_table, .against = "zlib crc32" },
	{ .name = "thaw crc32 chosen", .run = do_crc_chosen, .against = "zlib crc32" },
};

#define CANDIDATES (sizeof(candidates) / sizeof(candidates[0]))

/* Processor time: what other programs take of the machine is not ours. */
static double own_time(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void verify(struct bench *b)
{
	for (size_t c = 0; c < CANDIDATES; c++) {
		for (size_t i = 0; candidates[c].decodes && i < b->count; i++) {
			memset(b->out, 0xaa, BLOCK);
			if (candidates[c].run(b, i) &&
			    !memcmp(b->out, b->data + i * BLOCK, block_len(b, i)))
				continue;
			fprintf(stderr, "%s: block %zu is wrong\n", candidates[c].name, i);
			exit(1);
		}
	}
}

static double time_slice(struct bench *b, const struct candidate *c, size_t first)
{
	double begin = own_time();

	for (size_t i = first; i < first + SLICE && i < b->count; i++)
		c->run(b, i);
	return own_time() - begin;
}

static void measure(struct bench *b, unsigned rounds)
{
	for (unsigned round = 0; round < rounds; round++)
		for (size_t first = 0; first < b->count; first += SLICE)
			for (size_t c = 0; c < CANDIDATES; c++)
				candidates[c].seconds[round] +=
					time_slice(b, &candidates[c], first);
}

static double mib_per_s(const struct bench *b, struct candidate *c, unsigned rounds)
{
	return (double)b->len / 1048576 / median(c->seconds, (int)rounds);
}

static double speed_of(const char *name, const double *speed)
{
	for (size_t c = 0; c < CANDIDATES; c++)
		if (!strcmp(candidates[c].name, name))
			return speed[c];
	return 0;
}

static void report(const struct bench *b, unsigned rounds, bool json)
{
	double speed[CANDIDATES];

	for (size_t c = 0; c < CANDIDATES; c++)
		speed[c] = mib_per_s(b, &candidates[c], rounds);
	printf("%zu MiB in %zu blocks; lzo1x %.1f %%, lz4 %.1f %% of that; median of %u rounds\n",
	       b->len >> 20, b->count, 100.0 * (double)total(b, &b->lzo) / (double)b->len,
	       100.0 * (double)total(b, &b->lz4) / (double)b->len, rounds);
	for (size_t c = 0; c < CANDIDATES; c++) {
		printf("%-18s %9.1f MiB/s", candidates[c].name, speed[c]);
		if (candidates[c].against)
			printf("   %.2f x %s", speed[c] / speed_of(candidates[c].against, speed),
			       candidates[c].against);
		printf("\n");
	}
	for (size_t c = 0; json && c < CANDIDATES; c++)
		printf("%s\"%s\": %.1f%s", c ? ", " : "{", candidates[c].name, speed[c],
		       c + 1 < CANDIDATES ? "" : "}\n");
}

int main(int argc, char **argv)
{
	struct bench b = { 0 };
	unsigned rounds = 9;
	bool json = false;
	int i;

	for (i = 1; i < argc - 1; i++) {
		if (!strcmp(argv[i], "-j"))
			json = true;
		else if (!strcmp(argv[i], "-r"))
			rounds = (unsigned)atoi(argv[++i]);
	}
	if (i != argc - 1 || !rounds || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: bench_codec [-j] [-r rounds] file\n");
		return 2;
	}
	load(&b, argv[i]);
	compress_all(&b);
	verify(&b);
	measure(&b, rounds);
	report(&b, rounds, json);
	return 0;
}
