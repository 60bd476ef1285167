/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * drift.c: the memory map is not the one that the image was saved under. What moved, and does it
 * matter?
 *
 * The saved kernel keeps a copy of its firmware table in a slab object (arch/x86/kernel/e820.c,
 * e820__reallocate_tables), so the table is among the image's pages, and its CRC-32 or MD5 is the
 * digest in the header: it proves itself. A format may carry the table as well. Compared with
 * today's map it says which range moved.
 *
 * Resuming is safe if no pointer that the image kernel holds into firmware's memory can be stale:
 *
 * - every range of today's that is not RAM was there before, same place, size and type: what
 * firmware needs now lies in nothing that the image kernel takes for RAM, and ACPI tables, NVS and
 *   runtime services are where it knows them;
 * - every saved range that is not RAM is there today, but for whole ranges of ACPI data that touch
 * no other firmware range: such are allocations of the EFI stub for its own kernel (TPM event log,
 * RNG seed: drivers/firmware/efi/libstub/tpm.c, random.c), which that kernel has long read;
 * firmware's own tables lie in bins that border on its other memory. What is gone is RAM today, and
 * the image kernel never gives it out;
 * - all saved RAM is RAM today. There may be more: the image kernel does not know of it.
 */
#include <thaw/crc32.h>
#include <thaw/loader.h>

/* Linux's table has room for 128 entries and 3 for each node (include/linux/efi.h and
 * e820/types.h). */
#define MOST_ENTRIES 384

/*
 * Real images have some thousands of places that look like a table, growing with their size. An
 * image made to keep us busy could have hundreds in each page.
 */
#define MOST_TRIES 1000000u

/* --- comparing ---------------------------------------------------------------------------- */

static bool is_same(const struct thaw_e820 *a, const struct thaw_e820 *b)
{
	return a->addr == b->addr && a->size == b->size && a->type == b->type;
}

static bool has_entry(const struct thaw_e820 *saved, size_t count, const struct thaw_e820 *e)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (is_same(&saved[i], e))
			return true;
	}
	return false;
}

/* Does today's map have the very range; if not, *ret_moved is where one of its kind lies. */
static bool is_today(const struct thaw_memmap *map, const struct thaw_e820 *e, uint64_t *ret_moved)
{
	struct thaw_e820 today;
	size_t i = 0;

	*ret_moved = 0;
	while (thaw_memmap_next_e820(map, &i, &today)) {
		if (is_same(&today, e))
			return true;
		if (today.type == e->type && today.size == e->size)
			*ret_moved = today.addr;
	}
	return false;
}

/* Is all of it RAM today? */
static bool is_ram_today(const struct thaw_memmap *map, const struct thaw_e820 *e)
{
	struct thaw_e820 today;
	size_t i = 0;

	while (thaw_memmap_next_e820(map, &i, &today)) {
		if (today.type == THAW_E820_RAM && today.addr <= e->addr &&
		    e->addr + e->size <= today.addr + today.size)
			return true;
	}
	return false;
}

/* Neighbours of one type are one entry, so whatever touches it is another sort of memory. */
static bool touches_firmware(const struct thaw_e820 *saved, size_t count, const struct thaw_e820 *e)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (saved[i].type != THAW_E820_RAM && (saved[i].addr + saved[i].size == e->addr ||
						       e->addr + e->size == saved[i].addr))
			return true;
	}
	return false;
}

/* One entry of the saved table; what is *ret->what for one that is as it was: NULL. */
static bool may_differ(const struct thaw_e820 *saved, size_t count, const struct thaw_e820 *e,
		       const struct thaw_memmap *map, struct thaw_drift *ret)
{
	*ret = (struct thaw_drift){.range = *e};
	if (e->type == THAW_E820_RAM) {
		if (is_ram_today(map, e))
			return true;
		ret->what = "map-ram-gone";
		return false;
	}
	if (is_today(map, e, &ret->today))
		return true;
	ret->what = ret->today ? "map-moved" : "map-gone";
	return e->type == THAW_E820_ACPI && !ret->today && is_ram_today(map, e) &&
	       !touches_firmware(saved, count, e);
}

struct verdict {
	struct thaw_drift *first;
	void (*tell)(void *arg, const struct thaw_drift *drift);
	void *arg;
	enum thaw_err err;
};

static void judge(struct verdict *v, const struct thaw_drift *drift, bool allowed)
{
	if (drift->what && v->tell)
		v->tell(v->arg, drift);
	if (!allowed && !v->err) {
		*v->first = *drift;
		v->err = THAW_MEMORY_MAP;
	}
}

enum thaw_err thaw_drift_compare(const struct thaw_e820 *saved, size_t count,
				 const struct thaw_memmap *map, struct thaw_drift *ret,
				 void (*tell)(void *arg, const struct thaw_drift *drift), void *arg)
{
	struct verdict v = {ret, tell, arg, THAW_OK};
	struct thaw_drift drift;
	struct thaw_e820 today;
	size_t i;
	bool allowed;

	for (i = 0; i < count; i++) {
		allowed = may_differ(saved, count, &saved[i], map, &drift);
		judge(&v, &drift, allowed);
	}
	for (i = 0; thaw_memmap_next_e820(map, &i, &today);) {
		if (today.type == THAW_E820_RAM || has_entry(saved, count, &today))
			continue;
		drift = (struct thaw_drift){.what = "map-new", .range = today, .today = today.addr};
		judge(&v, &drift, false);
	}
	return v.err;
}

