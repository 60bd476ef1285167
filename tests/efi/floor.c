/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * floor.c: an EFI program that does the least any restore must, and says how long each part took:
 * reads the stored pages of the image with the protocol and the code that thaw reads with; writes
 * as many frames as it restores, once; and decodes all blocks, from memory into one block for each
 * processor, without and with their checksums. Powers off.
 *
 * Reading and writing are the floor. Decoding is what the processors need besides, were everything
 * else free.
 */
#include <thaw/crc32.h>

#include "config.h"
#include "connect.h"
#include "console.h"
#include "cpu.h"
#include "discover.h"
#include "firmware.h"
#include "machine.h"

#define WINDOW_PAGES 512
#define MOST_WORKERS 15

struct firmware fw;

struct stream {
	const struct thaw_image *image;
	uint8_t *stored;
	size_t stored_bytes;
	struct thaw_block *blocks;
	size_t *at; /* of each block, in the stored bytes */
	size_t count;
	size_t next; /* atomic */
	bool checked;
	enum thaw_crc32_method method;
	uint8_t *to[MOST_WORKERS + 1];
	uint32_t sum; /* so that no checksum is for nothing */
	uint32_t failed;
};

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st);

/* --- reading and writing ------------------------------------------------------------------ */

static enum thaw_err measure_reading(struct thaw_machine *m, struct thaw_disk *disk,
				     struct thaw_image *image)
{
	void *window = m->memory.alloc(&m->memory, WINDOW_PAGES * THAW_PAGE_SIZE);
	uint64_t began = cpu_now_us();
	struct thaw_stream_pos pos = {0};
	uint64_t page;
	uint64_t count;
	enum thaw_err err = window ? THAW_OK : THAW_MEMORY;

	while (!err && (count = thaw_stream_next(image, &pos, WINDOW_PAGES, &page)))
		err = disk->read(disk, page, count, window);
	console_note("floor-read", image->facts.stored_pages, cpu_now_us() - began);
	return err;
}

static enum thaw_err measure_writing(struct thaw_machine *m, const struct thaw_image *image)
{
	uint64_t bytes = image->facts.data_frames << THAW_PAGE_SHIFT;
	uint8_t *frames = m->memory.alloc(&m->memory, bytes);
	uint64_t began = cpu_now_us();

	if (!frames)
		return THAW_MEMORY;
	__builtin_memset(frames, 1, bytes);
	console_note("floor-write", image->facts.data_frames, cpu_now_us() - began);
	return THAW_OK;
}

/* --- decoding ------------------------------------------------------------------------------- */

/* What opening the image read and did not decode, and the rest of the stream. */
static enum thaw_err gather(struct thaw_machine *m, struct thaw_disk *disk, struct stream *s)
{
	const struct thaw_image *image = s->image;
	struct thaw_stream_pos pos = image->pos;
	uint64_t page;
	uint64_t count;
	enum thaw_err err = THAW_OK;

	s->stored = m->memory.alloc(&m->memory, image->rest_bytes +
						(image->facts.stored_pages << THAW_PAGE_SHIFT));
	if (!s->stored)
		return THAW_MEMORY;
	__builtin_memcpy(s->stored, image->rest, image->rest_bytes);
	s->stored_bytes = image->rest_bytes;
	while (!err && (count = thaw_stream_next(image, &pos, WINDOW_PAGES, &page))) {
		err = disk->read(disk, page, count, s->stored + s->stored_bytes);
		s->stored_bytes += count << THAW_PAGE_SHIFT;
	}
	return err;
}

static enum thaw_err cut(struct thaw_machine *m, struct stream *s)
{
	uint64_t most = s->image->facts.stream_pages;
	uint64_t done = s->image->decoded_pages;
	struct thaw_block *block;
	size_t at = 0;
	enum thaw_err err = THAW_OK;

