/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_writer.c: what the writer writes, read back by hand with liblz4 and libxxhash, and what the
 * disk holds when the power goes at any moment.
 */
#include <lz4.h>
#include <stdlib.h>
#include <string.h>
#include <thaw/writer.h>
#include <xxhash.h>

#include "check.h"

#define UNITS  4096u
#define FRAMES 1500u
#define PAGE   4096u

/* --- a disk in memory --------------------------------------------------------------------- */

struct store {
	struct thaw_writer_target target;
	uint8_t *bytes;
	uint64_t next;
	uint64_t piece; /* more() gives so many at most, 0: all */
	unsigned calls; /* of write and flush */
	unsigned fail_at;
	unsigned cut_at; /* from that call on nothing reaches the disk */
	unsigned flushes;
	unsigned unflushed; /* writes since the last flush */
	unsigned anchors;   /* writes to the anchor unit */
	bool early;	    /* the anchor was written over unflushed data */
	uint64_t anchor;
};

static bool more(struct thaw_writer_target *target, uint64_t want, struct thaw_extent *ret)
{
	struct store *s = (struct store *)target;

	/* Pieces with gaps between them, as swap space is handed out. */
	if (s->piece && s->next > s->anchor + 1)
		s->next++;
	if (s->next >= UNITS)
		return false;
	want = thaw_min(want, UNITS - s->next);
	*ret = (struct thaw_extent){s->next, s->piece ? thaw_min(want, s->piece) : want};
	s->next += ret->count;
	return true;
}

static bool read_units(struct thaw_writer_target *target, uint64_t unit, uint64_t units, void *buf)
{
	memcpy(buf, ((struct store *)target)->bytes + unit * 4096, units * 4096);
	return true;
}

static bool write_units(struct thaw_writer_target *target, uint64_t unit, uint64_t units,
			const void *buf)
{
	struct store *s = (struct store *)target;

	s->calls++;
	if (s->calls == s->fail_at)
		return false;
	s->early |= unit == s->anchor && s->unflushed;
	s->anchors += unit == s->anchor;
	s->unflushed++;
	if (!s->cut_at || s->calls < s->cut_at)
		memcpy(s->bytes + unit * 4096, buf, units * 4096);
	return true;
}

static bool flush(struct thaw_writer_target *target)
{
	struct store *s = (struct store *)target;

	s->calls++;
	s->flushes++;
	s->unflushed = 0;
	return s->calls != s->fail_at;
}

static void store_init(struct store *s, uint64_t anchor, uint64_t piece)
{
	*s = (struct store){
		.target = {more, read_units, write_units, flush},
		.bytes = aligned_alloc(4096, UNITS * 4096),
		.next = anchor + 1,
		.piece = piece,
		.anchor = anchor,
	};
	memset(s->bytes, 0x5a, UNITS * 4096);
}

/* --- a machine ---------------------------------------------------------------------------- */

static uint8_t (*machine)[PAGE];
static uint32_t kinds[FRAMES]; /* 0: in no run */

static void make_page(uint8_t *page, unsigned frame)
{
	uint32_t x = frame * 2654435761u + 1;
	size_t i;

	for (i = 0; i < PAGE; i++) {
		x = x * 1664525 + 1013904223;
		/* One in three cannot be compressed. */
		page[i] = (uint8_t)(frame / 64 % 3 ? (i / 16 + frame) : (x >> 24));
	}
}

static void make_machine(void)
{
	unsigned i;

	machine = calloc(FRAMES, PAGE);
	for (i = 0; i < FRAMES; i++) {
		kinds[i] = i % 97 == 0	      ? 0
			   : i / 10 % 23 == 5 ? NATIVE_RUN_ZERO
			   : i / 10 % 41 == 9 ? NATIVE_RUN_SPARE
					      : NATIVE_RUN_DATA;
		if (kinds[i] == NATIVE_RUN_DATA && i / 40 % 13 != 7)
			make_page(machine[i], i);
		else if (kinds[i] == NATIVE_RUN_DATA)
			memset(machine[i], i / 80 % 2 ? 0xab : 0, PAGE);
	}
}

static enum thaw_writer_err give(struct thaw_writer *w)
{
	unsigned i;
	enum thaw_writer_err err = THAW_WRITER_OK;

