/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_lvm.c: logical volumes, on what lvm2 2.03.16 itself wrote: tests/data/lvm has the beginnings of
 * three physical volumes of 64 MiB (extents of 1 MiB from 1 MiB on; the third has no copy of the
 * metadata), of which `lvs --segments -o lv_name,segtype,seg_start_pe,seg_pe_ranges,stripe_size` says:
 *
 *	fast    striped   0  pv1:2-13 pv2:12-23           64.00k
 *	home    linear    0  pv0:18-27
 *	root    linear    0  pv0:0-9
 *	swap_1  linear    0  pv0:10-17
 *	swap_1  linear    8  pv0:28-57
 *	swap_1  linear   38  pv2:2-11
 *	three   striped   0  pv0:58-59 pv1:0-1 pv2:0-1     4.00k
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <thaw/crc32.h>
#include <thaw/locate.h>

#include "check.h"
#include "groups.h"
#include "lvm.h"
#include "lvm_disk.h"
#include "plain_disk.h"

#define PVS	     3
#define PV_PAGES     16384
#define EXTENT_PAGES 256

enum { ROOT, SWAP_1, HOME, THREE, FAST, LVS }; /* in the order of the text */

static struct plain_disk pv[PVS];
static struct thaw_area areas[PVS];
static struct thaw_area volumes[GROUPS_VOLUMES_MAX];
static struct plain_memory memory;
static char noted[200];

static void note(const char *what, uint64_t a, uint64_t b)
{
	(void)a;
	(void)b;
	snprintf(noted, sizeof(noted), "%s", what);
}

static void boot(void)
{
	static const char *const files[PVS] = {"tests/data/lvm/pv0", "tests/data/lvm/pv1",
					       "tests/data/lvm/pv2"};
	int i;

	for (i = 0; i < PVS; i++) {
		plain_disk_free(&pv[i]);
		plain_disk_init(&pv[i], PV_PAGES);
		plain_disk_load(&pv[i], files[i]);
		areas[i] = (struct thaw_area){.disk = &pv[i].d};
	}
}

static size_t find_volumes(void)
{
	int i;

	plain_memory_free(&memory);
	plain_memory_init(&memory);
	noted[0] = 0;
	for (i = 0; i < PVS; i++) {
		thaw_superblock_parse(&areas[i].super, pv[i].bytes);
		lvm_label_parse(&areas[i].label, pv[i].bytes);
	}
	return groups_volumes(volumes, areas, PVS, &memory.m, note);
}

/* --- changing the metadata --------------------------------------------------------------- */

static struct lvm_mda_header *header_of(int disk)
{
	return (struct lvm_mda_header *)(pv[disk].bytes + 4096);
}

static void seal(int disk)
{
	struct lvm_mda_header *h = header_of(disk);
	uint8_t *bytes = (uint8_t *)h;

	h->text.checksum = thaw_crc32(LVM_CRC_BEGIN, bytes + h->text.offset, h->text.size);
	h->crc = thaw_crc32(LVM_CRC_BEGIN, bytes + 4, LVM_SECTOR - 4);
}

static char *text_of(int disk)
{
	return (char *)header_of(disk) + header_of(disk)->text.offset;
}

/* Replaces in both copies what stands there after another text, by something not longer. */
static void edit(const char *after, const char *old_text, const char *new_text)
{
	int i;

	for (i = 0; i < 2; i++) {
		char *at = strstr(text_of(i), after);

		at = at ? strstr(at, old_text) : NULL;
		if (!CHECK(at))
			return;
		memset(at, ' ', strlen(old_text));
		memcpy(at, new_text, strlen(new_text));
		seal(i);
	}
}

/* --- reading ----------------------------------------------------------------------------- */

