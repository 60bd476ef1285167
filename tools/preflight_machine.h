/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * preflight_machine.h: the machine that a preflight looks at, and what was found there: a line for
 * each finding says what was looked at, what was found, and what to do if that stands in the way.
 */
#ifndef THAW_TOOLS_PREFLIGHT_MACHINE_H
#define THAW_TOOLS_PREFLIGHT_MACHINE_H

#include "json.h"

#include <stdbool.h>
#include <stdint.h>

enum preflight_level { PREFLIGHT_OK, PREFLIGHT_WARNING, PREFLIGHT_OBSTACLE };

struct preflight {
	const char *root;  /* the folder that /proc and /sys are in */
	struct json *json; /* NULL: words */
	enum preflight_level worst;
};

/* A file of the machine, "" if there is none; to be free()d. */
char *preflight_read(const struct preflight *m, const char *path);

bool preflight_has(const struct preflight *m, const char *path);

/* advice may be NULL where the level is PREFLIGHT_OK, and is left out there. */
__attribute__((format(printf, 5, 6))) void preflight_tell(struct preflight *m,
							  enum preflight_level level,
							  const char *topic, const char *advice,
							  const char *format, ...);

/* Swap space, and thaw's own partitions: where they lie, and how large they are. */
void preflight_space(struct preflight *m);

#endif
