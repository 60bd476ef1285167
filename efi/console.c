/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * console.c: see console.h.
 */
#include "console.h"

#include "checkpoint.h"

#ifndef THAW_VERSION
#define THAW_VERSION "0"
#endif

#define LINE_MAX 240

bool console_verbose;

static const struct thaw_report *announced;

struct line {
	CHAR16 text[LINE_MAX + 3];
	size_t len;
};

static void put(struct line *line, const char *text)
{
	while (*text && line->len < LINE_MAX)
		line->text[line->len++] = (CHAR16)thaw_printable(*text++);
}

static void put_number(struct line *line, uint64_t v, unsigned base)
{
	char digits[24];
	char *p = digits + sizeof(digits);

	*--p = 0;
	do {
		*--p = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	if (base == 16)
		put(line, "0x");
	put(line, p);
}

static void put_numbers(struct line *line, uint64_t a, uint64_t b, unsigned base)
{
	put(line, " ");
	put_number(line, a, base);
	put(line, " ");
	put_number(line, b, base);
}

static struct line begin(const char *text)
{
	struct line line = {.len = 0};

	put(&line, "thaw: ");
	put(&line, text);
	return line;
}

static void finish(struct line *line)
{
	line->text[line->len] = '\r';
	line->text[line->len + 1] = '\n';
	line->text[line->len + 2] = 0;
	checkpoint_echo(line->text);
	if (fw.st->ConOut)
		fw.st->ConOut->OutputString(fw.st->ConOut, line->text);
}

void console_warn(const char *text, uint64_t number)
{
	struct line line = begin(text);

	if (number) {
		put(&line, " ");
		put_number(&line, number, 10);
	}
	finish(&line);
}

void console_start(void)
{
	struct line line = begin("start " THAW_VERSION);

	if (console_verbose)
		finish(&line);
}

static void show_range(const struct thaw_mem_range *range)
{
	struct line line = begin("map");

	put_numbers(&line, range->frames.first << THAW_PAGE_SHIFT,
		    range->frames.end << THAW_PAGE_SHIFT, 16);
	put(&line, " ");
	put(&line, thaw_mem_type_name(range->type));
	finish(&line);
}

void console_map(const struct thaw_memmap *map)
{
	if (!console_verbose)
		return;
	for (size_t i = 0; i < map->count; i++)
		show_range(&map->ranges[i]);
}

void console_note(const char *what, uint64_t a, uint64_t b)
{
	struct line line = begin("note ");

	if (!console_verbose)
		return;
	put(&line, what);
	put_numbers(&line, a, b, 10);
	finish(&line);
}

static void show_phases(const struct thaw_report *report)
{
	static const char *const names[THAW_PHASE_COUNT] = {"look", "plan", "load", "commit",
							    "jump"};

	for (unsigned i = 0; i <= report->phase && i < THAW_PHASE_COUNT; i++) {
		struct line line = begin("phase ");

		put(&line, names[i]);
		put(&line, " ");
		put_number(&line, report->phase_us[i], 10);
		finish(&line);
	}
}

void console_announce(const struct thaw_report *report)
{
	announced = report;
}

void console_jump(void)
{
	struct line line = begin("jump");

	if (!console_verbose)
		return;
	if (announced)
		show_phases(announced);
	finish(&line);
}

static void show_reason(const struct thaw_diag *diag)
{
	struct line line = begin("not restored: ");

	put(&line, thaw_err_name(diag->code));
	put(&line, ": ");
	put(&line, thaw_err_sentence(diag->code));
	if (diag->where) {
		put(&line, " (");
		put(&line, diag->where);
		put_numbers(&line, diag->a, diag->b, 16);
		put(&line, ")");
	}
	finish(&line);
}

void console_report(const struct thaw_report *report)
{
	if (console_verbose)
		show_phases(report);
	if (console_verbose || !thaw_err_is_no_image(report->diag.code))
		show_reason(&report->diag);
	if (report->unrecorded && report->diag.code != THAW_NO_RECORD)
		console_warn(thaw_err_sentence(THAW_NO_RECORD), 0);
}