	for (i = 0; i < FRAMES && !err; i++) {
		if (kinds[i] == NATIVE_RUN_DATA)
			err = thaw_writer_data(w, i, 1, machine[i]);
		else if (kinds[i] == NATIVE_RUN_ZERO)
			err = thaw_writer_fill(w, i, 1, 0);
		else if (kinds[i] == NATIVE_RUN_SPARE)
			err = thaw_writer_spare(w, i, 1);
	}
	return err;
}

static const struct native_memory memory_map[] = {
	{0, 0xa0000, 1, 0},
	{0x100000, 0x7f00000, 1, 0},
	{0xffc00000, 0x400000, 2, 0},
};

static const struct thaw_writer_facts facts = {
	.created = 1234567890,
	.source = NATIVE_SOURCE_MADE_UP,
	.arch = NATIVE_ARCH_X86_64,
	.entry.x86_64 = {.jump_va = 0xffffffff81000000, .jump_pa = 0x1000000, .root_pa = 0x2000},
	.release = "6.1.0",
	.writer = "test",
	.memory_map = memory_map,
	.memory_map_count = THAW_ARRAY_LEN(memory_map),
	.notes = "a=1\n",
};

static struct thaw_writer_stats stats; /* of the last image */

static enum thaw_writer_err write_image(struct store *s, const struct thaw_writer_options *o)
{
	struct thaw_writer *w;
	enum thaw_writer_err err = thaw_writer_open(&w, &s->target, o);

	if (err)
		return err;
	err = thaw_writer_describe(w, &facts);
	if (!err)
		err = give(w);
	if (!err)
		err = thaw_writer_finish(w);
	thaw_writer_stats(w, &stats);
	thaw_writer_close(w);
	return err;
}

/* --- reading back ------------------------------------------------------------------------- */

struct back {
	const struct store *store;
	const struct native_header *header;
	uint8_t *logical;
};

static const struct native_anchor *anchor_of(const struct store *s, bool swap)
{
	return (const struct native_anchor *)(s->bytes + s->anchor * 4096 + (swap ? 1280 : 0));
}

static bool is_saved(const struct store *s, bool swap)
{
	const struct native_anchor *a = anchor_of(s, swap);

	return a->state == NATIVE_STATE_SAVED && a->checksum == XXH64(a, 248, 0);
}

static bool read_logical(struct back *b)
{
	const struct native_header *h = b->header;
	uint64_t unit = h->segment_unit;
	uint64_t units = h->segment_units;
	uint64_t sum = h->segment_checksum;
	uint64_t done = 0;
	uint64_t extents = 0;

	b->logical = calloc(h->logical_units, 4096);
	while (unit) {
		const uint8_t *p = b->store->bytes + unit * 4096;
		const struct native_segment *s = (const void *)p;
		const struct native_extent *e = (const void *)(s + 1);

		if (!CHECK(XXH64(p, units * 4096, 0) == sum) || !CHECK(s->count))
			return false;
		for (unsigned i = 0; i < s->count; i++, extents++) {
			if (!CHECK(done + e[i].units <= h->logical_units))
				return false;
			memcpy(b->logical + done * 4096, b->store->bytes + e[i].unit * 4096,
			       e[i].units * 4096);
			done += e[i].units;
		}
		unit = s->next_unit;
		units = s->next_units;
		sum = s->next_checksum;
	}
	return CHECK(done == h->logical_units) && CHECK(extents == h->extent_count);
}

static const void *table(const struct back *b, uint32_t type, uint64_t *ret_count)
{
	const struct native_table *t = b->header->tables;

	for (; t < b->header->tables + NATIVE_TABLES; t++) {
		if (t->type != type)
			continue;
		*ret_count = t->entries;
		CHECK(XXH64(b->logical + t->position, t->entries * t->entry_bytes, 0) ==
		      t->checksum);
		return b->logical + t->position;
	}
	*ret_count = 0;
	return NULL;
}

