/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * image.h: the model of an image, common to all formats.
 *
 * A format yields facts (what the image is), frames (sorted runs of physical frames that hold data
 * or are zero), and a stream: disk extents in order, which split into blocks of pages. The pages of
 * the data runs stand in the stream in the order of the runs.
 *
 * Nothing here allocates but through struct thaw_memory, prints, or writes to a disk. Each page of
 * the disk is read once.
 */
#ifndef THAW_IMAGE_H
#define THAW_IMAGE_H

#include <thaw/md5.h>
#include <thaw/platform.h>

enum thaw_codec { THAW_CODEC_NONE, THAW_CODEC_LZO1X, THAW_CODEC_LZ4 };

/* As users read it: "none", "lzo1x", "lz4". */
const char *thaw_codec_name(enum thaw_codec codec);

enum thaw_digest { THAW_DIGEST_NONE, THAW_DIGEST_CRC32, THAW_DIGEST_MD5 };

struct thaw_facts {
	const char *format;    /* "swsusp" or "thaw" */
	enum thaw_codec codec; /* of most blocks */
	bool platform_mode;    /* saved through ACPI S4 */
	bool has_checksum;     /* checksum covers the stream */
	bool blocks_have;      /* each block has a checksum of its own */
	uint32_t checksum;
	bool has_hw_sig;
	uint32_t hw_sig;
	enum thaw_digest digest_kind; /* of the memory map that the image was saved under */
	uint32_t digest;	      /* with THAW_DIGEST_CRC32 */
	uint8_t digest_md5[THAW_MD5_BYTES];
	uint64_t jump_va;      /* entry point as the image's page tables see it */
	uint64_t jump_pa;      /* and where it lies */
	uint64_t root_pa;      /* the image's page tables: its CR3, with the bits of LAM */
	uint64_t stream_pages; /* pages that the stream decodes to, PFN list included */
	uint64_t meta_pages;   /* of these, the PFN list at the beginning */
	uint64_t data_frames;
	uint64_t zero_frames;
	uint64_t stored_pages; /* pages of the stream on disk */
	uint64_t mark;	       /* hash over the header page alone */
	uint64_t identity;     /* hash over header, info, map and stream checksum; 0: not known */
};

enum thaw_run_kind { THAW_RUN_DATA, THAW_RUN_ZERO, THAW_RUN_FILL };

struct thaw_run {
	uint64_t first;
	uint32_t count;
	uint32_t kind; /* enum thaw_run_kind */
	uint64_t fill; /* of THAW_RUN_FILL: what all 8-byte words are; else 0 */
};

/* Linux's e820 types (arch/x86/include/asm/e820/types.h). */
enum thaw_e820_type {
	THAW_E820_RAM = 1,
	THAW_E820_RESERVED = 2,
	THAW_E820_ACPI = 3,
	THAW_E820_NVS = 4,
	THAW_E820_UNUSABLE = 5,
	THAW_E820_PMEM = 7,
};

/* An entry of Linux's e820 table, as it lies in memory and under the digest. Bytes, not frames. */
struct thaw_e820 {
	uint64_t addr;
	uint64_t size;
	uint32_t type; /* enum thaw_e820_type, or a value of the kernel's own */
} __attribute__((packed));

_Static_assert(sizeof(struct thaw_e820) == 20, "as in Linux's table");

/* Where one of firmware's tables lay. */
struct thaw_table {
	const uint8_t *guid; /* 16 bytes, as in EFI's configuration table */
	uint64_t address;
	uint64_t bytes;	   /* under the checksum; 0: none */
	uint64_t checksum; /* XXH64 of what lay there */
};

/* A piece of a partition that nobody may have changed since. */
struct thaw_watched {
	const uint8_t *partition; /* 16 bytes: unique GUID of the GPT partition */
	uint64_t offset;	  /* bytes */
	uint32_t bytes;
	uint64_t checksum; /* XXH64 of them */
	const char *name;  /* for messages, "ext4 /"; as stored */
};

/* Neighbouring disk pages of the stream, in stream order. */
struct thaw_extent {
	uint64_t page;
	uint64_t count;
};

/* A position in the stream as it lies on disk. */
struct thaw_stream_pos {
	size_t extent;
	uint64_t done; /* pages of that extent behind us */
};

/* One block as it lies in a buffer of stored bytes. */
struct thaw_block {
	size_t stored; /* bytes to step over */
	size_t offset; /* payload, from the beginning of the block */
	size_t length;
	uint32_t pages; /* what it decodes to, at most THAW_BLOCK_PAGES */
	enum thaw_codec codec;
	bool has_checksum; /* of its own */
	uint64_t checksum; /* XXH64 of what it decodes to */
};

#define THAW_BLOCK_PAGES 32
#define THAW_BLOCK_BYTES (THAW_BLOCK_PAGES * THAW_PAGE_SIZE)
/* No block of any format is longer on disk. */
#define THAW_BLOCK_STORED_MAX (35 * THAW_PAGE_SIZE)