/* Where lvs says that a page of a volume lies; -1: not in it. */
static int expected(int lv, uint64_t page, uint64_t *ret_page)
{
	static const struct {
		uint64_t first, end;
		int disk;
		uint64_t at;
	} swap[] = {{0, 8, 0, 10}, {8, 38, 0, 28}, {38, 48, 2, 2}};
	uint64_t extent = page / EXTENT_PAGES;
	size_t i;

	switch (lv) {
	case ROOT:
		*ret_page = EXTENT_PAGES + page;
		return extent < 10 ? 0 : -1;
	case HOME:
		*ret_page = 19 * EXTENT_PAGES + page;
		return extent < 10 ? 0 : -1;
	case THREE: /* pages in turn */
		*ret_page = EXTENT_PAGES * (page % 3 ? 1 : 59) + page / 3;
		return extent < 6 ? (int)(page % 3) : -1;
	case FAST: /* sixteen pages in turn */
		*ret_page = EXTENT_PAGES * (page / 16 % 2 ? 13 : 3) + page / 32 * 16 + page % 16;
		return extent < 24 ? 1 + (int)(page / 16 % 2) : -1;
	}
	for (i = 0; i < THAW_ARRAY_LEN(swap); i++) {
		if (extent >= swap[i].first && extent < swap[i].end) {
			*ret_page = (1 + swap[i].at - swap[i].first) * EXTENT_PAGES + page;
			return swap[i].disk;
		}
	}
	return -1;
}

/* Each page of a physical volume says where it is. */
static void fill(void)
{
	uint64_t i;
	int d;

	for (d = 0; d < PVS; d++) {
		for (i = EXTENT_PAGES; i < PV_PAGES; i++)
			memcpy(pv[d].bytes + i * THAW_PAGE_SIZE,
			       &(uint64_t[]){(uint64_t)d << 32 | i}, 8);
	}
}

static void check_volume(int lv, struct thaw_disk *d, uint8_t *buf)
{
	uint64_t i, at;
	uint64_t got;
	int disk;

	CHECK(d->read(d, 0, d->pages, buf) == THAW_OK);
	for (i = 0; i < d->pages; i++) {
		disk = expected(lv, i, &at);
		memcpy(&got, buf + i * THAW_PAGE_SIZE, sizeof(got));
		if (!CHECK(disk >= 0 && got == ((uint64_t)disk << 32 | at)))
			return;
	}
	CHECK(expected(lv, d->pages, &at) < 0);
	CHECK(d->read(d, d->pages, 1, buf) == THAW_READ);
	CHECK(d->read(d, d->pages - 1, 2, buf) == THAW_READ);
	CHECK(d->read(d, 1, UINT64_MAX, buf) == THAW_READ);
	CHECK(d->read(d, 0, 0, buf) == THAW_READ);
}

static void test_volumes(void)
{
	uint8_t *buf = malloc(48 << 20);
	int i;

	boot();
	fill();
	CHECK(find_volumes() == LVS);
	for (i = 0; i < LVS; i++)
		check_volume(i, volumes[i].disk, buf);
	CHECK(!noted[0]);
	free(buf);
}

static void test_consume(void)
{
	uint8_t before[THAW_PAGE_SIZE], after[THAW_PAGE_SIZE];
	struct thaw_disk *d;
	uint64_t page, at;

	boot();
	fill();
	find_volumes();
	d = volumes[THREE].disk;
	for (page = 0; page < d->pages; page += 97) {
		int disk = expected(THREE, page, &at);

		CHECK(d->read(d, page, 1, before) == THAW_OK);
		memset(after, 0xaa, sizeof(after));
		CHECK(d->consume(d, page, after, before) == THAW_CHANGED);
		pv[disk].consumed = 0;
		CHECK(d->consume(d, page, before, after) == THAW_OK);
		CHECK(pv[disk].consumed == 1 && pv[disk].consumed_page == at);
	}
	CHECK(d->consume(d, d->pages, before, after) == THAW_READ);
}

/* Reads in the background go to the disk below where they lie there in one piece. */
static enum thaw_err started(struct thaw_disk *d, uint64_t page, uint64_t count, void *buf)
{
	snprintf(noted, sizeof(noted), "started");
	return d->read(d, page, count, buf);
}

static enum thaw_err waited(struct thaw_disk *d)
{
	(void)d;
	strcat(noted, " waited");
	return THAW_OK;
}

