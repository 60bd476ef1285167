/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * loader.h: look, plan, load, commit.
 */
#ifndef THAW_LOADER_H
#define THAW_LOADER_H

#include <thaw/image.h>
#include <thaw/record.h>

/* --- memory map -------------------------------------------------------------------------- */

/* UEFI 2.10, 7.2.3: EFI_MEMORY_DESCRIPTOR; firmware's may be longer. */
struct thaw_efi_descriptor {
	uint32_t type;
	uint32_t pad;
	uint64_t physical_start;
	uint64_t virtual_start;
	uint64_t number_of_pages;
	uint64_t attribute;
};

_Static_assert(offsetof(struct thaw_efi_descriptor, physical_start) == 8, "UEFI");
_Static_assert(offsetof(struct thaw_efi_descriptor, number_of_pages) == 24, "UEFI");
_Static_assert(sizeof(struct thaw_efi_descriptor) == 40, "UEFI");

#define THAW_EFI_MEMORY_SP UINT64_C(0x40000) /* attribute: specific purpose, UEFI 2.8 */

/*
 * Reads UEFI memory descriptors (UEFI 2.10, 7.2.3 GetMemoryMap) as firmware returned them: size
 * bytes, desc_size each. Fills map->ranges, sorted; neighbours of one type are merged. THAW_OK;
 * THAW_MEMORY: capacity too small; THAW_FIRMWARE: overlapping or impossible descriptors.
 */
enum thaw_err thaw_memmap_parse(struct thaw_memmap *map, const void *descriptors, size_t size,
				size_t desc_size);

/* CRC-32 of the e820 table that Linux's EFI stub would make of the map (see memmap.c). */
uint32_t thaw_memmap_e820_crc32(const struct thaw_memmap *map);

/* Is that table the one the image was saved under? True if the image does not say. */
bool thaw_memmap_is_saved(const struct thaw_memmap *map, const struct thaw_facts *facts);

/*
 * The next entry of the table that Linux's EFI stub would make of the map, from range *i on; begin
 * with *i == 0. false at the end.
 */
bool thaw_memmap_next_e820(const struct thaw_memmap *map, size_t *i, struct thaw_e820 *ret);

/* Frames that Linux counts as RAM: bounds what an image may hold. */
uint64_t thaw_memmap_ram_frames(const struct thaw_memmap *map);

/* The range that holds the frame, NULL in a hole. */
const struct thaw_mem_range *thaw_memmap_find(const struct thaw_memmap *map, uint64_t frame);

/* "conventional", "runtime" …: static string for messages; unknown for what is not in the enum. */
const char *thaw_mem_type_name(enum thaw_mem_type type);

/* --- plan -------------------------------------------------------------------------------- */

enum thaw_target_kind {
	THAW_TARGET_PLACE, /* data, straight into its frames: where == frame */
	THAW_TARGET_STAGE, /* data, kept at where, moved by the trampoline */
	THAW_TARGET_ZERO,  /* zeroed while loading */
	THAW_TARGET_LATE,  /* zeroed by the trampoline */
	/* One word repeated, written to where while loading; moved by the trampoline unless there.
	 */
	THAW_TARGET_FILL,
};

struct thaw_target {
	uint64_t frame;
	uint64_t where;
	uint32_t count;
	uint32_t kind; /* enum thaw_target_kind */
	uint64_t fill; /* of THAW_TARGET_FILL */
};

/* Is it for the trampoline to move? */
static inline bool thaw_target_is_staged(const struct thaw_target *t)
{
	return t->kind == THAW_TARGET_STAGE ||
	       (t->kind == THAW_TARGET_FILL && t->where != t->frame);
}

/*
 * Safe frames: claimed by thaw, destination of nothing. Given out in ascending order, dropped as a
 * whole.
 */
struct thaw_pool {
	const struct thaw_range *gaps;
	size_t count;
	size_t gap;    /* the gap that frames are taken from, */
	uint64_t done; /* and how many of its frames are gone */
	uint64_t left;
};

#define THAW_PLAN_SCRATCH 32

/*
 * Where every frame of the image goes. Targets in the order of the image's runs, so in ascending
 * order of frame and, the zero ones left out, in the order of the stream.
 */
