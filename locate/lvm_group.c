/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * lvm_group.c: the text of a volume group: its physical volumes, and where the logical ones stand.
 * lvm2 2.03.16, lib/format_text/import_vsn1.c.
 */
#include "lvm.h"

#define SECTORS_PER_PAGE (THAW_PAGE_SIZE / 512)

/* Nothing real is larger: 2^40 pages are 4 PiB. So no product of extents and pages overflows. */
#define EXTENT_PAGES_MAX (UINT64_C(1) << 20)
#define EXTENTS_MAX	 (UINT64_C(1) << 32)

/* LVM writes an id with dashes between its letters, and in a label without. */
static bool take_id(const struct lvm_entry *e, uint8_t ret[32])
{
	size_t n = 0;
	size_t i;

	if (e->kind != LVM_ENTRY_STRING)
		return false;
	for (i = 0; i < e->string.len; i++) {
		if (e->string.at[i] == '-')
			continue;
		if (n == 32)
			return false;
		ret[n++] = e->string.at[i];
	}
	return n == 32;
}

static bool take_pages(const struct lvm_entry *e, uint64_t *ret)
{
	*ret = e->number / SECTORS_PER_PAGE;
	return e->kind == LVM_ENTRY_NUMBER && e->number % SECTORS_PER_PAGE == 0;
}

/* Is the word among the items of a list? */
static bool lists(const struct lvm_entry *e, const char *word)
{
	struct lvm_text list = e->list;
	struct lvm_entry item;

	while (e->kind == LVM_ENTRY_LIST && lvm_text_item(&list, &item) == LVM_ENTRY_STRING) {
		if (lvm_word_is(item.string, word))
			return true;
	}
	return false;
}

static bool take_physical_entry(struct lvm_physical *p, const struct lvm_entry *e, bool *ret_id)
{
	if (lvm_word_is(e->key, "id"))
		return *ret_id = take_id(e, p->uuid);
	if (lvm_word_is(e->key, "pe_start"))
		return take_pages(e, &p->first_page);
	if (lvm_word_is(e->key, "pe_count")) {
		p->extents = e->number;
		return e->kind == LVM_ENTRY_NUMBER && p->extents <= EXTENTS_MAX;
	}
	if (lvm_word_is(e->key, "flags"))
		p->missing = lists(e, "MISSING");
	return true;
}

static bool parse_physical(struct lvm_physical *p, struct lvm_text *text)
{
	struct lvm_entry e;
	bool has_id = false;

	while (lvm_text_next(text, &e) != LVM_ENTRY_END) {
		if (e.kind == LVM_ENTRY_BAD ||
		    (e.kind == LVM_ENTRY_SECTION && !lvm_text_skip(text)) ||
		    !take_physical_entry(p, &e, &has_id))
			return false;
	}
	return has_id;
}

static bool parse_physicals(struct lvm_group *g, struct lvm_text *text)
{
	struct lvm_entry e;

	while (lvm_text_next(text, &e) != LVM_ENTRY_END) {
		struct lvm_physical *p = &g->physical[g->physical_count];

		if (e.kind != LVM_ENTRY_SECTION || g->physical_count == LVM_VOLUMES_MAX)
			return false;
		*p = (struct lvm_physical){.name = e.key};
		if (!parse_physical(p, text))
			return false;
		g->physical_count++;
	}
	return true;
}

static bool is_listed(const struct lvm_group *g, struct lvm_word name)
{
	size_t i;

	for (i = 0; i < g->in_use_count; i++) {
		if (lvm_words_equal(g->in_use[i], name))
			return true;
	}
	return false;
}

/* false: no room. */
static bool add_in_use(struct lvm_group *g, struct lvm_word name)
{
	if (is_listed(g, name))
		return true;
	if (g->in_use_count == LVM_IN_USE_MAX)
		return false;
	g->in_use[g->in_use_count++] = name;
	return true;
}

static bool is_use(const struct lvm_entry *e)
{
	return e->kind == LVM_ENTRY_STRING &&
	       (lvm_word_is(e->key, "origin") || lvm_word_is(e->key, "cow_store"));
}

/* Wherever it is said: nothing else has such keys. In one pass, for a text may be all volumes. */
static void find_in_use(struct lvm_group *g)
{
	struct lvm_text text = g->logical;
	struct lvm_entry e;
	size_t depth = 0;

	while (lvm_text_next(&text, &e) != LVM_ENTRY_BAD) {
		if (e.kind == LVM_ENTRY_END && !depth--)
			return;
		depth += e.kind == LVM_ENTRY_SECTION;
		if (is_use(&e) && !add_in_use(g, e.string))
			break;
	}
	g->in_use_all = true;
}

bool lvm_group_uses(const struct lvm_group *group, struct lvm_word name)
{
	return group->in_use_all || is_listed(group, name);
}

static bool parse_section(struct lvm_group *g, const struct lvm_entry *e, struct lvm_text *text)
{
	if (lvm_word_is(e->key, "physical_volumes"))
		return !g->physical_count && parse_physicals(g, text);
	if (lvm_word_is(e->key, "logical_volumes")) {
		if (g->logical.at)
			return false;
		g->logical = *text;
		find_in_use(g);
	}
	return lvm_text_skip(text);
}

static bool take_entry(struct lvm_group *g, const struct lvm_entry *e, bool *ret_id)
{
	if (lvm_word_is(e->key, "id"))
		return *ret_id = take_id(e, g->id);
	if (lvm_word_is(e->key, "seqno")) {
		g->serial = e->number;
		return e->kind == LVM_ENTRY_NUMBER;
	}
	if (lvm_word_is(e->key, "extent_size"))
		return take_pages(e, &g->extent_pages) && g->extent_pages <= EXTENT_PAGES_MAX;
	if (lvm_word_is(e->key, "status"))
		g->exported = lists(e, "EXPORTED");
	return true;
}

static bool parse_group(struct lvm_group *g, struct lvm_text *text)
{
	struct lvm_entry e;
	bool has_id = false;

	while (lvm_text_next(text, &e) != LVM_ENTRY_END) {
		bool good = e.kind == LVM_ENTRY_SECTION ? parse_section(g, &e, text)
							: take_entry(g, &e, &has_id);

		if (e.kind == LVM_ENTRY_BAD || !good)
			return false;
	}
	return has_id && g->extent_pages;
}

/* The group is the one section of the text; what stands beside it is about the text itself. */
bool lvm_group_parse(struct lvm_group *ret, struct lvm_text text)
{
	struct lvm_entry e;

	*ret = (struct lvm_group){.serial = 0};
	while (lvm_text_next(&text, &e) != LVM_ENTRY_END) {
		if (e.kind == LVM_ENTRY_BAD)
			return false;
		if (e.kind == LVM_ENTRY_SECTION)
			return parse_group(ret, &text);
	}
	return false;
}
