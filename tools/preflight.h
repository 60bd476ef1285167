/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * preflight.h: thawctl check without a path: could thaw restore this machine if it hibernated now?
 */
#ifndef THAW_TOOLS_PREFLIGHT_H
#define THAW_TOOLS_PREFLIGHT_H

#include <stdbool.h>

/* root: the folder that /proc and /sys are in, "" for this machine's. Returns the exit status. */
int preflight(const char *root, bool json);

#endif
