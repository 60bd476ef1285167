/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * sim.h: the machine that thaw's loader runs on in tests: an array as RAM, a buffer as disk,
 * threads as processors, and a firmware that may fail at any of its calls.
 *
 * It watches the contracts: each breach is a fault, counted and told. Frames hold a pattern of
 * their own; those that thaw never claimed must hold it until firmware is gone. Behind MMIO there is
 * no RAM: asking for such a frame is a fault.
 */
#ifndef THAW_TESTS_SIM_H
#define THAW_TESTS_SIM_H

#include <pthread.h>

#include <thaw/loader.h>

#include "synth.h"

/* What can fail. Each call is counted; the fail_at-th fails, and all after it with fail_on. */
enum sim_op {
	SIM_READ,
	SIM_READ_WAIT,
	SIM_CONSUME,
	SIM_CLAIM,
	SIM_ALLOC,
	SIM_WORKERS,
	SIM_JOIN,
	SIM_RECORD,
	SIM_MAP,
	SIM_EXIT,
	SIM_PROGRESS,
	SIM_OPS,
};

#define SIM_WORKERS_MAX 8
#define SIM_MEMORY_MAX	256

struct sim_disk {
	struct thaw_disk d; /* first: cast back */
	struct sim *sim;
	uint8_t *bytes;
	uint8_t *before; /* as it was */
	uint8_t *times;	 /* how often each page was read */
	uint8_t *pending;
	uint64_t pending_page;
	uint64_t pending_count;
	unsigned rereads;
	unsigned consumed;
	bool lent;	   /* bytes and before are somebody else's */
	bool half_written; /* a failed write leaves its first 512 bytes */
	void (*watch)(const void *buf, uint64_t pages); /* sees where reads go; NULL: nobody */
};

struct sim_work {
	pthread_t thread;
	void (*work)(void *arg, unsigned n);
	void *arg;
	unsigned n;
};

struct sim {
	struct thaw_machine m; /* first: cast back */
	struct sim_disk disk;
	struct thaw_record record;
	struct thaw_record durable; /* what the variable holds */
	bool durable_there, durable_vouched;

	/* RAM and what else has an address: dense, range after range. */
	struct thaw_mem_range *ranges;
	size_t range_count;
	size_t *range_index; /* dense index of each range's first frame */
	size_t frame_count;
	uint8_t *types; /* today's type of each frame */
	uint8_t *owned; /* claimed by thaw */
	uint8_t *mark;	/* of the hand-off's own pages, and scratch of the checks */
	uint8_t *ram;
	bool written; /* somebody asked for a frame: RAM is to be looked at, and made anew */

	pthread_t boot;
	unsigned workers;
	unsigned started;
	struct sim_work work[SIM_WORKERS_MAX];
	void *memory[SIM_MEMORY_MAX];
	size_t memory_bytes[SIM_MEMORY_MAX];
	size_t memory_count; /* in use */
	size_t memory_kept;  /* and from earlier boots, behind */
	uint64_t now_us;

	enum sim_op fail_op;
	unsigned fail_at; /* 1 is the first, 0 none */
	bool fail_on;
	bool (*decide)(struct sim *s, enum sim_op op); /* instead of these; may be NULL */
	uint64_t shown, shown_total; /* what progress was told last */
	enum thaw_err wish; /* of the user, where progress fails; 0: THAW_CANCELLED */
	bool is_full; /* failing stores of variables leave deleting them */
	enum thaw_err fail_err; /* of a read, consume, exit or map; 0: the usual one */
	unsigned calls[SIM_OPS];
	unsigned steal_at; /* at this call of memory_map or exit_firmware firmware takes */
	uint64_t steal;	   /* this frame, */
	enum thaw_mem_type steal_type;

	void (*checkpoint)(struct thaw_machine *m, enum thaw_checkpoint at);
	/* NULL: not looked at */
	bool (*volume)(struct thaw_machine *m, size_t n, void *page, enum thaw_volume_site *ret_site);
	const void *(*find_table)(struct thaw_machine *m, const uint8_t guid[16]); /* likewise */
	void *(*frame)(struct thaw_machine *m, uint64_t frame); /* NULL: the array's */
	const struct synth *picture; /* what the hand-off is compared with */
	unsigned claims;
	bool exited;
	unsigned jumps;
	unsigned resets;
	unsigned stores;	/* calls that changed a variable */
	unsigned faults;
	char why[200]; /* the first fault */
};

/* Copies the ranges; they are sorted and disjoint. */
void sim_init(struct sim *s, const struct thaw_mem_range *ranges, size_t count);
void sim_free(struct sim *s);

/* A fresh boot: RAM, map and counters as in the beginning; the durable record and the disk stay. */
void sim_boot(struct sim *s);

/* Puts a copy of the picture's disk in, unread and unchanged. */
void sim_insert(struct sim *s, const struct synth *picture);

/* Puts a disk in that stays its owner's, and a copy of it as it was. */
void sim_lend(struct sim *s, uint8_t *bytes, uint8_t *before, uint64_t pages);
/* Takes the disk out. */
void sim_eject(struct sim *s);

/* Reads of the disk in the background, or none. */
void sim_background(struct sim *s, bool on);

/* No attempts are remembered, as after the first boots of a machine. */
void sim_forget(struct sim *s);

/* May the image not be restored by itself, as far as the variables say? */
bool sim_forbids(const struct sim *s, uint64_t identity, uint64_t mark);

/* The usual small machine: every type of memory, a hole, RAM below 1 MiB and above 4 GiB. */
extern const struct thaw_mem_range sim_small[];
extern const size_t sim_small_count;

/* The table that Linux would make of a map; room for count entries. Returns how many there are. */
uint32_t sim_e820(const struct thaw_mem_range *ranges, size_t count, struct thaw_e820 *ret);

/* Digest of a map, as Linux would compute it: independent of loader/. */
uint32_t sim_digest(const struct thaw_mem_range *ranges, size_t count);
/* As Linux before 5.13 did. */
void sim_md5(const struct thaw_mem_range *ranges, size_t count, uint8_t ret[THAW_MD5_BYTES]);

/* A restore from header_page on. Checks afterwards all that must hold however it ended. */
enum thaw_err sim_restore(struct sim *s, uint64_t header_page, const struct thaw_options *options,
			  struct thaw_report *report);

/* Is anything of the picture left outside its destinations? */
bool sim_has_remnants(struct sim *s);

/* --- for sim's own parts ----------------------------------------------------------------- */

void sim_fault(struct sim *s, const char *what, uint64_t a, uint64_t b);
/* Counts a call; true if this one is to fail. */
bool sim_fails(struct sim *s, enum sim_op op);
/* Index of a frame, SIZE_MAX if there is none. */
size_t sim_index(const struct sim *s, uint64_t frame);
uint8_t *sim_frame(struct sim *s, uint64_t frame);
/* The pattern of a frame that nobody wrote to. */
bool sim_is_untouched(struct sim *s, size_t index);
void sim_disk_init(struct sim *s);
/* The hand-off, as the trampoline does it. */
void sim_jump(struct thaw_machine *m, const struct thaw_handoff *handoff);

#endif
