/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * sim_disk.c: the disk, which counts how often each page is read, fails on demand, and knows that
 * it may be written to once, in what says that there is an image.
 */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define PAGE	  4096
#define SIG_AT	  4086
#define SIG_BYTES 10

static struct sim_disk *disk_of(struct thaw_disk *d)
{
	return (struct sim_disk *)d;
}

/* THAW_OK, and the pages are there and not read before. */
static enum thaw_err check_read(struct sim_disk *disk, uint64_t page, uint64_t count)
{
	struct sim *s = disk->sim;
	uint64_t i;

	if (!count || page >= disk->d.pages || count > disk->d.pages - page) {
		sim_fault(s, "read outside the disk", page, count);
		return THAW_READ;
	}
	if (disk->pending)
		sim_fault(s, "read while another is under way", page, count);
	for (i = page; i < page + count; i++) {
		disk->rereads += disk->times[i]++ != 0;
	}
	return sim_fails(s, SIM_READ) ? THAW_READ : THAW_OK;
}

static enum thaw_err read(struct thaw_disk *d, uint64_t page, uint64_t count, void *buf)
{
	struct sim_disk *disk = disk_of(d);
	enum thaw_err err = check_read(disk, page, count);

	/* A read that fails may have got somewhere. */
	memcpy(buf, disk->bytes + page * PAGE, err ? PAGE / 2 : count * PAGE);
	if (disk->watch)
		disk->watch(buf, count);
	return err;
}

/* Nothing is there before read_wait: whoever looks at the buffer sees rubbish. */
static enum thaw_err read_start(struct thaw_disk *d, uint64_t page, uint64_t count, void *buf)
{
	struct sim_disk *disk = disk_of(d);
	enum thaw_err err = check_read(disk, page, count);

	if (err)
		return err;
	memset(buf, 0xee, count * PAGE);
	disk->pending = buf;
	disk->pending_page = page;
	disk->pending_count = count;
	return THAW_OK;
}

static enum thaw_err read_wait(struct thaw_disk *d)
{
	struct sim_disk *disk = disk_of(d);
	uint8_t *buf = disk->pending;

	if (!buf)
		sim_fault(disk->sim, "wait for no read", 0, 0);
	disk->pending = NULL;
	if (sim_fails(disk->sim, SIM_READ_WAIT) || !buf)
		return THAW_READ;
	memcpy(buf, disk->bytes + disk->pending_page * PAGE, disk->pending_count * PAGE);
	return THAW_OK;
}

static void check_signature(struct sim *s, const uint8_t *old_page, const uint8_t *new_page)
{
	if (memcmp(new_page + SIG_AT, old_page + SIG_AT - SIG_BYTES, SIG_BYTES))
		sim_fault(s, "not the original signature", 0, 0);
}

static enum synth_format format_of(const uint8_t *page)
{
	static const uint8_t magic[] = NATIVE_ANCHOR_MAGIC;
	const struct native_swap_page *swap = (const void *)page;

	if (memcmp(swap->sig, NATIVE_SUSPEND_SIG, SIG_BYTES))
		return SYNTH_OWN;
	return swap->image || memcmp(swap->anchor.magic, magic, sizeof(magic)) ? SYNTH_LINUX
									       : SYNTH_SWAP;
}

/* What may have changed is taken from the new page; then they are to be the same. */
static void check_new_page(struct sim_disk *disk, const uint8_t *old_page, const uint8_t *new_page)
{
	static const struct native_anchor none;
	const struct native_anchor *own = (const void *)new_page;
	enum synth_format format = format_of(old_page);
	uint8_t page[PAGE];

	memcpy(page, old_page, PAGE);
	if (format == SYNTH_OWN) {
		memcpy(page + 12, new_page + 12, 4);
		memcpy(page + 248, new_page + 248, 8);
		if (own->state != NATIVE_STATE_DONE)
			sim_fault(disk->sim, "the anchor does not say done", own->state, 0);
	} else {
		check_signature(disk->sim, old_page, new_page);
		memcpy(page + SIG_AT, new_page + SIG_AT, SIG_BYTES);
	}
	if (format == SYNTH_SWAP)
		memcpy(page + 1280, &none, sizeof(none));
	if (memcmp(page, new_page, PAGE))
		sim_fault(disk->sim, "more changed than has to", 0, 0);
	if (disk->consumed)
		sim_fault(disk->sim, "consumed twice", 0, 0);
	if (disk->sim->started)
		sim_fault(disk->sim, "commit while processors work", disk->sim->started, 0);
}

static enum thaw_err consume(struct thaw_disk *d, uint64_t page, const void *old_page,
			     const void *new_page)
{
	struct sim_disk *disk = disk_of(d);
	bool fails = sim_fails(disk->sim, SIM_CONSUME);
	enum thaw_err err = disk->sim->fail_err ? disk->sim->fail_err : THAW_WRITE;

	if (fails && (err == THAW_READ || err == THAW_CHANGED))
		return err;
	if (memcmp(disk->bytes + page * PAGE, old_page, PAGE))
		return THAW_CHANGED;
	check_new_page(disk, old_page, new_page);
	disk->consumed++;
	memcpy(disk->bytes + page * PAGE, new_page, fails && disk->half_written ? 512 : PAGE);
	return fails ? err : THAW_OK;
}

void sim_disk_init(struct sim *s)
{
	struct sim_disk *disk = &s->disk;

	disk->sim = s;
	disk->d.read = read;
	disk->d.consume = consume;
	sim_background(s, disk->d.read_start);
	disk->pending = NULL;
	disk->consumed = 0;
	disk->rereads = 0;
	if (disk->times)
		memset(disk->times, 0, disk->d.pages);
}

void sim_eject(struct sim *s)
{
	struct sim_disk *disk = &s->disk;

	if (!disk->lent) {
		free(disk->bytes);
		free(disk->before);
	}
	free(disk->times);
	disk->bytes = disk->before = disk->times = NULL;
	disk->lent = false;
}

void sim_lend(struct sim *s, uint8_t *bytes, uint8_t *before, uint64_t pages)
{
	struct sim_disk *disk = &s->disk;

	sim_eject(s);
	disk->bytes = bytes;
	disk->before = before;
	disk->lent = true;
	disk->times = calloc(pages, 1);
	disk->d.pages = pages;
}

void sim_insert(struct sim *s, const struct synth *picture)
{
	struct sim_disk *disk = &s->disk;
	size_t bytes = picture->disk_pages * PAGE;

	sim_eject(s);
	disk->bytes = malloc(bytes);
	disk->before = malloc(bytes);
	disk->times = calloc(picture->disk_pages, 1);
	disk->d.pages = picture->disk_pages;
	memcpy(disk->bytes, picture->disk, bytes);
	memcpy(disk->before, picture->disk, bytes);
	s->picture = picture;
}

void sim_background(struct sim *s, bool on)
{
	s->disk.d.read_start = on ? read_start : NULL;
	s->disk.d.read_wait = on ? read_wait : NULL;
}
