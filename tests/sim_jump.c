/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * sim_jump.c: the hand-off as trampoline_x86_64.S does it, step by step, with every address looked
 * at: what it reads and runs lies in safe frames, what it writes is a destination or a copy of its
 * own. Afterwards RAM is compared with the picture.
 */
#include <string.h>

#include "sim.h"

#define PAGE	       4096
#define PTE_PRESENT    1u
#define PTE_WRITABLE   2u
#define PTE_LARGE      0x80u
#define PTE_NX	       (UINT64_C(1) << 63)
#define PTE_ADDRESS    UINT64_C(0x000ffffffffff000)
#define BELOW_4G       (UINT64_C(1) << 32)
#define TRAMPOLINE_MAX 2048

extern const uint8_t thaw_trampoline_start[];
extern const uint8_t thaw_trampoline_end[];

enum { MARK_NONE, MARK_HANDOFF, MARK_WRITTEN };

static bool is_destination(const struct sim *s, uint64_t frame)
{
	return s->picture && synth_find(s->picture, frame);
}

/* A page that the hand-off itself needs: claimed, page-aligned, and nobody's destination. */
static bool take_own(struct sim *s, uint64_t pa, const char *what)
{
	size_t i = sim_index(s, pa >> 12);

	if (pa % PAGE || i == SIZE_MAX || !s->owned[i] || is_destination(s, pa >> 12)) {
		sim_fault(s, what, pa, 0);
		return false;
	}
	s->mark[i] = MARK_HANDOFF;
	return true;
}

/* --- page tables ------------------------------------------------------------------------- */

/* Physical address, or ~0. Every table on the way is one of the hand-off's own pages. */
static uint64_t translate(struct sim *s, uint64_t root, unsigned levels, uint64_t va)
{
	uint64_t entry = root;
	uint64_t low;
	unsigned shift;

	shift = 64 - (12 + 9 * levels);
	if ((uint64_t)((int64_t)(va << shift) >> shift) != va)
		return UINT64_MAX;
	for (shift = 12 + 9 * (levels - 1);; shift -= 9) {
		if (!take_own(s, entry & PTE_ADDRESS, "page table"))
			return UINT64_MAX;
		entry = thaw_le64(sim_frame(s, (entry & PTE_ADDRESS) >> 12) +
				  (va >> shift) % 512 * 8);
		if ((entry & 3) != (PTE_PRESENT | PTE_WRITABLE) || (entry & PTE_NX))
			return UINT64_MAX;
		if (shift == 12 || (shift <= 30 && (entry & PTE_LARGE)))
			break;
	}
	low = (UINT64_C(1) << shift) - 1;
	if (entry & PTE_ADDRESS & low)
		sim_fault(s, "large page that is not aligned", va, entry);
	return (entry & PTE_ADDRESS & ~low) | (va & low);
}

static void check_tables(struct sim *s, const struct thaw_handoff *h, uint64_t root, bool five)
{
	unsigned levels = five ? 5 : 4;
	uint64_t f;
	size_t r;
	size_t i = 0;

	for (r = 0; r < s->range_count; r++) {
		for (f = s->ranges[r].frames.first; f < s->ranges[r].frames.end; f++, i++) {
			if (s->types[i] <= THAW_MEM_BOOT &&
			    translate(s, root, levels, f << 12) != f << 12)
				sim_fault(s, "frame not mapped one to one", f, levels);
		}
	}
	if (s->picture && translate(s, root, levels, h->jump_va) != s->picture->jump_pa)
		sim_fault(s, "entry not mapped", h->jump_va, levels);
}

static void check_handoff(struct sim *s, const struct thaw_handoff *h)
{
	size_t size = (size_t)(thaw_trampoline_end - thaw_trampoline_start);
	bool five = s->m.cpu.runs_la57;

	if (size > TRAMPOLINE_MAX || !take_own(s, h->trampoline, "trampoline") ||
	    memcmp(sim_frame(s, h->trampoline >> 12), thaw_trampoline_start, size))
		sim_fault(s, "trampoline code", h->trampoline, size);
	check_tables(s, h, h->tables, five);
	if (h->other_tables)
		check_tables(s, h, h->other_tables, !five);
	if (h->other_tables && (h->other_tables >= BELOW_4G || h->trampoline >= BELOW_4G))
		sim_fault(s, "depth switch above 4 GiB", h->other_tables, h->trampoline);
	if (!s->picture)
		return;
	if (h->jump_va != s->picture->jump_va || h->image_root != s->picture->root_pa)
		sim_fault(s, "wrong entry", h->jump_va, h->image_root);
	if ((h->other_tables != 0) != (five != (s->picture->options.levels == 5)))
		sim_fault(s, "wrong depth", h->other_tables, five);
}

