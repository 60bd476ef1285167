/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * disk.c: a block device of the firmware as a struct thaw_disk.
 *
 * consume is the only function of thaw that writes to a disk.
 */
#include "disk.h"

#include "checkpoint.h"
#include "cpu.h"
#include "flush.h"
#include "memory.h"

/*
 * How many pages are asked for at once. 8 MiB keep every device busy, and drivers split them as their
 * controllers need. But some refuse what is too much for them, and a controller that reaches no
 * further than 4 GiB takes as much memory there, of which thaw leaves 16 MiB: so where a read failed, less
 * is asked for from then on.
 */
static const uint64_t pieces[] = {2048, 256, 16};

#define SMALLEST      (THAW_ARRAY_LEN(pieces) - 1)
#define READ_TRIES    3
#define BACKGROUND_US 30000000

/* Shorter reads tell more about latency than about speed. */
#define TELLING_PAGES 32

/*
 * Firmware notices the end of a background read at a tick of its timer, 10 ms apart in EDK2: a read
 * that takes less than two is over sooner when waited for.
 */
#define WORTH_US 20000

/* Some drivers split a background read into many, one for each tick: so late are they not used. */
#define LATE 2

static struct disk *disk_of(struct thaw_disk *seam)
{
	return (struct disk *)seam;
}

static EFI_LBA lba_of(const struct disk *disk, uint64_t page)
{
	return page * disk->blocks_per_page;
}

/* No overflow later: seam.pages times blocks_per_page was a number of blocks. */
static bool is_inside(const struct disk *disk, uint64_t page, uint64_t count)
{
	return count && page < disk->seam.pages && count <= disk->seam.pages - page;
}

/*
 * EDK2's AHCI driver (2022.11) answers EFI_SUCCESS to reads that failed. So the end of every page
 * is marked before a read; where a mark is still there afterwards nothing was read. Data that looks
 * like the mark, once in 2^64, costs two more reads with other marks.
 */
static uint64_t *page_end(void *buf, uint64_t index)
{
	return (uint64_t *)((uint8_t *)buf + (index + 1) * THAW_PAGE_SIZE) - 1;
}

static uint64_t mark_pages(void *buf, uint64_t count)
{
	uint64_t mark = __builtin_ia32_rdtsc() * 0x9e3779b97f4a7c15;

	for (uint64_t i = 0; i < count; i++)
		*page_end(buf, i) = mark;
	return mark;
}

static bool was_read(void *buf, uint64_t count, uint64_t mark)
{
	for (uint64_t i = 0; i < count; i++) {
		if (*page_end(buf, i) == mark)
			return false;
	}
	return true;
}

static bool read_once(struct disk *disk, uint64_t page, uint64_t count, void *buf)
{
	EFI_BLOCK_IO *io = disk->block_io;
	uint64_t mark = mark_pages(buf, count);

	return !EFI_ERROR(io->ReadBlocks(io, disk->media_id, lba_of(disk, page),
					 count * THAW_PAGE_SIZE, buf)) &&
	       was_read(buf, count, mark);
}

static void ask_for_less(struct disk *disk, uint64_t failed)
{
	while (disk->piece < SMALLEST && failed > pieces[SMALLEST] && failed <= pieces[disk->piece])
		disk->piece++;
}

/* How many pages were read, 0 if not even few can be. */
static uint64_t read_piece(struct disk *disk, uint64_t page, uint64_t count, void *buf)
{
	uint64_t began = cpu_now_us();
	uint64_t n = 0;
	bool done = false;

	/* A disk that answers, however late or badly, is none that hangs: an image has millions of pages
	 * that say where it lies, and one that is dying has many areas. */
	for (unsigned tries = 0; tries < READ_TRIES && !done; tries++) {
		n = thaw_min(count, pieces[disk->piece]);
		done = read_once(disk, page, n, buf);
		firmware_rearm_watchdog();
		if (!done)
			ask_for_less(disk, n);
	}
	if (n >= TELLING_PAGES) {
		disk->seen_pages += n;
		disk->seen_us += cpu_now_us() - began;
	}
	return done ? n : 0;
}

static enum thaw_err disk_read(struct thaw_disk *seam, uint64_t page, uint64_t count, void *buf)
{
	struct disk *disk = disk_of(seam);
	uint8_t *to = buf;

	if (!is_inside(disk, page, count))
		return THAW_READ;
	while (count) {
		uint64_t n = read_piece(disk, page, count, to);

		if (!n)
			return THAW_READ;
		page += n;
		count -= n;
		to += n * THAW_PAGE_SIZE;
	}
	return THAW_OK;
}

static uint64_t expected_us(const struct disk *disk)
{
	return disk->seen_pages ? disk->count * disk->seen_us / disk->seen_pages : 0;
}

static bool start_in_background(struct disk *disk)
{
	EFI_BLOCK_IO2_PROTOCOL *io = disk->block_io2;

	if (!io || disk->count > pieces[disk->piece] || expected_us(disk) < WORTH_US ||
	    EFI_ERROR(fw.bs->CreateEvent(0, 0, NULL, NULL, &disk->token.Event)))
		return false;
	disk->token.TransactionStatus = EFI_NOT_READY;
	disk->mark = mark_pages(disk->buf, disk->count);
	disk->until_us = cpu_now_us() + LATE * expected_us(disk);
	if (!EFI_ERROR(io->ReadBlocksEx(io, disk->media_id, lba_of(disk, disk->page), &disk->token,
					disk->count * THAW_PAGE_SIZE, disk->buf)))
		return true;
	fw.bs->CloseEvent(disk->token.Event);
	return false;
}

