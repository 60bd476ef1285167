/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_world.c: what an image says of firmware's tables and of other partitions, from the writer
 * through the reader to the check.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <thaw/loader.h>
#include <thaw/writer.h>
#include <unistd.h>
#include <xxhash.h>

#include "check.h"

#define PAGE  4096u
#define UNITS 64u

static const uint8_t guid_a[16] = {1, 2, 3};
static const uint8_t guid_b[16] = {4, 5, 6};
static uint8_t table[64] = "firmware's";

/* --- a machine with one table and one partition --------------------------------------------- */

static uint8_t partition[4 * PAGE];
static bool gone;

#define BLOCKS 64u

static void *blocks[BLOCKS];
static unsigned block_count;

static void *alloc(struct thaw_memory *memory, uint64_t bytes)
{
	(void)memory;
	if (block_count == BLOCKS)
		return NULL;
	return blocks[block_count++] = aligned_alloc(PAGE, (bytes + PAGE - 1) / PAGE * PAGE);
}

static void free_all(void)
{
	while (block_count)
		free(blocks[--block_count]);
}

static enum thaw_err read_partition(struct thaw_machine *m, const uint8_t guid[16], uint64_t page,
				    uint64_t count, void *buf)
{
	(void)m;
	if (gone || memcmp(guid, guid_b, 16) || page + count > sizeof(partition) / PAGE)
		return THAW_READ;
	memcpy(buf, partition + page * PAGE, count * PAGE);
	return THAW_OK;
}

static const void *find_table(struct thaw_machine *m, const uint8_t guid[16])
{
	(void)m;
	return memcmp(guid, guid_a, 16) ? NULL : table;
}

struct area {
	struct thaw_disk disk; /* first */
	int fd;
};

static enum thaw_err read_area(struct thaw_disk *disk, uint64_t page, uint64_t count, void *buf)
{
	struct area *a = (struct area *)disk;

	return pread(a->fd, buf, count * PAGE, (off_t)(page * PAGE)) == (ssize_t)(count * PAGE)
		       ? THAW_OK
		       : THAW_READ;
}

/* --- an image --------------------------------------------------------------------------------- */

struct scene {
	struct native_firmware firmware[2];
	size_t firmware_count;
	struct native_watched watched[2];
	size_t watched_count;
};

static struct scene usual(void)
{
	struct scene s = {.firmware_count = 1, .watched_count = 2};

	memcpy(s.firmware[0].guid, guid_a, 16);
	s.firmware[0].address = (uintptr_t)table;
	s.firmware[0].bytes = sizeof(table);
	s.firmware[0].checksum = XXH64(table, sizeof(table), 0);
	for (size_t i = 0; i < 2; i++) {
		struct native_watched *w = &s.watched[i];

		memcpy(w->partition, guid_b, 16);
		/* Within a page, and across two. */
		w->offset = i ? PAGE + 3584 : 1024;
		w->bytes = 1024;
		w->checksum = XXH64(partition + w->offset, w->bytes, 0);
		strcpy(w->name, i ? "ext4 /home" : "ext4 /");
	}
	return s;
}

static void write_image(const struct scene *s, int fd)
{
	static const uint8_t page[PAGE] = "a page";
	struct thaw_writer_file file;
	struct thaw_writer_options options = {.replace = true};
	struct thaw_writer_facts facts = {
		.source = NATIVE_SOURCE_MADE_UP,
		.arch = NATIVE_ARCH_X86_64,
		.entry.x86_64 = {.jump_va = 0xffffffff81000000, .root_pa = 0x2000},
		.has_map_digest = true,
		.firmware = s->firmware,
		.firmware_count = s->firmware_count,
		.watched = s->watched,
		.watched_count = s->watched_count,
	};
	struct thaw_writer *w;

	CHECK(!ftruncate(fd, UNITS * PAGE));
	thaw_writer_file_init(&file, fd, 0, 1, UNITS);
	CHECK(!thaw_writer_open(&w, &file.target, &options) && !thaw_writer_data(w, 3, 1, page) &&
	      !thaw_writer_describe(w, &facts) && !thaw_writer_finish(w));
	thaw_writer_close(w);
}

