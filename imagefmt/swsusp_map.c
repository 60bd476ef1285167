/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * swsusp_map.c: the chain of map pages, which names every page of the stream.
 *
 * The chain is bounded by what the info page says there is: the writer fills each map page before
 * it begins the next, so there are no more of them than the longest possible stream needs, and one
 * empty one that kernels up to 7.2 leave when the last is exactly full. The signature reaches the
 * disk before the last map page does, so that a power cut leaves a valid header over a stale page:
 * every number is checked against the area, and no page may be named twice.
 */
#include "swsusp.h"

struct walk {
	struct swsusp_open *o;
	struct swap_map_page *page;
	uint64_t entries; /* of the stream, so far */
	uint64_t max_entries;
	uint64_t map_pages;
	uint64_t max_map_pages;
	bool ended; /* an entry 0 was met */
};

static enum thaw_err check_pages(struct swsusp_open *o, uint64_t page, uint64_t count,
				 const char *where)
{
	if (!page || page >= o->pages || count > o->pages - page ||
	    o->image->header_page - page < count)
		return thaw_fail(o->diag, THAW_MAP_BOUNDS, where, page, o->pages);
	return THAW_OK;
}

static enum thaw_err read_page(struct swsusp_open *o, uint64_t page, void *buf, const char *where)
{
	enum thaw_err err = check_pages(o, page, 1, where);

	if (err)
		return err;
	err = thaw_extents_add(&o->others, (struct thaw_extent){page, 1}, o->memory);
	if (err)
		return thaw_fail(o->diag, err, where, page, 0);
	err = o->disk->read(o->disk, page, 1, buf);
	if (err)
		return thaw_fail(o->diag, err, where, page, 0);
	thaw_xxh64_update(&o->identity, buf, THAW_PAGE_SIZE);
	return THAW_OK;
}

static enum thaw_err read_info(struct walk *w)
{
	struct swsusp_open *o = w->o;
	struct thaw_facts *facts = &o->image->facts;
	struct swsusp_info *info = o->memory->alloc(o->memory, THAW_PAGE_SIZE);
	enum thaw_err err;

	if (!info)
		return thaw_fail(o->diag, THAW_MEMORY, "swsusp_info", THAW_PAGE_SIZE, 0);
	err = read_page(o, w->page->entries[0], info, "swsusp_info");
	if (!err)
		err = swsusp_parse_info(o, info);
	if (err)
		return err;
	w->max_entries = facts->stream_pages;
	if (facts->codec != THAW_CODEC_NONE)
		w->max_entries = thaw_div_up(facts->stream_pages, UNC_PAGES) *
				 (THAW_BLOCK_STORED_MAX / THAW_PAGE_SIZE);
	w->max_map_pages = thaw_div_up(w->max_entries + 1, MAP_PAGE_ENTRIES) + 1;
	return THAW_OK;
}

/* So many pages that follow each other, from that of the entry on; an entry 0 is none. */
static enum thaw_err take_entries(struct walk *w, uint64_t entry, size_t count)
{
	struct swsusp_open *o = w->o;
	enum thaw_err err;

	if (!entry) {
		w->ended = true;
		return THAW_OK;
	}
	if (w->ended || count > w->max_entries - w->entries)
		return thaw_fail(o->diag, THAW_MAP_LONG, "swap_map_page", entry, w->max_entries);
	err = check_pages(o, entry, count, "swap_map_page entry");
	if (err)
		return err;
	w->entries += count;
	err = thaw_extents_add(&o->stream, (struct thaw_extent){entry, count}, o->memory);
	return err ? thaw_fail(o->diag, err, "extents", w->entries, 0) : THAW_OK;
}

static enum thaw_err take_map_page(struct walk *w)
{
	const uint64_t *entries = w->page->entries;
	size_t count;
	size_t i = 0;
	enum thaw_err err = THAW_OK;

	if (w->map_pages == 1) {
		err = read_info(w);
		i = 1;
	}
	for (; !err && i < MAP_PAGE_ENTRIES; i += count) {
		count = entries[i] ? swsusp_consecutive(entries + i, MAP_PAGE_ENTRIES - i) : 1;
		err = take_entries(w, entries[i], count);
	}
	if (!err && w->ended && w->page->next_swap)
		return thaw_fail(w->o->diag, THAW_MAP_LONG, "next_swap", w->page->next_swap, 0);
	return err;
}

static enum thaw_err walk_chain(struct walk *w)
{
	uint64_t next = w->o->first_map_page;
	enum thaw_err err;

	w->max_map_pages = 1; /* until the info page says more */
	while (next) {
		if (w->map_pages == w->max_map_pages)
			return thaw_fail(w->o->diag, THAW_MAP_LOOP, "swap_map_page", next,
					 w->max_map_pages);
		err = read_page(w->o, next, w->page, "swap_map_page");
		if (err)
			return err;
		w->map_pages++;
		err = take_map_page(w);
		if (err)
			return err;
		next = w->page->next_swap;
	}
	return THAW_OK;
}

static enum thaw_err check_length(struct walk *w)
{
	struct thaw_facts *facts = &w->o->image->facts;
	uint64_t least = facts->stream_pages;

	if (facts->codec != THAW_CODEC_NONE)
		least = thaw_div_up(facts->stream_pages, UNC_PAGES);
	if (w->entries < least)
		return thaw_fail(w->o->diag, THAW_MAP_SHORT, "swap_map_page", w->entries, least);
	facts->stored_pages = w->entries;
	return THAW_OK;
}

enum thaw_err swsusp_read_map(struct swsusp_open *o)
{
	struct walk w = {.o = o};
	enum thaw_err err;

	w.page = o->memory->alloc(o->memory, THAW_PAGE_SIZE);
	if (!w.page)
		return thaw_fail(o->diag, THAW_MEMORY, "swap_map_page", THAW_PAGE_SIZE, 0);
	err = walk_chain(&w);
	if (!err)
		err = check_length(&w);
	if (!err)
		err = thaw_extents_check(&o->stream, &o->others, &o->end, o->memory, o->diag);
	return err;
}
