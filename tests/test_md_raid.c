/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_md_raid.c: a hibernated swap area with Linux's software RAID behind it, or behind the
 * partitions of its disk, is refused, and so is one on a disk of a RAID of firmware's; what only looks
 * like it, or lies in the swap area itself or in another partition, is not.
 */
#include <linux/types.h>
#include <linux/raid/md_p.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "plain_disk.h"
#include "scene.h"

enum { PAGE = THAW_PAGE_SIZE, LAST_PAGE = 1028, BEHIND = 48 };

struct row {
	const char *what;
	enum thaw_err want;
	uint32_t major, minor;
	uint32_t magic;
	bool first;   /* 0.90's place, else 1.0's */
	int moved;    /* pages from that place */
	bool in_swap; /* the swap area reaches to the end */
};

static const struct row rows[] = {
	{"1.0", THAW_FOREIGN, 1, 0, 0xa92b4efc, false, 0, false},
	{"0.90", THAW_FOREIGN, 0, 90, 0xa92b4efc, true, 0, false},
	{"1.0, in swap", THAW_OK, 1, 0, 0xa92b4efc, false, 0, true},
	{"0.90, in swap", THAW_OK, 0, 90, 0xa92b4efc, true, 0, true},
	{"1.0, not its magic", THAW_OK, 1, 0, 0xa92b4efd, false, 0, false},
	{"1.0, of an older size", THAW_OK, 1, 0, 0xa92b4efc, false, -1, false},
	{"0.90, of an older size", THAW_OK, 0, 90, 0xa92b4efc, true, -1, false},
	{"0.90, other minor", THAW_OK, 0, 91, 0xa92b4efc, true, 0, false},
	{"1.0 at 0.90's place", THAW_OK, 1, 0, 0xa92b4efc, true, 0, false},
};

/* The area ends, and md's part of the member follows. */
static void grow(struct scene *c)
{
	struct synth *s = &c->picture;
	uint8_t *disk = calloc(s->disk_pages + BEHIND, PAGE);

	memcpy(disk, s->disk, s->disk_pages * PAGE);
	free(s->disk);
	s->disk = disk;
	s->disk_pages += BEHIND;
}

static void put_super(uint8_t *disk, uint64_t pages, const void *arg)
{
	const struct row *row = arg;
	uint64_t at = row->first ? pages / 16 * 16 - 16 : pages - 2;
	uint8_t *page = disk + (at + (uint64_t)(int64_t)row->moved) * PAGE;
	struct mdp_superblock_1 *super = (struct mdp_superblock_1 *)page;

	super->magic = row->magic;
	super->major_version = row->major;
	if (row->major)
		super->super_offset = at * 8;
	else
		((mdp_super_t *)page)->minor_version = row->minor;
}

static void check(const struct row *row, enum synth_format format, uint64_t header_page)
{
	struct scene c;

	scene_begin(&c, &(struct scene_options){.codec = THAW_CODEC_LZ4,
						.format = format,
						.header_page = header_page});
	scene_finish(&c);
	grow(&c);
	put_super(c.picture.disk, c.picture.disk_pages, row);
	if (row->in_swap)
		synth_put32(c.picture.disk + LAST_PAGE, (uint32_t)c.picture.disk_pages - 1);
	sim_insert(&c.sim, &c.picture);
	if (!CHECK(scene_ends(&c, row->want)))
		printf("  %s\n", row->what);
	scene_free(&c);
}

static void test_linux(void)
{
	for (size_t i = 0; i < THAW_ARRAY_LEN(rows); i++)
		check(&rows[i], SYNTH_LINUX, 0);
}

static void test_native_in_swap(void)
{
	for (size_t i = 0; i < THAW_ARRAY_LEN(rows); i++)
		check(&rows[i], SYNTH_SWAP, 0);
}

