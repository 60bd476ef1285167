/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * probe.c: see probe.h.
 */
#include "probe.h"

#include <blkid/blkid.h>
#include <stdio.h>
#include <string.h>

bool probe_value(const char *path, const char *word, bool in_doubt, char ret[PROBE_VALUE_MAX])
{
	blkid_probe probe = blkid_new_probe_from_filename(path);
	const char *value;
	bool found;
	int done;

	if (!probe)
		return false;
	blkid_probe_enable_superblocks(probe, !strcmp(word, "UUID"));
	blkid_probe_enable_partitions(probe, 1);
	blkid_probe_set_partitions_flags(probe, BLKID_PARTS_ENTRY_DETAILS);
	done = blkid_do_safeprobe(probe);
	found = (in_doubt ? done != -1 : !done) &&
		!blkid_probe_lookup_value(probe, word, &value, NULL) &&
		snprintf(ret, PROBE_VALUE_MAX, "%s", value) < PROBE_VALUE_MAX;
	blkid_free_probe(probe);
	return found;
}
