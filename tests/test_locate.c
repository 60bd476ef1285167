/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_locate.c: the order in which an image is looked for, on a handful of disks, and what is read
 * for it.
 */
#include <string.h>

#include <thaw/locate.h>

#include "check.h"
#include "plain_disk.h"

#define DISKS 6
#define PAGES 40

static struct plain_disk disks[DISKS];
static struct thaw_area areas[DISKS];
static struct plain_memory memory;
static struct thaw_located got;

/* A fresh machine: fixed disks without content, elsewhere, and nobody says what they are for. */
static void boot(void)
{
	int i;

	for (i = 0; i < DISKS; i++) {
		plain_disk_free(&disks[i]);
		plain_disk_init(&disks[i], PAGES);
		areas[i] = (struct thaw_area){.disk = &disks[i].d};
	}
	plain_memory_free(&memory);
	plain_memory_init(&memory);
}

static void put_uuid(uint8_t *at, uint8_t letter)
{
	memset(at, letter, 16);
}

static void put_swap(int disk, uint64_t page, uint8_t letter, const char *magic)
{
	uint8_t *p = disks[disk].bytes + page * THAW_PAGE_SIZE;

	memcpy(p + 4086, magic, 10);
	put_uuid(p + 1036, letter);
}

static void put_image(int disk, uint64_t page, uint8_t letter)
{
	put_swap(disk, page, letter, "S1SUSPEND");
}

static void put_btrfs(int disk, uint8_t letter)
{
	uint8_t *p = disks[disk].bytes + THAW_SUPER_LATE_PAGE * THAW_PAGE_SIZE;

	memcpy(p + 64, "_BHRfS_M", 8);
	put_uuid(p + 32, letter);
}

static void put_xfs(int disk, uint8_t letter)
{
	memcpy(disks[disk].bytes, "XFSB", 4);
	put_uuid(disks[disk].bytes + 32, letter);
}

static struct thaw_place place(uint8_t letter, uint64_t page)
{
	struct thaw_place ret = {.page = page};

	put_uuid(ret.uuid, letter);
	return ret;
}

/* Index of the disk that alone has the image; -1 none, -2 several or ambiguous. */
static int locate(const struct thaw_wanted *wanted)
{
	int i;

	thaw_locate(&got, areas, DISKS, wanted, &memory.m, NULL);
	if (!got.count)
		return -1;
	if (got.ambiguous)
		return -2;
	for (i = 0; i < DISKS; i++) {
		if (got.list[0].disk == &disks[i].d)
			return i;
	}
	return -3;
}

static int locate_any(void)
{
	return locate(&(struct thaw_wanted){THAW_WANTED_ANY, {{0}, 0}, false, {{0}, 0}});
}

static int locate_hint(uint8_t letter, uint64_t page)
{
	return locate(&(struct thaw_wanted){THAW_WANTED_ANY, {{0}, 0}, true, place(letter, page)});
}

static int locate_uuid(uint8_t letter, uint64_t page)
{
	return locate(&(struct thaw_wanted){THAW_WANTED_UUID, place(letter, page), false, {{0}, 0}});
}

static unsigned total(bool rereads)
{
	unsigned sum = 0;
	int i;

	for (i = 0; i < DISKS; i++)
		sum += rereads ? disks[i].rereads : disks[i].reads;
	return sum;
}

static void test_one(void)
{
	boot();
	CHECK(locate_any() == -1 && !got.missing);
	boot();
	put_image(3, 0, 'a');
	areas[3].read_only = true;
	CHECK(locate_any() == 3 && got.list[0].read_only && got.list[0].mark);
	CHECK(total(true) == 0 && total(false) == DISKS);
}

/* A partition that is something else costs no read; one that may hold swap costs one. */
static void test_reads(void)
{
	boot();
	areas[0].type = THAW_AREA_OTHER;
	areas[1].removable = true;
	areas[2].type = THAW_AREA_SWAP;
	areas[3].type = THAW_AREA_LINUX;
	put_swap(2, 0, 'a', "SWAPSPACE2");
	CHECK(locate_any() == -1);
	CHECK(!disks[0].reads && !disks[1].reads && disks[2].reads == 1 && disks[3].reads == 1);
	CHECK(total(false) == DISKS - 2);
}

