/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * hibernate.h: thawctl hibernate: the parts it is made of.
 *
 * Whatever can fail for want of a right, a device, space or memory is done before the system is
 * frozen. From the freeze until the snapshot's device is closed no filesystem is touched: no file is
 * opened, nothing is printed but on the console, and all memory is there and locked.
 */
#ifndef THAW_TOOLS_HIBERNATE_H
#define THAW_TOOLS_HIBERNATE_H

#include "site.h"
#include "snapshot.h"

#include <pthread.h>
#include <sys/types.h>
#include <thaw/writer.h>

int hibernate_main(int argc, char **argv);

/* --- hibernate_options.c: the command line ------------------------------------------------- */

enum hibernate_compress { COMPRESS_AUTO, COMPRESS_ALWAYS, COMPRESS_NEVER };

struct hibernate_options {
	const char *path; /* NULL: find one */
	enum snapshot_mode mode;
	enum hibernate_compress compress;
	bool replace;
	bool force; /* the site is not looked at */
	bool dry_run;
	struct site *site; /* gets what is said of where thaw is installed */
};

/* 0: go on; else the exit status plus one, and all is said. */
int hibernate_options_parse(struct hibernate_options *o, int argc, char **argv);

/* --- hibernate_ready.c: may the machine hibernate at all? ---------------------------------- */

/* Looks for what the kernel or thaw would refuse for. false: said why. */
bool hibernate_ready(void);

/* The kernel would not open its snapshot: says why, as far as errno and the system tell. */
void hibernate_explain_open(void);

/* Bytes that the snapshot will have at most, and memory that the machine has. 0: not known. */
uint64_t hibernate_likely_bytes(void);
uint64_t hibernate_memory_bytes(void);

/* --- hibernate_boot.c: will thaw be there to restore it? ------------------------------------ */

/*
 * Reads the site, which has what of site_parse()'s options was given. thaw is installed, can be
 * started, and would restore images; false: said why. Then the site has to be site_free()d, too.
 */
bool hibernate_boot_ready(struct site *site, enum snapshot_mode mode);

/* Would thaw find the image on that device, and restore it and no other? false: said why. */
bool hibernate_boot_finds(const struct site *site, const char *path);

/* Sees to it that thaw starts next. *ret_armed: BootNext was set for it. false: said why. */
bool hibernate_boot_arm(const struct site *site, bool *ret_armed);
/* Takes that back, used or not. */
void hibernate_boot_disarm(const struct site *site);

/* --- hibernate_target.c, hibernate_find.c: where the image goes ---------------------------------------------- */

#define HIBERNATE_PATH_MAX 256

struct hibernate_target {
	struct thaw_writer_file file; /* first: what the writer sees */
	char path[HIBERNATE_PATH_MAX];
	bool swap;	       /* an active swap area, which stays one */
	uint64_t header_page;  /* of the swap area */
	dev_t dev;
	uint64_t bytes;	       /* room there is at most */
	struct snapshot *snapshot;
	pthread_mutex_t kernel; /* the snapshot device serves one caller at a time */
	uint64_t ahead;		/* swap: a page taken from the kernel and not given to the writer */
};

/*
 * Chooses the device: that at path, or, where path is NULL, the only partition of thaw's type, else
 * the only active swap partition. ret_path has HIBERNATE_PATH_MAX bytes. false: said why.
 */
bool hibernate_find(const char *path, char *ret_path, bool *ret_swap);

/*
 * Is there an image where thaw looks of its own accord, other than on the device at path? ret_path,
 * of HIBERNATE_PATH_MAX bytes, is where.
 */
bool hibernate_find_other(const char *path, char *ret_path);

/* Can the device at path be taken away, or is it on USB? thaw looks at such only if it is told to. */
bool hibernate_is_removable(const char *path);

/* Opens the device so chosen. false: said why. */
bool hibernate_target_open(struct hibernate_target *ret, const char *path);

/*
 * May an image be begun here? One of this very system that was passed over may go, any other only
 * with replace. false: said why.
 */
bool hibernate_target_vacant(const struct hibernate_target *target, bool replace);

/* Ends the image that may be here by now, durably. false: errno. */
bool hibernate_target_forget(const struct hibernate_target *target);

/* Tells the kernel which swap area is meant, and asks for the room in it. false: said why. */
bool hibernate_target_attach(struct hibernate_target *target, struct snapshot *snapshot);

/* Bytes a second that it gives, as far as firmware is likely to get them; 0: not known. Before the freeze. */
uint64_t hibernate_target_read_rate(const struct hibernate_target *target);

void hibernate_target_close(struct hibernate_target *target);

