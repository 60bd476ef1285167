/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * reseal.c: spoils a stored image below its checksum, and makes the checksum right again.
 *
 * Walks whatever the disk holds with no trust in it; gives up where there is nothing to decode.
 */
#include <lz4.h>
#include <lzo/lzo1x.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "synth.h"

#define PAGE	     4096
#define MOST_PAGES   (1 << 20)
#define CHUNK_BYTES  (32 * PAGE)
#define STORED_BYTES (35 * PAGE)

struct walk {
	uint8_t *disk;
	uint64_t pages;
	uint64_t map;
	unsigned entry;
	unsigned steps;
	uint8_t *chunk[35]; /* pages of the chunk read last */
	size_t chunk_pages;
};

uint32_t synth_crc32(uint32_t crc, const void *p, size_t n)
{
	return ~(uint32_t)crc32(~crc, p, (uInt)n);
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

/* The next page of the stream, NULL at the end of what makes sense. */
static uint8_t *next_page(struct walk *w)
{
	uint64_t page;

	if (w->entry == 511) {
		w->map = get64(w->disk + w->map * PAGE + 4088);
		w->entry = 0;
	}
	if (!w->map || w->map >= w->pages || ++w->steps > MOST_PAGES)
		return NULL;
	page = get64(w->disk + w->map * PAGE + w->entry++ * 8);
	return page && page < w->pages ? w->disk + page * PAGE : NULL;
}

static bool decode(bool lz4, const uint8_t *from, size_t n, uint8_t *to, size_t want)
{
	lzo_uint got = want;

	if (lz4)
		return LZ4_decompress_safe((const char *)from, (char *)to, (int)n, (int)want) ==
		       (int)want;
	return lzo1x_decompress_safe(from, n, to, &got, NULL) == LZO_E_OK && got == want;
}

size_t synth_compress(bool lz4, const uint8_t *from, size_t n, uint8_t *to)
{
	static uint8_t work[LZO1X_1_MEM_COMPRESS];
	lzo_uint length = 0;

	if (lz4)
		return (size_t)LZ4_compress_default((const char *)from, (char *)to, (int)n,
						    STORED_BYTES - 8);
	lzo1x_1_compress(from, n, to, &length, work);
	return length;
}

/* Takes the next page into the chunk. */
static bool take_page(struct walk *w, uint8_t *stored)
{
	uint8_t *page = next_page(w);

	if (!page)
		return false;
	memcpy(stored + w->chunk_pages * PAGE, page, PAGE);
	w->chunk[w->chunk_pages++] = page;
	return true;
}

static bool next_chunk(struct walk *w, bool lz4, uint8_t *stored, uint8_t *to, size_t want)
{
	uint64_t length;

	w->chunk_pages = 0;
	if (!take_page(w, stored))
		return false;
	length = get64(stored);
	if (!length || length > STORED_BYTES - 8)
		return false;
	while (w->chunk_pages * PAGE < length + 8) {
		if (!take_page(w, stored))
			return false;
	}
	return decode(lz4, stored + 8, length, to, want);
}

/* Puts a chunk back into the pages it came from, if it fits. */
static bool put_chunk(struct walk *w, bool lz4, uint8_t *stored, const uint8_t *from, size_t n)
{
	size_t length = synth_compress(lz4, from, n, stored + 8);
	size_t i;

	if (!length || length + 8 > w->chunk_pages * PAGE)
		return false;
	synth_put64(stored, length);
	for (i = 0; i < w->chunk_pages; i++)
		memcpy(w->chunk[i], stored + i * PAGE, PAGE);
	return true;
}

static uint8_t stored[STORED_BYTES];
static uint8_t chunk[CHUNK_BYTES];

static void edit_list(uint8_t *list, uint64_t pages, uint32_t (*any)(uint32_t n),
		      uint64_t (*change)(uint64_t was, size_t pages))
{
	uint8_t *at = list + any(any(4) ? 24 : 512) * 8;

	synth_put64(at, change(get64(at), pages));
}

bool synth_edit(uint8_t *disk, uint64_t pages, uint64_t header_page, uint32_t (*any)(uint32_t n),
		uint64_t (*change)(uint64_t was, size_t pages))
{
	uint8_t *header = disk + header_page * PAGE;
	struct walk w = {.disk = disk, .pages = pages, .map = get64(header + 4064)};
	const uint8_t *info = next_page(&w);
	bool lz4 = header[4072] & 16;
	uint64_t left = info ? get64(info + 424) - 1 : 0;
	size_t n = (left < 32 ? left : 32) * PAGE;
	uint8_t *page;

	if (!n)
		return false;
	if (header[4072] & 2) {
		page = next_page(&w);
		if (page)
			edit_list(page, pages, any, change);
		return page;
	}
	if (!next_chunk(&w, lz4, stored, chunk, n))
		return false;
	edit_list(chunk, pages, any, change);
	return put_chunk(&w, lz4, stored, chunk, n);
}

bool synth_walk(uint8_t *disk, uint64_t pages, uint64_t header_page,
		void (*take)(void *arg, const uint8_t *decoded, size_t n), void *arg)
{
	uint8_t *header = disk + header_page * PAGE;
	struct walk w = {.disk = disk, .pages = pages, .map = get64(header + 4064)};
	const uint8_t *info = next_page(&w);
	uint64_t left = info ? get64(info + 424) - 1 : 0;
	const uint8_t *page;
	size_t n;

	if (!info || !left || left > MOST_PAGES)
		return false;
	for (; left; left -= n / PAGE) {
		n = (left < 32 ? left : 32) * PAGE;
		if (header[4072] & 2) {
			n = PAGE;
			page = next_page(&w);
			if (!page)
				return false;
			take(arg, page, n);
			continue;
		}
		if (!next_chunk(&w, header[4072] & 16, stored, chunk, n))
			return false;
		take(arg, chunk, n);
	}
	return true;
}

static void add_crc32(void *arg, const uint8_t *decoded, size_t n)
{
	uint32_t *crc = arg;

	*crc = synth_crc32(*crc, decoded, n);
}

bool synth_reseal(uint8_t *disk, uint64_t pages, uint64_t header_page)
{
	uint32_t crc = 0;

	if (synth_native_anchor(disk, pages, header_page))
		return synth_native_reseal(disk, pages, header_page);
	if (!synth_walk(disk, pages, header_page, add_crc32, &crc))
		return false;
	synth_put32(disk + header_page * PAGE + 4060, crc);
	return true;
}

bool synth_overwrite(uint8_t *disk, uint64_t pages, uint64_t header_page, uint64_t at,
		     uint64_t value)
{
	uint8_t *header = disk + header_page * PAGE;
	struct walk w = {.disk = disk, .pages = pages, .map = get64(header + 4064)};
	const uint8_t *info = next_page(&w);
	bool lz4 = header[4072] & 16;
	uint64_t left = info ? get64(info + 424) - 1 : 0;
	uint8_t *page = NULL;
	size_t n;

	if (header[4072] & 2) {
		for (n = 0; n <= at / PAGE; n++)
			page = next_page(&w);
		if (page)
			synth_put64(page + at % PAGE, value);
		return page;
	}
	for (; left && left <= MOST_PAGES; left -= n / PAGE, at -= n) {
		n = (left < 32 ? left : 32) * PAGE;
		if (!next_chunk(&w, lz4, stored, chunk, n))
			return false;
		if (at < n) {
			synth_put64(chunk + at, value);
			return put_chunk(&w, lz4, stored, chunk, n);
		}
	}
	return false;
}