static void test_background(void)
{
	static uint8_t buf[32 * THAW_PAGE_SIZE];
	struct thaw_disk *d;

	boot();
	find_volumes();
	d = volumes[FAST].disk;
	CHECK(d->read_start(d, 0, 16, buf) == THAW_OK && d->read_wait(d) == THAW_OK);
	CHECK(!noted[0]); /* that disk cannot */
	pv[1].d.read_start = started;
	pv[1].d.read_wait = waited;
	CHECK(d->read_start(d, 0, 16, buf) == THAW_OK && d->read_wait(d) == THAW_OK);
	CHECK(!strcmp(noted, "started waited"));
	noted[0] = 0;
	CHECK(d->read_start(d, 0, 17, buf) == THAW_OK && d->read_wait(d) == THAW_OK);
	CHECK(!noted[0]);
	CHECK(d->read_start(d, d->pages, 1, buf) == THAW_READ);
}

/* --- what a machine may look like -------------------------------------------------------- */

static void test_missing_disk(void)
{
	boot();
	memset(pv[2].bytes, 0, THAW_PAGE_SIZE);
	CHECK(find_volumes() == 2); /* root and home */
	CHECK(!strcmp(noted, "lvm: physical volume missing"));
}

static void test_disk_twice(void)
{
	boot();
	memcpy(pv[2].bytes, pv[1].bytes, THAW_PAGE_SIZE);
	CHECK(find_volumes() == 2);
	boot();
}

/*
 * md's metadata behind the last extent: 1.0 two pages before the end, 0.90 in the last whole 64 KiB.
 * Elsewhere it is content, or of another size.
 */
static size_t find_with_md(uint64_t page, uint32_t major, uint32_t minor)
{
	struct plain_disk *d = &pv[2];
	uint8_t *super;

	boot();
	plain_disk_free(d);
	plain_disk_init(d, PV_PAGES + 48);
	plain_disk_load(d, "tests/data/lvm/pv2");
	super = d->bytes + page * THAW_PAGE_SIZE;
	memcpy(super, &(uint32_t){0xa92b4efc}, 4);
	memcpy(super + 4, &major, 4);
	memcpy(super + 8, &minor, 4);
	memcpy(super + 144, &(uint64_t){page * 8}, 8);
	return find_volumes();
}

static void test_raid_leg(void)
{
	CHECK(find_with_md(PV_PAGES + 46, 1, 0) == 2); /* root and home */
	CHECK(find_with_md(PV_PAGES + 32, 0, 90) == 2);
	CHECK(find_with_md(PV_PAGES + 45, 1, 0) == LVS);
	CHECK(find_with_md(PV_PAGES + 31, 0, 90) == LVS);
	CHECK(find_with_md(PV_PAGES - 2, 1, 0) == LVS);
	boot();
}

/* Two physical volumes on one disk, the third on another: each volume knows those it lies on, once. */
static void test_whole_disks(void)
{
	static const size_t counts[LVS] = {
		[ROOT] = 1, [HOME] = 1, [SWAP_1] = 2, [THREE] = 2, [FAST] = 2};
	struct plain_disk disks[2];
	struct thaw_disk *on[PVS] = {&disks[0].d, &disks[0].d, &disks[1].d};
	size_t i;

	boot();
	for (i = 0; i < 2; i++)
		plain_disk_init(&disks[i], 1000);
	for (i = 0; i < PVS; i++) {
		pv[i].d.wholes = &on[i];
		pv[i].d.whole_count = 1;
	}
	CHECK(find_volumes() == LVS);
	for (i = 0; i < LVS; i++) {
		const struct thaw_disk *d = volumes[i].disk;

		CHECK(d->whole_count == counts[i] && d->wholes[0] == on[0]);
		CHECK(d->whole_count == 1 || d->wholes[1] == on[2]);
	}
	CHECK(!disks[0].reads && !disks[1].reads); /* not before there is an image */
	for (i = 0; i < 2; i++)
		plain_disk_free(&disks[i]);
	boot();
	find_volumes();
	CHECK(!volumes[ROOT].disk->whole_count);
}