/* --- hibernate_watched.c: what nobody may change meanwhile --------------------------------- */

struct hibernate_watched {
	struct native_watched *list;
	int *fds; /* of the partition each lies on; opened for direct reads */
	size_t count;
	uint8_t *buffer; /* page-aligned */
};

/* Chooses the superblocks of the mounted filesystems and opens their partitions. false: said why. */
bool hibernate_watched_find(struct hibernate_watched *ret);

/* Reads them as they are on disk now: after the snapshot. false: errno, and *ret_name is which. */
bool hibernate_watched_read(struct hibernate_watched *watched, const char **ret_name);

void hibernate_watched_free(struct hibernate_watched *watched);

/* --- hibernate_facts.c: what else the image says ------------------------------------------- */

struct hibernate_facts {
	struct thaw_writer_facts facts; /* points into the rest */
	struct native_memory *map;
	struct native_firmware firmware[8];
	char release[65];
	char kernel_version[65];
	char hostname[65];
	char notes[512];
};

/* machine-id(5); zeros and false where there is none. */
bool hibernate_machine_id(uint8_t ret[16]);

/* Everything but the entry and the watched ranges. */
void hibernate_facts_collect(struct hibernate_facts *ret, enum snapshot_mode mode);
void hibernate_facts_free(struct hibernate_facts *facts);

/* CRC-32 of the collected map, as the kernel's snapshot has it of its own. */
uint32_t hibernate_map_digest(const struct hibernate_facts *facts);

/* --- hibernate_times.c: how long it took ---------------------------------------------------- */

enum hibernate_time {
	HIBERNATE_TIME_FREEZE,
	HIBERNATE_TIME_SNAPSHOT,
	HIBERNATE_TIME_WRITE,
	HIBERNATE_TIMES,
};

struct hibernate_times {
	uint64_t began_us; /* of the clock on the wall, which goes on when the machine is off */
	uint64_t last_us;
	uint64_t us[HIBERNATE_TIMES]; /* 0: not known */
};

void hibernate_times_begin(struct hibernate_times *ret);

/* The part ends now. */
void hibernate_times_mark(struct hibernate_times *times, enum hibernate_time part);

/* The parts as notes for the image. */
void hibernate_times_note(const struct hibernate_times *times, char *ret, size_t size);

/* In the restored system: prints them, with those that only image and thaw's variable know. */
void hibernate_times_report(struct hibernate_times *times, const struct hibernate_target *target,
			    const uint8_t *uuid);

/* --- hibernate_stream.c: from the kernel's snapshot to the image --------------------------- */

#define HIBERNATE_BATCH 32 /* pages handed to the writer at once */

struct hibernate_stream {
	uint64_t *frames; /* as the kernel lists them; locked */
	uint64_t capacity;
	uint8_t *batch; /* HIBERNATE_BATCH pages; locked */
	/*
	 * A page that only hibernate_memory has: one of its frames bears witness, the others are for
	 * the loader.
	 */
	const uint8_t *spare;
	uint64_t pages;	      /* of the stream, all in all */
	void (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
};

enum hibernate_err {
	HIBERNATE_OK,
	HIBERNATE_READ,	  /* the snapshot could not be read: errno */
	HIBERNATE_RECORD, /* it is not of a kind that is known */
	HIBERNATE_FRAMES, /* its list of frames is impossible, or longer than there is room for */
	HIBERNATE_WRITER, /* *ret_writer says more */
};

/* Reads all of the snapshot into the writer; what its first page says goes to facts. */
enum hibernate_err hibernate_stream_copy(struct hibernate_stream *stream,
					 struct hibernate_target *target, struct thaw_writer *writer,
					 struct thaw_writer_facts *facts,
					 enum thaw_writer_err *ret_writer);

/* --- hibernate_memory.c: memory that is there when it is needed ---------------------------- */

struct hibernate_memory {
	uint64_t *frames;
	uint64_t frame_capacity;
	uint8_t *batch;
	uint8_t *spares;
};

/*
 * Locks all that the program has and will have, makes the heap as large as the writer can need it
 * and starts as many threads once as there will be, so that neither has to grow. false: errno.
 */
bool hibernate_memory_reserve(struct hibernate_memory *ret, uint64_t memory_bytes,
			      unsigned threads);

/*
 * Is this memory out of an image that hibernate_stream_copy() wrote? Where something wakes the machine
 * just before its snapshot, Linux says that it was restored (create_image() in kernel/power/hibernate.c,
 * 6.12).
 */
bool hibernate_memory_is_restored(const struct hibernate_memory *memory);

#endif