/* Nothing says which of two images is the stale one, wherever they lie. */
static void test_two_images(void)
{
	boot();
	put_image(1, 0, 'a');
	put_image(2, 0, 'b');
	CHECK(locate_any() == -2 && got.count == 2);
	areas[2].at_home = true;
	areas[2].type = THAW_AREA_SWAP;
	CHECK(locate_any() == -2 && got.count == 2 && got.list[0].disk == &disks[2].d);
	put_image(3, 0, 'c');
	areas[3].type = THAW_AREA_SWAP;
	areas[3].at_home = true;
	CHECK(locate_any() == -2 && got.count == 3);
}

/* The note says which; the others are listed, each once, so that they can be passed over. */
static void test_others_are_listed(void)
{
	boot();
	put_image(1, 0, 'a');
	put_image(2, 0, 'b');
	put_image(4, 0, 'c');
	areas[1].at_home = true;
	areas[1].type = THAW_AREA_SWAP;
	areas[4].removable = true;
	CHECK(locate_hint('b', 0) == 2 && got.count == 2);
	CHECK(got.list[1].disk == &disks[1].d && got.list[1].mark);
	put_xfs(3, 'd');
	put_swap(3, 7, 'x', "S1SUSPEND");
	CHECK(locate_hint('d', 7) == 3 && got.count == 3 && got.list[0].header_page == 7);
	CHECK(locate_uuid('b', 0) == 2 && got.count == 1);
}

static void test_removable(void)
{
	boot();
	put_image(1, 0, 'a');
	areas[1].removable = true;
	areas[1].at_home = true;
	areas[1].type = THAW_AREA_SWAP;
	CHECK(locate_any() == -1);
	CHECK(locate_hint('a', 0) == -1 && got.missing);
	CHECK(locate_uuid('a', 0) == 1 && !got.missing);
}

static void test_named(void)
{
	struct thaw_wanted wanted = {.kind = THAW_WANTED_NAMED};

	boot();
	put_image(1, 0, 'a');
	put_image(2, 7, 'b');
	CHECK(locate(&wanted) == -1 && got.missing);
	areas[2].named = true;
	CHECK(locate(&wanted) == -1 && !got.missing);
	wanted.place.page = 7;
	areas[2].removable = true;
	CHECK(locate(&wanted) == 2 && got.list[0].header_page == 7);
	CHECK(!disks[1].reads);
	wanted.place.page = PAGES;
	CHECK(locate(&wanted) == -1);
	wanted.place.page = UINT64_MAX;
	CHECK(locate(&wanted) == -1);
	wanted.place.page = 7;
	areas[3].named = true; /* a disk and its copy: partition tables are copied too */
	put_image(3, 7, 'b');
	CHECK(locate(&wanted) == -2);
}

static void test_hint(void)
{
	boot();
	put_image(0, 0, 'x');
	put_btrfs(1, 'a');
	put_image(1, 30, 'z');
	put_xfs(2, 'b');
	put_image(2, 5, 'z');
	CHECK(locate_hint('a', 30) == 1 && got.list[0].header_page == 30 && !got.missing);
	CHECK(total(true) == 0);
	CHECK(locate_hint('b', 5) == 2);
	CHECK(locate_hint('x', 0) == 0);
	/* Stale, or of a disk that is gone: then as without it. */
	CHECK(locate_hint('b', 6) == 0 && !got.missing);
	CHECK(locate_hint('q', 0) == 0 && got.missing);
	/* What is configured is not overruled. */
	CHECK(locate_uuid('q', 0) == -1 && got.missing);
	CHECK(locate_uuid('b', 6) == -1 && !got.missing);
}

/* A disk and its copy. */
static void test_one_uuid_twice(void)
{
	boot();
	put_xfs(1, 'a');
	put_image(1, 5, 'z');
	put_xfs(2, 'a');
	CHECK(locate_uuid('a', 5) == -2 && got.count == 1);
	CHECK(locate_hint('a', 5) == -2);
	put_image(2, 5, 'z');
	CHECK(locate_uuid('a', 5) == -2 && got.count == 2);
	areas[2].removable = true;
	CHECK(locate_hint('a', 5) == 1); /* removable ones are not asked */
	CHECK(locate_uuid('a', 5) == -2);
	CHECK(locate_uuid('a', 6) == -1);
}