	s->blocks = m->memory.alloc(&m->memory, most * sizeof(*s->blocks));
	s->at = m->memory.alloc(&m->memory, most * sizeof(*s->at));
	if (!s->blocks || !s->at)
		return THAW_MEMORY;
	for (; !err && done < most; done += block->pages) {
		block = &s->blocks[s->count];
		s->at[s->count++] = at;
		err = thaw_image_split(s->image, done, s->stored + at, s->stored_bytes - at, block,
				       NULL);
		if (!err && !block->stored)
			err = THAW_MAP_SHORT;
		at += block->stored;
	}
	return err;
}

static void decode(void *arg, unsigned worker)
{
	struct stream *s = arg;
	uint8_t *to = s->to[worker];
	size_t i;

	while ((i = __atomic_fetch_add(&s->next, 1, __ATOMIC_RELAXED)) < s->count) {
		struct thaw_block *block = &s->blocks[i];
		size_t bytes = (size_t)block->pages << THAW_PAGE_SHIFT;

		if (thaw_block_decode(block, s->stored + s->at[i], to))
			__atomic_store_n(&s->failed, 1, __ATOMIC_RELAXED);
		else if (s->checked)
			__atomic_fetch_xor(&s->sum, thaw_crc32_by(s->method, 0, to, bytes),
					   __ATOMIC_RELAXED);
	}
}

static void measure_decoding(struct thaw_machine *m, struct stream *s, const char *what)
{
	uint64_t began = cpu_now_us();
	unsigned workers;

	s->next = 0;
	workers = m->workers_start(m, MOST_WORKERS, decode, s);
	decode(s, 0);
	if (workers)
		m->workers_join(m);
	console_note(what, workers + 1, cpu_now_us() - began);
}

static enum thaw_err measure_blocks(struct thaw_machine *m, struct thaw_disk *disk,
				    const struct thaw_image *image)
{
	static struct stream s;
	enum thaw_err err;

	s = (struct stream){.image = image, .method = thaw_crc32_choose(NULL)};
	for (unsigned i = 0; i <= MOST_WORKERS; i++) {
		s.to[i] = m->memory.alloc(&m->memory, THAW_BLOCK_BYTES);
		if (!s.to[i])
			return THAW_MEMORY;
	}
	err = gather(m, disk, &s);
	if (!err)
		err = cut(m, &s);
	if (err)
		return err;
	measure_decoding(m, &s, "floor-decode");
	s.checked = true;
	measure_decoding(m, &s, "floor-decode-checked");
	return s.failed ? THAW_BLOCK_DATA : THAW_OK;
}

/* --- the whole ------------------------------------------------------------------------------ */

static enum thaw_err measure(struct thaw_machine *m, struct thaw_disk *disk,
			     struct thaw_image *image)
{
	enum thaw_err err = measure_reading(m, disk, image);

	if (!err)
		err = measure_writing(m, image);
	return err ? err : measure_blocks(m, disk, image);
}

static enum thaw_err find_and_measure(void)
{
	static struct config config;
	static struct thaw_located located;
	static struct thaw_machine machine;
	static struct thaw_image image;
	struct thaw_diag diag;
	enum thaw_err err = machine_init(&machine);

	config_load(&config);
	while (connect_next(CONNECT_STORAGE))
		;
	discover(&located, &config);
	if (!err && !located.count)
		err = THAW_NO_IMAGE;
	if (!err)
		err = thaw_image_open(&image, located.list[0].disk, located.list[0].header_page,
				      UINT32_MAX, &machine.memory, &diag);
	return err ? err : measure(&machine, located.list[0].disk, &image);
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st)
{
	static const EFI_GUID guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
	enum thaw_err err;

	fw = (struct firmware){image, NULL, st, st->BootServices, st->RuntimeServices, false};
	fw.self = firmware_protocol(image, &guid);
	cpu_clock_start();
	console_verbose = true;
	err = find_and_measure();
	console_note(thaw_err_name(err), 0, 0);
	fw.rt->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
	return EFI_ABORTED;
}
