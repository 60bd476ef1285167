/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_mounted.c: filesystems that another system used since.
 *
 * A superblock is put into a page of the picture, another on a disk; both by literal offsets.
 */
#include <string.h>

#include "check.h"
#include "scene.h"

#define SUPERBLOCK 1024

static struct scene c;
static uint8_t volumes[3][4096];
static enum thaw_volume_site sites[3];
static size_t volume_count;
static uint8_t *pages[2]; /* of the picture */

static bool volume(struct thaw_machine *m, size_t n, void *page, enum thaw_volume_site *ret_site)
{
	if (((struct sim *)m)->calls[SIM_CLAIM])
		sim_fault((struct sim *)m, "volume after a claim", n, 0);
	if (n >= volume_count)
		return false;
	memcpy(page, volumes[n], sizeof(volumes[n]));
	*ret_site = sites[n];
	return true;
}

static void put16(uint8_t *at, unsigned v)
{
	at[0] = (uint8_t)v;
	at[1] = (uint8_t)(v >> 8);
}

/* An ext4 that is mounted for the seventh time. */
static void draw(uint8_t *page, uint8_t uuid)
{
	uint8_t *sb = page + SUPERBLOCK;

	memset(sb, 0, 1024);
	synth_put32(sb + 0x2c, 1700000000);
	put16(sb + 0x34, 7);
	put16(sb + 0x38, 0xef53);
	synth_put32(sb + 0x40, 1600000000);
	synth_put32(sb + 0x60, 0x2c6);
	memset(sb + 0x68, uuid, 16);
}

/* The n-th page of the picture that is no page table, for those have no secret; or NULL. */
static uint8_t *find_page(size_t n)
{
	static const uint64_t secret = SYNTH_SECRET;
	size_t i;

	for (i = 0; i < c.picture.frame_count; i++) {
		struct synth_frame *f = &c.picture.frames[i];

		if (f->data && f->pfn != c.picture.jump_pa >> 12 &&
		    memmem(f->data, 4096, &secret, sizeof(secret)) && !n--)
			return f->data;
	}
	return NULL;
}

static void begin_with(const struct scene_options *options)
{
	scene_begin(&c, options);
	c.sim.volume = volume;
	pages[0] = find_page(0);
	pages[1] = find_page(1);
	memset(volumes, 0, sizeof(volumes));
	memset(sites, 0, sizeof(sites));
	draw(volumes[1], 0xaa);
	volume_count = 3;
}

static void begin(void)
{
	begin_with(&(struct scene_options){.size = SCENE_SMALL, .codec = THAW_CODEC_LZO1X});
}

static enum thaw_err end(void)
{
	enum thaw_err err;

	scene_finish(&c);
	CHECK(scene_restore(&c, &err));
	CHECK((err == THAW_OK) == (c.sim.jumps == 1));
	scene_free(&c);
	return err;
}

static void test_same(void)
{
	begin();
	draw(pages[0], 0xaa);
	CHECK(end() == THAW_OK);
}

static enum thaw_err changed(size_t offset)
{
	begin();
	draw(pages[0], 0xaa);
	volumes[1][SUPERBLOCK + offset] ^= 4;
	return end();
}

static void test_each_mark_counts(void)
{
	CHECK(changed(0x2c) == THAW_MOUNTED); /* mounted */
	CHECK(changed(0x34) == THAW_MOUNTED);
	CHECK(changed(0x40) == THAW_MOUNTED); /* repaired */
	CHECK(changed(0x60) == THAW_MOUNTED); /* its journal replayed */
	CHECK(changed(0x30) == THAW_OK);      /* written, by the saved machine */
}

static bool is_found(const struct scene_options *options, size_t n)
{
	uint8_t *page;

	begin_with(options);
	page = find_page(n);
	if (!page) {
		scene_free(&c);
		return false;
	}
	draw(page, 0xaa);
	volumes[1][SUPERBLOCK + 0x34]++;
	CHECK(end() == THAW_MOUNTED);
	return true;
}

/* In whichever page it is: decoded with the list, by anybody, or read as it is. */
static void test_everywhere(void)
{
	unsigned codec;
	size_t n;

	for (codec = 0; codec < 3; codec++) {
		for (n = 0; is_found(&(struct scene_options){.codec = codec, .workers = codec},
				     n); n++)
			;
		CHECK(n > 20);
	}
}