struct thaw_plan {
	struct thaw_range *claims; /* what thaw took from firmware, sorted */
	size_t claim_count;
	struct thaw_range *gaps; /* the claims without the image's frames */
	size_t gap_capacity;
	struct thaw_target *targets;
	size_t target_count;
	size_t target_capacity;
	struct thaw_pool low; /* the lowest safe frames: code and roots that must lie below 4 GiB */
	struct thaw_pool pool; /* the others */
	/* Safe frames that hold decoded or stored pages while loading; the trampoline clears them.
	 */
	struct thaw_range scratch[THAW_PLAN_SCRATCH];
	size_t scratch_count;
	uint64_t placed, staged, zeroed, late; /* frames; zeroed counts filled ones too */
};

/*
 * Chooses what to claim: free ranges of the map above the first MiB, less a reserve for firmware.
 * ret_claims has room for map->count. Returns their number.
 */
size_t thaw_plan_claims(const struct thaw_memmap *map, struct thaw_range *ret_claims);

/*
 * Are all frames of the image RAM today, and owned by nobody who lives on? And is there no memory that
 * firmware has yet to accept? THAW_FRAME_NOT_RAM, THAW_FRAME_FIRMWARE.
 */
enum thaw_err thaw_plan_check(const struct thaw_image *image, const struct thaw_memmap *map,
			      struct thaw_diag *diag);

/* Allocates what the plan will need: to be called before claiming. THAW_OK or THAW_MEMORY. */
enum thaw_err thaw_plan_reserve(struct thaw_plan *plan, const struct thaw_image *image,
				const struct thaw_memmap *map, struct thaw_memory *memory);

/* Safe frames that are kept back for plan->low. */
#define THAW_PLAN_LOW_FRAMES 8

/*
 * Finds the safe frames, given plan->claims: the first step after claiming. THAW_OK or
 * THAW_NO_SAFE_FRAMES.
 */
enum thaw_err thaw_plan_find_safe(struct thaw_plan *plan, const struct thaw_image *image,
				  struct thaw_diag *diag);

/*
 * Takes count neighbouring safe frames for the loader's own use, from the end of the largest gap;
 * they are remembered as scratch. To be called before thaw_plan_make(). false: there are none.
 */
bool thaw_plan_scratch(struct thaw_plan *plan, uint64_t count, uint64_t *ret_first);

/* Frames in the largest gap: what thaw_plan_scratch() can give at most. */
uint64_t thaw_plan_largest(const struct thaw_plan *plan);

/* Decides for each frame of the image. THAW_OK or THAW_NO_SAFE_FRAMES. */
enum thaw_err thaw_plan_make(struct thaw_plan *plan, const struct thaw_image *image,
			     struct thaw_diag *diag);

/* Is the plan still right under the final map? THAW_OK or THAW_FINAL_MAP. */
enum thaw_err thaw_plan_recheck(const struct thaw_plan *plan, const struct thaw_memmap *map);

/* Where a frame's content is before the trampoline ran. false: not part of the image. */
bool thaw_plan_where(const struct thaw_plan *plan, uint64_t frame, uint64_t *ret_where);

/* Takes up to count neighbouring frames from the pool; returns how many, 0 when it is empty. */
uint64_t thaw_pool_take(struct thaw_pool *pool, uint64_t count, uint64_t *ret_first);

/* --- load -------------------------------------------------------------------------------- */

struct thaw_load;
struct thaw_mounted;

/*
 * Takes the loader's buffers from the safe frames: after thaw_plan_find_safe(), before
 * thaw_plan_make(). *ret lives in them. THAW_OK or THAW_NO_SAFE_FRAMES.
 */
enum thaw_err thaw_load_prepare(struct thaw_load **ret, struct thaw_machine *m,
				struct thaw_plan *plan, struct thaw_diag *diag);

/*
 * Reads, decodes, places, stages and zeroes everything, verifies the checksum, and has all pages
 * compared for thaw_mounted_check(). THAW_OK, THAW_READ, THAW_BLOCK_LENGTH, THAW_BLOCK_DATA,
 * THAW_CHECKSUM, THAW_MAP_SHORT, THAW_MAP_LONG (there is more than the image's blocks), THAW_WORKER, and
 * what the user wants instead: THAW_CANCELLED, THAW_DISCARDED.
 */