/* --- the copies -------------------------------------------------------------------------- */

static bool is_safe_source(struct sim *s, uint64_t frame)
{
	size_t i = sim_index(s, frame);

	return i != SIZE_MAX && s->owned[i] && !is_destination(s, frame) &&
	       s->mark[i] != MARK_HANDOFF;
}

/* Into RAM that firmware leaves behind, or, with zeroes, over a copy of ours. */
static bool is_good_target(struct sim *s, uint64_t frame, bool zero)
{
	size_t i = sim_index(s, frame);

	if (i == SIZE_MAX || s->types[i] > THAW_MEM_BOOT || s->mark[i] == MARK_HANDOFF)
		return false;
	return !s->picture || is_destination(s, frame) || (zero && s->owned[i]);
}

static void copy_page(struct sim *s, uint64_t to, uint64_t from)
{
	size_t i = sim_index(s, to);

	if ((from && !is_safe_source(s, from)) || !is_good_target(s, to, !from)) {
		sim_fault(s, "copy", to, from);
		return;
	}
	if (from)
		memcpy(sim_frame(s, to), sim_frame(s, from), PAGE);
	else
		memset(sim_frame(s, to), 0, PAGE);
	s->mark[i] = MARK_WRITTEN;
}

static void run_copies(struct sim *s, uint64_t pa)
{
	const struct thaw_copy_page *page;
	const struct thaw_copy *c;
	uint64_t i;

	for (; pa; pa = page->next) {
		page = (const struct thaw_copy_page *)sim_frame(s, pa >> 12);
		for (c = page->copy; c < page->copy + page->count; c++) {
			for (i = 0; i < c->pages; i++)
				copy_page(s, (c->to >> 12) + i, c->from ? (c->from >> 12) + i : 0);
		}
	}
}

static void check_lists(struct sim *s, uint64_t pa)
{
	const struct thaw_copy_page *page;
	size_t n = 0;

	for (; pa; pa = page->next) {
		if (!take_own(s, pa, "copy list") || ++n > s->frame_count)
			return;
		page = (const struct thaw_copy_page *)sim_frame(s, pa >> 12);
		if (!page->count || page->count > THAW_COPY_PER_PAGE)
			sim_fault(s, "copy list", pa, page->count);
	}
}

/* --- what the image kernel finds --------------------------------------------------------- */

static bool is_zero(const uint8_t *page)
{
	return !page[0] && !memcmp(page, page + 1, PAGE - 1);
}

static void check_destination(struct sim *s, const struct synth_frame *f, const uint8_t *got)
{
	if (f->data ? memcmp(got, f->data, PAGE) : !is_zero(got))
		sim_fault(s, "frame is not as saved", f->pfn, (uint64_t)!f->data);
}

/* The root for the other depth has two entries and may be there unused. */
static bool is_spare_root(const uint8_t *page)
{
	unsigned words = 0;
	size_t i;

	for (i = 0; i < PAGE; i += 8)
		words += thaw_le64(page + i) != 0;
	return words <= 2 && thaw_le64(page);
}

static void check_other(struct sim *s, uint64_t frame, size_t i, unsigned *spare)
{
	const uint8_t *page = s->ram + i * PAGE;

	if (sim_is_untouched(s, i) || s->mark[i] == MARK_HANDOFF)
		return;
	if (s->owned[i] && (is_zero(page) || (is_spare_root(page) && !(*spare)++)))
		return;
	sim_fault(s, "frame changed that is not the image's", frame, s->owned[i]);
}

static void compare_ram(struct sim *s)
{
	const struct synth_frame *f;
	unsigned spare = 0;
	uint64_t n;
	size_t r;
	size_t i = 0;

	for (r = 0; r < s->range_count; r++) {
		for (n = s->ranges[r].frames.first; n < s->ranges[r].frames.end; n++, i++) {
			f = synth_find(s->picture, n);
			if (f)
				check_destination(s, f, s->ram + i * PAGE);
			else
				check_other(s, n, i, &spare);
		}
	}
}

static void check_not_owned(struct sim *s)
{
	size_t i;

	for (i = 0; i < s->frame_count; i++) {
		if (!s->owned[i] && !sim_is_untouched(s, i))
			sim_fault(s, "frame written that is not ours", i, 0);
	}
}

void sim_jump(struct thaw_machine *m, const struct thaw_handoff *handoff)
{
	struct sim *s = (struct sim *)m;

	if (!s->exited || s->disk.consumed != 1 || s->started)
		sim_fault(s, "jump without commit", s->exited, s->disk.consumed);
	s->jumps++;
	check_not_owned(s);
	check_handoff(s, handoff);
	check_lists(s, handoff->copies);
	if (s->faults)
		return;
	run_copies(s, handoff->copies);
	if (s->picture)
		compare_ram(s);
}
