/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * reseal.c: makes the checksum of a spoilt image right again.
 *
 * Walks whatever the disk holds with no trust in it; gives up where there is nothing to decode.
 */
#include <lz4.h>
#include <lzo/lzo1x.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "synth.h"

#define PAGE	      4096
#define MOST_PAGES    (1 << 20)
#define CHUNK_BYTES   (32 * PAGE)
#define STORED_BYTES  (35 * PAGE)

struct walk {
	uint8_t *disk;
	uint64_t pages;
	uint64_t map;
	unsigned entry;
	unsigned steps;
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
static const uint8_t *next_page(struct walk *w)
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

static bool next_chunk(struct walk *w, bool lz4, uint8_t *stored, uint8_t *to, size_t want)
{
	const uint8_t *page = next_page(w);
	size_t have = PAGE;
	uint64_t length;

	if (!page)
		return false;
	length = get64(page);
	if (!length || length > STORED_BYTES - 8)
		return false;
	memcpy(stored, page, PAGE);
	for (; have < length + 8; have += PAGE) {
		page = next_page(w);
		if (!page)
			return false;
		memcpy(stored + have, page, PAGE);
	}
	return decode(lz4, stored + 8, length, to, want);
}

bool synth_reseal(uint8_t *disk, uint64_t pages, uint64_t header_page)
{
	static uint8_t stored[STORED_BYTES];
	static uint8_t chunk[CHUNK_BYTES];
	uint8_t *header = disk + header_page * PAGE;
	struct walk w = {disk, pages, get64(header + 4064), 0, 0};
	const uint8_t *info = next_page(&w);
	uint64_t left = info ? get64(info + 424) - 1 : 0;
	uint32_t crc = 0;
	size_t n;

	if (!info || !left || left > MOST_PAGES)
		return false;
	for (; left; left -= n / PAGE) {
		n = (left < 32 ? left : 32) * PAGE;
		if (!next_chunk(&w, header[4072] & 16, stored, chunk, n))
			return false;
		crc = synth_crc32(crc, chunk, n);
	}
	synth_put32(header + 4060, crc);
	return true;
}