static enum thaw_err judge_by(const struct scene *s, struct thaw_machine *m, struct thaw_diag *diag)
{
	static char where[64];
	static struct thaw_image image;
	struct area area = {.disk = {.pages = UNITS, .read = read_area},
			    .fd = memfd_create("area", 0)};
	enum thaw_err err;

	write_image(s, area.fd);
	err = thaw_image_open(&image, &area.disk, 0, 1024, &m->memory, diag);
	if (!err)
		err = thaw_world_check(m, &image, diag);
	if (err) {
		snprintf(where, sizeof(where), "%s", diag->where);
		diag->where = where;
	}
	free_all();
	close(area.fd);
	return err;
}

static enum thaw_err judge(const struct scene *s, struct thaw_diag *diag)
{
	struct thaw_machine m = {
		.memory = {alloc},
		.read_partition = read_partition,
		.find_table = find_table,
	};

	return judge_by(s, &m, diag);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_same(void)
{
	struct scene s = usual();
	struct thaw_diag diag;

	CHECK(judge(&s, &diag) == THAW_OK);
}

static void test_filesystem_changed(void)
{
	struct scene s = usual();
	struct thaw_diag diag;

	partition[PAGE + 3584 + 1023] ^= 1;
	CHECK(judge(&s, &diag) == THAW_MOUNTED && !strcmp(diag.where, "ext4 /home"));
	partition[PAGE + 3584 + 1023] ^= 1;
	partition[1024] ^= 1;
	CHECK(judge(&s, &diag) == THAW_MOUNTED && !strcmp(diag.where, "ext4 /"));
	partition[1024] ^= 1;
	/* What is beside it may change. */
	partition[1023] ^= 1;
	partition[2048] ^= 1;
	CHECK(judge(&s, &diag) == THAW_OK);
}

static void test_partition_gone(void)
{
	struct scene s = usual();
	struct thaw_diag diag;

	gone = true;
	CHECK(judge(&s, &diag) == THAW_MOUNTED);
	gone = false;
	s.watched[1].partition[0]++;
	CHECK(judge(&s, &diag) == THAW_MOUNTED && !strcmp(diag.where, "ext4 /home"));
}

static void test_table_moved(void)
{
	struct scene s = usual();
	struct thaw_diag diag;

	s.firmware[0].address += 64;
	CHECK(judge(&s, &diag) == THAW_FIRMWARE_TABLE && diag.b == (uintptr_t)table);
	s = usual();
	s.firmware[0].guid[0]++;
	CHECK(judge(&s, &diag) == THAW_FIRMWARE_TABLE && !diag.b);
}

static void test_table_changed(void)
{
	struct scene s = usual();
	struct thaw_diag diag;

	table[5] ^= 1;
	CHECK(judge(&s, &diag) == THAW_FIRMWARE_TABLE && !strcmp(diag.where, "content"));
	/* Of which nothing is known but its place. */
	s.firmware[0].bytes = s.firmware[0].checksum = 0;
	CHECK(judge(&s, &diag) == THAW_OK);
	table[5] ^= 1;
}

/* A machine that sees neither, as thawctl check. */
static void test_blind(void)
{
	struct thaw_machine m = {.memory = {alloc}};
	struct scene s = usual();
	struct thaw_diag diag;

	s.firmware[0].address++;
	gone = true;
	CHECK(judge_by(&s, &m, &diag) == THAW_OK);
	gone = false;
}

int main(void)
{
	for (size_t i = 0; i < sizeof(partition); i++)
		partition[i] = (uint8_t)(i * i >> 3);
	RUN(test_same);
	RUN(test_filesystem_changed);
	RUN(test_partition_gone);
	RUN(test_table_moved);
	RUN(test_table_changed);
	RUN(test_blind);
	return check_summary();
}
