/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * made_up.c: writes the image of a machine that never was.
 *
 *	made_up SHAPE SEED DIGEST PAYLOAD TARGET < MAP
 *
 * MAP is firmware's memory map as thaw tells it, lines of "first end type", addresses hexadecimal;
 * DIGEST what it calls that map's digest. The machine has PAYLOAD, page tables for it, and frames of
 * which the payload knows what they hold. What there is of them the shape says:
 *
 *	holes      runs of 1 to 64 frames and gaps of as many, in all that firmware has free
 *	conflicts  likewise, and every frame that firmware gives back only when it is left
 *	wide       20,000 short runs all over memory, however much there is
 *	million    1,000,000 runs of one frame, one behind the other
 *	arm64      nothing that could run here: an arm64 machine with pages of 64 KiB, or 16 if the
 *	           seed is even; for readers. There is no payload and no map
 *
 * Prints the numbers that the payload is to tell.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <thaw/writer.h>
#include <unistd.h>

#include "made_up.h"

#define PAGE	      ((size_t)THAW_PAGE_SIZE)
#define MOST_RANGES   256
#define MILLION	      1000000u
#define WIDE_RUNS     20000u
#define FRAMES_PER_2M 512u
#define ARM64_FRAMES  400u
#define SPARE_FRAMES  8192u /* in one piece behind the payload: thaw's buffers do not come in pieces */
#define LOWEST	      (UINT64_C(16) << 20 >> THAW_PAGE_SHIFT) /* frame of the payload */

#define TABLE 0x003 /* present, writable */
#define LEAF  0x083 /* likewise, large */

struct ram {
	uint64_t first, end; /* frames */
	bool held;	     /* by firmware, until it is left */
};

struct maker {
	const char *shape;
	uint64_t random;
	uint32_t page_shift; /* 0: that of x86-64 */
	struct ram ram[MOST_RANGES];
	size_t ram_count;
	uint64_t frames; /* of RAM */
	struct made_up_run *runs;
	size_t run_count;
	size_t run_room;
	uint64_t base; /* first frame of the payload's region */
	uint64_t region_frames;
	uint8_t *region;
};

static void die(const char *what)
{
	fprintf(stderr, "made_up: %s\n", what);
	exit(1);
}

static uint64_t any(struct maker *m, uint64_t below)
{
	m->random = made_up_mix(m->random + 0x632be59bd9b4e019);
	return m->random % below;
}

/* --- memory ------------------------------------------------------------------------------- */

static void read_map(struct maker *m)
{
	uint64_t first, end;
	char type[32];

	while (scanf("%" SCNx64 " %" SCNx64 " %31s", &first, &end, type) == 3) {
		bool held = !strcmp(type, "boot");

		if (!held && strcmp(type, "conventional"))
			continue;
		if (m->ram_count == MOST_RANGES)
			die("too many ranges");
		/* The kernel never saves frame 0. */
		m->ram[m->ram_count] = (struct ram){(first >> THAW_PAGE_SHIFT) + !first,
						    end >> THAW_PAGE_SHIFT, held};
		m->frames += m->ram[m->ram_count].end - m->ram[m->ram_count].first;
		m->ram_count++;
	}
	if (!m->ram_count)
		die("no memory map");
}

/* --- runs --------------------------------------------------------------------------------- */

static void add_run(struct maker *m, uint64_t first, uint64_t count, enum made_up_kind kind)
{
	if (m->run_count == m->run_room) {
		m->run_room = m->run_room ? 2 * m->run_room : 4096;
		m->runs = realloc(m->runs, m->run_room * sizeof(*m->runs));
		if (!m->runs)
			die("no memory");
	}
	m->runs[m->run_count++] = (struct made_up_run){first, (uint32_t)count, kind};
}

static enum made_up_kind any_kind(struct maker *m)
{
	uint64_t n = any(m, 10);

	return n < 6 ? MADE_UP_DATA : n < 8 ? MADE_UP_ZERO : MADE_UP_FILL;
}

static void fill_range(struct maker *m, const struct ram *r, uint64_t longest, uint64_t widest)
{
	uint64_t at = r->first;
	uint64_t count;

	for (; at < r->end; at += count + (widest ? any(m, widest) : 0)) {
		count = thaw_min(1 + any(m, longest), r->end - at);
		add_run(m, at, count, any_kind(m));
	}
}

static void million(struct maker *m, const struct ram *r)
{
	uint64_t at;

	for (at = r->first; at < r->end && m->run_count < MILLION; at++)
		add_run(m, at, 1, m->run_count % 2 ? MADE_UP_ZERO : MADE_UP_DATA);
}

