/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * probe.h: what libblkid says of a block device, by its own words (libblkid(3), "TAGS").
 */
#ifndef THAW_TOOLS_PROBE_H
#define THAW_TOOLS_PROBE_H

#include <stdbool.h>

#define PROBE_VALUE_MAX 64

/*
 * PART_ENTRY_... of the partition that it is, or UUID of what is in it. in_doubt: also where libblkid
 * cannot tell what else is there. false: there is none, or it cannot be read.
 */
bool probe_value(const char *path, const char *word, bool in_doubt, char ret[PROBE_VALUE_MAX]);

#endif
