/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * platform.h: the seam between thaw and the machine it runs on.
 *
 * The image formats and the loader see the world only through these structures. The EFI program,
 * the host tool, the simulator and the fuzzers each fill them in their own way. An implementation
 * embeds the structure as the first member of its own and casts back.
 */
#ifndef THAW_PLATFORM_H
#define THAW_PLATFORM_H

#include <thaw/base.h>
#include <thaw/err.h>
#include <thaw/range.h>

/*
 * Memory that lives until the attempt ends: given out, never given back singly, dropped as a
 * whole. alloc returns page-aligned memory of at least that many bytes (content undefined), or
 * NULL when there is none. The loader allocates only from the boot processor, and never after
 * claiming has begun.
 */
struct thaw_memory {
	void *(*alloc)(struct thaw_memory *memory, uint64_t bytes);
};

/*
 * One candidate area of a disk: a partition, or a whole device. Positions are pages of 4096 bytes
 * from its beginning.
 */
struct thaw_disk {
	uint64_t pages; /* whole pages in the area; every access is checked against it */
	/*
	 * Fills buf (page-aligned) with count pages starting at page. THAW_OK or THAW_READ; retries
	 * are the implementation's business.
	 */
	enum thaw_err (*read)(struct thaw_disk *disk, uint64_t page, uint64_t count, void *buf);
	/*
	 * Begins the same in the background; one read at a time is under way. THAW_OK or THAW_READ.
	 * buf belongs to the device until read_wait returned. May be NULL, then the loader uses read.
	 */
	enum thaw_err (*read_start)(struct thaw_disk *disk, uint64_t page, uint64_t count,
				    void *buf);
	/*
	 * Waits for the read begun last. THAW_OK or THAW_READ. Must be called once for every
	 * read_start that returned THAW_OK.
	 */
	enum thaw_err (*read_wait)(struct thaw_disk *disk);
	/*
	 * THE write: replaces the page by new_page if it still holds old_page, makes it durable,
	 * reads it back and compares. THAW_OK: it is stored. THAW_READ or THAW_CHANGED: nothing was
	 * written. THAW_WRITE, THAW_FLUSH or THAW_VERIFY: the state of the page is unknown.
	 */
	enum thaw_err (*consume)(struct thaw_disk *disk, uint64_t page, const void *old_page,
				 const void *new_page);
	/*
	 * The whole disks under it: of a partition its disk, of a logical volume those of its pieces,
	 * each once. They are the implementation's; none where there is no partition, or nobody knows.
	 */
	struct thaw_disk **wholes;
	size_t whole_count;
	uint64_t partitions_end; /* of a whole disk: the first page behind its last partition */
};

/* What memory is, as today's firmware describes it. Order: what lives on after boot comes last. */
enum thaw_mem_type {
	THAW_MEM_FREE, /* conventional: nobody's */
	THAW_MEM_BOOT, /* boot services and loader code and data: free once firmware is gone */
	THAW_MEM_UNACCEPTED, /* RAM that the firmware has not accepted yet */
	THAW_MEM_SPECIAL,    /* conventional with EFI_MEMORY_SP: kept for device drivers */
	THAW_MEM_PERSISTENT,
	THAW_MEM_ACPI,	  /* ACPI tables */
	THAW_MEM_NVS,	  /* ACPI non-volatile storage */
	THAW_MEM_RUNTIME, /* runtime services code and data */
	THAW_MEM_RESERVED,
	THAW_MEM_UNUSABLE,
	THAW_MEM_MMIO,
	THAW_MEM_UNKNOWN, /* types of OEMs and operating systems, and types of the future */
};

struct thaw_mem_range {
	struct thaw_range frames;
	enum thaw_mem_type type;
};

/* Sorted by address, disjoint. The array belongs to whoever filled in ranges and capacity. */
struct thaw_memmap {
	struct thaw_mem_range *ranges;
	size_t count;
	size_t capacity;
};

/* What the processor can do, as far as the hand-off must know. */
struct thaw_cpu {
	unsigned processors; /* usable ones, this one included; 0: not known. Sizes buffers */
	unsigned phys_bits;  /* width of physical addresses */
	bool has_la57;	     /* five-level paging available */
	bool runs_la57;	     /* five-level paging on now */
	bool has_gib_pages;  /* 1 GiB pages */
	bool has_lam;	     /* linear address masking */
};

/* Where an attempt stands; named in the record, in the log and at checkpoints. */
enum thaw_phase {
	THAW_PHASE_LOOK,
	THAW_PHASE_PLAN,
	THAW_PHASE_LOAD,
	THAW_PHASE_COMMIT,
	THAW_PHASE_JUMP,
	THAW_PHASE_COUNT,
};

/* Instants at which a test build can stop the machine; everywhere else they are nothing. */
enum thaw_checkpoint {
	THAW_CHECKPOINT_ENTRY,	    /* before the first read */
	THAW_CHECKPOINT_LOAD,	    /* half of the image is loaded */
	THAW_CHECKPOINT_COMMITTING, /* record written, header not yet */
	THAW_CHECKPOINT_WRITTEN,    /* header written, not flushed */
	THAW_CHECKPOINT_FLUSHED,    /* header flushed and read back */
	THAW_CHECKPOINT_EXITED,	    /* firmware gone, nothing copied */
	THAW_CHECKPOINT_JUMP,	    /* everything in place, before the jump */
	THAW_CHECKPOINT_WORKER,	    /* a worker was started: it alone stops, and never returns */
};

