/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * entry.c: proves the entry point by walking the image's own page tables.
 *
 * The header says neither how deep the image's paging is nor whether its jump address and CR3 are
 * sound, and no checksum covers them. The tables are in the image, loaded and checked, so the walk
 * is the proof: from CR3, as four and as five levels, the depth that turns the jump address into
 * its physical address is the image's. The code found there must begin as Linux's restore_registers
 * does (arch/x86/power/hibernate_asm_64.S, 6.1 to 7.3), because that instruction is the contract:
 * it loads CR3 from r9.
 */
#include <thaw/loader.h>

#define PTE_PRESENT UINT64_C(1)
#define PTE_LARGE   (UINT64_C(1) << 7)
#define PTE_NX	    (UINT64_C(1) << 63)
#define PTE_ADDRESS UINT64_C(0x000ffffffffff000)

/*
 * LAM_U57 and LAM_U48 of CR3: addresses of user space are masked. Linux leaves them in its header if the
 * task that hibernated has them (6.4 to 6.12 where built so, arch/x86/power/hibernate.c masks the PCID
 * alone), and loads CR3 with them when it resumes.
 */
#define CR3_LAM (UINT64_C(3) << 61)

#define INDEX_BITS   9
#define LARGEST_LEAF 3 /* level whose entries may map 1 GiB */

struct walk {
	struct thaw_machine *m;
	const struct thaw_plan *plan;
	uint64_t phys_mask; /* addresses this processor has */
};

/* Content of a frame of the image, wherever it is now; NULL if the image has no such frame. */
static const uint8_t *frame_content(const struct walk *w, uint64_t frame)
{
	uint64_t where;

	if (!thaw_plan_where(w->plan, frame, &where))
		return NULL;
	return w->m->frame(w->m, where);
}

static bool is_canonical(uint64_t va, unsigned levels)
{
	unsigned unused = 64 - (THAW_PAGE_SHIFT + levels * INDEX_BITS);

	return (uint64_t)((int64_t)(va << unused) >> unused) == va;
}

/* THAW_OK and the entry, which is present and maps to an address that this processor has. */
static enum thaw_err read_entry(const struct walk *w, uint64_t table_pa, uint64_t va,
				unsigned shift, uint64_t *ret)
{
	const uint8_t *table = frame_content(w, table_pa >> THAW_PAGE_SHIFT);

	if (!table)
		return THAW_ENTRY_TABLES;
	*ret = thaw_le64(table + ((va >> shift) % 512) * sizeof(*ret));
	if (!(*ret & PTE_PRESENT) || (*ret & PTE_NX))
		return THAW_ENTRY_TABLES;
	return *ret & PTE_ADDRESS & ~w->phys_mask ? THAW_ENTRY_ENCRYPTED : THAW_OK;
}

static enum thaw_err walk_tables(const struct walk *w, uint64_t root_pa, uint64_t va,
				 unsigned levels, uint64_t *ret_pa)
{
	uint64_t entry = root_pa;
	uint64_t offset;
	unsigned level;
	unsigned shift = 0;
	enum thaw_err err;

	if (!is_canonical(va, levels))
		return THAW_ENTRY_TABLES;
	for (level = levels; level > 0; level--) {
		shift = THAW_PAGE_SHIFT + (level - 1) * INDEX_BITS;
		err = read_entry(w, entry & PTE_ADDRESS, va, shift, &entry);
		if (err)
			return err;
		if (level > 1 && level <= LARGEST_LEAF && (entry & PTE_LARGE))
			break;
	}
	offset = (UINT64_C(1) << shift) - 1;
	*ret_pa = (entry & PTE_ADDRESS & ~offset) | (va & offset);
	return THAW_OK;
}

static bool leads_there(const struct walk *w, const struct thaw_facts *facts, unsigned levels,
			enum thaw_err *err)
{
	uint64_t pa = 0;
	enum thaw_err e = walk_tables(w, facts->root_pa, facts->jump_va, levels, &pa);

	if (e == THAW_ENTRY_ENCRYPTED)
		*err = e;
	return e == THAW_OK && pa == facts->jump_pa;
}

/* mov %r9,%cr3, on newer kernels after an endbr64. */
static bool is_restore_code(const uint8_t *page, uint64_t offset)
{
	static const uint8_t endbr64[4] = {0xf3, 0x0f, 0x1e, 0xfa};
	static const uint8_t load_cr3[4] = {0x41, 0x0f, 0x22, 0xd9};
	const uint8_t *code = page + offset;

	if (offset > THAW_PAGE_SIZE - sizeof(endbr64) - sizeof(load_cr3))
		return false;
	if (thaw_bytes_equal(code, endbr64, sizeof(endbr64)))
		code += sizeof(endbr64);
	return thaw_bytes_equal(code, load_cr3, sizeof(load_cr3));
}

static enum thaw_err check_code(const struct walk *w, const struct thaw_facts *facts,
				struct thaw_diag *diag)
{
	const uint8_t *page = frame_content(w, facts->jump_pa >> THAW_PAGE_SHIFT);

	if (!page || !is_restore_code(page, facts->jump_pa % THAW_PAGE_SIZE))
		return thaw_fail(diag, THAW_ENTRY_TABLES, "entry code", facts->jump_pa, 0);
	return THAW_OK;
}

/* What CR3 has beside the address must be loadable: the saved kernel loads all of it once more. */
static enum thaw_err check_root(const struct walk *w, uint64_t root_pa, struct thaw_diag *diag)
{
	if (root_pa & ~w->phys_mask & ~CR3_LAM)
		return thaw_fail(diag, THAW_ENTRY_ENCRYPTED, "cr3", root_pa, w->m->cpu.phys_bits);
	if ((root_pa & CR3_LAM) && !w->m->cpu.has_lam)
		return thaw_fail(diag, THAW_ENTRY_MASKING, "cr3", root_pa, 0);
	return THAW_OK;
}

enum thaw_err thaw_entry_check(struct thaw_machine *m, const struct thaw_image *image,
			       const struct thaw_plan *plan, bool *ret_la57, struct thaw_diag *diag)
{
	const struct thaw_facts *facts = &image->facts;
	struct walk w = {m, plan, (UINT64_C(1) << m->cpu.phys_bits) - 1};
	enum thaw_err err = check_root(&w, facts->root_pa, diag);
	bool four;
	bool five;

	if (err)
		return err;
	err = THAW_ENTRY_TABLES;
	four = leads_there(&w, facts, 4, &err);
	five = leads_there(&w, facts, 5, &err);
	if (four == five)
		return thaw_fail(diag, err, "jump_address", facts->jump_va, facts->root_pa);
	if (five && !m->cpu.has_la57)
		return thaw_fail(diag, THAW_ENTRY_DEPTH, "la57", facts->root_pa, 0);
	err = check_code(&w, facts, diag);
	if (!err)
		*ret_la57 = five;
	return err;
}