static uint8_t *decode(const struct back *b)
{
	uint8_t *pages = calloc(b->header->data_frames, PAGE);
	uint64_t count;
	const struct native_block *block = table(b, NATIVE_TABLE_BLOCKS, &count);
	uint64_t next = 0;
	uint64_t end = 0;

	for (; count; count--, block++) {
		uint8_t *to = pages + next * PAGE;
		int bytes = block->pages * (int)PAGE;

		CHECK(block->first_page == next && bytes <= (int)NATIVE_BLOCK_BYTES);
		CHECK(block->position >= end && block->position - end < 4096);
		if (block->codec == NATIVE_CODEC_NONE) {
			CHECK(block->position % 4096 == 0 && block->stored == (uint32_t)bytes);
			memcpy(to, b->logical + block->position, (size_t)bytes);
		} else {
			CHECK(block->position % 16 == 0 && block->stored < (uint32_t)bytes);
			CHECK(LZ4_decompress_safe((char *)b->logical + block->position, (char *)to,
						  (int)block->stored, bytes) == bytes);
		}
		CHECK(XXH64(to, (size_t)bytes, 0) == block->checksum);
		next += block->pages;
		end = block->position + block->stored;
	}
	CHECK(next == b->header->data_frames);
	CHECK(b->header->data_bytes == (end + 4095) / 4096 * 4096);
	return pages;
}

static void compare_run(const struct native_run *run, const uint8_t *page)
{
	for (uint64_t f = run->first; f < run->first + run->count; f++) {
		uint8_t same[PAGE];

		for (size_t i = 0; i < PAGE; i += 8)
			memcpy(same + i, &run->fill, 8);
		if (run->kind == NATIVE_RUN_SPARE) {
			CHECK(kinds[f] == NATIVE_RUN_SPARE);
			continue;
		}
		CHECK(kinds[f] == NATIVE_RUN_DATA || kinds[f] == NATIVE_RUN_ZERO);
		CHECK(!memcmp(run->kind == NATIVE_RUN_DATA ? page : same, machine[f], PAGE));
		page += PAGE;
	}
}

static void compare(const struct back *b)
{
	uint8_t *pages = decode(b);
	uint64_t count;
	const struct native_run *run = table(b, NATIVE_TABLE_FRAMES, &count);
	uint64_t total[5] = {0};
	uint64_t next = 0;
	unsigned expected = 0;

	for (; count; count--, run++) {
		CHECK(run->first >= next && run->count && run->kind >= 1 && run->kind <= 4);
		CHECK((run->kind == NATIVE_RUN_FILL) == (run->fill != 0));
		compare_run(run, pages + total[NATIVE_RUN_DATA] * PAGE);
		total[run->kind] += run->count;
		next = run->first + run->count;
	}
	for (unsigned i = 0; i < FRAMES; i++)
		expected += kinds[i] != 0;
	CHECK(total[1] + total[2] + total[3] + total[4] == expected);
	CHECK(total[1] == b->header->data_frames && total[2] == b->header->zero_frames);
	CHECK(total[3] == b->header->fill_frames && total[4] == b->header->spare_frames);
	CHECK(total[1] && total[2] && total[3] && total[4]);
	free(pages);
}

static void check_image(const struct store *s, bool swap)
{
	const struct native_anchor *a = anchor_of(s, swap);
	struct back b = {.store = s};
	uint64_t count;

	if (!CHECK(is_saved(s, swap)) || !CHECK(a->anchor_unit == s->anchor))
		return;
	b.header = (const void *)(s->bytes + a->header_unit * 4096);
	CHECK(XXH64(b.header, 4096, 0) == a->header_checksum);
	CHECK(b.header->generation == a->generation);
	CHECK(b.header->map_digest == 0x7a5e6aa9);
	if (!read_logical(&b))
		return;
	compare(&b);
	CHECK(table(&b, NATIVE_TABLE_MEMORY_MAP, &count) && count == THAW_ARRAY_LEN(memory_map));
	CHECK(table(&b, NATIVE_TABLE_NOTES, &count) && count == 4);
	CHECK(!table(&b, NATIVE_TABLE_WATCHED, &count));
	free(b.logical);
}

/* --- tests -------------------------------------------------------------------------------- */

static void make_swap(struct store *s)
{
	struct native_swap_page *page = (struct native_swap_page *)(s->bytes + s->anchor * 4096);

	memset(page, 0, sizeof(*page));
	page->swap_version = 1;
	page->image = 77; /* Linux's own, of an image that is gone */
	memcpy(page->sig, NATIVE_SWAP_SIG, sizeof(page->sig));
}

