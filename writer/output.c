/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * output.c: the logical space: bytes go in at its end and come to lie in the units that the target
 * hands out, in large writes.
 */
#include "parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES ((size_t)4 << 20)

static const uint8_t zeros[NATIVE_UNIT];

static enum thaw_writer_err failed(struct output *o, enum thaw_writer_err err)
{
	o->saved_errno = errno;
	return err;
}

enum thaw_writer_err output_open(struct output *o, struct thaw_writer_target *target)
{
	*o = (struct output){.target = target};
	o->buf = aligned_alloc(NATIVE_UNIT, BUFFER_BYTES);
	return o->buf ? THAW_WRITER_OK : THAW_WRITER_MEMORY;
}

void output_close(struct output *o)
{
	free(o->buf);
	free(o->extents.list);
}

enum thaw_writer_err output_take(struct output *o, uint64_t want, struct thaw_extent *ret)
{
	if (!o->grant.count) {
		errno = 0;
		if (!o->target->more(o->target, want, &o->grant))
			return failed(o, THAW_WRITER_SPACE);
	}
	*ret = (struct thaw_extent){o->grant.page, thaw_min(want, o->grant.count)};
	o->grant.page += ret->count;
	o->grant.count -= ret->count;
	return THAW_WRITER_OK;
}

enum thaw_writer_err output_put(struct output *o, uint64_t unit, uint64_t units, const void *buf)
{
	errno = 0;
	if (!o->target->write(o->target, unit, units, buf))
		return failed(o, THAW_WRITER_WRITE);
	o->written += units << NATIVE_UNIT_SHIFT;
	return THAW_WRITER_OK;
}

enum thaw_writer_err output_get(struct output *o, uint64_t unit, void *buf)
{
	errno = 0;
	return o->target->read(o->target, unit, 1, buf) ? THAW_WRITER_OK
							: failed(o, THAW_WRITER_READ);
}

enum thaw_writer_err output_sync(struct output *o)
{
	errno = 0;
	return o->target->flush(o->target) ? THAW_WRITER_OK : failed(o, THAW_WRITER_FLUSH);
}

static enum thaw_writer_err add_extent(struct output *o, struct thaw_extent piece)
{
	struct native_extent *e = o->extents.list;

	if (o->extents.count) {
		e += o->extents.count - 1;
		if (e->unit + e->units == piece.page) {
			e->units += piece.count;
			return THAW_WRITER_OK;
		}
	}
	e = vector_add(&o->extents, sizeof(*e));
	if (!e)
		return THAW_WRITER_MEMORY;
	*e = (struct native_extent){piece.page, piece.count};
	return THAW_WRITER_OK;
}

enum thaw_writer_err output_flush(struct output *o)
{
	const uint8_t *p = o->buf;
	uint64_t left = o->fill >> NATIVE_UNIT_SHIFT;
	struct thaw_extent piece;
	enum thaw_writer_err err = THAW_WRITER_OK;

	for (; left && !err; left -= piece.count, p += piece.count << NATIVE_UNIT_SHIFT) {
		err = output_take(o, left, &piece);
		if (err)
			break;
		err = add_extent(o, piece);
		if (!err)
			err = output_put(o, piece.page, piece.count, p);
	}
	o->fill = 0;
	return err;
}

enum thaw_writer_err output_append(struct output *o, const void *p, size_t n)
{
	const uint8_t *from = p;
	size_t piece;
	enum thaw_writer_err err = THAW_WRITER_OK;

	for (; n && !err; n -= piece, from += piece) {
		piece = (size_t)thaw_min(n, BUFFER_BYTES - o->fill);
		memcpy(o->buf + o->fill, from, piece);
		o->fill += piece;
		o->position += piece;
		if (o->fill == BUFFER_BYTES)
			err = output_flush(o);
	}
	return err;
}

enum thaw_writer_err output_align(struct output *o, size_t align)
{
	size_t over = (size_t)(o->position % align);

	return over ? output_append(o, zeros, align - over) : THAW_WRITER_OK;
}