/* No swap space says where the content ends: nor where the image lies in a file. */
static void test_no_swap_space(void)
{
	for (size_t i = 0; i < THAW_ARRAY_LEN(rows); i++) {
		if (rows[i].in_swap)
			continue;
		check(&rows[i], SYNTH_OWN, 0);
		check(&rows[i], SYNTH_SWAP, 5);
		check(&rows[i], SYNTH_LINUX, 5);
	}
}

/* Where md would have its own, there lies the image: read once, and never taken for md's. */
static void test_image_to_the_end(void)
{
	static const enum synth_format formats[] = {SYNTH_OWN, SYNTH_SWAP, SYNTH_LINUX};
	struct scene c;

	for (size_t i = 0; i < THAW_ARRAY_LEN(formats); i++) {
		scene_begin(&c, &(struct scene_options){.codec = THAW_CODEC_LZ4,
							.layout = SYNTH_BACKWARD,
							.format = formats[i],
							.header_page = i ? 5 : 0});
		scene_finish(&c);
		c.picture.disk_pages -= SYNTH_SPARE_PAGES;
		sim_insert(&c.sim, &c.picture);
		CHECK(scene_ends(&c, THAW_OK));
		CHECK(c.sim.disk.times[c.picture.disk_pages - 2] == 1);
		scene_free(&c);
	}
}

/* An image that goes on behind its swap space is none, and nothing there is read twice. */
static void test_image_behind(void)
{
	static const struct {
		enum synth_format format;
		enum synth_layout layout;
		unsigned of_three; /* the swap space that is left */
		enum thaw_err want;
	} ends[] = {
		{SYNTH_LINUX, SYNTH_FORWARD, 0, THAW_HEADER_FIELD},
		{SYNTH_LINUX, SYNTH_FORWARD, 1, THAW_MAP_BOUNDS},
		{SYNTH_SWAP, SYNTH_BACKWARD, 0, THAW_MAP_BOUNDS},
		{SYNTH_SWAP, SYNTH_BACKWARD, 2, THAW_MAP_BOUNDS},
	};
	struct scene c;

	for (size_t i = 0; i < THAW_ARRAY_LEN(ends); i++) {
		scene_begin(&c, &(struct scene_options){.codec = THAW_CODEC_LZ4,
							.layout = ends[i].layout,
							.format = ends[i].format});
		scene_finish(&c);
		synth_put32(synth_page(&c.picture, 0) + LAST_PAGE,
			    (uint32_t)c.picture.disk_pages / 3 * ends[i].of_three);
		sim_insert(&c.sim, &c.picture);
		if (!CHECK(scene_ends(&c, ends[i].want)))
			printf("  %zu\n", i);
		scene_free(&c);
	}
}

/* --- members that are whole disks --------------------------------------------------------- */

enum { DISK_PAGES = 1000, LAST_END = 950 };

typedef void put(uint8_t *disk, uint64_t pages, const void *arg);

struct whole_disks {
	uint64_t partitions_end;
	bool is_bad;
	enum synth_format format;
	uint64_t header_page;
};

/* The image lies on a partition of both disks, as on a striped volume; the second one is a leg. */
static bool wholes_end(put *put, const void *arg, struct whole_disks w, enum thaw_err want)
{
	struct plain_disk disks[2];
	struct thaw_disk *wholes[] = {&disks[0].d, &disks[1].d};
	struct scene c;
	bool good;

	for (size_t i = 0; i < THAW_ARRAY_LEN(disks); i++) {
		plain_disk_init(&disks[i], DISK_PAGES);
		disks[i].d.partitions_end = w.partitions_end;
	}
	put(disks[1].bytes, DISK_PAGES, arg);
	disks[0].has_bad = w.is_bad;
	disks[0].bad_page = DISK_PAGES - 2;
	scene_begin(&c, &(struct scene_options){.codec = THAW_CODEC_LZ4,
						.format = w.format,
						.header_page = w.header_page});
	scene_finish(&c);
	c.sim.disk.d.wholes = wholes;
	c.sim.disk.d.whole_count = 2;
	good = CHECK(scene_ends(&c, want));
	CHECK(disks[0].rereads + disks[1].rereads == 0);
	CHECK(disks[0].reads <= 3 && disks[1].reads <= 3);
	scene_free(&c);
	plain_disk_free(&disks[0]);
	plain_disk_free(&disks[1]);
	return good;
}

