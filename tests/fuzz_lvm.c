/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fuzz_lvm.c: the text of a volume group, which is bounded whatever it says: each volume made from it
 * reads from its disks and from nowhere else. The first byte chooses between a text and a whole
 * physical volume, whose checksums are repaired.
 */
#include <string.h>

#include <thaw/crc32.h>

#include "fuzz.h"
#include "groups.h"
#include "lvm.h"
#include "lvm_disk.h"
#include "plain_disk.h"

#define PAGES 600

static void note(const char *what, uint64_t a, uint64_t b)
{
	(void)a;
	(void)b;
	REQUIRE(strlen(what) < 100);
}

static void try_reads(struct thaw_disk *d)
{
	static uint8_t buf[4 * THAW_PAGE_SIZE];
	uint64_t pages = d->pages;

	REQUIRE(pages && pages <= PAGES * VOLUME_STRIPES_MAX);
	REQUIRE(d->read(d, 0, 1, buf) == THAW_OK);
	REQUIRE(d->read(d, pages - 1, 1, buf) == THAW_OK);
	REQUIRE(d->read(d, pages, 1, buf) == THAW_READ);
	if (pages > 3)
		REQUIRE(d->read(d, pages / 3, 3, buf) == THAW_OK);
}

static void try_text(const uint8_t *data, size_t n, struct plain_disk *disk)
{
	static struct lvm_group group;
	static struct volume volume;
	struct lvm_text cursor;
	enum lvm_next next;
	const char *why;
	size_t i;

	if (!lvm_group_parse(&group, (struct lvm_text){data, data + n}))
		return;
	for (i = 0; i < group.physical_count; i++)
		group.physical[i].disk = &disk->d;
	cursor = group.logical;
	while ((next = lvm_volume_next(&group, &cursor, &volume, &why)) != LVM_NEXT_END) {
		if (next == LVM_NEXT_VOLUME && volume.seam.pages)
			try_reads(&volume.seam);
	}
}

static void repair(struct plain_disk *disk)
{
	struct lvm_label_header *label = (void *)(disk->bytes + LVM_SECTOR);
	struct lvm_mda_header *h = (void *)(disk->bytes + 4096);

	label->crc = thaw_crc32(LVM_CRC_BEGIN, &label->offset, LVM_SECTOR - 20);
	if (h->text.offset <= 65536 && h->text.size <= 65536)
		h->text.checksum = thaw_crc32(LVM_CRC_BEGIN, (uint8_t *)h + h->text.offset,
					      h->text.size);
	h->crc = thaw_crc32(LVM_CRC_BEGIN, (uint8_t *)h + 4, LVM_SECTOR - 4);
}

static void try_disk(const uint8_t *data, size_t n, struct plain_disk *disk)
{
	static struct thaw_area volumes[GROUPS_VOLUMES_MAX];
	struct thaw_area area = {.disk = &disk->d};
	struct plain_memory memory;
	size_t count;

	memcpy(disk->bytes, data, thaw_min(n, PAGES * THAW_PAGE_SIZE));
	repair(disk);
	plain_memory_init(&memory);
	thaw_superblock_parse(&area.super, disk->bytes);
	lvm_label_parse(&area.label, disk->bytes);
	count = groups_volumes(volumes, &area, 1, &memory.m, note);
	while (count--) {
		if (volumes[count].disk->pages)
			try_reads(volumes[count].disk);
	}
	plain_memory_free(&memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct plain_disk disk;
	uint8_t *exact;

	if (!n)
		return 0;
	exact = malloc(n);
	memcpy(exact, data + 1, n - 1);
	plain_disk_init(&disk, PAGES);
	if (*data & 1)
		try_disk(exact, n - 1, &disk);
	else
		try_text(exact, n - 1, &disk);
	plain_disk_free(&disk);
	free(exact);
	return 0;
}