/*
 * An open image. Everything it points to belongs to the struct thaw_memory it was opened with.
 *
 * Opening has to decode the beginning of the stream to learn the frames. What it decoded or read
 * beyond that is handed on: first head_pages pages at head, then rest_bytes stored bytes at rest
 * (beginning with a block), then the disk from pos. checksum_state is the running checksum over all
 * that was decoded, head included.
 */
struct thaw_format; /* private to imagefmt/ */
struct native_block;

struct thaw_image {
	const struct thaw_format *format;
	struct thaw_facts facts;
	uint64_t header_page;
	const uint8_t *header;		  /* the header page as read */
	uint8_t consumed[THAW_PAGE_SIZE]; /* the header page as it must be after the commit */
	const struct thaw_run *runs;
	size_t run_count;
	const struct thaw_extent *extents;
	size_t extent_count;
	struct thaw_stream_pos pos;
	const uint8_t *head;
	uint64_t head_pages;
	const uint8_t *rest;
	size_t rest_bytes;
	uint8_t *scratch; /* where head and rest lie: to be cleared when they are placed */
	size_t scratch_bytes;
	const struct native_block *blocks; /* of a format that has a table of them */
	size_t block_count;
	const struct thaw_e820
		*saved_map;	/* firmware's map of then, whose digest is facts.digest */
	size_t saved_map_count; /* 0: the format does not carry it */
	const struct thaw_table *tables;
	size_t table_count;
	const struct thaw_watched *watched;
	size_t watched_count;
	uint64_t decoded_pages; /* stream pages decoded, head included */
	uint32_t checksum_state;
};

/*
 * Does this page (the first of an area, or the one at a configured offset) carry an image's
 * signature? THAW_OK or THAW_NO_IMAGE. Looks at nothing else.
 */
enum thaw_err thaw_image_probe(const void *page);

/* Have the bytes that checksum, of a table or a watched range? */
bool thaw_bytes_match(const void *bytes, size_t count, uint64_t checksum);

/*
 * Is the disk a member of a Linux software RAID, with md's metadata behind its content? The content is
 * its first so many pages, and is not looked at. THAW_OK: it is none. THAW_FOREIGN, THAW_READ,
 * THAW_MEMORY.
 */
enum thaw_err thaw_md_raid_check(struct thaw_disk *disk, uint64_t pages,
				 struct thaw_memory *memory, struct thaw_diag *diag);

/* Hash over a header page that is not parsed: all that is known of an image that is refused unread.
 */
uint64_t thaw_image_mark(const void *page);

/*
 * Opens the image whose header is at header_page and checks all its metadata. max_frames bounds
 * what it may claim to hold: the number of frames of RAM in the machine.
 *
 * THAW_NO_IMAGE, THAW_READ, THAW_MEMORY, THAW_ENTRY_TABLES, or any of the reasons THAW_FOREIGN …
 * THAW_CHECKSUM. Even then facts.mark (once the header was read) and facts.identity (once the map was) are set in
 * *ret_image, so that the image can be remembered as passed over.
 */
enum thaw_err thaw_image_open(struct thaw_image *ret_image, struct thaw_disk *disk,
			      uint64_t header_page, uint64_t max_frames, struct thaw_memory *memory,
			      struct thaw_diag *diag);

/*
 * The next piece of the stream on disk: at most max_pages, contiguous from *ret_page. Advances
 * *pos. Returns the number of pages, 0 at the end.
 */
uint64_t thaw_stream_next(const struct thaw_image *image, struct thaw_stream_pos *pos,
			  uint64_t max_pages, uint64_t *ret_page);

/*
 * Looks at stored bytes that begin with a block of which decoded_pages pages of the stream come
 * before. THAW_OK with ret->stored == 0 means that len is too short to hold the whole block.
 * THAW_BLOCK_LENGTH.
 */
enum thaw_err thaw_image_split(const struct thaw_image *image, uint64_t decoded_pages,
			       const uint8_t *stored, size_t len, struct thaw_block *ret,
			       struct thaw_diag *diag);

/*
 * How many pages of the stream from decoded_pages on, where a block begins, lie on disk as they are,
 * one behind the other, so that they can be read to where they belong: at most max_pages, in whole
 * blocks. 0 where the next block is coded.
 */
uint32_t thaw_image_plain(const struct thaw_image *image, uint64_t decoded_pages,
			  uint32_t max_pages);

/*
 * Stored bytes from the block at decoded_pages to the next least_pages or more of such pages, if they
 * begin within max_bytes. 0: there are none, or they begin here.
 */
uint64_t thaw_image_before_plain(const struct thaw_image *image, uint64_t decoded_pages,
				 uint32_t least_pages, uint64_t max_bytes);

/*
 * Decodes a block into dst, exactly block->pages pages, and checks them where the block has a
 * checksum. What is not coded may be in place already. THAW_OK, THAW_BLOCK_DATA or THAW_CHECKSUM.
 * Any processor.
 */
enum thaw_err thaw_block_decode(const struct thaw_block *block, const uint8_t *stored, void *dst);

#endif
