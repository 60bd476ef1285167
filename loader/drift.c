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
 * - all saved RAM is RAM today. There may be more: the image kernel does not know of it;
 * - the ACPI tables that the image kernel goes on to use are where it knows them, within these ranges.
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

/* Of the image that are looked through between two signs of life. */
#define PROGRESS_PAGES 1024

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

/* Where a range of the image ends need not be a number. */
static bool is_within(const struct thaw_e820 *e, const struct thaw_e820 *other)
{
	return e->addr >= other->addr && e->size <= other->size &&
	       e->addr - other->addr <= other->size - e->size;
}

static bool ends_at(const struct thaw_e820 *e, uint64_t addr)
{
	return addr > e->addr && addr - e->addr == e->size;
}

/* Is all of it RAM today? */
static bool is_ram_today(const struct thaw_memmap *map, const struct thaw_e820 *e)
{
	struct thaw_e820 today;
	size_t i = 0;

	while (thaw_memmap_next_e820(map, &i, &today)) {
		if (today.type == THAW_E820_RAM && is_within(e, &today))
			return true;
	}
	return false;
}

/* Neighbours of one type are one entry, so whatever touches it is another sort of memory. */
static bool touches_firmware(const struct thaw_e820 *saved, size_t count, const struct thaw_e820 *e)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (saved[i].type != THAW_E820_RAM &&
		    (ends_at(&saved[i], e->addr) || ends_at(e, saved[i].addr)))
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

/* A place in the loaded image, and what is looked for there. */
struct search {
	struct thaw_machine *m;
	const struct thaw_plan *plan;
	const struct thaw_facts *facts;
	const struct thaw_memmap *map;
	uint64_t frame;
	size_t offset;
	unsigned tries; /* places that looked like a table */
	uint64_t pages; /* looked through */
	enum thaw_err wish; /* of the user, instead */
	const struct thaw_e820 *saved; /* the map of then */
	size_t count;
	struct thaw_e820 found[MOST_ENTRIES];
	struct thaw_diag *diag;
};

/* Copies bytes of the image from physical memory as it will be; false where the image has none. */
static bool copy_out(const struct search *s, size_t at, void *to, size_t len)
{
	uint8_t *out = to;
	uint64_t where;
	size_t piece;

	for (at += s->offset; len; at += piece, out += piece, len -= piece) {
		piece = (size_t)thaw_min(len, THAW_PAGE_SIZE - at % THAW_PAGE_SIZE);
		if (!thaw_plan_where(s->plan, s->frame + at / THAW_PAGE_SIZE, &where))
			return false;
		__builtin_memcpy(
			out, (const uint8_t *)s->m->frame(s->m, where) + at % THAW_PAGE_SIZE, piece);
	}
	return true;
}

static bool is_wanted(struct search *s)
{
	uint64_t total = s->facts->stream_pages + s->plan->zeroed;

	if (++s->pages % PROGRESS_PAGES == 0 && s->m->progress)
		s->wish = s->m->progress(s->m, total, total);
	return !s->wish;
}

/* Shows all data of the image, page by page, until one will do. False: none did, or s->wish. */
static bool search(struct search *s, bool (*is_enough)(struct search *s, const uint8_t *page))
{
	const struct thaw_target *t = s->plan->targets;
	const struct thaw_target *end = t + s->plan->target_count;
	uint32_t i;

	for (; t < end; t++) {
		if (t->kind != THAW_TARGET_PLACE && t->kind != THAW_TARGET_STAGE)
			continue;
		for (i = 0; i < t->count; i++) {
			s->frame = t->frame + i;
			if (!is_wanted(s))
				return false;
			if (is_enough(s, s->m->frame(s->m, t->where + i)))
				return true;
		}
	}
	return false;
}

/* --- the saved map ------------------------------------------------------------------------ */

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

static bool take_table(struct search *s)
{
	uint32_t count;

	if (!copy_out(s, 0, &count, sizeof(count)) || !count || count > MOST_ENTRIES ||
	    !copy_out(s, sizeof(count), s->found, count * sizeof(*s->found)))
		return false;
	s->saved = s->found;
	s->count = count;
	return is_proved(s->facts, count, s->found);
}

static bool has_table(struct search *s, const uint8_t *page)
{
	const size_t head = sizeof(uint32_t) + sizeof(struct thaw_e820);

	/*
	 * Slab objects are aligned to 8 bytes. Those of 96 and 192 may cross a page where a slab has
	 * several (kmalloc-192 from 16 processors on: mm/slub.c, calculate_order, 6.12), but have
	 * 32 bytes or more before it: the head does not.
	 */
	for (s->offset = 0; s->offset + head <= THAW_PAGE_SIZE; s->offset += 8) {
		if (!looks_like_table(page + s->offset))
			continue;
		/* Enough of it: no honest image has so many. */
		if (s->tries++ == MOST_TRIES || take_table(s))
			return true;
	}
	return false;
}

/* --- ACPI's tables ------------------------------------------------------------------------ */

