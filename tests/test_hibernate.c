/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_hibernate.c: made-up snapshots, as /dev/snapshot hands them out, on their way to an image.
 * A file stands for the device: reading it is the same.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../tools/hibernate.h"
#include "check.h"
#include "swsusp_disk.h"

#define PAGE	 4096u
#define UNITS	 512u
#define CAPACITY (4 * PFN_PER_PAGE)

/* What a snapshot is made of; frames as the kernel lists them. */
struct scene {
	const uint64_t *frames;
	unsigned count;
	unsigned pages_less; /* left out at the end */
	uint64_t magic;
	uint64_t more_pages; /* that the info page promises beyond what there is */
	uint64_t capacity;
};

struct outcome {
	enum hibernate_err err;
	enum thaw_writer_err writer_err;
	struct thaw_writer_stats stats;
	struct thaw_writer_facts facts;
};

static const uint8_t spare[PAGE] = "nobody else has this";

/* Frames from 900 on hold the spare page. */
static void make_page(uint64_t frame, uint8_t page[PAGE])
{
	unsigned i;

	for (i = 0; i < PAGE; i++)
		page[i] = (uint8_t)(frame * 31 + i * i);
	if (frame >= 900)
		memcpy(page, spare, PAGE);
}

static void put(int fd, const void *page)
{
	CHECK(write(fd, page, PAGE) == (ssize_t)PAGE);
}

static void write_list(int fd, const struct scene *s)
{
	uint64_t list[PFN_PER_PAGE];
	unsigned at = 0;
	unsigned i;

	while (at < s->count) {
		memset(list, 0, sizeof(list));
		for (i = 0; i < PFN_PER_PAGE && at < s->count; i++)
			list[i] = s->frames[at++];
		if (i < PFN_PER_PAGE)
			list[i] = BM_END_OF_MAP;
		put(fd, list);
	}
}

static uint64_t write_snapshot(int fd, const struct scene *s)
{
	struct swsusp_info info = {0};
	uint8_t page[PAGE] = {0};
	uint64_t data = 0;
	unsigned i;

	for (i = 0; i < s->count; i++)
		data += !(s->frames[i] & ENCODED_PFN_ZERO_FLAG);
	info.arch.magic = s->magic;
	info.arch.jump_address = 0xffffffff81000000;
	info.arch.jump_address_phys = 0x1000000;
	info.arch.cr3 = 0x2000;
	info.arch.e820_checksum = 0x12345678;
	info.image_pages = data + s->more_pages;
	info.pages = info.image_pages + 1 + (s->count + PFN_PER_PAGE - 1) / PFN_PER_PAGE;
	info.size = info.pages * PAGE;
	memcpy(page, &info, sizeof(info));
	put(fd, page);
	write_list(fd, s);
	for (i = 0; i + s->pages_less < s->count; i++) {
		if (s->frames[i] & ENCODED_PFN_ZERO_FLAG)
			continue;
		make_page(s->frames[i], page);
		put(fd, page);
	}
	return info.pages;
}

static void copy(struct outcome *o, struct snapshot *snapshot, struct hibernate_stream *stream,
		 int disk)
{
	struct hibernate_target target = {.snapshot = snapshot};
	struct thaw_writer_options options = {.replace = true};
	struct thaw_writer *writer = NULL;

	pthread_mutex_init(&target.kernel, NULL);
	thaw_writer_file_init(&target.file, disk, 0, 1, UNITS);
	CHECK(!thaw_writer_open(&writer, &target.file.target, &options));
	o->err = hibernate_stream_copy(stream, &target, writer, &o->facts, &o->writer_err);
	if (!o->err)
		CHECK(!thaw_writer_describe(writer, &o->facts) && !thaw_writer_finish(writer));
	thaw_writer_stats(writer, &o->stats);
	thaw_writer_close(writer);
	pthread_mutex_destroy(&target.kernel);
}

static struct outcome run(const struct scene *s)
{
	struct outcome o = {.facts.source = NATIVE_SOURCE_SNAPSHOT};
	struct snapshot snapshot = {.fd = memfd_create("snapshot", 0)};
	int disk = memfd_create("disk", 0);
	struct hibernate_stream stream = {
		.frames = calloc(CAPACITY, sizeof(uint64_t)),
		.capacity = s->capacity ? s->capacity : CAPACITY,
		.batch = malloc(HIBERNATE_BATCH * PAGE),
		.spare = spare,
		.pages = write_snapshot(snapshot.fd, s),
	};