enum thaw_err thaw_load_run(struct thaw_load *load, const struct thaw_image *image,
			    const struct thaw_plan *plan, struct thaw_disk *disk,
			    struct thaw_mounted *mounted, struct thaw_diag *diag);

/* Clears whatever a failed load left in memory, so that the next boot entry does not inherit it. */
void thaw_load_wipe(struct thaw_load *load);

/* --- drift ------------------------------------------------------------------------------- */

/* Why a memory map may differ from the saved one, or may not: one difference. */
struct thaw_drift {
	const char *what;	/* static string */
	struct thaw_e820 range; /* of the saved map, or of today's when it is new */
	uint64_t today;		/* where a range of this size and type lies today; 0: nowhere */
};

/*
 * The image is loaded and its digest is not today's: takes the saved machine's own firmware table,
 * as the image carries it or else from among its pages, and compares it with the map, range by
 * range; differences are told to m->note. THAW_OK: resuming is safe all the same (see drift.c).
 * THAW_MEMORY_MAP: it is not, or the table was not found. THAW_FIRMWARE_TABLE: an ACPI table that the
 * saved kernel uses is not where it was, or what that kernel knows of it was not found.
 */
enum thaw_err thaw_drift_check(struct thaw_machine *m, const struct thaw_image *image,
			       const struct thaw_plan *plan, const struct thaw_memmap *map,
			       struct thaw_diag *diag);

/*
 * The comparison alone: count entries of a saved table against a map. THAW_OK, or THAW_MEMORY_MAP
 * and the first difference that forbids it in *ret. tell, which may be NULL, gets every difference.
 */
enum thaw_err thaw_drift_compare(const struct thaw_e820 *saved, size_t count,
				 const struct thaw_memmap *map, struct thaw_drift *ret,
				 void (*tell)(void *arg, const struct thaw_drift *drift),
				 void *arg);

/* --- mounted ----------------------------------------------------------------------------- */

#define THAW_VOLUMES	   64  /* filesystems that are remembered, */
#define THAW_VOLUMES_TRIED 256 /* and volumes that are looked at */

/* An ext2 to ext4 on a disk, and what using it leaves in its superblock. */
struct thaw_volume {
	uint8_t uuid[16];
	uint32_t mount_time;
	uint32_t last_check;
	uint16_t mount_count;
	bool in_use;
	bool clean;
	enum thaw_volume_site site;
	bool saved;   /* the image has its superblock, atomic */
	bool same;    /* and with the same marks, atomic; */
	bool strange; /* and, of a mounted one, with marks that no disk has, atomic */
};

struct thaw_mounted {
	struct thaw_volume volume[THAW_VOLUMES];
	size_t count;
	uint8_t page[THAW_PAGE_SIZE];
};

/* Reads the superblocks that are on the machine's disks today. */
void thaw_mounted_look(struct thaw_mounted *ret, struct thaw_machine *m);

/* Compares the superblocks among the image's pages, side by side, with those. On any processor. */
void thaw_mounted_compare(struct thaw_mounted *mounted, const uint8_t *pages, uint32_t count);

/*
 * All pages of the image were compared. THAW_OK, or THAW_MOUNTED: one of the filesystems was mounted
 * for writing, recovered or repaired since. A copy of a filesystem that is as it was may differ if it
 * lies further from home.
 */
enum thaw_err thaw_mounted_check(const struct thaw_mounted *mounted, struct thaw_diag *diag);

/* --- world ------------------------------------------------------------------------------- */

/*
 * Are firmware's tables where they were, and the watched ranges of other partitions as they were, as
 * far as image and machine know of them? THAW_OK, THAW_FIRMWARE_TABLE, THAW_MOUNTED (diag->where is
 * then the range's name, which lives as long as the image) or THAW_MEMORY.
 */
enum thaw_err thaw_world_check(struct thaw_machine *m, const struct thaw_image *image,
			       struct thaw_diag *diag);

/* --- entry ------------------------------------------------------------------------------- */

/*
 * Walks the loaded image's page tables from facts.root_pa, as four and as five levels: the depth
 * that turns jump_va into jump_pa is the image's. THAW_OK, THAW_ENTRY_TABLES, THAW_ENTRY_DEPTH,
 * THAW_ENTRY_ENCRYPTED, THAW_ENTRY_MASKING.
 */
enum thaw_err thaw_entry_check(struct thaw_machine *m, const struct thaw_image *image,
			       const struct thaw_plan *plan, bool *ret_la57,
			       struct thaw_diag *diag);

