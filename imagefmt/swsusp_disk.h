/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * swsusp_disk.h: Linux's hibernation image as it lies in swap, field by field, with Linux's names.
 *
 * Read in Linux 6.1.192, 6.12.117 and 7.2.13: kernel/power/swap.c (header, map pages, chunks),
 * kernel/power/power.h (flags, swsusp_info), kernel/power/snapshot.c (PFN list),
 * arch/x86/power/hibernate.c (restore_data_record), include/linux/swap.h (swap header).
 * All numbers are little-endian; every block number counts pages from the start of the device.
 */
#ifndef THAW_SWSUSP_DISK_H
#define THAW_SWSUSP_DISK_H

#include <thaw/base.h>

/* swap.c, struct swsusp_header: fields are anchored to the end of the page. */
struct swsusp_header {
	uint8_t reserved[4056]; /* the swap area's own header, UUID and label among it */
	uint32_t hw_sig;	/* valid with SF_HW_SIG */
	uint32_t crc32;		/* valid with SF_CRC32_MODE */
	uint64_t image;		/* first map page */
	uint32_t flags;
	uint8_t orig_sig[10]; /* what sig was before: "SWAPSPACE2" or "SWAP-SPACE" */
	uint8_t sig[10];      /* "S1SUSPEND" and NUL while there is an image */
} __attribute__((packed));

_Static_assert(offsetof(struct swsusp_header, hw_sig) == 4056, "on disk");
_Static_assert(offsetof(struct swsusp_header, crc32) == 4060, "on disk");
_Static_assert(offsetof(struct swsusp_header, image) == 4064, "on disk");
_Static_assert(offsetof(struct swsusp_header, flags) == 4072, "on disk");
_Static_assert(offsetof(struct swsusp_header, orig_sig) == 4076, "on disk");
_Static_assert(offsetof(struct swsusp_header, sig) == 4086, "on disk");
_Static_assert(sizeof(struct swsusp_header) == 4096, "one page");

#define SWAP_VERSION_OFFSET 1024 /* in reserved, of a "SWAPSPACE2" */

/* power.h */
#define SF_PLATFORM_MODE       1u
#define SF_NOCOMPRESS_MODE     2u
#define SF_CRC32_MODE	       4u
#define SF_HW_SIG	       8u
#define SF_COMPRESSION_ALG_LZ4 16u
#define SF_KNOWN	       31u

/* swap.c, struct swap_map_page. Entry 0 of the first map page is the swsusp_info page. */
#define MAP_PAGE_ENTRIES 511
struct swap_map_page {
	uint64_t entries[MAP_PAGE_ENTRIES]; /* 0 ends the list */
	uint64_t next_swap;		    /* 0: last map page */
};

_Static_assert(offsetof(struct swap_map_page, next_swap) == 4088, "on disk");
_Static_assert(sizeof(struct swap_map_page) == 4096, "one page");

/* arch/x86/power/hibernate.c, struct restore_data_record, at offset 0 of the swsusp_info page. */
struct restore_data_record {
	uint64_t jump_address;
	uint64_t jump_address_phys;
	uint64_t cr3;
	uint64_t magic;
	union {
		uint64_t e820_checksum;	    /* CRC-32, zero-extended */
		uint8_t e820_digest[16]; /* MD5; all zero: not computed */
	};
};

_Static_assert(offsetof(struct restore_data_record, cr3) == 16, "on disk");
_Static_assert(offsetof(struct restore_data_record, e820_checksum) == 32, "on disk");

_Static_assert(offsetof(struct restore_data_record, e820_digest) == 32, "on disk");

#define RESTORE_MAGIC_MD5   0x23456789ABCDEF01ull /* 4.10 to 5.12 */
#define RESTORE_MAGIC_CRC32 0x23456789ABCDEF02ull /* 5.13 on, 5.10.y */

/* power.h, struct swsusp_info; the architecture's record overlays the first 394 bytes. */
struct swsusp_info {
	union {
		struct restore_data_record arch;
		uint8_t uts[390];
	};
	uint32_t version_code;
	uint64_t num_physpages;
	int32_t cpus;
	uint32_t hole;
	uint64_t image_pages; /* data pages */
	uint64_t pages;	      /* data pages, PFN list pages and this one */
	uint64_t size;	      /* pages in bytes */
};

_Static_assert(offsetof(struct swsusp_info, version_code) == 392, "on disk");
_Static_assert(offsetof(struct swsusp_info, num_physpages) == 400, "on disk");
_Static_assert(offsetof(struct swsusp_info, image_pages) == 416, "on disk");
_Static_assert(offsetof(struct swsusp_info, pages) == 424, "on disk");
_Static_assert(offsetof(struct swsusp_info, size) == 432, "on disk");

/* snapshot.c: PFN list entries. The end mark has all bits set, so it is tested for first. */
#define PFN_PER_PAGE	      512
#define BM_END_OF_MAP	      UINT64_MAX
#define ENCODED_PFN_ZERO_FLAG (UINT64_C(1) << 63) /* 6.6 on: the frame is zero, no data page */

/* swap.c: chunks of the compressed stream. */
#define UNC_PAGES  32
#define UNC_SIZE   (UNC_PAGES * 4096)
#define CMP_HEADER 8 /* size_t: the payload's length */
/* The longest payload the kernel accepts, x + x/16 + 64 + 3 + 2. */
#define CMP_MAX ((size_t)UNC_SIZE + UNC_SIZE / 16 + 64 + 3 + 2)

#endif