static void fill_piece(struct maker *m, const struct ram *r)
{
	bool conflicts = !strcmp(m->shape, "conflicts");

	if (!strcmp(m->shape, "million") && !r->held)
		million(m, r);
	else if (!strcmp(m->shape, "wide") && !r->held)
		fill_range(m, r, 8, 2 * m->frames / WIDE_RUNS);
	else if (conflicts && r->held)
		fill_range(m, r, 64, 0);
	else if ((conflicts || !strcmp(m->shape, "holes")) && !r->held)
		fill_range(m, r, 64, 65);
}

/* Around the payload and what is left free behind it. */
static void make_runs(struct maker *m)
{
	uint64_t end = m->base + m->region_frames + SPARE_FRAMES;

	for (size_t i = 0; i < m->ram_count; i++) {
		struct ram below = m->ram[i];
		struct ram above = m->ram[i];

		below.end = thaw_min(below.end, thaw_max(below.first, m->base));
		above.first = thaw_max(above.first, thaw_min(above.end, end));
		if (below.end <= m->base)
			fill_piece(m, &below);
		if (above.first >= end)
			fill_piece(m, &above);
	}
}

/* --- the payload -------------------------------------------------------------------------- */

static uint64_t most_runs(const struct maker *m)
{
	if (!strcmp(m->shape, "million"))
		return MILLION;
	return !strcmp(m->shape, "wide") ? 2 * WIDE_RUNS : m->frames / 8 + 4096;
}

static void choose_place(struct maker *m, uint64_t most_runs)
{
	uint64_t bytes = MADE_UP_RUNS + most_runs * sizeof(struct made_up_run);

	m->region_frames = thaw_div_up(bytes, PAGE);
	for (size_t i = 0; i < m->ram_count && !m->base; i++) {
		uint64_t first = thaw_max(m->ram[i].first, LOWEST);

		first = thaw_div_up(first, FRAMES_PER_2M) * FRAMES_PER_2M;
		if (!m->ram[i].held && first + m->region_frames + SPARE_FRAMES <= m->ram[i].end)
			m->base = first;
	}
	m->region = calloc(m->region_frames, PAGE);
	if (!m->base || !m->region)
		die("no room for the payload");
}

static void make_tables(struct maker *m)
{
	uint64_t tables = (m->base << THAW_PAGE_SHIFT) + MADE_UP_TABLES;
	uint64_t *root = (uint64_t *)(m->region + MADE_UP_TABLES);
	uint64_t *high = root + 512;
	uint64_t *pieces = root + 2 * 512;
	uint64_t *one_to_one = root + 3 * 512;
	uint64_t i;

	for (i = 0; i < MADE_UP_TREES; i++)
		root[i] = (tables + (3 + i) * PAGE) | TABLE;
	for (i = 0; i < MADE_UP_TREES * 512u; i++)
		one_to_one[i] = i << 30 | LEAF;
	root[511] = (tables + PAGE) | TABLE;
	high[510] = (tables + 2 * PAGE) | TABLE;
	for (i = 0; i < thaw_div_up(m->region_frames, FRAMES_PER_2M); i++)
		pieces[i] = ((m->base << THAW_PAGE_SHIFT) + (i << 21)) | LEAF;
}

static void make_payload(struct maker *m, const char *path)
{
	struct made_up *facts = (struct made_up *)(m->region + MADE_UP_FACTS);
	FILE *f = fopen(path, "rb");

	if (!f || !fread(m->region, 1, MADE_UP_STACK, f))
		die("the payload cannot be read");
	fclose(f);
	*facts = (struct made_up){
		.run_count = m->run_count,
		.jump_va = MADE_UP_VA,
		.root_pa = (m->base << THAW_PAGE_SHIFT) + MADE_UP_TABLES,
	};
	make_tables(m);
	memcpy(m->region + MADE_UP_RUNS, m->runs, m->run_count * sizeof(*m->runs));
}

/* --- the image ---------------------------------------------------------------------------- */

static enum thaw_writer_err give_run(struct thaw_writer *w, const struct made_up_run *run)
{
	uint64_t page[PAGE / sizeof(uint64_t)];
	enum thaw_writer_err err = THAW_WRITER_OK;

	if (run->kind == MADE_UP_ZERO)
		return thaw_writer_fill(w, run->first, run->count, 0);
	for (uint64_t f = run->first; f < run->first + run->count && !err; f++) {
		for (unsigned i = 0; i < THAW_ARRAY_LEN(page); i++)
			page[i] = run->kind == MADE_UP_DATA ? made_up_word(f, i)
							    : made_up_fill(run->first);
		err = thaw_writer_data(w, f, 1, page);
	}
	return err;
}

