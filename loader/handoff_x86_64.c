/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * handoff_x86_64.c: all that the trampoline needs, in safe frames: page tables, the list of copies,
 * its code.
 *
 * The tables map RAM one to one, and the one page that the image kernel is entered at. There are
 * two roots over the same four-level table: itself, and a five-level root whose two entries in use
 * both point to it. That suffices because RAM lies in the first half of the first 256 TiB, and the
 * entry point in the second half of whatever its upper bits select.
 *
 * The whole list of copies is: staged frames to their destinations, zeroes into destinations that
 * firmware held, then zeroes over the staged copies and the loader's buffers, so that none of the
 * image stays behind in memory the image kernel takes for free.
 */
#include <thaw/loader.h>

#define PTE_TABLE      UINT64_C(0x003) /* present, writable */
#define PTE_LARGE_PAGE UINT64_C(0x083)
#define PTE_ADDRESS    UINT64_C(0x000ffffffffff000)

#define ENTRIES	      512
#define FRAMES_PER_2M 512u
#define FRAMES_PER_1G (512u * 512u)
#define ROOT_HALF     256

/* What the first half of a four-level root maps: 128 TiB. */
#define FRAMES_PER_HALF (UINT64_C(ROOT_HALF) * ENTRIES * FRAMES_PER_1G)

/* The trampoline of trampoline_x86_64.S; position-independent. */
extern const uint8_t thaw_trampoline_start[];
extern const uint8_t thaw_trampoline_end[];

#ifdef THAW_TEST
extern const uint8_t thaw_trampoline_halt[];
extern bool thaw_checkpoint_jump; /* of the test build's checkpoint.c */
#endif

struct build {
	struct thaw_machine *m;
	struct thaw_plan *plan;
	struct thaw_copy_page *last;
	uint64_t first_copy_page;
};

static uint64_t *table_at(struct build *b, uint64_t pa)
{
	return b->m->frame(b->m, pa >> THAW_PAGE_SHIFT);
}

/* A zeroed safe page; 0 when there is none. */
static uint64_t take_page(struct build *b, struct thaw_pool *pool)
{
	uint64_t frame;

	if (!thaw_pool_take(pool, 1, &frame))
		return 0;
	__builtin_memset(b->m->frame(b->m, frame), 0, THAW_PAGE_SIZE);
	return frame << THAW_PAGE_SHIFT;
}

/* The table that an entry points to, made if need be; 0 when out of pages or in the way. */
static uint64_t descend(struct build *b, uint64_t table, size_t index)
{
	uint64_t *entry = &table_at(b, table)[index];
	uint64_t pa;

	if (*entry)
		return (*entry & PTE_LARGE_PAGE) == PTE_LARGE_PAGE ? 0 : *entry & PTE_ADDRESS;
	pa = take_page(b, &b->plan->pool);
	if (pa)
		*entry = pa | PTE_TABLE;
	return pa;
}

static bool map_gib(struct build *b, uint64_t root, uint64_t frame)
{
	uint64_t pdpt = descend(b, root, (frame / FRAMES_PER_1G / ENTRIES) % ENTRIES);

	if (!pdpt)
		return false;
	table_at(b, pdpt)[(frame / FRAMES_PER_1G) % ENTRIES] =
		(frame << THAW_PAGE_SHIFT) | PTE_LARGE_PAGE;
	return true;
}

static bool map_2m(struct build *b, uint64_t root, uint64_t frame)
{
	uint64_t pdpt = descend(b, root, (frame / FRAMES_PER_1G / ENTRIES) % ENTRIES);
	uint64_t pd = pdpt ? descend(b, pdpt, (frame / FRAMES_PER_1G) % ENTRIES) : 0;

	if (!pd)
		return false;
	table_at(b, pd)[(frame / FRAMES_PER_2M) % ENTRIES] =
		(frame << THAW_PAGE_SHIFT) | PTE_LARGE_PAGE;
	return true;
}

/* One to one; pieces of 2 MiB may reach beyond a range, so a range may begin inside one mapped
 * already. */
static bool map_range(struct build *b, uint64_t root, struct thaw_range r)
{
	uint64_t frame = r.first - r.first % FRAMES_PER_2M;
	bool gib = b->m->cpu.has_gib_pages;
	bool ok = true;

	while (ok && frame < r.end) {
		if (gib && frame % FRAMES_PER_1G == 0 && frame >= r.first &&
		    r.end - frame >= FRAMES_PER_1G) {
			ok = map_gib(b, root, frame);
			frame += FRAMES_PER_1G;
		} else {
			ok = map_2m(b, root, frame);
			frame += FRAMES_PER_2M;
		}
	}
	return ok;
}

static bool map_ram(struct build *b, uint64_t root, const struct thaw_memmap *map)
{
	struct thaw_range merged = {0, 0};
	size_t i;

	for (i = 0; i < map->count; i++) {
		const struct thaw_mem_range *r = &map->ranges[i];

		if (r->type > THAW_MEM_BOOT)
			continue;
		if (r->frames.end > FRAMES_PER_HALF)
			return false;
		if (r->frames.first != merged.end) {
			if (!map_range(b, root, merged))
				return false;
			merged.first = r->frames.first;
		}
		merged.end = r->frames.end;
	}
	return map_range(b, root, merged);
}

