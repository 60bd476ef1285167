/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * real.c: pictures and memory maps of really hibernated disks. Nothing here asks imagefmt/ or
 * loader/.
 */
#include "real.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define PAGE	     4096
#define ZERO_FRAME   (UINT64_C(1) << 63)
#define LARGE_FRAMES 4096 /* reserved ranges of this size are no RAM */

/* --- the picture ------------------------------------------------------------------------- */

static void take(void *arg, const uint8_t *decoded, size_t n)
{
	struct real *r = arg;
	size_t used = r->stream_pages * PAGE;

	if (used + n > r->stream_room) {
		r->stream_room = 2 * (used + n);
		r->stream = realloc(r->stream, r->stream_room);
		if (!r->stream)
			abort();
	}
	memcpy(r->stream + used, decoded, n);
	r->stream_pages += n / PAGE;
}

static bool is_sealed(const struct real *r)
{
	return (r->disk[4072] & 2) ||
	       synth_crc32(0, r->stream, r->stream_pages * PAGE) == thaw_le32(r->disk + 4060);
}

/* The list is sorted and names as many pages as there are. */
static bool take_frames(struct real *r, size_t meta)
{
	struct synth *s = &r->picture;
	uint8_t *page = r->stream + meta * PAGE;
	uint8_t *end = r->stream + r->stream_pages * PAGE;
	uint64_t pfn;
	size_t i;

	s->frames = realloc(s->frames, meta * 512 * sizeof(*s->frames));
	s->frame_count = 0;
	for (i = 0; i < meta * 512; i++) {
		pfn = thaw_le64(r->stream + i * 8);
		if (pfn == UINT64_MAX)
			break;
		s->frames[i] = (struct synth_frame){pfn & ~ZERO_FRAME, NULL};
		if (i && s->frames[i].pfn <= s->frames[i - 1].pfn)
			return false;
		s->frame_count++;
		if (pfn & ZERO_FRAME)
			continue;
		if (page == end)
			return false;
		s->frames[i].data = page;
		page += PAGE;
	}
	return page == end;
}

bool real_look(struct real *r)
{
	struct synth *s = &r->picture;
	uint64_t map = thaw_le64(r->disk + 4064);
	const uint8_t *info;
	uint64_t data;

	r->stream_pages = 0;
	if (memcmp(r->disk + 4086, "S1SUSPEND", 10) ||
	    !synth_walk(r->disk, r->pages, 0, take, r) || !is_sealed(r))
		return false;
	info = r->disk + thaw_le64(r->disk + map * PAGE) * PAGE;
	s->jump_va = thaw_le64(info);
	s->jump_pa = thaw_le64(info + 8);
	s->root_pa = thaw_le64(info + 16);
	s->options.levels = 4;
	s->options.digest = thaw_le32(info + 32);
	data = thaw_le64(info + 416);
	return data < r->stream_pages && take_frames(r, r->stream_pages - data);
}

uint64_t real_place(const struct real *r, uint64_t frame)
{
	const struct synth_frame *f = synth_find(&r->picture, frame);

	return f && f->data ? (uint64_t)(f->data - r->stream) : 0;
}

/* --- the memory map ---------------------------------------------------------------------- */

/* arch/x86/kernel/e820.c: the firmware's table as the kernel keeps it; the digest is its CRC-32. */
static const uint8_t *find_table(const struct real *r)
{
	const uint8_t *end = r->stream + r->stream_pages * PAGE;
	const uint8_t *at;
	uint32_t count;

	for (at = r->stream; at + 24 <= end; at += 8) {
		count = thaw_le32(at);
		if (!count || count > REAL_RANGES_MAX / 2 || thaw_le64(at + 4) ||
		    (uint64_t)(end - at) < 4 + 20 * count)
			continue;
		if (crc32(0, at, 4 + 20 * count) == r->picture.options.digest)
			return at;
	}
	return NULL;
}

static enum thaw_mem_type type_of(uint32_t e820, uint64_t frames)
{
	switch (e820) {
	case 1:
		return THAW_MEM_FREE;
	case 2:
		return frames < LARGE_FRAMES ? THAW_MEM_RUNTIME : THAW_MEM_MMIO;
	case 3:
		return THAW_MEM_ACPI;
	case 4:
		return THAW_MEM_NVS;
	case 5:
		return THAW_MEM_UNUSABLE;
	case 7:
		return THAW_MEM_PERSISTENT;
	default:
		return THAW_MEM_SPECIAL;
	}
}