/* A disk that was away has an old text: the newer one counts. */
static void test_old_copy(void)
{
	char *at;

	boot();
	at = strstr(text_of(0), "swap_1 {");
	memcpy(at, "wrong1 {", 8);
	memcpy(strstr(text_of(0), "seqno = 8"), "seqno = 7", 9);
	at = strstr(at, "\"pv0\", 10");
	memcpy(at, "\"pv0\", 11", 9);
	seal(0);
	fill();
	CHECK(find_volumes() == LVS);
	CHECK(volumes[SWAP_1].disk->read(volumes[SWAP_1].disk, 0, 1, memory.list[0]) == THAW_OK);
	CHECK(*(uint64_t *)memory.list[0] == 11 * EXTENT_PAGES);
}

static void test_damaged_copy(void)
{
	boot();
	text_of(0)[100] ^= 1;
	CHECK(find_volumes() == LVS);
	text_of(1)[100] ^= 1;
	CHECK(find_volumes() == 0 && !strcmp(noted, "lvm: metadata not usable"));
}

/* The ring's end in the middle of the text. */
static void test_ring(void)
{
	struct lvm_mda_header *h;
	uint64_t size, cut;
	char *copy;

	boot();
	memset(pv[1].bytes + 4096, 0, LVM_SECTOR);
	h = header_of(0);
	size = h->text.size;
	copy = malloc(size);
	memcpy(copy, text_of(0), size);
	for (cut = 1; cut < size; cut += 333) {
		h->text.offset = h->size - cut;
		memcpy(text_of(0), copy, cut);
		memcpy((char *)h + LVM_SECTOR, copy + cut, size - cut);
		h->text.checksum = thaw_crc32(LVM_CRC_BEGIN, copy, size);
		h->crc = thaw_crc32(LVM_CRC_BEGIN, (uint8_t *)h + 4, LVM_SECTOR - 4);
		CHECK(find_volumes() == LVS);
	}
	free(copy);
}

static void test_refused_kinds(void)
{
	static const struct {
		const char *type, *why;
	} kinds[] = {
		{"\"raid1\"", "lvm: raid"},	{"\"mirror\"", "lvm: mirror"},
		{"\"thin\"", "lvm: thin"},	{"\"cache\"", "lvm: cache"},
		{"\"snap\"", "lvm: unknown kind of volume"},
		{"\"vdo\"", "lvm: vdo"},	{"\"zero\"", "lvm: unknown kind of volume"},
	};
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(kinds); i++) {
		boot();
		edit("swap_1 {", "\"striped\"", kinds[i].type);
		CHECK(find_volumes() == LVS - 1);
		if (!CHECK(!strcmp(noted, kinds[i].why)))
			printf("  %s: %s\n", kinds[i].type, noted);
	}
}