static void check_wholes(const struct row *row, uint64_t partitions_end, bool is_bad,
			 enum synth_format format, uint64_t header_page, enum thaw_err want)
{
	struct whole_disks w = {partitions_end, is_bad, format, header_page};

	if (!wholes_end(put_super, row, w, want))
		printf("  %s behind %llu\n", row->what, (unsigned long long)partitions_end);
}

static void test_whole_disks(void)
{
	for (size_t i = 0; i < THAW_ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		/* The first page that is md's; one partition more, and it is content. */
		uint64_t at = row->first ? DISK_PAGES / 16 * 16 - 16 : DISK_PAGES - 2;

		if (row->in_swap)
			continue;
		check_wholes(row, LAST_END, false, SYNTH_LINUX, 0, row->want);
		check_wholes(row, LAST_END, false, SYNTH_LINUX, 5, row->want);
		check_wholes(row, LAST_END, false, SYNTH_SWAP, 0, row->want);
		check_wholes(row, at, false, SYNTH_OWN, 0, row->want);
		check_wholes(row, at + 1, false, SYNTH_OWN, 0, THAW_OK);
		check_wholes(row, UINT64_MAX, false, SYNTH_OWN, 0, THAW_OK);
		check_wholes(row, LAST_END, true, SYNTH_OWN, 0, THAW_READ);
	}
}

/* --- made in firmware's setup ------------------------------------------------------------- */

#define IMSM "Intel Raid ISM Cfg Sig. 1.3.00"
#define DDF  "\xde\x11\xde\x11" "crc.guidguidguidguidguidguid"

/* What lies so many bytes in front of the disk's end; libblkid finds "IMSM" and "DDF", too. */
static const struct sector {
	const char *what;
	enum thaw_err want;
	uint64_t from_end;
	const char *bytes;
} sectors[] = {
	{"IMSM", THAW_FOREIGN, 2 * 512, IMSM},
	{"IMSM, 4K sectors", THAW_FOREIGN, 2 * PAGE, IMSM},
	{"DDF", THAW_FOREIGN, 512, DDF "01.02.00"},
	{"DDF, 4K sectors", THAW_FOREIGN, PAGE, DDF "02.00.00"},
	{"IMSM, misspelt", THAW_OK, 2 * 512, "Intel Raid ISM Cfg Sig."},
	{"IMSM, elsewhere", THAW_OK, 512, IMSM},
	{"DDF, of no revision", THAW_OK, 512, DDF},
	{"DDF, elsewhere", THAW_OK, 2 * 512, DDF "01.02.00"},
	{"a table of its own", THAW_OK, 512, "EFI PART"},
};

static void put_sector(uint8_t *disk, uint64_t pages, const void *arg)
{
	const struct sector *sector = arg;

	memcpy(disk + pages * PAGE - sector->from_end, sector->bytes, strlen(sector->bytes));
}

static void test_firmware_raid(void)
{
	for (size_t i = 0; i < THAW_ARRAY_LEN(sectors); i++) {
		const struct sector *sector = &sectors[i];
		struct whole_disks behind = {.partitions_end = LAST_END};
		struct whole_disks within = {.partitions_end = DISK_PAGES};

		if (!wholes_end(put_sector, sector, behind, sector->want) ||
		    !wholes_end(put_sector, sector, within, THAW_OK))
			printf("  %s\n", sector->what);
	}
}

int main(void)
{
	RUN(test_linux);
	RUN(test_native_in_swap);
	RUN(test_no_swap_space);
	RUN(test_image_to_the_end);
	RUN(test_image_behind);
	RUN(test_whole_disks);
	RUN(test_firmware_raid);
	return check_summary();
}
