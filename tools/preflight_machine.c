/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * preflight_machine.c: see preflight_machine.h.
 */
#include "preflight_machine.h"

#include "file.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char *preflight_read(const struct preflight *m, const char *path)
{
	char full[PATH_MAX];
	size_t size;
	char *text;

	snprintf(full, sizeof(full), "%s%s", m->root, path);
	text = file_read(full, &size);
	return text ? text : calloc(1, 1);
}

bool preflight_has(const struct preflight *m, const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", m->root, path);
	return !access(full, F_OK);
}

void preflight_tell(struct preflight *m, enum preflight_level level, const char *topic,
		    const char *advice, const char *format, ...)
{
	static const char *const names[] = {"ok", "warning", "obstacle"};
	static const char *const marks[] = {"  ok ", "  ?? ", "  no "};
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	m->worst = level > m->worst ? level : m->worst;
	if (m->json) {
		json_object(m->json, NULL);
		json_string(m->json, "topic", topic);
		json_string(m->json, "level", names[level]);
		json_string(m->json, "finding", text);
		json_string(m->json, "advice", level == PREFLIGHT_OK ? NULL : advice);
		json_end(m->json);
		return;
	}
	printf("%s %-14s %s\n", marks[level], topic, text);
	if (level != PREFLIGHT_OK)
		printf("                     %s\n", advice);
}