/* What is not to be read in the background is read now; read_wait then has nothing to wait for. */
static enum thaw_err disk_read_start(struct thaw_disk *seam, uint64_t page, uint64_t count,
				     void *buf)
{
	struct disk *disk = disk_of(seam);

	if (!is_inside(disk, page, count))
		return THAW_READ;
	disk->page = page;
	disk->count = count;
	disk->buf = buf;
	disk->in_background = start_in_background(disk);
	if (disk->in_background)
		return THAW_OK;
	return disk_read(seam, page, count, buf);
}

static bool is_signalled(const struct disk *disk)
{
	return fw.bs->CheckEvent(disk->token.Event) == EFI_SUCCESS;
}

static bool wait_token(struct disk *disk)
{
	uint64_t until = cpu_now_us() + BACKGROUND_US;

	while (!is_signalled(disk)) {
		if (cpu_now_us() > until)
			return false;
		thaw_cpu_relax();
	}
	if (cpu_now_us() > disk->until_us)
		disk->block_io2 = NULL;
	return true;
}

/*
 * A device that does not answer may still write to the buffer, whenever it likes, and firmware may
 * still signal the event. A reset ends both, and what was not read is read in the foreground; if even
 * that fails neither may be given away.
 */
static enum thaw_err abandon_background(struct disk *disk)
{
	disk->block_io2->Reset(disk->block_io2, FALSE);
	if (!wait_token(disk)) {
		memory_keep();
		return THAW_READ;
	}
	fw.bs->CloseEvent(disk->token.Event);
	return disk_read(&disk->seam, disk->page, disk->count, disk->buf);
}

static enum thaw_err disk_read_wait(struct thaw_disk *seam)
{
	struct disk *disk = disk_of(seam);

	if (!disk->in_background)
		return THAW_OK;
	disk->in_background = false;
	if (!is_signalled(disk) && !wait_token(disk))
		return abandon_background(disk);
	fw.bs->CloseEvent(disk->token.Event);
	if (!EFI_ERROR(disk->token.TransactionStatus) &&
	    was_read(disk->buf, disk->count, disk->mark))
		return THAW_OK;
	return disk_read(seam, disk->page, disk->count, disk->buf);
}

static bool holds(struct disk *disk, uint64_t page, const void *expected, enum thaw_err *ret_err)
{
	static uint8_t now[THAW_PAGE_SIZE] __attribute__((aligned(4096)));

	*ret_err = disk_read(&disk->seam, page, 1, now);
	return *ret_err == THAW_OK && thaw_bytes_equal(now, expected, sizeof(now));
}

static bool write_page(struct disk *disk, uint64_t page, const void *content)
{
	static uint8_t copy[THAW_PAGE_SIZE] __attribute__((aligned(4096)));
	EFI_BLOCK_IO *io = disk->block_io;

	__builtin_memcpy(copy, content, sizeof(copy));
	return !EFI_ERROR(
		io->WriteBlocks(io, disk->media_id, lba_of(disk, page), sizeof(copy), copy));
}

static enum thaw_err disk_consume(struct thaw_disk *seam, uint64_t page, const void *old_page,
				  const void *new_page)
{
	struct disk *disk = disk_of(seam);
	enum thaw_err err;

	if (!holds(disk, page, old_page, &err))
		return err != THAW_OK ? err : THAW_CHANGED;
	/* A disk that cannot be flushed must not cost the image. A drive may take minutes to say so. */
	firmware_rearm_watchdog();
	err = flush_disk(disk->handle, disk->block_io);
	if (err != THAW_OK)
		return err;
	firmware_rearm_watchdog();
	if (!write_page(disk, page, new_page))
		return THAW_WRITE;
	checkpoint_reached(THAW_CHECKPOINT_WRITTEN);
	err = flush_disk(disk->handle, disk->block_io);
	if (err != THAW_OK)
		return err;
	return holds(disk, page, new_page, &err) ? THAW_OK : THAW_VERIFY;
}

static uint64_t whole_pages(const EFI_BLOCK_IO_MEDIA *media)
{
	uint64_t blocks;

	if (thaw_add_overflows(media->LastBlock, 1u, &blocks))
		return 0;
	return blocks / (THAW_PAGE_SIZE / media->BlockSize);
}

bool disk_open(struct disk *ret, EFI_HANDLE handle, EFI_BLOCK_IO *block_io)
{
	static const EFI_GUID guid2 = EFI_BLOCK_IO2_PROTOCOL_GUID;
	const EFI_BLOCK_IO_MEDIA *media = block_io->Media;

	if (!media->MediaPresent || media->BlockSize < 512 || THAW_PAGE_SIZE % media->BlockSize ||
	    media->IoAlign > THAW_PAGE_SIZE)
		return false;
	*ret = (struct disk){
		.seam = {.pages = whole_pages(media), .read = disk_read, .consume = disk_consume},
		.handle = handle,
		.block_io = block_io,
		.block_io2 = firmware_protocol(handle, &guid2),
		.media_id = media->MediaId,
		.blocks_per_page = THAW_PAGE_SIZE / media->BlockSize,
	};
	if (ret->block_io2) {
		ret->seam.read_start = disk_read_start;
		ret->seam.read_wait = disk_read_wait;
	}
	return ret->seam.pages != 0;
}