static void test_bad_texts(void)
{
	static const struct {
		const char *after, *old_text, *new_text;
		size_t volumes;
	} edits[] = {
		{"swap_1 {", "start_extent = 8", "start_extent = 7", LVS - 1},
		{"swap_1 {", "extent_count = 30", "extent_count = 36", LVS - 1},
		{"swap_1 {", "extent_count = 30", "extent_count = 0", LVS - 1},
		{"swap_1 {", "extent_count = 30", "extent_count = -1", 0},
		{"swap_1 {", "\"pv0\", 28", "\"pv9\", 28", LVS - 1},
		{"swap_1 {", "\"pv0\", 28", "\"pv0\", 63", LVS - 1},
		{"swap_1 {", "\"pv0\", 28", "28, \"pv0\"", LVS - 1},
		{"swap_1 {", "\"pv0\", 28", "\"pv0\"    ", LVS - 1},
		{"swap_1 {", "\"VISIBLE\"", "\"HIDDEN_\"", LVS - 1},
		{"swap_1 {", "stripe_count = 1", "stripe_count = 0", LVS - 1},
		{"swap_1 {", "stripe_count = 1", "stripe_count = 2", LVS - 1},
		{"fast {", "stripe_size = 128", "stripe_size = 127", LVS - 1},
		{"fast {", "stripe_size = 128", "stripe_size = 0", LVS - 1},
		{"fast {", "stripe_size = 128", "stripe_size = 40", LVS - 1},
		{"fast {", "extent_count = 24", "extent_count = 23", LVS - 1},
		{"three {", "stripe_count = 3", "stripe_count = 4", LVS - 1},
		{"three {", "stripe_count = 3", "stripe_count=17", LVS - 1},
		{"three {", "stripe_count = 3", "type=\"snapshot\" ", LVS - 1},
		{"pv0 {", "pe_start = 2048", "pe_start = 2047", 0},
		{"pv0 {", "pe_start = 2048", "pe_start=999992", 1},
		{"pv0 {", "pe_count = 63", "pe_count = 9", 1},
		{"vg-one {", "extent_size = 2048", "extent_size = 2044", 0},
		{"vg-one {", "extent_size = 2048", "extent_size = 0", 0},
		{"vg-one {", "\"RESIZEABLE\"", "\"EXPORTED\"", 0},
		{"vg-one {", "id = \"TD", "id = \"--", 0},
		{"vg-one {", "seqno = 8", "seqno = \"", 0},
		{"vg-one {", "logical_volumes {", "logical_volumes =", 0},
	};
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(edits); i++) {
		boot();
		edit(edits[i].after, edits[i].old_text, edits[i].new_text);
		if (!CHECK(find_volumes() == edits[i].volumes))
			printf("  %s %s: %zu\n", edits[i].after, edits[i].new_text, find_volumes());
	}
}

/* The origin of a snapshot looks plain, but must not be written to behind LVM's back. */
static void test_snapshot(void)
{
	boot();
	edit("home {", "segment_count = 1", "origin=\"swap_1\"");
	CHECK(find_volumes() == LVS - 1 && !strcmp(noted, "lvm: snapshot"));
}

/* More of them than are remembered: then any volume may be one. */
static void test_many_snapshots(void)
{
	static const char *const keys[] = {"origin=\"", "cow_store=\""};
	static char text[1 << 16];
	static struct lvm_group group;
	char id[33];

	memset(id, 'x', 32);
	id[32] = 0;
	for (unsigned n = LVM_IN_USE_MAX - 1; n <= LVM_IN_USE_MAX + 1; n++) {
		size_t len = (size_t)sprintf(text, "vg{id=\"%s\" extent_size=8 logical_volumes{", id);

		for (unsigned i = 0; i < 3 * n; i++)
			len += (size_t)sprintf(text + len, "s%u{%sv%u\"}", i, keys[i % 2], i % n);
		len += (size_t)sprintf(text + len, "v{}}}");
		CHECK(lvm_group_parse(&group, (struct lvm_text){(uint8_t *)text, (uint8_t *)text + len}));
		CHECK(group.in_use_all == (n > LVM_IN_USE_MAX));
		CHECK(group.in_use_count == thaw_min(n, LVM_IN_USE_MAX));
	}
}

/* A text may be made of nothing but volumes: each of them costs what it is long. */
static void test_hostile_length(void)
{
	static const char *const volumes[] = {
		"a{}", "a{status=[\"VISIBLE\"]}", "a{origin=\"b\"}", "a{s{}}", "a{s{stripes=[]}}",
		"a{s{type=\"striped\"}}", "a{status=[\"\"]status=[\"\"]}", "a{origin=\"%05u\"}",
	};
	const size_t most = (size_t)256 << 10; /* no longer text is read */
	static struct lvm_group group;
	static struct volume volume;
	char *text = malloc(most + 64);
	double worst = 0;

	for (unsigned i = 0; i < THAW_ARRAY_LEN(volumes); i++) {
		size_t len = (size_t)sprintf(text, "vg{id=\"%032u\" extent_size=8 logical_volumes{", 0u);
		struct lvm_text cursor;
		const char *why;
		clock_t began;

		for (unsigned n = 0; len < most - 32; n++)
			len += (size_t)sprintf(text + len, volumes[i], n);
		len += (size_t)sprintf(text + len, "}}");
		began = clock();
		CHECK(lvm_group_parse(&group, (struct lvm_text){(uint8_t *)text, (uint8_t *)text + len}));
		cursor = group.logical;
		while (lvm_volume_next(&group, &cursor, &volume, &why) != LVM_NEXT_END)
			;
		worst = worst > (double)(clock() - began) ? worst : (double)(clock() - began);
	}
	printf("  the worst text of 256 KiB takes %.0f ms\n", worst * 1000 / CLOCKS_PER_SEC);
	CHECK(worst < 2.0 * CLOCKS_PER_SEC);
	free(text);
}