static void add_range(struct real *r, uint64_t first, uint64_t end, enum thaw_mem_type type)
{
	if (first < end)
		r->ranges[r->range_count++] = (struct thaw_mem_range){{first, end}, type};
}

/* Firmware sits here and there in what it gives back later; the digest does not see it. */
static void add_ram(struct real *r, uint64_t first, uint64_t end)
{
	uint64_t at;
	unsigned n;

	for (n = 0; n < 3 && end - first > LARGE_FRAMES; n++) {
		at = first + synth_random(&r->picture) % ((end - first) / 2);
		add_range(r, first, at, THAW_MEM_FREE);
		first = at + 1 + synth_random(&r->picture) % 200;
		add_range(r, at, first, THAW_MEM_BOOT);
	}
	add_range(r, first, end, THAW_MEM_FREE);
}

static bool take_map(struct real *r)
{
	const uint8_t *at = find_table(r);
	uint32_t count = at ? thaw_le32(at) : 0;
	uint64_t first;
	uint64_t end;

	for (at += 4; count; count--, at += 20) {
		first = thaw_le64(at) / PAGE;
		end = first + thaw_le64(at + 8) / PAGE;
		if (thaw_le32(at + 16) == 1)
			add_ram(r, first, end);
		else
			add_range(r, first, end, type_of(thaw_le32(at + 16), end - first));
	}
	return r->range_count &&
	       sim_digest(r->ranges, r->range_count) == r->picture.options.digest;
}

/* --- the disk ---------------------------------------------------------------------------- */

static uint8_t *map_file(int fd, uint64_t at, uint64_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, (off_t)at);

	return p == MAP_FAILED ? NULL : p;
}

void real_rewind(struct real *r)
{
	madvise(r->disk, r->pages * PAGE, MADV_DONTNEED);
	madvise(r->before, r->pages * PAGE, MADV_DONTNEED);
}

/* Beyond the image's last page lies nothing that matters, and much of it. */
static void shorten(struct real *r)
{
	uint64_t map = thaw_le64(r->disk + 4064);
	uint64_t last = map;
	size_t i;

	for (; map; map = thaw_le64(r->disk + map * PAGE + 4088)) {
		for (i = 0; i < PAGE; i += 8)
			last = thaw_max(last, thaw_le64(r->disk + map * PAGE + i));
	}
	r->pages = thaw_min(r->pages, last + SYNTH_SPARE_PAGES);
}

bool real_open(struct real *r, const char *path, uint64_t at, uint32_t seed)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	memset(r, 0, sizeof(*r));
	synth_init(&r->picture, &(struct synth_options){.seed = seed});
	if (fd < 0 || fstat(fd, &st) || (uint64_t)st.st_size < at + PAGE)
		return false;
	r->pages = ((uint64_t)st.st_size - at) / PAGE;
	r->disk = map_file(fd, at, r->pages * PAGE);
	r->before = map_file(fd, at, r->pages * PAGE);
	close(fd);
	if (!r->disk || !r->before || !real_look(r))
		return false;
	/* Disks that are tried with one seed are tried in different ways. */
	r->picture.random ^= thaw_le32(r->stream) ^ thaw_le32(r->disk + 4060);
	r->picture.random |= !r->picture.random;
	if (!take_map(r))
		return false;
	shorten(r);
	return true;
}

/* --- the same in thaw's own format ------------------------------------------------------- */

static bool lend_disk(struct real *r, const uint8_t *bytes, uint64_t pages)
{
	int fd = memfd_create("native", MFD_CLOEXEC);
	uint64_t i;

	for (i = 0; fd >= 0 && i < pages; i++) {
		if (pwrite(fd, bytes + i * PAGE, PAGE, (off_t)(i * PAGE)) != PAGE)
			return false;
	}
	munmap(r->disk, r->pages * PAGE);
	munmap(r->before, r->pages * PAGE);
	r->pages = pages;
	r->disk = map_file(fd, 0, pages * PAGE);
	r->before = map_file(fd, 0, pages * PAGE);
	close(fd);
	return r->disk && r->before;
}

bool real_to_native(struct real *r, enum synth_format format)
{
	struct synth *s = &r->picture;
	size_t i;
	bool good;

	s->options.format = format;
	s->options.codec = THAW_CODEC_LZ4;
	s->data_count = 0;
	for (i = 0; i < s->frame_count; i++)
		s->data_count += s->frames[i].data != NULL;
	synth_native_store(s);
	good = lend_disk(r, s->disk, s->disk_pages);
	free(s->disk);
	s->disk = NULL;
	return good;
}
