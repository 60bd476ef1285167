/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * locate.c: the order in which an image is looked for. See locate.h.
 */
#include <thaw/image.h>
#include <thaw/locate.h>

#include "groups.h"
#include "lvm.h"

struct search {
	struct thaw_located *ret;
	struct thaw_area *areas; /* a copy, with room for volumes behind */
	size_t count;
	size_t disks; /* of these, the caller's */
	bool has_volumes;
	uint8_t *page;
	struct thaw_memory *memory;
	void (*note)(const char *what, uint64_t a, uint64_t b);
};

typedef bool filter(const struct thaw_area *area);

static void no_note(const char *what, uint64_t a, uint64_t b)
{
	(void)what;
	(void)a;
	(void)b;
}

/* A page that the area does not have is none that could not be read. */
static bool read_page(struct search *s, struct thaw_area *area, uint64_t page)
{
	if (!area->disk || page >= area->disk->pages)
		return false;
	if (area->disk->read(area->disk, page, 1, s->page) == THAW_OK)
		return true;
	area->unreadable = true;
	return false;
}

/* --- what an area says of itself --------------------------------------------------------- */

/* A physical volume may have an old signature left; what counts lies in its volumes. */
static void learn(struct search *s, struct thaw_area *area)
{
	if (area->read)
		return;
	area->read = true;
	if (!read_page(s, area, 0))
		return;
	thaw_superblock_parse(&area->super, s->page);
	if (area->super.kind == THAW_SUPER_LVM)
		lvm_label_parse(&area->label, s->page);
	else
		area->image = thaw_image_probe(s->page) == THAW_OK;
	if (area->image)
		area->mark = thaw_image_mark(s->page);
}

/* A filesystem that is known by a page further on; only whoever looks for a UUID needs it. */
static void learn_late(struct search *s, struct thaw_area *area)
{
	learn(s, area);
	if (area->read_late || area->super.kind != THAW_SUPER_NONE || area->image)
		return;
	area->read_late = true;
	if (read_page(s, area, THAW_SUPER_LATE_PAGE))
		thaw_superblock_parse_late(&area->super, s->page);
}

static void add_volumes(struct search *s)
{
	if (s->has_volumes)
		return;
	s->has_volumes = true;
	s->count += groups_volumes(s->areas + s->disks, s->areas, s->disks, s->memory, s->note);
}

/* --- what is found ----------------------------------------------------------------------- */

static void add_found(struct search *s, struct thaw_area *area, uint64_t page, uint64_t mark)
{
	struct thaw_found found = {area->disk, page, mark, area->read_only};

	if (s->ret->count < THAW_FOUND_MAX)
		s->ret->list[s->ret->count] = found;
	s->ret->count++;
}

/*
 * Keeps the area if an image's header is at that page. If that can't be read there may be one; but of
 * an area that is for anything no image is expected, else a locked disk would forbid all that follow.
 */
static void try(struct search *s, struct thaw_area *area, uint64_t page)
{
	if (!page) {
		learn(s, area);
		if (area->image && !area->listed)
			add_found(s, area, 0, area->mark);
		area->listed = true;
	} else if (read_page(s, area, page) && thaw_image_probe(s->page) == THAW_OK) {
		add_found(s, area, page, thaw_image_mark(s->page));
	}
	if (area->unreadable && (page || area->named || area->type == THAW_AREA_SWAP))
		s->ret->unreadable = true;
}

/* Keeps each area that fits and carries an image at its beginning. */
static void scan(struct search *s, filter *fits)
{
	size_t i;

	for (i = 0; i < s->count; i++) {
		if (fits(&s->areas[i]))
			try(s, &s->areas[i], 0);
	}
}

/* --- by UUID ----------------------------------------------------------------------------- */

static bool has_uuid(const struct thaw_area *area, const uint8_t uuid[THAW_UUID_BYTES])
{
	static const uint8_t none[THAW_UUID_BYTES];

	return !thaw_bytes_equal(uuid, none, sizeof(none)) &&
	       thaw_bytes_equal(area->super.uuid, uuid, sizeof(area->super.uuid));
}

/*
 * The image at that place. Superblocks are copied with their disks, so where two areas answer to one
 * UUID neither is the one that was meant. Returns how many answer.
 */
