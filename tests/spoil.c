/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * spoil.c: changes to a stored image that mean something: a field, an entry of a list, a word of the
 * stream. Where they lie is read from the disk with no trust in it.
 */
#include "synth.h"

#define PAGE 4096

static uint32_t (*any)(uint32_t below);

/* A number that means something here: a page, a frame, a limit, something near what it was. */
static uint64_t interesting(uint64_t was, size_t pages)
{
	switch (any(10)) {
	case 0:
		return any((uint32_t)pages + 2);
	case 1:
		return was + 1;
	case 2:
		return was - 1;
	case 3:
		return was ^ UINT64_C(1) << any(64);
	case 4:
		return UINT64_MAX;
	case 5:
		return 0;
	case 6:
		return was | UINT64_C(1) << 63;
	case 7:
		return any(0x300);
	case 8:
		return 0x100000 + any(0x50);
	default:
		return (uint64_t)any(UINT32_MAX) << any(33);
	}
}

static void change_word(uint8_t *at, size_t pages)
{
	synth_put64(at, interesting(thaw_le64(at), pages));
}

static void change_header(uint8_t *data, size_t pages)
{
	static const uint16_t at[] = {4064, 4064, 4072, 4056, 4080};

	change_word(data + at[any(5)], pages);
}

static void change_info(uint8_t *info, size_t pages)
{
	static const uint16_t at[] = {0, 8, 16, 24, 32, 400, 416, 424, 432};
	unsigned i = any(9);

	change_word(info + at[i], pages);
	/* Counts that agree with each other get further. */
	if (any(2))
		synth_put64(info + 432, thaw_le64(info + 424) * PAGE);
}

static void change_map(uint8_t *map, size_t pages)
{
	change_word(map + (any(8) ? any(12) * 8 : 4088), pages);
}

static void change_linux(uint8_t *data, size_t pages)
{
	uint64_t map = thaw_le64(data + 4064);
	uint64_t info = map < pages ? thaw_le64(data + map * PAGE) : pages;

	switch (any(6)) {
	case 0:
		change_header(data, pages);
		return;
	case 1:
		if (info < pages)
			change_info(data + info * PAGE, pages);
		return;
	case 2:
		if (map < pages)
			change_map(data + map * PAGE, pages);
		return;
	case 3:
		synth_edit(data, pages, 0, any, interesting);
		return;
	default:
		change_word(data + any((uint32_t)pages) * PAGE + any(64) * 8, pages);
	}
}

/* --- thaw's own format --------------------------------------------------------------------- */

/* A word of a table, where the header says that it is. */
static void change_table(uint8_t *data, size_t pages, const struct native_header *h)
{
	const struct native_table *t = &h->tables[any(4)];
	uint64_t bytes = t->entries * t->entry_bytes;
	uint8_t *at;

	if (bytes < 8 || bytes > pages * PAGE)
		return;
	at = synth_native_logical(data, pages, h, t->position + any((uint32_t)bytes / 8) * 8);
	if (at && at + 8 <= data + pages * PAGE)
		change_word(at, pages);
}

static void change_native(uint8_t *data, size_t pages)
{
	struct native_header *h = synth_native_header(data, pages, 0);
	uint64_t segment = h ? h->segment_unit : pages;

	switch (any(8)) {
	case 0:
		change_word((uint8_t *)synth_native_anchor(data, pages, 0) + any(8) * 8, pages);
		return;
	case 1:
		change_word(data + any(512) * 8, pages);
		return;
	case 2:
	case 3:
		if (h)
			change_word((uint8_t *)h + any(84) * 8, pages);
		return;
	case 4:
		if (segment < pages)
			change_word(data + segment * PAGE + any(16) * 8, pages);
		return;
	default:
		if (h)
			change_table(data, pages, h);
	}
}

/* --- either ------------------------------------------------------------------------------- */

void synth_spoil(uint8_t *data, size_t pages, uint32_t (*any_below)(uint32_t n))
{
	any = any_below;
	if (synth_native_anchor(data, pages, 0) && any(16))
		change_native(data, pages);
	else
		change_linux(data, pages);
}