static void test_others_do_not_count(void)
{
	/* mounted by nobody who was saved */
	begin();
	CHECK(end() == THAW_OK);
	/* another filesystem */
	begin();
	draw(pages[0], 0xbb);
	CHECK(end() == THAW_OK);
	/* a backup, of an older state */
	begin();
	draw(pages[0], 0xaa);
	draw(pages[1], 0xaa);
	pages[1][SUPERBLOCK + 0x34] = 1;
	pages[1][SUPERBLOCK + 0x5a] = 1;
	CHECK(end() == THAW_OK);
}

/* A page that somebody read long ago may lie about, too. */
static void test_one_copy_is_enough(void)
{
	begin();
	draw(pages[0], 0xaa);
	pages[0][SUPERBLOCK + 0x34] = 1;
	draw(pages[1], 0xaa);
	CHECK(end() == THAW_OK);
}

/* volumes[1] is as it was saved, volumes[2] a clone with a mount of its own. */
static void begin_cloned(enum thaw_volume_site original, enum thaw_volume_site clone)
{
	begin();
	draw(pages[0], 0xaa);
	draw(volumes[2], 0xaa);
	volumes[2][SUPERBLOCK + 0x34]++;
	sites[1] = original;
	sites[2] = clone;
}

static void test_clone(void)
{
	begin_cloned(THAW_VOLUME_FIXED, THAW_VOLUME_REMOVABLE);
	CHECK(end() == THAW_OK);
	begin_cloned(THAW_VOLUME_HOME, THAW_VOLUME_FIXED);
	CHECK(end() == THAW_OK);
	/* nobody can tell which of them is the copy */
	begin_cloned(THAW_VOLUME_FIXED, THAW_VOLUME_FIXED);
	CHECK(end() == THAW_MOUNTED);
	/* made of the hibernated disk, which was mounted afterwards */
	begin_cloned(THAW_VOLUME_REMOVABLE, THAW_VOLUME_HOME);
	CHECK(end() == THAW_MOUNTED);
	/* of a filesystem that is not in sight */
	begin_cloned(THAW_VOLUME_HOME, THAW_VOLUME_REMOVABLE);
	memset(volumes[1], 0, sizeof(volumes[1]));
	CHECK(end() == THAW_MOUNTED);
}

/* Both were mounted when the machine was saved, and somebody else had the clone since. */
static void test_mounted_clone(void)
{
	begin_cloned(THAW_VOLUME_HOME, THAW_VOLUME_REMOVABLE);
	draw(pages[1], 0xaa);
	pages[1][SUPERBLOCK + 0x34] = 1;
	CHECK(end() == THAW_MOUNTED);
	/* not mounted, but read by somebody */
	begin_cloned(THAW_VOLUME_HOME, THAW_VOLUME_REMOVABLE);
	draw(pages[1], 0xaa);
	pages[1][SUPERBLOCK + 0x34] = 1;
	pages[1][SUPERBLOCK + 0x3a] = 1;
	pages[1][SUPERBLOCK + 0x60] ^= 4;
	CHECK(end() == THAW_OK);
}

static void test_by_hand(void)
{
	static const struct thaw_options by_hand = {.by_hand = true};

	begin();
	draw(pages[0], 0xaa);
	volumes[1][SUPERBLOCK + 0x34]++;
	scene_finish(&c);
	CHECK(sim_restore(&c.sim, 0, &by_hand, &c.report) == THAW_OK);
	CHECK(!c.sim.faults && c.sim.jumps == 1);
	scene_free(&c);
}

/* Refused, the image is passed over for good: it does not matter what is mounted next. */
static void test_stays_refused(void)
{
	begin();
	draw(pages[0], 0xaa);
	scene_finish(&c);
	volumes[1][SUPERBLOCK + 0x34]++;
	CHECK(scene_ends(&c, THAW_MOUNTED));
	volumes[1][SUPERBLOCK + 0x34]--;
	CHECK(scene_ends(&c, THAW_PASSED_OVER));
	scene_free(&c);
}

int main(void)
{
	RUN(test_same);
	RUN(test_each_mark_counts);
	RUN(test_everywhere);
	RUN(test_others_do_not_count);
	RUN(test_one_copy_is_enough);
	RUN(test_clone);
	RUN(test_mounted_clone);
	RUN(test_by_hand);
	RUN(test_stays_refused);
	return check_summary();
}