/* Where a volume lies. Of copies of one filesystem the later is more likely the machine's own. */
enum thaw_volume_site {
	THAW_VOLUME_REMOVABLE, /* or on USB */
	THAW_VOLUME_FIXED,
	THAW_VOLUME_HOME, /* fixed, on the disk that holds thaw */
};

struct thaw_record;
struct thaw_handoff;

/* The machine. All functions but the workers' own run on the boot processor. */
struct thaw_machine {
	struct thaw_memory memory;
	struct thaw_cpu cpu;
	struct thaw_record *record;
	/*
	 * What firmware holds of it: the record itself, whole or not, and the voucher for it (see
	 * record.h). The implementation fills them in; later it clears record_there when a store
	 * that failed lost the record.
	 */
	bool record_there;
	bool record_vouched;
	bool record_damaged; /* it is there, but not whole, or it cannot be read */
	/*
	 * Fills map (sorted, disjoint) with today's map; allocates nothing. THAW_OK, or THAW_MEMORY
	 * when capacity is too small, or THAW_FIRMWARE.
	 */
	enum thaw_err (*memory_map)(struct thaw_machine *m, struct thaw_memmap *map);
	/*
	 * Takes the frames, all of them THAW_MEM_FREE in the map, out of the firmware's hands.
	 * THAW_OK, or THAW_MEMORY: nothing was claimed.
	 */
	enum thaw_err (*claim)(struct thaw_machine *m, struct thaw_range frames);
	/* Address at which this program sees a frame. In firmware: identity. */
	void *(*frame)(struct thaw_machine *m, uint64_t frame);
	/*
	 * Begins work(arg, n) for n = 1, 2, … on up to limit other processors and returns how many
	 * were begun; 0 if there are none. work must not call into the firmware or this structure,
	 * but for frame.
	 */
	unsigned (*workers_start)(struct thaw_machine *m, unsigned limit,
				  void (*work)(void *arg, unsigned n), void *arg);
	/*
	 * Waits until every work() has returned. THAW_OK, or THAW_WORKER: a processor never came
	 * back, and memory it knows of must not be given away.
	 */
	enum thaw_err (*workers_join)(struct thaw_machine *m);
	/* Microseconds from an arbitrary beginning, monotonic. */
	uint64_t (*now_us)(struct thaw_machine *m);
	/*
	 * Told now and then from the loop of loading; done and total in pages of the stream and frames
	 * that are zeroed. THAW_OK, or what the user wants instead: THAW_CANCELLED, or THAW_DISCARDED:
	 * the image is to be taken off the disk as if it had been restored. May be NULL.
	 */
	enum thaw_err (*progress)(struct thaw_machine *m, uint64_t done, uint64_t total);
	/* Makes *record durable. THAW_OK or THAW_NO_RECORD. Called through thaw_record_store(). */
	enum thaw_err (*record_store)(struct thaw_machine *m);
	/* Makes or deletes the voucher. THAW_OK or THAW_NO_RECORD. Called by record.c alone. */
	enum thaw_err (*record_vouch)(struct thaw_machine *m, bool there);
	/*
	 * Reads the first page of the n-th volume there is, a partition or a disk without any;
	 * zeroes where it cannot be read. false: there are no more. May be NULL. Not to be called
	 * after claim.
	 */
	bool (*volume)(struct thaw_machine *m, size_t n, void *page,
		       enum thaw_volume_site *ret_site);
	/*
	 * Reads count pages, from page on, of the GPT partition with that unique GUID. THAW_OK or
	 * THAW_READ: also when there is no such partition. May be NULL: other partitions cannot be
	 * looked at. Called before anything is claimed.
	 */
	enum thaw_err (*read_partition)(struct thaw_machine *m, const uint8_t guid[16],
					uint64_t page, uint64_t count, void *buf);
	/*
	 * Where firmware's table with that GUID lies: its physical address, at which it can be read.
	 * NULL: there is none. May be NULL: nothing is known of firmware's tables.
	 */
	const void *(*find_table)(struct thaw_machine *m, const uint8_t guid[16]);
	/* One short fact for a verbose log; what is a static string. May be NULL. */
	void (*note)(struct thaw_machine *m, const char *what, uint64_t a, uint64_t b);
	/* See enum thaw_checkpoint. May be NULL. */
	void (*checkpoint)(struct thaw_machine *m, enum thaw_checkpoint at);
	/*
	 * Ends boot services. check(arg, map) is called with the final memory map before the last
	 * attempt and stops it when it does not return THAW_OK. THAW_OK: firmware is gone and nothing
	 * but jump may be called. THAW_FINAL_MAP or THAW_EXIT_BOOT: it is not gone; reset is all that
	 * is left.
	 */
	enum thaw_err (*exit_firmware)(struct thaw_machine *m, struct thaw_memmap *map,
				       enum thaw_err (*check)(void *arg,
							      const struct thaw_memmap *map),
				       void *arg);
	/* Hands the machine to the image. Does not return in firmware; the simulator's does. */
	void (*jump)(struct thaw_machine *m, const struct thaw_handoff *handoff);
	/* Cold reset. Does not return in firmware. */
	void (*reset)(struct thaw_machine *m);
};

#endif
