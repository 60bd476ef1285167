/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * pipeline.c: pages become blocks on any number of threads, and come out in order.
 *
 * Slots go round: the caller fills one, a worker packs it (checksum, LZ4), the thread that writes
 * appends it to the output. Whoever waits, waits for the slot next in turn.
 */
#include "parts.h"

#include "../imagefmt/xxh64.h"

#include <errno.h>
#include <lz4.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_PER_THREAD 8u
#define SLOT_BYTES	 (2 * NATIVE_BLOCK_BYTES)

/* Saving less than this share is not worth a decoder's time, nor the reading straight into place.
 */
#define LEAST_SAVED 8

/* --- one block ---------------------------------------------------------------------------- */

/* What the block comes to; 0: it is better stored as it is. */
static size_t compress(struct pipeline *p, struct slot *slot, size_t bytes)
{
	bool sample = gain_wants_sample(&p->gain);
	int n = 0;

	if (sample || gain_is_worth(&p->gain, bytes, 0))
		n = LZ4_compress_default((const char *)slot->in, (char *)slot->out, (int)bytes,
					 (int)(bytes - bytes / LEAST_SAVED));
	if (n <= 0)
		return 0;
	if (sample)
		gain_sample(&p->gain, slot->out, (size_t)n, slot->in, bytes);
	return gain_is_worth(&p->gain, bytes, (size_t)n) ? (size_t)n : 0;
}

static void pack(struct pipeline *p, struct slot *slot)
{
	size_t bytes = (size_t)slot->block.pages << p->page_shift;
	size_t packed;

	slot->block.checksum = thaw_xxh64(slot->in, bytes, 0);
	packed = p->store ? 0 : compress(p, slot, bytes);
	slot->block.codec = packed ? NATIVE_CODEC_LZ4 : NATIVE_CODEC_NONE;
	slot->block.stored = (uint32_t)(packed ? packed : bytes);
}

static enum thaw_writer_err append(struct pipeline *p, const struct slot *slot)
{
	bool raw = slot->block.codec == NATIVE_CODEC_NONE;
	struct native_block *block = vector_add(&p->blocks, sizeof(*block));
	enum thaw_writer_err err;

	if (!block)
		return THAW_WRITER_MEMORY;
	err = output_align(p->output, raw ? NATIVE_UNIT : NATIVE_LZ4_ALIGN);
	if (err)
		return err;
	*block = slot->block;
	block->position = p->output->position;
	p->raw_blocks += raw;
	return output_append(p->output, raw ? slot->in : slot->out, slot->block.stored);
}

/* --- threads ------------------------------------------------------------------------------ */

