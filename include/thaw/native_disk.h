/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * native_disk.h: thaw's own image format as it lies on disk. docs/FORMAT.md is the specification;
 * names and order are its. All numbers are little-endian, reserved bytes 0.
 */
#ifndef THAW_NATIVE_DISK_H
#define THAW_NATIVE_DISK_H

#include <thaw/base.h>

#define NATIVE_VERSION	  1u
#define NATIVE_UNIT_SHIFT 12
#define NATIVE_UNIT	  ((size_t)1 << NATIVE_UNIT_SHIFT)
#define NATIVE_AREA_MAX	  (UINT64_C(1) << 51) /* units */
#define NATIVE_UUID_BYTES 16

/* GPT partition type, as one writes it and as it lies in the table. */
#define NATIVE_GPT_TYPE_TEXT "548a19f8-7ec7-4ac1-9831-5d728dca167e"
#define NATIVE_GPT_TYPE                                                                            \
	{0xf8, 0x19, 0x8a, 0x54, 0xc7, 0x7e, 0xc1, 0x4a,                                           \
	 0x98, 0x31, 0x5d, 0x72, 0x8d, 0xca, 0x16, 0x7e}

/* --- anchor ------------------------------------------------------------------------------ */

#define NATIVE_ANCHOR_MAGIC {0x89, 'T', 'H', 'A', 'W', '\r', '\n', 0x1a}

#define NATIVE_STATE_SAVED   0x45564153u /* SAVE */
#define NATIVE_STATE_WRITING 0x54495257u /* WRIT */
#define NATIVE_STATE_DONE    0x454e4f44u /* DONE */

struct native_anchor {
	uint8_t magic[8];
	uint32_t version;
	uint32_t state;
	uint8_t uuid[NATIVE_UUID_BYTES];
	uint64_t generation;
	uint64_t anchor_unit;
	uint64_t header_unit;
	uint64_t header_checksum;
	uint8_t reserved[184];
	uint64_t checksum; /* of all before it */
};

_Static_assert(offsetof(struct native_anchor, state) == 12, "on disk");
_Static_assert(offsetof(struct native_anchor, uuid) == 16, "on disk");
_Static_assert(offsetof(struct native_anchor, generation) == 32, "on disk");
_Static_assert(offsetof(struct native_anchor, anchor_unit) == 40, "on disk");
_Static_assert(offsetof(struct native_anchor, header_unit) == 48, "on disk");
_Static_assert(offsetof(struct native_anchor, header_checksum) == 56, "on disk");
_Static_assert(offsetof(struct native_anchor, checksum) == 248, "on disk");
_Static_assert(sizeof(struct native_anchor) == 256, "on disk");

/*
 * The page of a swap header while the area lends an image its pages. Linux 6.1 to 7.3:
 * include/linux/swap.h (union swap_header), kernel/power/swap.c (struct swsusp_header).
 */
struct native_swap_page {
	uint8_t boot[1024];
	uint32_t swap_version;
	uint8_t swap_info[252]; /* sizes, UUID, label, and padding of 0 */
	struct native_anchor anchor;
	uint8_t bad_pages[2528];
	uint64_t image; /* 0; an image of Linux's has its first map page here */
	uint32_t flags; /* 0 */
	uint8_t orig_sig[10];
	uint8_t sig[10];
};

_Static_assert(offsetof(struct native_swap_page, swap_version) == 1024, "on disk");
_Static_assert(offsetof(struct native_swap_page, anchor) == 1280, "on disk");
_Static_assert(offsetof(struct native_swap_page, image) == 4064, "on disk");
_Static_assert(offsetof(struct native_swap_page, flags) == 4072, "on disk");
_Static_assert(offsetof(struct native_swap_page, orig_sig) == 4076, "on disk");
_Static_assert(offsetof(struct native_swap_page, sig) == 4086, "on disk");
_Static_assert(sizeof(struct native_swap_page) == 4096, "one unit");

#define NATIVE_SWAP_SIG	   "SWAPSPACE2" /* ten bytes, no NUL */
#define NATIVE_SUSPEND_SIG "S1SUSPEND"	/* ten bytes with its NUL */

/* --- header ------------------------------------------------------------------------------ */

#define NATIVE_HEADER_MAGIC {'T', 'H', 'A', 'W', 'H', 'E', 'A', 'D'}

#define NATIVE_SOURCE_SNAPSHOT	1u
#define NATIVE_SOURCE_CONVERTED 2u
#define NATIVE_SOURCE_MADE_UP	3u

