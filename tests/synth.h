/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * synth.h: hibernated machines that never were: a picture of RAM, and a disk that holds it as Linux
 * would have written it, or thaw's own writer.
 *
 * Three steps, so that a test can spoil things in between:
 *
 *	synth_init, synth_add ...	which frames there are
 *	synth_draw			their contents, page tables among them, and the PFN list
 *	synth_store			stream, chunks, map and header on a disk
 *
 * Independent of imagefmt/: layout by literal offsets, compression by liblzo2 and liblz4, checksums
 * by zlib.
 */
#ifndef THAW_TESTS_SYNTH_H
#define THAW_TESTS_SYNTH_H

#include <thaw/image.h>
#include <thaw/native_disk.h>

enum synth_layout { SYNTH_FORWARD, SYNTH_BACKWARD, SYNTH_SCATTERED };

/* Whose image: Linux's, or thaw's own in an area of its own or in a swap area. */
enum synth_format { SYNTH_LINUX, SYNTH_OWN, SYNTH_SWAP };

struct synth_options {
	enum synth_format format;
	enum thaw_codec codec; /* of thaw's own: none or LZ4 */
	unsigned levels; /* of the image's page tables: 4 or 5 */
	unsigned leaf;	 /* level whose entry maps the entry page: 1, 2 (2 MiB) or 3 (1 GiB) */
	bool endbr;
	enum synth_layout layout;
	uint64_t header_page;
	bool trailing_map; /* when the last map page is exactly full, an empty one follows */
	unsigned noise;	   /* so many pages of 100 cannot be compressed */
	uint32_t digest;   /* of the memory map */
	uint32_t seed;
	const struct thaw_e820 *saved_map; /* of thaw's own: the map itself, NULL: digest alone */
	size_t saved_map_count;
	const struct native_watched *watched; /* of thaw's own: one, or NULL */
};

struct synth_frame {
	uint64_t pfn;
	uint8_t *data; /* NULL: zero, and no page of the stream */
};

/* Every page but page tables holds this somewhere: what a search for remnants looks for. */
#define SYNTH_SECRET UINT64_C(0x7365637265742121)

/* Pages of disk that are not the image's. */
#define SYNTH_SPARE_PAGES 4

struct synth {
	struct synth_options options;
	uint32_t random;

	struct synth_frame *frames; /* sorted */
	size_t frame_count;
	size_t data_count;
	uint64_t jump_va;
	uint64_t jump_pa;
	uint64_t root_pa;

	uint64_t *list; /* PFN list as in the stream, meta_pages * 512 entries */
	size_t meta_pages;
	uint8_t info[4096];

	uint8_t *stored; /* chunks or pages, as they lie in the map's order */
	size_t stored_pages;
	size_t *chunk_page; /* where each chunk begins in stored; one more for the end */
	size_t chunk_count;

	uint8_t *disk;
	uint64_t disk_pages;
	uint64_t *map_page; /* where the map's pages lie */
	size_t map_count;
	uint64_t info_page;
	uint64_t *stored_page; /* where the stream's pages lie */
};

void synth_init(struct synth *s, const struct synth_options *options);
void synth_free(struct synth *s);

/* Frames in ascending order. Room for page tables and the entry page must be among the data. */
void synth_add(struct synth *s, uint64_t first, uint64_t count, bool zero);
void synth_draw(struct synth *s);
/* May be called again, after more was spoilt. */
void synth_store(struct synth *s);

/* synth_native.c: synth_store() for thaw's own format, and synth_reseal(). */
void synth_native_store(struct synth *s);
bool synth_native_reseal(uint8_t *disk, uint64_t pages, uint64_t header_page);

/* Where the header lies, and where a byte of the logical space does; NULL: nowhere. */
struct native_anchor *synth_native_anchor(uint8_t *disk, uint64_t pages, uint64_t header_page);
struct native_header *synth_native_header(uint8_t *disk, uint64_t pages, uint64_t header_page);
uint8_t *synth_native_logical(uint8_t *disk, uint64_t pages, const struct native_header *h,
			      uint64_t position);

/* The picture of a frame: NULL when the image has no such frame. */
const struct synth_frame *synth_find(const struct synth *s, uint64_t pfn);

uint32_t synth_random(struct synth *s);

static inline uint8_t *synth_page(struct synth *s, uint64_t page)
{
	return s->disk + page * 4096;
}

/* Stores into the disk and the images of pages. */
void synth_put32(uint8_t *at, uint32_t v);
void synth_put64(uint8_t *at, uint64_t v);

/*
 * Walks the stream of whatever the disk holds with the original libraries: take gets it decoded,
 * whole pages at a time. False where it makes no sense.
 */
bool synth_walk(uint8_t *disk, uint64_t pages, uint64_t header_page,
		void (*take)(void *arg, const uint8_t *decoded, size_t n), void *arg);

/*
 * Writes a word into the decoded stream, at a byte that is a multiple of 8: its chunk is written
 * anew. False if there is no such place, or the chunk would need more pages than it has.
 */
bool synth_overwrite(uint8_t *disk, uint64_t pages, uint64_t header_page, uint64_t at,
		     uint64_t value);

/*
 * Computes the header's checksum anew for whatever the disk holds: for mutations that are to reach
 * the check they are meant for. False if the stream cannot be decoded.
 */
bool synth_reseal(uint8_t *disk, uint64_t pages, uint64_t header_page);

/*
 * Changes an entry of the PFN list: any(n) is a number below n, change(was, pages) the new value.
 * For a compressed image the first chunk is written anew. False if there is none to change.
 */
bool synth_edit(uint8_t *disk, uint64_t pages, uint64_t header_page, uint32_t (*any)(uint32_t n),
		uint64_t (*change)(uint64_t was, size_t pages));

/*
 * Changes one thing of the image whose header is at page 0: header, info page, map, PFN list, or any
 * word of the disk. any(n) is a number below n.
 */
void synth_spoil(uint8_t *disk, size_t pages, uint32_t (*any)(uint32_t n));

/* Compresses n bytes as the kernel would; room for 35 pages. Returns the length. */
size_t synth_compress(bool lz4, const uint8_t *from, size_t n, uint8_t *to);

/* Register of the image's checksum: started at 0, nothing inverted. */
uint32_t synth_crc32(uint32_t crc, const void *p, size_t n);

#endif