static void *work(void *arg)
{
	struct pipeline *p = arg;
	struct slot *slot;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (p->taken == p->filled && !p->closed)
			pthread_cond_wait(&p->filled_some, &p->lock);
		if (p->closed)
			break;
		slot = &p->slots[p->taken++ % p->slot_count];
		pthread_mutex_unlock(&p->lock);
		pack(p, slot);
		pthread_mutex_lock(&p->lock);
		slot->packed = true;
		pthread_cond_signal(&p->packed_some);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static void *write_out(void *arg)
{
	struct pipeline *p = arg;
	struct slot *slot;
	enum thaw_writer_err err = THAW_WRITER_OK;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		slot = &p->slots[p->written % p->slot_count];
		while (!slot->packed && !p->closed)
			pthread_cond_wait(&p->packed_some, &p->lock);
		if (p->closed)
			break;
		pthread_mutex_unlock(&p->lock);
		if (!err)
			err = append(p, slot);
		pthread_mutex_lock(&p->lock);
		slot->packed = false;
		p->err = err;
		p->written++;
		pthread_cond_signal(&p->written_some);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* Signals are for the program that uses us, not for its threads. */
static bool start(struct pipeline *p)
{
	sigset_t all;
	sigset_t old;
	unsigned i;
	int error = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (i = 0; i <= p->threads && !error; i++) {
		error = pthread_create(&p->ids[i], NULL, i ? work : write_out, p);
		p->started += !error;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = error;
	return !error;
}

/* --- the caller's side -------------------------------------------------------------------- */

static enum thaw_writer_err make_slots(struct pipeline *p)
{
	unsigned i;

	p->slot_count = p->threads ? p->threads * SLOTS_PER_THREAD : 1;
	p->slots = calloc(p->slot_count, sizeof(*p->slots));
	p->memory = aligned_alloc(NATIVE_UNIT, (size_t)p->slot_count * SLOT_BYTES);
	p->ids = calloc(p->threads + 1, sizeof(*p->ids));
	if (!p->slots || !p->memory || !p->ids)
		return THAW_WRITER_MEMORY;
	for (i = 0; i < p->slot_count; i++) {
		p->slots[i].in = p->memory + (size_t)i * SLOT_BYTES;
		p->slots[i].out = p->slots[i].in + NATIVE_BLOCK_BYTES;
	}
	return THAW_WRITER_OK;
}

enum thaw_writer_err pipeline_open(struct pipeline *p, struct output *output,
				   const struct thaw_writer_options *options)
{
	enum thaw_writer_err err;

	*p = (struct pipeline){
		.output = output,
		.page_shift = options->page_shift,
		.store = options->store,
		.gain = {options->read_rate, options->threads ? options->threads : 1, 0, 0, 0},
		.threads = options->threads,
	};
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->filled_some, NULL);
	pthread_cond_init(&p->packed_some, NULL);
	pthread_cond_init(&p->written_some, NULL);
	err = make_slots(p);
	if (!err && p->threads && !start(p))
		return THAW_WRITER_THREAD;
	return err;
}

static struct slot *current(const struct pipeline *p)
{
	return &p->slots[p->filled % p->slot_count];
}

uint8_t *pipeline_page(struct pipeline *p)
{
	struct slot *slot = current(p);

	return slot->in + ((size_t)slot->block.pages++ << p->page_shift);
}

unsigned pipeline_fill(const struct pipeline *p)
{
	return current(p)->block.pages;
}

bool pipeline_is_full(const struct pipeline *p)
{
	return (size_t)(pipeline_fill(p) + 1) << p->page_shift > NATIVE_BLOCK_BYTES;
}

static enum thaw_writer_err publish_here(struct pipeline *p)
{
	struct slot *slot = current(p);

	pack(p, slot);
	p->err = append(p, slot);
	return p->err;
}

static enum thaw_writer_err publish_there(struct pipeline *p)
{
	enum thaw_writer_err err;

	pthread_mutex_lock(&p->lock);
	p->filled++;
	pthread_cond_signal(&p->filled_some);
	while (p->filled - p->written == p->slot_count)
		pthread_cond_wait(&p->written_some, &p->lock);
	err = p->err;
	pthread_mutex_unlock(&p->lock);
	return err;
}

enum thaw_writer_err pipeline_publish(struct pipeline *p)
{
	struct slot *slot = current(p);
	enum thaw_writer_err err;

	slot->block.first_page = p->pages;
	p->pages += slot->block.pages;
	err = p->threads ? publish_there(p) : publish_here(p);
	current(p)->block = (struct native_block){0};
	return err;
}

enum thaw_writer_err pipeline_drain(struct pipeline *p)
{
	enum thaw_writer_err err = pipeline_fill(p) ? pipeline_publish(p) : THAW_WRITER_OK;

	pthread_mutex_lock(&p->lock);
	while (p->threads && p->written != p->filled)
		pthread_cond_wait(&p->written_some, &p->lock);
	if (!err)
		err = p->err;
	pthread_mutex_unlock(&p->lock);
	return err;
}

void pipeline_close(struct pipeline *p)
{
	unsigned i;

	pthread_mutex_lock(&p->lock);
	p->closed = true;
	pthread_cond_broadcast(&p->filled_some);
	pthread_cond_broadcast(&p->packed_some);
	pthread_mutex_unlock(&p->lock);
	for (i = 0; i < p->started; i++)
		pthread_join(p->ids[i], NULL);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->filled_some);
	pthread_cond_destroy(&p->packed_some);
	pthread_cond_destroy(&p->written_some);
	free(p->slots);
	free(p->memory);
	free(p->ids);
	free(p->blocks.list);
}
