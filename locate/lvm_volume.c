/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * lvm_volume.c: a logical volume of the text as pages of disks.
 *
 * Linear is striped with one stripe. Everything else (RAID, mirror, thin, cache, snapshot …) holds its
 * data in a form that a page of a disk is not enough to read or to write, and is refused by its name.
 */
#include "lvm.h"

#define SECTORS_PER_PAGE (THAW_PAGE_SIZE / 512)
#define STRIPES_MAX	 16
#define EXTENTS_MAX	 (UINT64_C(1) << 32)

/* Of one segment, as the text says it. */
struct segment {
	uint64_t start;
	uint64_t extents;
	uint64_t chunk_sectors;
	uint64_t stripe_count;
	struct lvm_word type;
	struct lvm_text stripes;
};

static const char damaged[] = "lvm: text of a volume";
static const char too_fragmented[] = "lvm: too many segments";
static const char absent[] = "lvm: physical volume missing";
static const char outside[] = "lvm: segment outside its disk";

/* The name of what is refused, as a static string. */
static const char *kind_of(struct lvm_word type)
{
	static const struct {
		const char *prefix;
		const char *why;
	} kinds[] = {
		{"raid", "lvm: raid"},	       {"mirror", "lvm: mirror"},
		{"thin", "lvm: thin"},	       {"cache", "lvm: cache"},
		{"writecache", "lvm: cache"},  {"snapshot", "lvm: snapshot"},
		{"vdo", "lvm: vdo"},	       {"integrity", "lvm: integrity"},
	};
	size_t i, n;

	for (i = 0; i < THAW_ARRAY_LEN(kinds); i++) {
		for (n = 0; n < type.len && kinds[i].prefix[n]; n++) {
			if (type.at[n] != (uint8_t)kinds[i].prefix[n])
				break;
		}
		if (!kinds[i].prefix[n])
			return kinds[i].why;
	}
	return "lvm: unknown kind of volume";
}

static const struct lvm_physical *find_physical(const struct lvm_group *g, struct lvm_word name)
{
	size_t i;

	for (i = 0; i < g->physical_count; i++) {
		if (lvm_words_equal(g->physical[i].name, name))
			return &g->physical[i];
	}
	return NULL;
}

/* The next pair of physical volume and extent. NULL: there it is; else why not. */
static const char *take_stripe(const struct lvm_group *g, struct lvm_text *list, uint64_t extents,
			       struct volume_stripe *ret)
{
	const struct lvm_physical *p;
	struct lvm_entry name, extent;

	if (lvm_text_item(list, &name) != LVM_ENTRY_STRING ||
	    lvm_text_item(list, &extent) != LVM_ENTRY_NUMBER)
		return damaged;
	p = find_physical(g, name.string);
	if (!p)
		return damaged;
	if (p->missing || !p->disk)
		return absent;
	if (extent.number > p->extents || extents > p->extents - extent.number)
		return outside;
	*ret = (struct volume_stripe){p->disk, p->first_page + extent.number * g->extent_pages};
	return NULL;
}

static const char *append(const struct lvm_group *g, const struct segment *s, struct volume *v)
{
	struct volume_stripe stripes[STRIPES_MAX];
	struct lvm_text list = s->stripes;
	uint64_t pages = s->extents * g->extent_pages;
	uint64_t chunk = s->stripe_count == 1 ? pages : s->chunk_sectors / SECTORS_PER_PAGE;
	const char *why;
	size_t i;

	if (s->stripe_count > STRIPES_MAX)
		return too_fragmented;
	if (s->extents % s->stripe_count ||
	    (s->stripe_count > 1 && s->chunk_sectors % SECTORS_PER_PAGE))
		return damaged;
	for (i = 0; i < s->stripe_count; i++) {
		why = take_stripe(g, &list, s->extents / s->stripe_count, &stripes[i]);
		if (why)
			return why;
	}
	if (v->segment_count == VOLUME_SEGMENTS_MAX ||
	    s->stripe_count > VOLUME_STRIPES_MAX - v->stripe_count)
		return too_fragmented;
	return volume_append(v, pages, chunk, stripes, (size_t)s->stripe_count) ? NULL : outside;
}

