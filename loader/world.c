/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * world.c: is the machine around the image still the one it was saved in?
 *
 * Two things that no memory map tells. The saved kernel keeps addresses of firmware's tables. And it
 * keeps, in memory, what it knows of the filesystems it has mounted: if somebody else wrote to one
 * since, what it writes next destroys it. A format that knows these says so; both are looked at
 * before anything is loaded.
 */
#include <thaw/loader.h>

/* What may be read of a table of which nothing but its address is known. */
#define TABLE_BYTES_MAX 4096

static enum thaw_err check_table(struct thaw_machine *m, const struct thaw_table *table,
				 struct thaw_diag *diag)
{
	const void *today = m->find_table(m, table->guid);

	if ((uintptr_t)today != table->address)
		return thaw_fail(diag, THAW_FIRMWARE_TABLE, "address", table->address,
				 (uintptr_t)today);
	if (!today || !table->bytes || table->bytes > TABLE_BYTES_MAX)
		return THAW_OK;
	if (!thaw_bytes_match(today, (size_t)table->bytes, table->checksum))
		return thaw_fail(diag, THAW_FIRMWARE_TABLE, "content", table->address,
				 table->bytes);
	return THAW_OK;
}

static enum thaw_err check_watched(struct thaw_machine *m, const struct thaw_watched *watched,
				   uint8_t *buf, struct thaw_diag *diag)
{
	uint64_t page = watched->offset >> THAW_PAGE_SHIFT;
	size_t skip = (size_t)(watched->offset % THAW_PAGE_SIZE);
	uint64_t pages = thaw_div_up(skip + watched->bytes, THAW_PAGE_SIZE);

	if (m->read_partition(m, watched->partition, page, pages, buf))
		return thaw_fail(diag, THAW_MOUNTED, watched->name, watched->offset, 0);
	if (!thaw_bytes_match(buf + skip, watched->bytes, watched->checksum))
		return thaw_fail(diag, THAW_MOUNTED, watched->name, watched->offset,
				 watched->bytes);
	return THAW_OK;
}

static enum thaw_err check_all_watched(struct thaw_machine *m, const struct thaw_image *image,
				       struct thaw_diag *diag)
{
	uint64_t most = 0;
	uint8_t *buf;
	enum thaw_err err = THAW_OK;
	size_t i;

	for (i = 0; i < image->watched_count; i++)
		most = thaw_max(most, image->watched[i].bytes);
	/* A range that begins within a page ends in one more. */
	buf = m->memory.alloc(&m->memory, most + 2 * THAW_PAGE_SIZE);
	if (!buf)
		return thaw_fail(diag, THAW_MEMORY, "watched ranges", most, 0);
	for (i = 0; !err && i < image->watched_count; i++)
		err = check_watched(m, &image->watched[i], buf, diag);
	return err;
}

enum thaw_err thaw_world_check(struct thaw_machine *m, const struct thaw_image *image,
			       struct thaw_diag *diag)
{
	enum thaw_err err = THAW_OK;
	size_t i;

	for (i = 0; m->find_table && !err && i < image->table_count; i++)
		err = check_table(m, &image->tables[i], diag);
	if (!err && m->read_partition && image->watched_count)
		err = check_all_watched(m, image, diag);
	return err;
}
