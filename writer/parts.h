/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * parts.h: what the writer is made of.
 *
 *	frames ──> pipeline ──> output ──> target
 *	  │           │ gain       │
 *	 runs       blocks      extents        and at the end: tables, segments, header, anchor
 */
#ifndef THAW_WRITER_PARTS_H
#define THAW_WRITER_PARTS_H

#include <pthread.h>
#include <thaw/writer.h>

/* --- vector.c: arrays that grow ------------------------------------------------------------ */

struct vector {
	void *list;
	size_t count;
	size_t capacity;
};

/* Room for one more entry of so many bytes, which is counted; NULL: no memory. */
void *vector_add(struct vector *v, size_t entry_bytes);
bool vector_reserve(struct vector *v, size_t entry_bytes, size_t count);

/* --- output.c: the logical space ------------------------------------------------------------ */

struct output {
	struct thaw_writer_target *target;
	uint8_t *buf;
	size_t fill;
	uint64_t position;	  /* logical bytes so far, those in buf included */
	struct thaw_extent grant; /* units that are ours and hold nothing yet */
	struct vector extents;	  /* struct native_extent */
	uint64_t written;	  /* bytes */
	int saved_errno;
};

enum thaw_writer_err output_open(struct output *o, struct thaw_writer_target *target);
void output_close(struct output *o);
enum thaw_writer_err output_append(struct output *o, const void *p, size_t n);
/* Zeros up to a multiple of align, which divides a unit. */
enum thaw_writer_err output_align(struct output *o, size_t align);
/* Writes what is buffered; position must be a multiple of a unit. */
enum thaw_writer_err output_flush(struct output *o);
/* 1 to want units outside the logical space. After the last output_flush only. */
enum thaw_writer_err output_take(struct output *o, uint64_t want, struct thaw_extent *ret);
/* Writes units whose place is known. */
enum thaw_writer_err output_put(struct output *o, uint64_t unit, uint64_t units, const void *buf);
enum thaw_writer_err output_get(struct output *o, uint64_t unit, void *buf);
/* Makes everything durable. */
enum thaw_writer_err output_sync(struct output *o);

/* --- gain.c: is it worth compressing? ---------------------------------------------------------- */

struct gain {
	uint64_t read_rate; /* bytes a second; 0: not known, and then it is */
	unsigned decoders;
	/* What was found out so far; atomic. */
	uint64_t blocks;
	uint64_t decoding_ns;
	uint64_t decoded; /* bytes */
};

/* Is the next block one to be decoded again? */
bool gain_wants_sample(struct gain *g);
/* Decodes it, to where it may lie already: these are the same bytes. */
void gain_sample(struct gain *g, const uint8_t *packed, size_t packed_bytes, uint8_t *to,
		 size_t bytes);
/* Will the block be in memory sooner if it is compressed to so many bytes? */
bool gain_is_worth(const struct gain *g, size_t bytes, size_t packed_bytes);

/* --- pipeline.c: pages into blocks ------------------------------------------------------------ */

struct slot {
	uint8_t *in; /* pages */
	uint8_t *out;
	bool packed;
	struct native_block block; /* without its position */
};

struct pipeline {
	struct output *output;
	uint32_t page_shift;
	bool store;
	struct gain gain;
	unsigned threads; /* 0: no others than the caller */
	unsigned started;
	struct slot *slots;
	unsigned slot_count;
	uint8_t *memory; /* of all slots */
	pthread_t *ids;
	pthread_mutex_t lock;
	pthread_cond_t filled_some, packed_some, written_some;
	uint64_t filled, taken, written; /* slots, under lock */
	bool closed;
	enum thaw_writer_err err; /* of the thread that writes, under lock */
	uint64_t pages;		  /* data pages in all published slots */
	struct vector blocks;	  /* struct native_block; of the thread that writes */
	uint64_t raw_blocks;
};

enum thaw_writer_err pipeline_open(struct pipeline *p, struct output *output,
				   const struct thaw_writer_options *options);
/* Where the next page goes; its slot is the caller's until pipeline_publish(). */
uint8_t *pipeline_page(struct pipeline *p);
/* Pages in the slot that is being filled. */
unsigned pipeline_fill(const struct pipeline *p);
bool pipeline_is_full(const struct pipeline *p);
enum thaw_writer_err pipeline_publish(struct pipeline *p);
/* Publishes the rest and waits until all of it is with output. */
enum thaw_writer_err pipeline_drain(struct pipeline *p);
void pipeline_close(struct pipeline *p);

/* --- frames.c: the frames in order, and which of them need no page --------------------------- */

struct frames {
	struct pipeline *pipeline;
	uint32_t page_shift;
	struct vector runs; /* struct native_run */
	uint64_t next;	    /* the lowest frame that may come */
	uint64_t next_data; /* frame after that of the last page in the pipeline */
	uint64_t total[5];  /* by kind */
	/* Neighbouring frames of one word, too few so far to be a run of their own. */
	uint64_t same_first;
	uint32_t same_count;
	uint64_t same_word;
};

enum thaw_writer_err frames_data(struct frames *f, uint64_t first, uint32_t count,
				 const uint8_t *pages);
enum thaw_writer_err frames_fill(struct frames *f, uint64_t first, uint32_t count, uint64_t word);
enum thaw_writer_err frames_spare(struct frames *f, uint64_t first, uint32_t count);
/* Settles what waits. */
enum thaw_writer_err frames_end(struct frames *f);

/* --- the whole -------------------------------------------------------------------------------- */

struct thaw_writer {
	struct thaw_writer_options options;
	enum thaw_writer_err err;
	struct output output;
	struct pipeline pipeline;
	struct frames frames;
	struct native_header *header;
	uint8_t *anchor_page; /* as it is to become */
	struct native_memory *memory_map;
	struct native_firmware *firmware;
	struct native_watched *watched;
	char *notes;
	size_t memory_map_count, firmware_count, watched_count, notes_bytes;
	bool described;
};

/* anchor.c: ends what is there, and learns uuid and generation. */
enum thaw_writer_err anchor_begin(struct thaw_writer *w);
/* Says that there is an image. */
enum thaw_writer_err anchor_commit(struct thaw_writer *w, uint64_t header_unit);

/* tables.c: tables, segments and header. *ret_unit is the header's. */
enum thaw_writer_err tables_write(struct thaw_writer *w, uint64_t *ret_unit);

#endif