#define NATIVE_FLAG_PLATFORM   1u /* saved through ACPI S4 */
#define NATIVE_FLAG_HW_SIG     2u
#define NATIVE_FLAG_MAP_DIGEST 4u
#define NATIVE_FLAGS_KNOWN     7u

#define NATIVE_TABLES 8

enum native_table_type {
	NATIVE_TABLE_NONE,
	NATIVE_TABLE_FRAMES,
	NATIVE_TABLE_BLOCKS,
	NATIVE_TABLE_MEMORY_MAP,
	NATIVE_TABLE_FIRMWARE,
	NATIVE_TABLE_WATCHED,
	NATIVE_TABLE_NOTES,
	NATIVE_TABLE_DIGESTS, /* reserved */
};

struct native_table {
	uint32_t type; /* enum native_table_type, or unknown */
	uint32_t entry_bytes;
	uint64_t position; /* logical, multiple of a unit */
	uint64_t entries;
	uint64_t checksum;
	uint64_t reserved;
};

_Static_assert(offsetof(struct native_table, position) == 8, "on disk");
_Static_assert(offsetof(struct native_table, checksum) == 24, "on disk");
_Static_assert(sizeof(struct native_table) == 40, "on disk");

#define NATIVE_ARCH_X86_64 1u
#define NATIVE_ARCH_ARM64  2u

struct native_entry_x86_64 {
	uint64_t jump_va;
	uint64_t jump_pa;
	uint64_t root_pa; /* CR3 */
	uint32_t depth;	  /* levels of paging, 0: not known */
	uint32_t reserved;
};

_Static_assert(offsetof(struct native_entry_x86_64, depth) == 24, "on disk");
_Static_assert(sizeof(struct native_entry_x86_64) == 32, "on disk");

struct native_entry_arm64 {
	uint64_t reenter_va;
	uint64_t reenter_pa; /* 0: not known */
	uint64_t ttbr1_pa;
	uint64_t hyp_vectors_pa; /* 0: entered at EL1 */
	uint64_t mpidr;
};

_Static_assert(sizeof(struct native_entry_arm64) == 40, "on disk");

struct native_header {
	uint8_t magic[8];
	uint32_t version;
	uint32_t page_shift;
	uint64_t compatible;
	uint64_t read_only;
	uint64_t incompatible;
	uint8_t uuid[NATIVE_UUID_BYTES];
	uint64_t generation;
	uint64_t created; /* seconds since 1970, UTC */
	uint8_t machine_id[16];
	uint32_t source; /* NATIVE_SOURCE_… */
	uint32_t flags;	 /* NATIVE_FLAG_… */
	uint32_t hw_sig;
	uint32_t map_digest;
	uint64_t data_frames;
	uint64_t zero_frames;
	uint64_t fill_frames;
	uint64_t spare_frames;
	uint64_t data_bytes;
	uint64_t logical_units;
	uint64_t extent_count;
	uint64_t segment_unit;
	uint32_t segment_units;
	uint32_t reserved1;
	uint64_t segment_checksum;
	uint64_t reserved2;
	struct native_table tables[NATIVE_TABLES];
	uint32_t arch; /* NATIVE_ARCH_… */
	uint32_t entry_bytes;
	uint8_t entry[120];
	char release[80];
	char kernel_version[80];
	char writer[32];
	char hostname[64];
	uint32_t auth_kind;
	uint32_t auth_bytes;
	uint8_t auth_key[32];
	uint8_t auth_tag[64];
	uint8_t reserved3[3096];
};

_Static_assert(offsetof(struct native_header, compatible) == 16, "on disk");
_Static_assert(offsetof(struct native_header, uuid) == 40, "on disk");
_Static_assert(offsetof(struct native_header, machine_id) == 72, "on disk");
_Static_assert(offsetof(struct native_header, source) == 88, "on disk");
_Static_assert(offsetof(struct native_header, map_digest) == 100, "on disk");
_Static_assert(offsetof(struct native_header, data_frames) == 104, "on disk");
_Static_assert(offsetof(struct native_header, data_bytes) == 136, "on disk");
_Static_assert(offsetof(struct native_header, segment_unit) == 160, "on disk");
_Static_assert(offsetof(struct native_header, segment_checksum) == 176, "on disk");
_Static_assert(offsetof(struct native_header, tables) == 192, "on disk");
_Static_assert(offsetof(struct native_header, arch) == 512, "on disk");
_Static_assert(offsetof(struct native_header, entry) == 520, "on disk");
_Static_assert(offsetof(struct native_header, release) == 640, "on disk");
_Static_assert(offsetof(struct native_header, kernel_version) == 720, "on disk");
_Static_assert(offsetof(struct native_header, writer) == 800, "on disk");
_Static_assert(offsetof(struct native_header, hostname) == 832, "on disk");
_Static_assert(offsetof(struct native_header, auth_kind) == 896, "on disk");
_Static_assert(offsetof(struct native_header, auth_tag) == 936, "on disk");
_Static_assert(sizeof(struct native_header) == 4096, "one unit");

