/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * floor.c: an EFI program that does the least any restore must, and says how long each part took:
 * reads what opening the image reads, and the rest of the stored pages, into one window, with the
 * protocol and the code that thaw reads with; writes as many frames as it restores, once; reads the
 * stored pages again, straight into those frames; and decodes all blocks from memory into them,
 * without and with their checksums. Powers off.
 *
 * Reading and writing are the floor. Where blocks have to be decoded, that is how the frames are
 * written, and where they have not, reading straight into them is.
 */
#include <thaw/crc32.h>

#include "config.h"
#include "connect.h"
#include "console.h"
#include "cpu.h"
#include "discover.h"
#include "firmware.h"
#include "machine.h"

#define WINDOW_PAGES   512
#define STRAIGHT_PAGES 2048
#define MOST_WORKERS   15
#define MOST_READS     16384

struct stream {
	const struct thaw_image *image;
	uint8_t *stored;
	size_t stored_bytes;
	uint8_t *frames;
	struct thaw_block *blocks;
	size_t *at; /* of each block, in the stored bytes */
	size_t *to; /* and in the frames */
	size_t count;
	size_t next; /* atomic */
	bool checked; /* the stream has a checksum */
	enum thaw_crc32_method method;
	uint32_t sum; /* so that no checksum is for nothing */
	uint32_t failed;
};

/* A disk that remembers what was read. */
struct remembering {
	struct thaw_disk seam;
	struct thaw_disk *below;
	struct thaw_extent reads[MOST_READS];
	size_t count;
};

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st);

/* --- reading and writing ------------------------------------------------------------------ */

static enum thaw_err read_and_remember(struct thaw_disk *seam, uint64_t page, uint64_t count,
				       void *buf)
{
	struct remembering *disk = (struct remembering *)seam;
	uint64_t done;
	uint64_t n;

	for (done = 0; done < count; done += n) {
		n = thaw_min(count - done, WINDOW_PAGES);
		if (disk->count == MOST_READS)
			return THAW_MEMORY;
		disk->reads[disk->count++] = (struct thaw_extent){page + done, n};
	}
	return disk->below->read(disk->below, page, count, buf);
}

static enum thaw_err read_again(const struct remembering *disk, uint8_t *window)
{
	uint64_t began = cpu_now_us();
	enum thaw_err err = THAW_OK;

	for (size_t i = 0; !err && i < disk->count; i++)
		err = disk->below->read(disk->below, disk->reads[i].page, disk->reads[i].count,
					window);
	console_note("floor-open", disk->count, cpu_now_us() - began);
	return err;
}

/* to goes on with the stream, or is one window for all of it. */
static enum thaw_err read_stream(struct thaw_disk *disk, const struct thaw_image *image,
				 uint64_t most_pages, uint8_t *to, bool go_on, const char *what)
{
	struct thaw_stream_pos pos = image->pos;
	uint64_t began = cpu_now_us();
	uint64_t page;
	uint64_t count;
	enum thaw_err err = THAW_OK;

	while (!err && (count = thaw_stream_next(image, &pos, most_pages, &page))) {
		err = disk->read(disk, page, count, to);
		to += go_on ? count << THAW_PAGE_SHIFT : 0;
	}
	console_note(what, image->facts.stored_pages, cpu_now_us() - began);
	return err;
}

static enum thaw_err measure_reading(struct thaw_machine *m, const struct remembering *disk,
				     const struct thaw_image *image)
{
	uint8_t *window = m->memory.alloc(&m->memory, WINDOW_PAGES * THAW_PAGE_SIZE);
	enum thaw_err err = window ? read_again(disk, window) : THAW_MEMORY;

	return err ? err : read_stream(disk->below, image, WINDOW_PAGES, window, false,
				       "floor-read");
}