/*
 * Within a range that did not move, a table may have: OVMF's first boot with new variables lays its
 * NVS out otherwise than all later ones, and the FACS (global lock, waking vector) with it. Or the
 * DSDT, whose methods are executed where they lie, may be another: QEMU's has the devices in it. The
 * saved kernel has a list of all tables, with the address, length and name of each, the FADT first
 * (acpi_gbl_root_table_list; struct acpi_table_desc in include/acpi/actbl.h, alike in 5.10 to 7.3). So
 * there such tables have to be today. Nothing of them but name and length is looked at.
 */
enum { DESC_ADDRESS = 0, DESC_LENGTH = 16, DESC_NAME = 20, DESC_BYTES = 32, TABLE_LENGTH = 4 };

#define MOST_TABLES 1024
/* Tables that are in memory of the kernel's own have addresses that are no physical ones. */
#define PHYSICAL_BITS 52

static bool was_ram(const struct search *s, uint64_t address)
{
	uint32_t i;

	for (i = 0; i < s->count; i++) {
		if (s->saved[i].type == THAW_E820_RAM && s->saved[i].addr <= address &&
		    address - s->saved[i].addr < s->saved[i].size)
			return true;
	}
	return false;
}

/* What is there today, in memory that is meant for tables; NULL: nothing. No beginning crosses a page. */
static const uint8_t *table_at(const struct search *s, uint64_t address)
{
	uint64_t frame = address >> THAW_PAGE_SHIFT;
	size_t offset = address % THAW_PAGE_SIZE;
	const struct thaw_mem_range *r = thaw_memmap_find(s->map, frame);

	if (!r || (r->type != THAW_MEM_ACPI && r->type != THAW_MEM_NVS) ||
	    offset > THAW_PAGE_SIZE - TABLE_LENGTH - 4)
		return NULL;
	return (const uint8_t *)s->m->frame(s->m, frame) + offset;
}

static bool is_there(const struct search *s, const uint8_t *desc)
{
	const uint8_t *today = table_at(s, thaw_le64(desc + DESC_ADDRESS));

	return today && thaw_bytes_equal(today, desc + DESC_NAME, 4) &&
	       thaw_le32(today + TABLE_LENGTH) == thaw_le32(desc + DESC_LENGTH);
}

/* The list ends with what was never used. A table from an initramfs is RAM, and the kernel's. */
static enum thaw_err check_list(const struct search *s)
{
	uint8_t desc[DESC_BYTES];
	uint64_t address;
	size_t i;

	for (i = 0; i < MOST_TABLES && copy_out(s, i * DESC_BYTES, desc, sizeof(desc)); i++) {
		address = thaw_le64(desc + DESC_ADDRESS);
		if (!address)
			break;
		if (!(address >> PHYSICAL_BITS) && !was_ram(s, address) &&
		    !is_there(s, desc))
			return thaw_fail(s->diag, THAW_FIRMWARE_TABLE, "ACPI", address,
					 thaw_le32(desc + DESC_NAME));
	}
	return THAW_OK;
}

static bool has_list(struct search *s, const uint8_t *page)
{
	for (s->offset = 0; s->offset + DESC_BYTES <= THAW_PAGE_SIZE; s->offset += 8) {
		const uint8_t *desc = page + s->offset;

		if (!thaw_bytes_equal(desc + DESC_NAME, "FACP", 4))
			continue;
		if (s->tries++ == MOST_TRIES || is_there(s, desc))
			return true;
	}
	return false;
}

/* Where firmware's memory cannot be seen (on a host) there is nothing to compare with. */
static enum thaw_err check_acpi(struct search *s)
{
	if (!s->m->find_table)
		return THAW_OK;
	s->tries = 0;
	if (search(s, has_list) && s->tries <= MOST_TRIES)
		return check_list(s);
	return thaw_fail(s->diag, s->wish ? s->wish : THAW_FIRMWARE_TABLE, "ACPI list", s->tries, 0);
}

/* --- the whole ---------------------------------------------------------------------------- */

static void tell_note(void *arg, const struct thaw_drift *drift)
{
	struct thaw_machine *m = arg;

	if (m->note)
		m->note(m, drift->what, drift->range.addr, drift->today);
}

static enum thaw_err find_saved(struct search *s)
{
	if (search(s, has_table) && s->tries <= MOST_TRIES)
		return THAW_OK;
	return thaw_fail(s->diag, s->wish ? s->wish : THAW_MEMORY_MAP, "e820 digest", s->facts->digest,
			 thaw_memmap_e820_crc32(s->map));
}

enum thaw_err thaw_drift_check(struct thaw_machine *m, const struct thaw_image *image,
			       const struct thaw_plan *plan, const struct thaw_memmap *map,
			       struct thaw_diag *diag)
{
	struct search s = {m, plan, &image->facts, map, .diag = diag};
	struct thaw_drift drift = {0};
	enum thaw_err err;

	s.saved = image->saved_map;
	s.count = image->saved_map_count;
	err = s.count ? THAW_OK : find_saved(&s);
	if (err)
		return err;
	if (thaw_drift_compare(s.saved, s.count, map, &drift, tell_note, m))
		return thaw_fail(diag, THAW_MEMORY_MAP, drift.what, drift.range.addr, drift.today);
	return check_acpi(&s);
}