static void take_segment_entry(struct segment *s, const struct lvm_entry *e)
{
	if (e->kind == LVM_ENTRY_NUMBER && lvm_word_is(e->key, "start_extent"))
		s->start = e->number;
	else if (e->kind == LVM_ENTRY_NUMBER && lvm_word_is(e->key, "extent_count"))
		s->extents = e->number;
	else if (e->kind == LVM_ENTRY_NUMBER && lvm_word_is(e->key, "stripe_size"))
		s->chunk_sectors = e->number;
	else if (e->kind == LVM_ENTRY_NUMBER && lvm_word_is(e->key, "stripe_count"))
		s->stripe_count = e->number;
	else if (e->kind == LVM_ENTRY_STRING && lvm_word_is(e->key, "type"))
		s->type = e->string;
	else if (e->kind == LVM_ENTRY_LIST && lvm_word_is(e->key, "stripes"))
		s->stripes = e->list;
}

/* Reads to the end of the segment's section. */
static bool parse_segment(struct segment *s, struct lvm_text *text)
{
	struct lvm_entry e;

	*s = (struct segment){.start = UINT64_MAX};
	while (lvm_text_next(text, &e) != LVM_ENTRY_END) {
		if (e.kind == LVM_ENTRY_BAD ||
		    (e.kind == LVM_ENTRY_SECTION && !lvm_text_skip(text)))
			return false;
		take_segment_entry(s, &e);
	}
	return true;
}

/* In the text segments stand in the order of their extents, without a gap. */
static const char *use_segment(const struct lvm_group *g, const struct segment *s, struct volume *v)
{
	if (!lvm_word_is(s->type, "striped") && !lvm_word_is(s->type, "linear"))
		return kind_of(s->type);
	if (!s->extents || s->extents > EXTENTS_MAX || !s->stripe_count ||
	    s->start > EXTENTS_MAX || s->start * g->extent_pages != v->seam.pages)
		return damaged;
	return append(g, s, v);
}

static bool is_visible(const struct lvm_entry *status)
{
	struct lvm_text list = status->list;
	struct lvm_entry item;

	while (lvm_text_item(&list, &item) == LVM_ENTRY_STRING) {
		if (lvm_word_is(item.string, "VISIBLE"))
			return true;
	}
	return false;
}

/* Reads to the end of the volume's section. *ret_why: NULL if it can be used. false: bad text. */
static bool parse_volume(const struct lvm_group *g, struct lvm_text *text, struct volume *v,
			 bool *ret_visible, const char **ret_why)
{
	struct lvm_entry e;
	struct segment s;

	*ret_visible = false;
	volume_init(v);
	while (lvm_text_next(text, &e) != LVM_ENTRY_END) {
		if (e.kind == LVM_ENTRY_LIST && lvm_word_is(e.key, "status"))
			*ret_visible = is_visible(&e);
		if (e.kind == LVM_ENTRY_BAD ||
		    (e.kind == LVM_ENTRY_SECTION && !parse_segment(&s, text)))
			return false;
		if (e.kind == LVM_ENTRY_SECTION && !*ret_why)
			*ret_why = use_segment(g, &s, v);
	}
	return true;
}

/* Whatever is damaged ends the walk: behind it nobody knows where the next volume begins. */
enum lvm_next lvm_volume_next(const struct lvm_group *group, struct lvm_text *cursor,
			      struct volume *ret, const char **ret_why)
{
	struct lvm_entry e;
	bool visible;

	while (cursor->at != cursor->end && lvm_text_next(cursor, &e) == LVM_ENTRY_SECTION) {
		*ret_why = NULL;
		if (group->exported)
			*ret_why = "lvm: exported group";
		else if (lvm_group_uses(group, e.key))
			*ret_why = "lvm: snapshot";
		if (!parse_volume(group, cursor, ret, &visible, ret_why)) {
			cursor->at = cursor->end;
			*ret_why = damaged;
			return LVM_NEXT_OTHER;
		}
		if (visible)
			return *ret_why ? LVM_NEXT_OTHER : LVM_NEXT_VOLUME;
	}
	cursor->at = cursor->end;
	return LVM_NEXT_END;
}