	CHECK(!lseek(snapshot.fd, 0, SEEK_SET) && !ftruncate(disk, UNITS * PAGE));
	copy(&o, &snapshot, &stream, disk);
	free(stream.frames);
	free(stream.batch);
	close(snapshot.fd);
	close(disk);
	return o;
}

#define ZERO(frame) ((frame) | ENCODED_PFN_ZERO_FLAG)

static const uint64_t usual[] = {1, 2, 3, ZERO(4), 5, 100, ZERO(101), 200, 900, 901};

static struct scene scene_of(const uint64_t *frames, unsigned count)
{
	return (struct scene){.frames = frames, .count = count, .magic = RESTORE_MAGIC_CRC32};
}

static void test_usual(void)
{
	struct scene s = scene_of(usual, THAW_ARRAY_LEN(usual));
	struct outcome o = run(&s);

	CHECK(!o.err);
	/* One of the spare frames bears witness. */
	CHECK(o.stats.data_frames == 6 && o.stats.zero_frames == 3 && o.stats.spare_frames == 1);
	CHECK(o.facts.entry.x86_64.jump_pa == 0x1000000 && o.facts.entry.x86_64.root_pa == 0x2000);
	CHECK(o.facts.has_map_digest && o.facts.map_digest == 0x12345678);
}

/* The last page of the list is full, and has no end mark. */
static void test_full_list(void)
{
	uint64_t frames[PFN_PER_PAGE];
	struct scene s = scene_of(frames, PFN_PER_PAGE);
	struct outcome o;
	unsigned i;

	for (i = 0; i < PFN_PER_PAGE; i++)
		frames[i] = i < 100 ? i : ZERO((uint64_t)i * 2);
	frames[PFN_PER_PAGE - 1] = 2000;
	o = run(&s);
	CHECK(!o.err && o.stats.data_frames == 100);
	CHECK(o.stats.zero_frames == PFN_PER_PAGE - 100);
}

/* Who would be restored from it could not tell that he was. */
static void test_no_witness(void)
{
	struct scene s = scene_of(usual, THAW_ARRAY_LEN(usual) - 2);

	CHECK(run(&s).err == HIBERNATE_FRAMES);
}

static void test_foreign(void)
{
	struct scene s = scene_of(usual, THAW_ARRAY_LEN(usual));

	s.magic++;
	CHECK(run(&s).err == HIBERNATE_RECORD);
}

static void test_counts(void)
{
	struct scene s = scene_of(usual, THAW_ARRAY_LEN(usual));

	s.more_pages = 1;
	CHECK(run(&s).err == HIBERNATE_FRAMES);
}

static void test_short(void)
{
	struct scene s = scene_of(usual, THAW_ARRAY_LEN(usual));

	s.pages_less = 1;
	CHECK(run(&s).err == HIBERNATE_READ);
}

static void test_order(void)
{
	static const uint64_t back[] = {1, 3, ZERO(2)};
	static const uint64_t twice[] = {1, 2, ZERO(2)};
	static const uint64_t high[] = {1, THAW_FRAME_LIMIT};
	struct scene s = scene_of(back, 3);

	CHECK(run(&s).err == HIBERNATE_FRAMES);
	s = scene_of(twice, 3);
	CHECK(run(&s).err == HIBERNATE_FRAMES);
	s = scene_of(high, 2);
	CHECK(run(&s).err == HIBERNATE_FRAMES);
}

static void test_no_room_for_list(void)
{
	struct scene s = scene_of(usual, THAW_ARRAY_LEN(usual));

	s.capacity = PFN_PER_PAGE - 1;
	CHECK(run(&s).err == HIBERNATE_FRAMES);
}

int main(void)
{
	RUN(test_usual);
	RUN(test_full_list);
	RUN(test_no_witness);
	RUN(test_foreign);
	RUN(test_counts);
	RUN(test_short);
	RUN(test_order);
	RUN(test_no_room_for_list);
	return check_summary();
}