/* --- hand-off ---------------------------------------------------------------------------- */

/* Pages of these lists are chained; entries run to count. The layout is known to the trampoline. */
struct thaw_copy {
	uint64_t to;   /* bytes, physical */
	uint64_t from; /* 0: zero instead of copy */
	uint64_t pages;
};

#define THAW_COPY_PER_PAGE 170

struct thaw_copy_page {
	uint64_t next; /* physical address, 0: last */
	uint64_t count;
	struct thaw_copy copy[THAW_COPY_PER_PAGE];
};

_Static_assert(sizeof(struct thaw_copy_page) == 4096, "one page");

/* What the trampoline is given; all addresses physical, all memory safe frames. */
struct thaw_handoff {
	uint64_t trampoline;   /* code, copied to a safe page below 4 GiB */
	uint64_t tables;       /* root of our own page tables, depth of the firmware's */
	uint64_t other_tables; /* root in the other depth, 0: no switch */
	uint64_t copies;       /* first struct thaw_copy_page, 0: none */
	uint64_t jump_va;
	uint64_t image_root; /* the image's CR3 */
};

/* Builds tables, lists and the trampoline in safe frames. THAW_OK or THAW_NO_SAFE_FRAMES. */
enum thaw_err thaw_handoff_build(struct thaw_handoff *ret, struct thaw_machine *m,
				 const struct thaw_image *image, struct thaw_plan *plan,
				 const struct thaw_memmap *map, bool la57, struct thaw_diag *diag);

/* Leaves for the image. Interrupts off, firmware gone. Architecture's. */
_Noreturn void thaw_handoff_jump(const struct thaw_handoff *handoff);

/* --- the whole story --------------------------------------------------------------------- */

struct thaw_options {
	bool dry_run;
	bool any_map; /* host only: the map is made up, so its digest says nothing */
	bool by_hand; /* the user insists: the record's verdict is shown, not obeyed */
	/* An image with a hardware signature is refused: whether ACPI's FACS has the same today
	 * cannot be said without reading ACPI's tables. */
	bool refuse_hw_sig;
	/* thaw_image_mark() of the header page, so that the image can be passed over even if it
	 * cannot be read again; 0: not known. */
	uint64_t mark;
	/* Marks of the other images that are there: however this ends, they are passed over too. */
	const uint64_t *beside;
	size_t beside_count;
	/* There may be an image that nobody could see: however this ends, the record is doubted, so that
	 * whatever is found next is refused once. */
	bool unseen;
};

struct thaw_report {
	struct thaw_diag diag;
	enum thaw_phase phase; /* reached */
	uint32_t phase_us[THAW_PHASE_COUNT];
	struct thaw_facts facts;
	uint64_t placed, staged, zeroed;
	bool unrecorded; /* passed over, and firmware would not store anything about it */
	/* The record says that the image may be tried again: nobody else may run before. */
	bool must_reset;
};

/*
 * Restores the image whose header is at header_page of disk. Returns only if it does not: any
 * reason of err.h but THAW_OK. By then the attempt is recorded, the image is marked as passed over
 * if there is one (but see report->unrecorded), and no disk has changed, unless the commit write is
 * what failed. With report->must_reset the caller has to reset the machine. (The simulator's jump
 * returns, then THAW_OK.)
 */
enum thaw_err thaw_restore(struct thaw_machine *m, struct thaw_disk *disk, uint64_t header_page,
			   const struct thaw_options *options, struct thaw_report *report);

/*
 * Records an image that is passed over unread, by its mark, or lets the record be doubted. THAW_OK or
 * THAW_NO_RECORD.
 */
enum thaw_err thaw_pass_over(struct thaw_machine *m, uint64_t identity, uint64_t mark,
			     enum thaw_err reason);

/*
 * Likewise all of these images but those that are forbidden already, in one store. None of them pushes
 * another one out of the record.
 */
enum thaw_err thaw_pass_over_all(struct thaw_machine *m, const uint64_t *marks, size_t count,
				 enum thaw_err reason);

/* The same in memory alone: whatever is stored next takes it along. true: there was one. */
bool thaw_forbid_all(struct thaw_record *record, const uint64_t *marks, size_t count,
		     enum thaw_err reason);

#endif