static void try_all(uint64_t anchor, bool swap, uint64_t piece)
{
	struct thaw_writer_options o = {.anchor_unit = anchor, .swap = swap};
	struct store s;

	for (o.threads = 0; o.threads < 4; o.threads += 3) {
		for (int store = 0; store < 2; store++) {
			o.store = store;
			store_init(&s, anchor, piece);
			if (swap)
				make_swap(&s);
			CHECK(write_image(&s, &o) == THAW_WRITER_OK);
			CHECK(!s.early && !s.unflushed);
			for (size_t i = 256; i < 4096 && !swap; i++)
				CHECK(!s.bytes[i]);
			check_image(&s, swap);
			free(s.bytes);
		}
	}
}

static void test_partition(void)
{
	try_all(0, false, 0);
}

static void test_swap(void)
{
	try_all(0, true, 3);
	try_all(9, true, 1);
}

/* A disk that is slower than any decoder, and one that is faster. */
static void test_read_rate(void)
{
	struct thaw_writer_options o = {0};
	uint64_t usual;
	struct store s;

	for (o.threads = 0; o.threads < 4; o.threads += 3) {
		static const uint64_t rates[] = {0, 1, UINT64_MAX};

		for (size_t i = 0; i < THAW_ARRAY_LEN(rates); i++) {
			o.read_rate = rates[i];
			store_init(&s, 0, 0);
			CHECK(write_image(&s, &o) == THAW_WRITER_OK);
			check_image(&s, false);
			free(s.bytes);
			if (!i)
				usual = stats.raw_blocks;
			CHECK(stats.raw_blocks == (i < 2 ? usual : stats.blocks));
			CHECK(usual && usual < stats.blocks);
		}
	}
}

/* Every extent of one unit: more of them than one segment holds. */
static void test_segments(void)
{
	struct thaw_writer_options o = {.store = true};
	struct store s;

	store_init(&s, 0, 1);
	CHECK(write_image(&s, &o) == THAW_WRITER_OK);
	check_image(&s, false);
	free(s.bytes);
}

static void test_generation(void)
{
	struct thaw_writer_options o = {.threads = 1};
	struct store s;

	store_init(&s, 0, 0);
	CHECK(write_image(&s, &o) == THAW_WRITER_OK);
	CHECK(anchor_of(&s, false)->generation == 1);
	s.next = 1;
	CHECK(write_image(&s, &o) == THAW_WRITER_SAVED);
	CHECK(is_saved(&s, false));
	o.replace = true;
	CHECK(write_image(&s, &o) == THAW_WRITER_OK);
	CHECK(anchor_of(&s, false)->generation == 2);
	free(s.bytes);
}

static void test_not_swap(void)
{
	struct thaw_writer_options o = {.swap = true};
	struct store s;

	store_init(&s, 0, 0);
	CHECK(write_image(&s, &o) == THAW_WRITER_NOT_SWAP);
	make_swap(&s);
	s.bytes[1300] = 1;
	CHECK(write_image(&s, &o) == THAW_WRITER_NOT_SWAP);
	make_swap(&s);
	memcpy(s.bytes + 4086, "S1SUSPEND", 10);
	CHECK(write_image(&s, &o) == THAW_WRITER_NOT_SWAP);
	CHECK(s.calls == 0);
	free(s.bytes);
}

static void test_no_room(void)
{
	struct thaw_writer_options o = {.store = true};
	struct store s;

	for (unsigned threads = 0; threads < 3; threads += 2) {
		o.threads = threads;
		store_init(&s, 0, 0);
		s.next = UNITS - 500;
		CHECK(write_image(&s, &o) == THAW_WRITER_SPACE);
		CHECK(!is_saved(&s, false));
		free(s.bytes);
	}
}

/* The n-th write or flush fails: the error comes back, and there is no image. */
static void test_failures(void)
{
	for (int swap = 0; swap < 2; swap++) {
		for (unsigned n = 1;; n++) {
			struct thaw_writer_options o = {.swap = swap, .threads = n % 3};
			struct store s;
			enum thaw_writer_err err;

			store_init(&s, 0, 100);
			if (swap)
				make_swap(&s);
			s.fail_at = n;
			err = write_image(&s, &o);
			n = s.calls < n ? 0 : n;
			CHECK(n ? err == THAW_WRITER_WRITE || err == THAW_WRITER_FLUSH
				: err == THAW_WRITER_OK);
			/* Nobody knows what became of the last write when its flush fails. */
			if (n && s.calls != n)
				CHECK(!is_saved(&s, swap));
			free(s.bytes);
			if (!n)
				break;
		}
	}
}