static bool map_entry(struct build *b, uint64_t root, uint64_t va, uint64_t pa)
{
	unsigned shift;
	uint64_t table = root;

	for (shift = 39; table && shift > THAW_PAGE_SHIFT; shift -= 9)
		table = descend(b, table, (va >> shift) % ENTRIES);
	if (!table)
		return false;
	table_at(b, table)[(va >> THAW_PAGE_SHIFT) % ENTRIES] = (pa & PTE_ADDRESS) | PTE_TABLE;
	return true;
}

static enum thaw_err build_tables(struct build *b, struct thaw_handoff *h,
				  const struct thaw_facts *facts, const struct thaw_memmap *map,
				  bool la57, struct thaw_diag *diag)
{
	uint64_t root4 = take_page(b, &b->plan->low);
	uint64_t root5 = take_page(b, &b->plan->low);
	size_t high = (facts->jump_va >> 48) % ENTRIES;
	bool runs = b->m->cpu.runs_la57;

	if (!root4 || !root5 || !map_ram(b, root4, map))
		return thaw_fail(diag, THAW_NO_SAFE_FRAMES, "page tables", 0, 0);
	if ((facts->jump_va >> 39) % ENTRIES < ROOT_HALF || high < ROOT_HALF)
		return thaw_fail(diag, THAW_ENTRY_TABLES, "jump_address", facts->jump_va, 0);
	if (!map_entry(b, root4, facts->jump_va, facts->jump_pa))
		return thaw_fail(diag, THAW_NO_SAFE_FRAMES, "page tables", 0, 0);
	table_at(b, root5)[0] = root4 | PTE_TABLE;
	table_at(b, root5)[high] = root4 | PTE_TABLE;
	h->tables = runs ? root5 : root4;
	if (runs != la57)
		h->other_tables = la57 ? root5 : root4;
	return THAW_OK;
}

static bool add_copy_page(struct build *b)
{
	uint64_t pa = take_page(b, &b->plan->pool);

	if (!pa)
		return false;
	if (b->last)
		b->last->next = pa;
	else
		b->first_copy_page = pa;
	b->last = b->m->frame(b->m, pa >> THAW_PAGE_SHIFT);
	return true;
}

static bool add_copy(struct build *b, uint64_t to, uint64_t from, uint64_t pages)
{
	if ((!b->last || b->last->count == THAW_COPY_PER_PAGE) && !add_copy_page(b))
		return false;
	b->last->copy[b->last->count++] =
		(struct thaw_copy){to << THAW_PAGE_SHIFT, from << THAW_PAGE_SHIFT, pages};
	return true;
}

static bool list_copies(struct build *b)
{
	const struct thaw_target *t = b->plan->targets;
	const struct thaw_target *end = t + b->plan->target_count;
	size_t i;
	bool ok = true;

	for (; ok && t < end; t++) {
		if (thaw_target_is_staged(t))
			ok = add_copy(b, t->frame, t->where, t->count);
		else if (t->kind == THAW_TARGET_LATE)
			ok = add_copy(b, t->frame, 0, t->count);
	}
	for (t = b->plan->targets; ok && t < end; t++) {
		if (thaw_target_is_staged(t))
			ok = add_copy(b, t->where, 0, t->count);
	}
	for (i = 0; ok && i < b->plan->scratch_count; i++)
		ok = add_copy(b, b->plan->scratch[i].first, 0,
			      thaw_range_count(b->plan->scratch[i]));
	return ok;
}

static enum thaw_err place_trampoline(struct build *b, struct thaw_handoff *h,
				      struct thaw_diag *diag)
{
	size_t size = (size_t)(thaw_trampoline_end - thaw_trampoline_start);
	uint64_t limit = UINT64_C(1) << 32;

	h->trampoline = take_page(b, &b->plan->low);
	if (!h->trampoline)
		return thaw_fail(diag, THAW_NO_SAFE_FRAMES, "trampoline", 0, 0);
	/* Paging is off while its depth is changed, and what runs and what is loaded then has 32
	 * bits. */
	if (h->other_tables && (h->trampoline >= limit || h->other_tables >= limit))
		return thaw_fail(diag, THAW_NO_SAFE_FRAMES, "trampoline", h->trampoline, limit);
	__builtin_memcpy(table_at(b, h->trampoline), thaw_trampoline_start, size);
#ifdef THAW_TEST
	((uint8_t *)table_at(b, h->trampoline))[thaw_trampoline_halt - thaw_trampoline_start] =
		thaw_checkpoint_jump;
#endif
	return THAW_OK;
}

enum thaw_err thaw_handoff_build(struct thaw_handoff *ret, struct thaw_machine *m,
				 const struct thaw_image *image, struct thaw_plan *plan,
				 const struct thaw_memmap *map, bool la57, struct thaw_diag *diag)
{
	struct build b = {.m = m, .plan = plan};
	struct thaw_handoff h = {
		.jump_va = image->facts.jump_va,
		.image_root = image->facts.root_pa,
	};
	enum thaw_err err = build_tables(&b, &h, &image->facts, map, la57, diag);

	if (!err)
		err = place_trampoline(&b, &h, diag);
	if (err)
		return err;
	if (!list_copies(&b))
		return thaw_fail(diag, THAW_NO_SAFE_FRAMES, "copy list", plan->target_count, 0);
	h.copies = b.first_copy_page;
	*ret = h;
	return THAW_OK;
}
