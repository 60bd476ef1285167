/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * anchor.c: the one unit that says whether there is an image. What is written first ends an older
 * image, what is written last begins the new one.
 */
#include "parts.h"

#include "../imagefmt/xxh64.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static const uint8_t magic[8] = NATIVE_ANCHOR_MAGIC;

static struct native_anchor *record_of(const struct thaw_writer *w)
{
	if (!w->options.swap)
		return (struct native_anchor *)w->anchor_page;
	return &((struct native_swap_page *)w->anchor_page)->anchor;
}

static bool is_record(const struct native_anchor *a)
{
	return !memcmp(a->magic, magic, sizeof(magic)) &&
	       a->checksum == thaw_xxh64(a, offsetof(struct native_anchor, checksum), 0);
}

static bool is_zero(const void *p, size_t n)
{
	const uint8_t *byte = p;

	return !n || (!*byte && !memcmp(byte, byte + 1, n - 1));
}

static void seal(struct native_anchor *a, uint32_t state)
{
	memcpy(a->magic, magic, sizeof(magic));
	a->version = NATIVE_VERSION;
	a->state = state;
	a->checksum = thaw_xxh64(a, offsetof(struct native_anchor, checksum), 0);
}

static enum thaw_writer_err write_anchor(struct thaw_writer *w)
{
	enum thaw_writer_err err =
		output_put(&w->output, w->options.anchor_unit, 1, w->anchor_page);

	return err ? err : output_sync(&w->output);
}

/* A record that a torn write left behind would vouch for the new image's signature. */
static enum thaw_writer_err begin_swap(struct thaw_writer *w)
{
	struct native_swap_page *page = (struct native_swap_page *)w->anchor_page;
	bool zero = is_zero(&page->anchor, sizeof(page->anchor));

	if (memcmp(page->sig, NATIVE_SWAP_SIG, sizeof(page->sig)) || page->swap_version != 1 ||
	    (!zero && memcmp(page->anchor.magic, magic, sizeof(magic))))
		return THAW_WRITER_NOT_SWAP;
	memset(&page->anchor, 0, sizeof(page->anchor));
	return zero ? THAW_WRITER_OK : write_anchor(w);
}

static enum thaw_writer_err begin_own(struct thaw_writer *w)
{
	struct native_anchor *a = record_of(w);

	if (is_record(a) && a->state == NATIVE_STATE_SAVED && !w->options.replace)
		return THAW_WRITER_SAVED;
	memset(w->anchor_page, 0, NATIVE_UNIT);
	a->generation = w->header->generation;
	memcpy(a->uuid, w->header->uuid, sizeof(a->uuid));
	a->anchor_unit = w->options.anchor_unit;
	seal(a, NATIVE_STATE_WRITING);
	return write_anchor(w);
}

static enum thaw_writer_err choose_uuid(struct thaw_writer *w)
{
	if (w->options.uuid)
		memcpy(w->header->uuid, w->options.uuid, sizeof(w->header->uuid));
	else if (getrandom(w->header->uuid, sizeof(w->header->uuid), 0) !=
		 (ssize_t)sizeof(w->header->uuid))
		return THAW_WRITER_MEMORY;
	return THAW_WRITER_OK;
}

enum thaw_writer_err anchor_begin(struct thaw_writer *w)
{
	enum thaw_writer_err err = output_get(&w->output, w->options.anchor_unit, w->anchor_page);

	if (!err)
		err = choose_uuid(w);
	if (err)
		return err;
	w->header->generation = is_record(record_of(w)) ? record_of(w)->generation + 1 : 1;
	return w->options.swap ? begin_swap(w) : begin_own(w);
}

enum thaw_writer_err anchor_commit(struct thaw_writer *w, uint64_t header_unit)
{
	struct native_swap_page *page = (struct native_swap_page *)w->anchor_page;
	struct native_anchor *a = record_of(w);

	memcpy(a->uuid, w->header->uuid, sizeof(a->uuid));
	a->generation = w->header->generation;
	a->anchor_unit = w->options.anchor_unit;
	a->header_unit = header_unit;
	a->header_checksum = thaw_xxh64(w->header, sizeof(*w->header), 0);
	seal(a, NATIVE_STATE_SAVED);
	if (w->options.swap) {
		page->image = 0;
		page->flags = 0;
		memcpy(page->orig_sig, NATIVE_SWAP_SIG, sizeof(page->orig_sig));
		memcpy(page->sig, NATIVE_SUSPEND_SIG, sizeof(page->sig));
	}
	return write_anchor(w);
}