/* The power goes: an older image never comes back over new data, a new one is whole or not there.
 */
static void test_power_cuts(void)
{
	struct thaw_writer_options o = {.replace = true};
	struct store s;
	unsigned total;

	store_init(&s, 0, 100);
	CHECK(write_image(&s, &o) == THAW_WRITER_OK);
	s.next = 1;
	s.calls = 0;
	CHECK(write_image(&s, &o) == THAW_WRITER_OK);
	total = s.calls;
	for (unsigned cut = 1; cut <= total; cut++) {
		s.next = 1;
		s.calls = s.cut_at = 0;
		CHECK(write_image(&s, &o) == THAW_WRITER_OK);
		s.next = 1;
		s.calls = 0;
		s.cut_at = cut;
		CHECK(write_image(&s, &o) == THAW_WRITER_OK);
		/* The last two calls are the anchor's write and its flush. */
		CHECK(is_saved(&s, false) == (cut == 1 || cut == total));
	}
	free(s.bytes);
}

static enum thaw_writer_err try_facts(const struct thaw_writer_facts *f)
{
	struct thaw_writer_options o = {0};
	struct thaw_writer *w;
	struct store s;
	enum thaw_writer_err err;

	store_init(&s, 0, 0);
	CHECK(thaw_writer_open(&w, &s.target, &o) == THAW_WRITER_OK);
	err = thaw_writer_describe(w, f);
	CHECK(thaw_writer_finish(w) != THAW_WRITER_OK);
	CHECK(!is_saved(&s, false));
	thaw_writer_close(w);
	free(s.bytes);
	return err;
}

static void test_facts(void)
{
	static const struct native_memory overlap[] = {{0, 4096, 1, 0}, {4095, 1, 1, 0}};
	static const struct native_firmware twice[2];
	static const struct native_watched odd = {.offset = 1, .bytes = 512};
	struct thaw_writer_facts f = facts;

	f.arch = 3;
	CHECK(try_facts(&f) == THAW_WRITER_FACTS);
	f = facts;
	f.entry.x86_64.root_pa = 1;
	CHECK(try_facts(&f) == THAW_WRITER_FACTS);
	f = facts;
	f.memory_map = overlap;
	f.memory_map_count = 2;
	CHECK(try_facts(&f) == THAW_WRITER_FACTS);
	f = facts;
	f.firmware = twice;
	f.firmware_count = 2;
	CHECK(try_facts(&f) == THAW_WRITER_FACTS);
	f = facts;
	f.watched = &odd;
	f.watched_count = 1;
	CHECK(try_facts(&f) == THAW_WRITER_FACTS);
	/* All is right but that there are no frames. */
	CHECK(try_facts(&facts) == THAW_WRITER_OK);
}

static void test_order(void)
{
	struct thaw_writer_options o = {0};
	struct thaw_writer *w;
	struct store s;

	store_init(&s, 0, 0);
	CHECK(thaw_writer_open(&w, &s.target, &o) == THAW_WRITER_OK);
	CHECK(thaw_writer_data(w, 5, 1, machine[5]) == THAW_WRITER_OK);
	CHECK(thaw_writer_fill(w, 5, 1, 0) == THAW_WRITER_ORDER);
	CHECK(thaw_writer_finish(w) == THAW_WRITER_ORDER);
	thaw_writer_close(w);
	CHECK(thaw_writer_open(&w, &s.target, &o) == THAW_WRITER_OK);
	CHECK(thaw_writer_fill(w, (UINT64_C(1) << 40) - 1, 2, 0) == THAW_WRITER_ORDER);
	thaw_writer_close(w);
	free(s.bytes);
}

int main(void)
{
	make_machine();
	RUN(test_partition);
	RUN(test_swap);
	RUN(test_read_rate);
	RUN(test_segments);
	RUN(test_generation);
	RUN(test_not_swap);
	RUN(test_no_room);
	RUN(test_failures);
	RUN(test_power_cuts);
	RUN(test_facts);
	RUN(test_order);
	free(machine);
	return check_summary();
}