/* --- extent segments --------------------------------------------------------------------- */

#define NATIVE_SEGMENT_MAGIC {'T', 'H', 'A', 'W', 'E', 'X', 'T', 'S'}

#define NATIVE_SEGMENT_UNITS 256u /* at most */

struct native_segment {
	uint8_t magic[8];
	uint32_t count;
	uint32_t reserved1;
	uint64_t next_unit; /* 0: last */
	uint32_t next_units;
	uint32_t reserved2;
	uint64_t next_checksum;
	uint64_t reserved3;
};

_Static_assert(offsetof(struct native_segment, next_unit) == 16, "on disk");
_Static_assert(offsetof(struct native_segment, next_checksum) == 32, "on disk");
_Static_assert(sizeof(struct native_segment) == 48, "on disk");

struct native_extent {
	uint64_t unit;
	uint64_t units;
};

_Static_assert(sizeof(struct native_extent) == 16, "on disk");

/* --- tables ------------------------------------------------------------------------------ */

#define NATIVE_RUN_DATA	 1u
#define NATIVE_RUN_ZERO	 2u
#define NATIVE_RUN_FILL	 3u
#define NATIVE_RUN_SPARE 4u

struct native_run {
	uint64_t first;
	uint32_t count;
	uint32_t kind; /* NATIVE_RUN_… */
	uint64_t fill; /* of NATIVE_RUN_FILL, else 0 */
};

_Static_assert(offsetof(struct native_run, fill) == 16, "on disk");
_Static_assert(sizeof(struct native_run) == 24, "on disk");

#define NATIVE_CODEC_NONE 0u
#define NATIVE_CODEC_LZ4  1u

#define NATIVE_BLOCK_BYTES 131072u /* decoded, at most */
#define NATIVE_LZ4_ALIGN   16u

struct native_block {
	uint64_t position;   /* logical */
	uint64_t first_page; /* number of a data page */
	uint32_t stored;
	uint16_t pages;
	uint8_t codec; /* NATIVE_CODEC_… */
	uint8_t reserved;
	uint64_t checksum; /* of the decoded bytes */
};

_Static_assert(offsetof(struct native_block, stored) == 16, "on disk");
_Static_assert(offsetof(struct native_block, codec) == 22, "on disk");
_Static_assert(offsetof(struct native_block, checksum) == 24, "on disk");
_Static_assert(sizeof(struct native_block) == 32, "on disk");

#define NATIVE_MEMORY_MAX 4096u

struct native_memory {
	uint64_t address;
	uint64_t bytes;
	uint32_t type; /* e820's */
	uint32_t reserved;
};

_Static_assert(sizeof(struct native_memory) == 24, "on disk");

#define NATIVE_FIRMWARE_MAX 256u

struct native_firmware {
	uint8_t guid[16]; /* of the EFI configuration table, 0: the system table itself */
	uint64_t address;
	uint64_t bytes; /* under the checksum, 0: none */
	uint64_t checksum;
	uint64_t reserved;
};

_Static_assert(sizeof(struct native_firmware) == 48, "on disk");

#define NATIVE_WATCHED_MAX	 1024u
#define NATIVE_WATCHED_BYTES_MAX (1u << 20)

struct native_watched {
	uint8_t partition[16];	/* unique GUID of the GPT partition */
	uint8_t filesystem[16]; /* UUID, 0: not known */
	uint64_t offset;	/* bytes, multiple of 512 */
	uint32_t bytes;
	uint32_t reserved1;
	uint64_t checksum;
	uint64_t reserved2;
	char name[32]; /* "ext4 /" */
};

_Static_assert(offsetof(struct native_watched, checksum) == 48, "on disk");
_Static_assert(sizeof(struct native_watched) == 96, "on disk");

#define NATIVE_NOTES_MAX 65536u

#endif