static size_t look_at(struct search *s, const struct thaw_place *place, filter *fits)
{
	bool unreadable = false;
	size_t matches = 0;
	size_t i;

	for (i = 0; i < s->disks; i++) {
		if (fits(&s->areas[i]))
			learn_late(s, &s->areas[i]);
	}
	add_volumes(s);
	for (i = 0; i < s->count; i++) {
		if (!fits(&s->areas[i]))
			continue;
		learn_late(s, &s->areas[i]);
		unreadable |= s->areas[i].unreadable;
		if (!has_uuid(&s->areas[i], place->uuid))
			continue;
		matches++;
		try(s, &s->areas[i], place->page);
	}
	s->note("uuid-matches-images", matches, s->ret->count);
	/* What could not be read may be the one. */
	if (!matches && unreadable)
		s->ret->unreadable = true;
	s->ret->ambiguous = s->ret->count && matches > 1;
	return matches;
}

/* --- the order --------------------------------------------------------------------------- */

static bool is_any(const struct thaw_area *area)
{
	(void)area;
	return true;
}

static bool is_fixed(const struct thaw_area *area)
{
	return !area->removable;
}

static bool is_home_swap(const struct thaw_area *area)
{
	return is_fixed(area) && area->at_home && area->type == THAW_AREA_SWAP;
}

static bool is_home_volume(const struct thaw_area *area)
{
	return is_fixed(area) && area->at_home && area->type == THAW_AREA_VOLUME;
}

/* What is known to be something else is not asked: each question costs a read at every boot. */
static bool is_candidate(const struct thaw_area *area)
{
	return is_fixed(area) && area->type != THAW_AREA_OTHER && area->type != THAW_AREA_VOLUME;
}

static void look_for_named(struct search *s, uint64_t page)
{
	size_t i;

	s->ret->missing = true;
	for (i = 0; i < s->count; i++) {
		if (!s->areas[i].named)
			continue;
		s->ret->missing = false;
		try(s, &s->areas[i], page);
	}
	s->ret->ambiguous = s->ret->count > 1;
}

/* All images there are, those that come first in front. */
static void scan_all(struct search *s)
{
	size_t i;

	scan(s, is_home_swap);
	for (i = 0; i < s->disks; i++) {
		if (is_candidate(&s->areas[i]))
			learn(s, &s->areas[i]);
	}
	add_volumes(s);
	scan(s, is_home_volume);
	scan(s, is_candidate);
}

/*
 * An image beside the one that is restored must not be forgotten: what is restored may change what
 * the other relies on. Without a note the second image also says that the first may be the stale one;
 * so does a note of what cannot be read.
 */
static void look_for_any(struct search *s, const struct thaw_wanted *wanted)
{
	bool noted, hidden;

	if (wanted->has_hint)
		s->ret->missing = !look_at(s, &wanted->hint, is_fixed);
	noted = s->ret->count;
	hidden = s->ret->unreadable;
	scan_all(s);
	if (!noted)
		s->ret->ambiguous = s->ret->count > 1 || (s->ret->count && hidden);
}

static bool prepare(struct search *s, const struct thaw_area *areas, size_t count)
{
	size_t i;

	s->page = s->memory->alloc(s->memory, THAW_PAGE_SIZE);
	s->areas = s->memory->alloc(s->memory, (count + GROUPS_VOLUMES_MAX) * sizeof(*areas));
	if (!s->page || !s->areas)
		return false;
	for (i = 0; i < count; i++)
		s->areas[i] = areas[i];
	s->count = count;
	s->disks = count;
	return true;
}

void thaw_locate(struct thaw_located *ret, const struct thaw_area *areas, size_t count,
		 const struct thaw_wanted *wanted, struct thaw_memory *memory,
		 void (*note)(const char *what, uint64_t a, uint64_t b))
{
	struct search s = {.ret = ret, .memory = memory, .note = note ? note : no_note};

	*ret = (struct thaw_located){.count = 0};
	if (!prepare(&s, areas, count)) {
		ret->unreadable = true;
		return;
	}
	switch (wanted->kind) {
	case THAW_WANTED_NAMED:
		look_for_named(&s, wanted->place.page);
		break;
	case THAW_WANTED_UUID:
		ret->missing = !look_at(&s, &wanted->place, is_any);
		break;
	case THAW_WANTED_ANY:
		look_for_any(&s, wanted);
		break;
	}
}