static enum thaw_writer_err give(struct thaw_writer *w, const struct maker *m)
{
	enum thaw_writer_err err = THAW_WRITER_OK;
	size_t i = 0;

	for (; i < m->run_count && m->runs[i].first < m->base && !err; i++)
		err = give_run(w, &m->runs[i]);
	if (!err)
		err = thaw_writer_data(w, m->base, (uint32_t)m->region_frames, m->region);
	for (; i < m->run_count && !err; i++)
		err = give_run(w, &m->runs[i]);
	return err;
}

/* Everything of an arm64 machine: frames of one word, of many, and of none. */
static enum thaw_writer_err give_arm64(struct thaw_writer *w, const struct maker *m)
{
	size_t words = ((size_t)1 << m->page_shift) / sizeof(uint64_t);
	uint64_t *page = malloc((size_t)1 << m->page_shift);
	enum thaw_writer_err err = page ? THAW_WRITER_OK : THAW_WRITER_MEMORY;

	for (uint64_t f = 1; f < ARM64_FRAMES && !err; f++) {
		for (size_t i = 0; i < words; i++)
			page[i] = f % 40 < 10 ? f / 40 : made_up_word(f, (unsigned)i);
		err = f % 40 == 20 ? thaw_writer_spare(w, f, 1) : thaw_writer_data(w, f, 1, page);
	}
	free(page);
	return err;
}

static struct thaw_writer_facts facts_of(const struct maker *m, uint32_t digest)
{
	struct thaw_writer_facts facts = {
		.source = NATIVE_SOURCE_MADE_UP,
		.release = "made up",
		.kernel_version = "made up",
		.writer = "made_up",
	};

	if (m->page_shift) {
		facts.arch = NATIVE_ARCH_ARM64;
		facts.entry.arm64 = (struct native_entry_arm64){1, 2, 3, 4, 5};
		return facts;
	}
	facts.arch = NATIVE_ARCH_X86_64;
	facts.entry.x86_64 = (struct native_entry_x86_64){
		MADE_UP_VA, m->base << THAW_PAGE_SHIFT,
		(m->base << THAW_PAGE_SHIFT) + MADE_UP_TABLES, 4, 0};
	facts.has_map_digest = true;
	facts.map_digest = digest;
	return facts;
}

static void write_image(const struct maker *m, uint32_t digest, const char *path)
{
	struct thaw_writer_options options = {.threads = 2, .page_shift = m->page_shift};
	struct thaw_writer_facts facts = facts_of(m, digest);
	struct thaw_writer_file file;
	struct thaw_writer *w;
	enum thaw_writer_err err;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0)
		die("the target cannot be opened");
	thaw_writer_file_init(&file, fd, 0, 1, UINT64_C(1) << 32);
	if (ftruncate(fd, PAGE))
		die("the target cannot be written");
	err = thaw_writer_open(&w, &file.target, &options);
	if (!err)
		err = thaw_writer_describe(w, &facts);
	if (!err)
		err = m->page_shift ? give_arm64(w, m) : give(w, m);
	if (!err)
		err = thaw_writer_finish(w);
	if (err)
		die(thaw_writer_sentence(err));
	thaw_writer_close(w);
	close(fd);
}

int main(int argc, char **argv)
{
	static struct maker m;
	uint64_t frames = 0;

	if (argc != 6)
		die("usage: made_up SHAPE SEED DIGEST PAYLOAD TARGET < MAP");
	m.shape = argv[1];
	m.random = strtoull(argv[2], NULL, 0);
	if (!strcmp(m.shape, "arm64")) {
		m.page_shift = m.random % 2 ? 16 : 14;
		write_image(&m, 0, argv[5]);
		return 0;
	}
	read_map(&m);
	choose_place(&m, most_runs(&m));
	make_runs(&m);
	if (m.run_count * sizeof(*m.runs) > m.region_frames * PAGE - MADE_UP_RUNS)
		die("more runs than were thought of");
	make_payload(&m, argv[4]);
	write_image(&m, (uint32_t)strtoul(argv[3], NULL, 0), argv[5]);
	for (size_t i = 0; i < m.run_count; i++)
		frames += m.runs[i].count;
	printf("{\"runs\": %zu, \"frames\": %" PRIu64 ", \"payload_frames\": %" PRIu64 "}\n",
	       m.run_count, frames, m.region_frames);
	return 0;
}
