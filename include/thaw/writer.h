/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * writer.h: writes images of thaw's own format (docs/FORMAT.md). Host only.
 *
 *	open      ends an older image in the anchor; after it there is no image
 *	data, fill, spare …   the frames in ascending order, each once
 *	describe  what the header and the small tables hold; any time before finish
 *	finish    tables, header, flush, anchor, flush; after it there is an image
 *	close     frees everything; without finish there is no image, and after one that failed there may
 *	          be one: whoever goes on then has to end it
 *
 * Pages are taken as they come: nothing is sought back to, and nothing but the number of frames
 * need be known before. A pipeline of the caller, workers (which compress) and one thread that
 * writes; with threads == 0 all of it runs in the caller, in the same order. Memory: some MiB, and
 * 24 bytes for each run, 32 for each block, 16 for each disk run.
 *
 * One writer belongs to one thread. After an error every call returns it again.
 */
#ifndef THAW_WRITER_H
#define THAW_WRITER_H

#include <thaw/image.h>
#include <thaw/native_disk.h>

/* X(symbol, sentence) */
#define THAW_WRITER_ERR_LIST(X)                                                                    \
	X(OK, "All went well.")                                                                    \
	X(MEMORY, "There is not enough memory.")                                                   \
	X(SPACE, "The image does not fit.")                                                        \
	X(READ, "The anchor could not be read.")                                                   \
	X(WRITE, "The disk could not be written.")                                                 \
	X(FLUSH, "The disk did not confirm that it has stored what was written.")                  \
	X(SAVED, "There is an image already.")                                                     \
	X(NOT_SWAP, "That is no swap header, or not one in which an anchor has room.")             \
	X(ORDER, "Frames were not given in ascending order, or there are none, or too high ones.") \
	X(FACTS, "The description of the image breaks the format.")                                \
	X(THREAD, "No thread could be started.")

enum thaw_writer_err {
#define THAW_WRITER_ERR_ENUM(symbol, sentence) THAW_WRITER_##symbol,
	THAW_WRITER_ERR_LIST(THAW_WRITER_ERR_ENUM)
#undef THAW_WRITER_ERR_ENUM
};

/* Static string. */
const char *thaw_writer_sentence(enum thaw_writer_err err);

/*
 * Where the image goes. All units are 4096 bytes, counted from the beginning of the area; all
 * buffers lie at a multiple of 4096. With threads, more and write are called by a thread of the
 * writer's, one call at a time, while the caller's own goes on; open and finish call from the
 * caller's. A function that fails may leave errno, which thaw_writer_errno() hands on.
 */
struct thaw_writer_target {
	/*
	 * Gives 1 to want neighbouring units that are the image's from now on: never the anchor's,
	 * none twice. false: there are no more.
	 */
	bool (*more)(struct thaw_writer_target *target, uint64_t want, struct thaw_extent *ret);
	bool (*read)(struct thaw_writer_target *target, uint64_t unit, uint64_t units, void *buf);
	bool (*write)(struct thaw_writer_target *target, uint64_t unit, uint64_t units,
		      const void *buf);
	bool (*flush)(struct thaw_writer_target *target); /* all that was written is durable */
};

/*
 * The usual target: an open file or device, and the units [first, end) of it for the image. Give fd
 * with O_DIRECT or without. more can be replaced.
 */
struct thaw_writer_file {
	struct thaw_writer_target target;
	int fd;
	uint64_t base; /* bytes of fd in front of the area's unit 0 */
	uint64_t next;
	uint64_t end;
};

void thaw_writer_file_init(struct thaw_writer_file *file, int fd, uint64_t base, uint64_t first,
			   uint64_t end);

struct thaw_writer_options {
	uint64_t anchor_unit; /* 0, or the swap header's of a swap file */
	bool swap;	      /* the anchor lies in a swap header */
	bool replace;	      /* give up an image that is there */
	uint32_t page_shift;  /* 12, 14, 16; 0: 12 */
	unsigned threads;     /* that compress; 0: none, all in the caller */
	bool store;	      /* compress nothing */
	/*
	 * Bytes a second that the image will be read with: then a block is compressed only if it is in
	 * memory again sooner so, decoded by as many processors as there are threads. 0: not known, and
	 * a block is compressed if that makes it smaller at all.
	 */
	uint64_t read_rate;
	uint64_t frames;      /* at most so many will come; 0: not known. Only saves growing */
	const uint8_t *uuid;  /* 16 bytes; NULL: random */
};

struct thaw_writer;

/*
 * Ends what the anchor says and begins an image. target must live until close. On failure *ret is
 * NULL. MEMORY, READ, WRITE, FLUSH, SAVED, NOT_SWAP, THREAD.
 */
enum thaw_writer_err thaw_writer_open(struct thaw_writer **ret, struct thaw_writer_target *target,
				      const struct thaw_writer_options *options);

/*
 * count neighbouring frames from first on, and their pages, which are copied before the call
 * returns. Frames that hold one repeated 8-byte word are found and stored as such.
 */
enum thaw_writer_err thaw_writer_data(struct thaw_writer *w, uint64_t first, uint32_t count,
				      const void *pages);
/* The same for frames that are known to hold one repeated word, which may be 0. */
enum thaw_writer_err thaw_writer_fill(struct thaw_writer *w, uint64_t first, uint32_t count,
				      uint64_t word);
/* For frames that the saved system has and does not need the content of: room for a loader. */
enum thaw_writer_err thaw_writer_spare(struct thaw_writer *w, uint64_t first, uint32_t count);

/* Everything in the image that is not frames. What is not known stays 0 or NULL. */
struct thaw_writer_facts {
	uint64_t created;
	uint8_t machine_id[16];
	uint32_t source; /* NATIVE_SOURCE_… */
	bool platform_mode;
	bool has_hw_sig;
	uint32_t hw_sig;
	bool has_map_digest; /* without a memory map; with one it is computed */
	uint32_t map_digest;
	uint32_t arch; /* NATIVE_ARCH_… */
	union {
		struct native_entry_x86_64 x86_64;
		struct native_entry_arm64 arm64;
	} entry;
	const char *release;	    /* cut where it is too long */
	const char *kernel_version; /* likewise, and so on */
	const char *writer;
	const char *hostname;
	const struct native_memory *memory_map; /* by address, no overlaps */
	size_t memory_map_count;
	const struct native_firmware *firmware;
	size_t firmware_count;
	const struct native_watched *watched;
	size_t watched_count;
	const char *notes; /* "key=value\n" lines */
};

/* Takes a copy of all of it. The last call counts. MEMORY, FACTS. */
enum thaw_writer_err thaw_writer_describe(struct thaw_writer *w,
					  const struct thaw_writer_facts *facts);

enum thaw_writer_err thaw_writer_finish(struct thaw_writer *w);

/* NULL is allowed. */
void thaw_writer_close(struct thaw_writer *w);

/* What a failed call of the target's left in errno; 0 if nothing did. */
int thaw_writer_errno(const struct thaw_writer *w);

struct thaw_writer_stats {
	uint64_t data_frames, zero_frames, fill_frames, spare_frames;
	uint64_t runs, blocks, raw_blocks;
	uint64_t data_bytes; /* of the blocks on disk */
	uint64_t written;    /* bytes, all in all */
	uint64_t extents;
	uint64_t generation;
	uint8_t uuid[NATIVE_UUID_BYTES];
};

/* Complete after finish; before, what is known so far to the caller's thread. */
void thaw_writer_stats(const struct thaw_writer *w, struct thaw_writer_stats *ret);

#endif