/* --- finding ------------------------------------------------------------------------------ */

/* A table somewhere in the loaded image: nr_entries, then the entries. */
struct found {
	struct thaw_machine *m;
	const struct thaw_plan *plan;
	uint64_t frame;
	size_t offset;
	unsigned tries; /* places that looked like a table */
};

/* Copies bytes of the image from physical memory as it will be; false where the image has none. */
static bool copy_out(const struct found *f, size_t at, uint8_t *to, size_t len)
{
	uint64_t where;
	size_t piece;

	for (at += f->offset; len; at += piece, to += piece, len -= piece) {
		piece = (size_t)thaw_min(len, THAW_PAGE_SIZE - at % THAW_PAGE_SIZE);
		if (!thaw_plan_where(f->plan, f->frame + at / THAW_PAGE_SIZE, &where))
			return false;
		__builtin_memcpy(
			to, (const uint8_t *)f->m->frame(f->m, where) + at % THAW_PAGE_SIZE, piece);
	}
	return true;
}

/*
 * Cheap and nearly always false: a small count, then a range that begins at 0, is not empty, and
 * has one of the low types.
 */
static bool looks_like_table(const uint8_t *p)
{
	uint32_t count = thaw_le32(p);

	return count && count <= MOST_ENTRIES && !thaw_le64(p + 4) && thaw_le64(p + 12) &&
	       thaw_le32(p + 20) <= THAW_E820_PMEM;
}

/* The table and the count before it, under the image's digest. */
static bool is_proved(const struct thaw_facts *facts, uint32_t count,
		      const struct thaw_e820 *entries)
{
	uint8_t digest[THAW_MD5_BYTES];
	struct thaw_md5 md5;
	uint32_t crc;

	if (facts->digest_kind == THAW_DIGEST_CRC32) {
		crc = thaw_crc32(UINT32_MAX, &count, sizeof(count));
		return ~thaw_crc32(crc, entries, count * sizeof(*entries)) == facts->digest;
	}
	thaw_md5_init(&md5);
	thaw_md5_update(&md5, &count, sizeof(count));
	thaw_md5_update(&md5, entries, count * sizeof(*entries));
	thaw_md5_final(&md5, digest);
	return thaw_bytes_equal(digest, facts->digest_md5, sizeof(digest));
}

static bool take_table(const struct found *f, const struct thaw_facts *facts,
		       struct thaw_e820 *ret, size_t *ret_count)
{
	uint32_t count;

	if (!copy_out(f, 0, (uint8_t *)&count, sizeof(count)) || !count || count > MOST_ENTRIES ||
	    !copy_out(f, sizeof(count), (uint8_t *)ret, count * sizeof(*ret)))
		return false;
	*ret_count = count;
	return is_proved(facts, count, ret);
}

static bool search_frame(struct found *f, const uint8_t *page, const struct thaw_facts *facts,
			 struct thaw_e820 *ret, size_t *ret_count)
{
	const size_t head = sizeof(uint32_t) + sizeof(struct thaw_e820);

	/* Slab objects are aligned to 8 bytes, and none that is smaller than a page crosses one. */
	for (f->offset = 0; f->offset + head <= THAW_PAGE_SIZE; f->offset += 8) {
		if (!looks_like_table(page + f->offset))
			continue;
		f->tries++;
		if (take_table(f, facts, ret, ret_count))
			return true;
	}
	return false;
}

static bool search(struct found *f, const struct thaw_facts *facts, struct thaw_e820 *ret,
		   size_t *ret_count)
{
	const struct thaw_target *t = f->plan->targets;
	const struct thaw_target *end = t + f->plan->target_count;
	uint32_t i;

	for (; t < end; t++) {
		if (t->kind != THAW_TARGET_PLACE && t->kind != THAW_TARGET_STAGE)
			continue;
		for (i = 0; i < t->count && f->tries < MOST_TRIES; i++) {
			f->frame = t->frame + i;
			if (search_frame(f, f->m->frame(f->m, t->where + i), facts, ret,
					 ret_count))
				return true;
		}
	}
	return false;
}

static void tell_note(void *arg, const struct thaw_drift *drift)
{
	struct thaw_machine *m = arg;

	if (m->note)
		m->note(m, drift->what, drift->range.addr, drift->today);
}

enum thaw_err thaw_drift_check(struct thaw_machine *m, const struct thaw_image *image,
			       const struct thaw_plan *plan, const struct thaw_memmap *map,
			       struct thaw_diag *diag)
{
	struct thaw_e820 found[MOST_ENTRIES] = {{0}};
	const struct thaw_e820 *saved = image->saved_map;
	struct found f = {.m = m, .plan = plan};
	struct thaw_drift drift = {0};
	size_t count = image->saved_map_count;

	if (!count)
		saved = found;
	if (!count && !search(&f, &image->facts, found, &count))
		return thaw_fail(diag, THAW_MEMORY_MAP, "e820 digest", image->facts.digest,
				 thaw_memmap_e820_crc32(map));
	if (thaw_drift_compare(saved, count, map, &drift, tell_note, m))
		return thaw_fail(diag, THAW_MEMORY_MAP, drift.what, drift.range.addr, drift.today);
	return THAW_OK;
}
