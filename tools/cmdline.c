/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * cmdline.c: see cmdline.h.
 */
#include "cmdline.h"

#include <stddef.h>
#include <string.h>

/* Linux has room for 2048 on x86 (COMMAND_LINE_SIZE), so no word is longer. */
#define WORD_BYTES 2048

#define WHITE " \t\n"

/* Where the line goes on behind the word, which is without its quotes; NULL: there is no more. */
static const char *next_word(const char *at, char *ret)
{
	bool quoted = false;
	size_t n = 0;

	at += strspn(at, WHITE);
	if (!*at)
		return NULL;
	for (; *at && (quoted || !strchr(WHITE, *at)); at++) {
		if (*at == '"')
			quoted = !quoted;
		else if (n < WORD_BYTES - 1)
			ret[n++] = *at;
	}
	ret[n] = 0;
	return strcmp(ret, "--") ? at : NULL;
}

bool cmdline_has(const char *line, const char *word)
{
	size_t len = strlen(word);
	char found[WORD_BYTES];

	while ((line = next_word(line, found))) {
		if (!strncmp(found, word, len) && (word[len - 1] == '=' || !found[len]))
			return true;
	}
	return false;
}

/* Linux compares so many letters of each, and no more (drivers/iommu/irq_remapping.c). */
static bool last_is_off(const char *values, bool off)
{
	for (; values; values = strchr(values, ',')) {
		values += strspn(values, ",");
		if (!strncmp(values, "on", 2))
			off = false;
		else if (!strncmp(values, "off", 3))
			off = true;
	}
	return off;
}

bool cmdline_is_off(const char *line, const char *key)
{
	size_t len = strlen(key);
	char found[WORD_BYTES];
	bool off = false;

	while ((line = next_word(line, found))) {
		if (!strncmp(found, key, len))
			off = last_is_off(found + len, off);
	}
	return off;
}
