/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * native_world.c: what the image says of the machine around it: where firmware's tables lay, and
 * what nobody may have changed on other partitions.
 */
#include "native.h"

static enum thaw_err take_tables(struct native_open *o, const struct native_firmware *f,
				 size_t count, struct thaw_table *to)
{
	size_t i;
	size_t j;

	for (i = 0; i < count; i++) {
		for (j = 0; j < i; j++) {
			if (thaw_bytes_equal(f[i].guid, f[j].guid, sizeof(f[i].guid)))
				return thaw_fail(o->diag, THAW_HEADER_FIELD, "firmware tables", i,
						 j);
		}
		to[i] = (struct thaw_table){
			.guid = f[i].guid,
			.address = f[i].address,
			.bytes = f[i].bytes,
			.checksum = f[i].checksum,
		};
	}
	return THAW_OK;
}

static enum thaw_err read_firmware(struct native_open *o)
{
	const void *table;
	size_t count;
	struct thaw_table *to;
	enum thaw_err err = native_read_table(o, NATIVE_TABLE_FIRMWARE, &table, &count);

	if (err || !count)
		return err;
	to = o->memory->alloc(o->memory, count * sizeof(*to));
	if (!to)
		return thaw_fail(o->diag, THAW_MEMORY, "firmware tables", count, 0);
	o->image->tables = to;
	o->image->table_count = count;
	return take_tables(o, table, count, to);
}

static enum thaw_err take_watched(struct native_open *o, const struct native_watched *w,
				  size_t count, struct thaw_watched *to)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (w[i].offset % 512 || !w[i].bytes || w[i].bytes > NATIVE_WATCHED_BYTES_MAX ||
		    w[i].offset >> NATIVE_UNIT_SHIFT >= NATIVE_AREA_MAX ||
		    w[i].name[sizeof(w[i].name) - 1])
			return thaw_fail(o->diag, THAW_HEADER_FIELD, "watched ranges",
					 w[i].offset, i);
		to[i] = (struct thaw_watched){
			.partition = w[i].partition,
			.offset = w[i].offset,
			.bytes = w[i].bytes,
			.checksum = w[i].checksum,
			.name = w[i].name,
		};
	}
	return THAW_OK;
}

static enum thaw_err read_watched(struct native_open *o)
{
	const void *table;
	size_t count;
	struct thaw_watched *to;
	enum thaw_err err = native_read_table(o, NATIVE_TABLE_WATCHED, &table, &count);

	if (err || !count)
		return err;
	to = o->memory->alloc(o->memory, count * sizeof(*to));
	if (!to)
		return thaw_fail(o->diag, THAW_MEMORY, "watched ranges", count, 0);
	o->image->watched = to;
	o->image->watched_count = count;
	return take_watched(o, table, count, to);
}

enum thaw_err native_read_world(struct native_open *o)
{
	enum thaw_err err = read_firmware(o);

	return err ? err : read_watched(o);
}