/* What is stored may be a little more than what it is of. */
static enum thaw_err measure_writing(struct thaw_machine *m, struct stream *s)
{
	const struct thaw_facts *facts = &s->image->facts;
	uint64_t most = thaw_max(facts->stream_pages, facts->stored_pages);
	uint64_t began;

	s->frames = m->memory.alloc(&m->memory, most << THAW_PAGE_SHIFT);
	if (!s->frames)
		return THAW_MEMORY;
	began = cpu_now_us();
	__builtin_memset(s->frames, 1, facts->data_frames << THAW_PAGE_SHIFT);
	console_note("floor-write", facts->data_frames, cpu_now_us() - began);
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
	size_t to = 0;
	enum thaw_err err = THAW_OK;

	s->blocks = m->memory.alloc(&m->memory, most * sizeof(*s->blocks));
	s->at = m->memory.alloc(&m->memory, most * sizeof(*s->at));
	s->to = m->memory.alloc(&m->memory, most * sizeof(*s->to));
	if (!s->blocks || !s->at || !s->to)
		return THAW_MEMORY;
	for (; !err && done < most; done += block->pages) {
		block = &s->blocks[s->count];
		s->at[s->count] = at;
		s->to[s->count++] = to;
		err = thaw_image_split(s->image, done, s->stored + at, s->stored_bytes - at, block,
				       NULL);
		if (!err && !block->stored)
			err = THAW_MAP_SHORT;
		at += block->stored;
		to += (size_t)block->pages << THAW_PAGE_SHIFT;
	}
	return err;
}

static void decode(void *arg, unsigned worker)
{
	struct stream *s = arg;
	size_t i;

	(void)worker;
	while ((i = __atomic_fetch_add(&s->next, 1, __ATOMIC_RELAXED)) < s->count) {
		struct thaw_block *block = &s->blocks[i];
		uint8_t *to = s->frames + s->to[i];
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
				    struct stream *s)
{
	enum thaw_err err = gather(m, disk, s);

	if (!err)
		err = cut(m, s);
	if (err)
		return err;
	measure_decoding(m, s, "floor-decode");
	s->checked = s->image->facts.has_checksum;
	measure_decoding(m, s, "floor-decode-checked");
	return s->failed ? THAW_BLOCK_DATA : THAW_OK;
}

/* --- the whole ------------------------------------------------------------------------------ */

static enum thaw_err measure(struct thaw_machine *m, const struct remembering *disk,
			     const struct thaw_image *image)
{
	static struct stream s;
	enum thaw_err err = measure_reading(m, disk, image);

	s = (struct stream){.image = image, .method = thaw_crc32_choose(NULL)};
	if (!err)
		err = measure_writing(m, &s);
	if (!err)
		err = read_stream(disk->below, image, STRAIGHT_PAGES, s.frames, true,
				  "floor-straight");
	return err ? err : measure_blocks(m, disk->below, &s);
}

static enum thaw_err find_and_measure(void)
{
	static struct config config;
	static struct thaw_located located;
	static struct thaw_machine machine;
	static struct thaw_image image;
	static struct remembering disk;
	struct thaw_diag diag;
	enum thaw_err err = machine_init(&machine);

	config_load(&config);
	while (connect_next(CONNECT_STORAGE))
		;
	discover(&located, &config);
	if (!err && !located.count)
		err = THAW_NO_IMAGE;
	if (err)
		return err;
	disk.below = located.list[0].disk;
	disk.seam = (struct thaw_disk){.pages = disk.below->pages, .read = read_and_remember};
	err = thaw_image_open(&image, &disk.seam, located.list[0].header_page, UINT32_MAX,
			      &machine.memory, &diag);
	return err ? err : measure(&machine, &disk, &image);
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st)
{
	enum thaw_err err;

	firmware_init(image, st);
	cpu_clock_start();
	console_verbose = true;
	err = find_and_measure();
	console_note(thaw_err_name(err), 0, 0);
	fw.rt->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
	return EFI_ABORTED;
}
