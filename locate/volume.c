/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * volume.c: see volume.h. A page of the volume is a page of exactly one disk: volume_append() has
 * proved it of the last page of each stripe, and so of all.
 */
#include "volume.h"

/* A run of pages that lie side by side on one disk. */
struct piece {
	struct thaw_disk *disk;
	uint64_t page;
	uint64_t count;
};

static const struct volume_segment *find_segment(const struct volume *v, uint64_t page)
{
	size_t i = 0;

	while (page - v->segments[i].first >= v->segments[i].pages)
		i++;
	return &v->segments[i];
}

/* page lies in the volume; at most count pages from there on. */
static struct piece find_piece(const struct volume *v, uint64_t page, uint64_t count)
{
	const struct volume_segment *s = find_segment(v, page);
	uint64_t at = page - s->first;
	uint64_t chunk = at / s->chunk;
	const struct volume_stripe *stripe = &v->stripes[s->stripe + chunk % s->stripes];

	return (struct piece){
		.disk = stripe->disk,
		.page = stripe->first + chunk / s->stripes * s->chunk + at % s->chunk,
		.count = thaw_min(count, s->chunk - at % s->chunk),
	};
}

static bool is_inside(const struct volume *v, uint64_t page, uint64_t count)
{
	return count && page < v->seam.pages && count <= v->seam.pages - page;
}

static enum thaw_err volume_read(struct thaw_disk *disk, uint64_t page, uint64_t count, void *buf)
{
	struct volume *v = (struct volume *)disk;
	uint8_t *to = buf;

	if (!is_inside(v, page, count))
		return THAW_READ;
	while (count) {
		struct piece piece = find_piece(v, page, count);

		if (piece.disk->read(piece.disk, piece.page, piece.count, to))
			return THAW_READ;
		page += piece.count;
		count -= piece.count;
		to += piece.count * THAW_PAGE_SIZE;
	}
	return THAW_OK;
}

/* What lies in several pieces, or on a disk that cannot do it, is read now. */
static enum thaw_err volume_read_start(struct thaw_disk *disk, uint64_t page, uint64_t count,
				       void *buf)
{
	struct volume *v = (struct volume *)disk;
	struct piece piece;
	enum thaw_err err;

	v->waits_for = NULL;
	if (!is_inside(v, page, count))
		return THAW_READ;
	piece = find_piece(v, page, count);
	if (piece.count != count || !piece.disk->read_start)
		return volume_read(disk, page, count, buf);
	err = piece.disk->read_start(piece.disk, piece.page, count, buf);
	if (!err)
		v->waits_for = piece.disk;
	return err;
}

static enum thaw_err volume_read_wait(struct thaw_disk *disk)
{
	struct volume *v = (struct volume *)disk;
	struct thaw_disk *other = v->waits_for;

	v->waits_for = NULL;
	return other ? other->read_wait(other) : THAW_OK;
}

static enum thaw_err volume_consume(struct thaw_disk *disk, uint64_t page, const void *old_page,
				    const void *new_page)
{
	struct volume *v = (struct volume *)disk;
	struct piece piece;

	if (!is_inside(v, page, 1))
		return THAW_READ;
	piece = find_piece(v, page, 1);
	return piece.disk->consume(piece.disk, piece.page, old_page, new_page);
}

void volume_init(struct volume *ret)
{
	ret->seam = (struct thaw_disk){
		.read = volume_read,
		.read_start = volume_read_start,
		.read_wait = volume_read_wait,
		.consume = volume_consume,
		.wholes = ret->wholes,
	};
	ret->segment_count = 0;
	ret->stripe_count = 0;
	ret->waits_for = NULL;
}

static bool lies_on_disk(const struct volume_stripe *stripe, uint64_t pages)
{
	return stripe->disk && stripe->first < stripe->disk->pages &&
	       pages <= stripe->disk->pages - stripe->first;
}

/* One at most for each stripe: there is room. */
static void add_whole(struct volume *v, const struct thaw_disk *partition)
{
	size_t i;

	if (!partition->whole_count)
		return;
	for (i = 0; i < v->seam.whole_count; i++) {
		if (v->wholes[i] == partition->wholes[0])
			return;
	}
	v->wholes[v->seam.whole_count++] = partition->wholes[0];
}

bool volume_append(struct volume *v, uint64_t pages, uint64_t chunk,
		   const struct volume_stripe *stripes, size_t count)
{
	uint64_t end;
	size_t i;

	if (v->segment_count == VOLUME_SEGMENTS_MAX || !count ||
	    count > VOLUME_STRIPES_MAX - v->stripe_count || !pages || !chunk || pages % count ||
	    pages / count % chunk || thaw_add_overflows(v->seam.pages, pages, &end))
		return false;
	for (i = 0; i < count; i++) {
		if (!lies_on_disk(&stripes[i], pages / count))
			return false;
		v->stripes[v->stripe_count + i] = stripes[i];
		add_whole(v, stripes[i].disk);
	}
	v->segments[v->segment_count++] =
		(struct volume_segment){v->seam.pages, pages, chunk, v->stripe_count, count};
	v->stripe_count += count;
	v->seam.pages = end;
	return true;
}