/* Every bit of label and header is covered by a checksum, or means nothing. */
static void test_flips(void)
{
	uint8_t *sector, *header;
	size_t i;

	boot();
	memset(pv[1].bytes + 4096, 0, LVM_SECTOR);
	sector = pv[0].bytes + LVM_SECTOR;
	header = pv[0].bytes + 4096;
	for (i = 0; i < 8 * LVM_SECTOR; i += 7) {
		sector[i / 8] ^= 1 << i % 8;
		CHECK(find_volumes() == 0);
		sector[i / 8] ^= 1 << i % 8;
		header[i / 8] ^= 1 << i % 8;
		CHECK(find_volumes() == 0);
		header[i / 8] ^= 1 << i % 8;
	}
	CHECK(find_volumes() == LVS);
}

static void test_hostile_headers(void)
{
	static const struct {
		size_t at;
		uint64_t value;
	} fields[] = {
		{offsetof(struct lvm_mda_header, size), 1 << 20},
		{offsetof(struct lvm_mda_header, size), 0},
		{offsetof(struct lvm_mda_header, start), 0},
		{offsetof(struct lvm_mda_header, text.offset), 0},
		{offsetof(struct lvm_mda_header, text.offset), 511},
		{offsetof(struct lvm_mda_header, text.offset), UINT64_MAX},
		{offsetof(struct lvm_mda_header, text.size), 0},
		{offsetof(struct lvm_mda_header, text.size), UINT64_MAX},
		{offsetof(struct lvm_mda_header, text.size), 1 << 19},
		{offsetof(struct lvm_mda_header, text.checksum), UINT64_C(1) << 32},
	};
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(fields); i++) {
		boot();
		memset(pv[1].bytes + 4096, 0, LVM_SECTOR);
		memcpy(pv[0].bytes + 4096 + fields[i].at, &fields[i].value, 8);
		header_of(0)->crc = thaw_crc32(LVM_CRC_BEGIN, pv[0].bytes + 4100, LVM_SECTOR - 4);
		CHECK(find_volumes() == 0);
	}
}

static void test_no_memory(void)
{
	unsigned n;
	int i;

	boot();
	for (n = 1; n < 40; n++) {
		plain_memory_free(&memory);
		plain_memory_init(&memory);
		memory.fail_at = n;
		for (i = 0; i < PVS; i++) {
			thaw_superblock_parse(&areas[i].super, pv[i].bytes);
			lvm_label_parse(&areas[i].label, pv[i].bytes);
		}
		CHECK(groups_volumes(volumes, areas, PVS, &memory.m, note) <= LVS);
	}
}

/* --- the whole search -------------------------------------------------------------------- */

static void put_image(int lv)
{
	struct thaw_disk *d = volumes[lv].disk;
	static uint8_t before[THAW_PAGE_SIZE], page[THAW_PAGE_SIZE];

	memcpy(page + 4086, "S1SUSPEND", 10);
	memset(page + 1036, 'a' + lv, 16);
	d->read(d, 0, 1, before);
	d->consume(d, 0, before, page);
}

static struct thaw_located locate(const struct thaw_wanted *wanted)
{
	struct thaw_located got;
	int i;

	for (i = 0; i < PVS; i++)
		areas[i].super = (struct thaw_superblock){THAW_SUPER_NONE, {0}};
	thaw_locate(&got, areas, PVS, wanted, &memory.m, note);
	return got;
}