static void spoil(int disk, uint64_t page)
{
	disks[disk].has_bad = true;
	disks[disk].bad_page = page;
}

/* Where an image may be expected, a page that cannot be read is told apart from no image. */
static void test_unreadable(void)
{
	boot();
	spoil(1, 0);
	CHECK(locate_any() == -1 && !got.unreadable); /* for anything, or locked */
	areas[1].type = THAW_AREA_SWAP;
	CHECK(locate_any() == -1 && got.unreadable);
	areas[1].removable = true;
	CHECK(locate_any() == -1 && !got.unreadable);
	put_image(2, 0, 'a');
	areas[1].removable = false;
	CHECK(locate_any() == 2 && got.unreadable);
	/* Unless systemd noted what cannot be read: then this one is the older. */
	CHECK(locate_hint('q', 0) == -2 && got.unreadable && got.count == 1);
	put_xfs(0, 'b');
	put_image(0, 5, 'z');
	CHECK(locate_hint('b', 5) == 0 && got.unreadable && got.count == 2);
	spoil(0, 5);
	disks[1].has_bad = false;
	CHECK(locate_hint('b', 5) == -2 && got.unreadable && got.count == 1);
	boot();
	spoil(1, 0);
	areas[1].type = THAW_AREA_OTHER;
	CHECK(locate_hint('a', 5) == -1 && got.unreadable && got.missing);
	CHECK(locate_uuid('a', 5) == -1 && got.unreadable && got.missing);
	put_xfs(2, 'a');
	CHECK(locate_uuid('a', 5) == -1 && !got.unreadable && !got.missing);
	spoil(2, 5);
	CHECK(locate_uuid('a', 5) == -1 && got.unreadable);
	CHECK(locate_uuid('a', PAGES) == -1 && !got.unreadable);
}

static void test_unreadable_name(void)
{
	struct thaw_wanted wanted = {.kind = THAW_WANTED_NAMED};

	boot();
	areas[2].named = true;
	areas[2].type = THAW_AREA_LINUX;
	/* What is not named is not asked: also a swap partition that can never be read. */
	areas[1].type = THAW_AREA_SWAP;
	spoil(1, 0);
	CHECK(locate(&wanted) == -1 && !got.unreadable);
	put_image(2, 0, 'a');
	CHECK(locate(&wanted) == 2 && !got.unreadable);
	spoil(2, 0);
	CHECK(locate(&wanted) == -1 && got.unreadable && !got.missing);
	spoil(2, 7);
	wanted.place.page = 7;
	CHECK(locate(&wanted) == -1 && got.unreadable);
}

static void test_zero_uuid(void)
{
	boot();
	put_image(1, 0, 0);
	CHECK(locate_uuid(0, 0) == -1 && got.missing);
}

static void test_many(void)
{
	struct thaw_area many[12];
	int i;

	boot();
	put_image(1, 0, 'a');
	for (i = 0; i < 12; i++)
		many[i] = areas[1];
	thaw_locate(&got, many, 12, &(struct thaw_wanted){.kind = THAW_WANTED_ANY}, &memory.m, NULL);
	CHECK(got.count == 12 && got.ambiguous);
}

static void test_no_memory(void)
{
	int n;

	for (n = 1; n < 4; n++) {
		boot();
		put_image(1, 0, 'a');
		memory.fail_at = (uint64_t)n;
		CHECK(locate_any() == (n < 3 ? -1 : 1) && got.unreadable == (n < 3));
	}
}

int main(void)
{
	RUN(test_one);
	RUN(test_reads);
	RUN(test_two_images);
	RUN(test_others_are_listed);
	RUN(test_removable);
	RUN(test_named);
	RUN(test_hint);
	RUN(test_one_uuid_twice);
	RUN(test_unreadable);
	RUN(test_unreadable_name);
	RUN(test_zero_uuid);
	RUN(test_many);
	RUN(test_no_memory);
	return check_summary();
}