static void test_locate(void)
{
	struct thaw_wanted any = {.kind = THAW_WANTED_ANY};
	struct thaw_wanted uuid = {.kind = THAW_WANTED_UUID};
	struct thaw_located got;

	boot();
	find_volumes();
	put_image(FAST);
	CHECK(!locate(&any).count); /* on another disk than thaw: only if it is named */
	memset(uuid.place.uuid, 'a' + FAST, 16);
	got = locate(&uuid);
	CHECK(got.count == 1 && !got.ambiguous && got.list[0].disk->pages == 24 * EXTENT_PAGES);
	areas[2].at_home = true;
	CHECK(locate(&any).count == 1);
	areas[1].read_only = true;
	CHECK(locate(&any).list[0].read_only);
	put_image(ROOT); /* of the same group, though on another disk */
	CHECK(locate(&any).ambiguous);
	CHECK(!locate(&uuid).ambiguous);
	areas[1].removable = true;
	got = locate(&any); /* what does not need that disk */
	CHECK(got.count == 1 && got.list[0].disk->pages == 10 * EXTENT_PAGES);
	CHECK(locate(&uuid).count == 1);
	any.has_hint = true;
	any.hint = uuid.place;
	CHECK(locate(&any).count == 1 && locate(&any).missing);
	areas[1].removable = false;
	got = locate(&any); /* the one that is noted, and the other behind it */
	CHECK(got.count == 2 && !got.ambiguous && !got.missing);
	CHECK(got.list[0].disk->pages == 24 * EXTENT_PAGES);
	CHECK(got.list[1].disk->pages == 10 * EXTENT_PAGES);
}

/* Metadata that cannot be read may be of the volume that was noted. */
static void test_unreadable(void)
{
	struct thaw_wanted any = {.kind = THAW_WANTED_ANY, .has_hint = true};
	int i;

	boot();
	find_volumes();
	put_image(FAST);
	memset(any.hint.uuid, 'a' + FAST, 16);
	CHECK(locate(&any).count == 1 && !locate(&any).unreadable);
	for (i = 0; i < 2; i++) {
		pv[i].has_bad = true;
		pv[i].bad_page = 1;
		CHECK(locate(&any).count == (i == 0) && locate(&any).unreadable == (i == 1));
	}
	any.has_hint = false;
	CHECK(!locate(&any).count && !locate(&any).unreadable);
	/* Nor is it known whether one of its disks is a leg of a mirror. */
	any.has_hint = true;
	pv[0].has_bad = false;
	pv[1].bad_page = PV_PAGES + 46;
	pv[1].d.pages += 48;
	CHECK(!locate(&any).count && locate(&any).unreadable);
	pv[1].d.pages -= 48;
}

static void test_unreadable_for_want_of_memory(void)
{
	struct thaw_wanted any = {.kind = THAW_WANTED_ANY, .has_hint = true};
	uint64_t n;
	struct thaw_located got = {.count = 0};

	boot();
	find_volumes();
	put_image(FAST);
	memset(any.hint.uuid, 'a' + FAST, 16);
	for (n = 1; n == 1 || !memory.fail_at; n++) {
		plain_memory_free(&memory);
		memory.fail_at = n;
		got = locate(&any);
		CHECK(got.count ? !got.unreadable : got.unreadable);
	}
	CHECK(n > 8 && got.count);
	plain_memory_init(&memory);
}

int main(void)
{
	RUN(test_volumes);
	RUN(test_consume);
	RUN(test_background);
	RUN(test_missing_disk);
	RUN(test_disk_twice);
	RUN(test_raid_leg);
	RUN(test_whole_disks);
	RUN(test_old_copy);
	RUN(test_damaged_copy);
	RUN(test_ring);
	RUN(test_refused_kinds);
	RUN(test_bad_texts);
	RUN(test_snapshot);
	RUN(test_many_snapshots);
	RUN(test_hostile_length);
	RUN(test_flips);
	RUN(test_hostile_headers);
	RUN(test_no_memory);
	RUN(test_locate);
	RUN(test_unreadable);
	RUN(test_unreadable_for_want_of_memory);
	return check_summary();
}
