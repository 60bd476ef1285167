/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * location.c: see location.h.
 *
 * Firmware that boots fast leaves disks alone, and thaw starts one only for a place that somebody
 * named. systemd names it from version 254 on; before that, whoever hibernates has to, or an image on
 * such a disk would neither be restored nor be known as passed over.
 */
#include "location.h"

#include "bootvars.h"
#include "file.h"
#include "site.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

struct location location_told(void)
{
	struct location place = {NULL, 0};
	unsigned major_number = 0, minor_number = 0;
	size_t size;
	char *device = file_read("/sys/power/resume", &size);
	char *offset = file_read("/sys/power/resume_offset", &size);

	if (device && sscanf(device, "%u:%u", &major_number, &minor_number) == 2 && major_number) {
		place.device = blkid_devno_to_devname(makedev(major_number, minor_number));
		place.page = offset ? strtoull(offset, NULL, 10) : 0;
	}
	free(device);
	free(offset);
	return place;
}

/*
 * Else it takes the first swap space in use (mm/swapfile.c, find_first_swap()). Where a file begins
 * cannot be read off its name.
 */
static struct location first_in_use(void)
{
	struct location place = {NULL, 0};
	size_t size;
	char *text = file_read("/proc/swaps", &size);
	char *line = text ? strchr(text, '\n') : NULL;
	char device[256], type[32];

	if (line && sscanf(line, " %255s %31s", device, type) == 2 && !strcmp(type, "partition"))
		place.device = strdup(device);
	free(text);
	return place;
}

/* As systemd writes it (v254, src/shared/hibernate-util.c), as far as it matters to whoever reads. */
static char *describe(const struct location *place)
{
	char *uuid = place->device ? blkid_get_tag_value(NULL, "UUID", place->device) : NULL;
	char *text = NULL;

	if (uuid && asprintf(&text, "{\"uuid\":\"%s\",\"offset\":%" PRIu64 "}", uuid, place->page) < 0)
		text = NULL;
	free(uuid);
	return text;
}

bool location_note(void)
{
	struct location place;
	char *text;
	bool ok;

	if (bootvars_has_location())
		return true;
	place = location_told();
	if (!place.device)
		place = first_in_use();
	text = describe(&place);
	ok = !text || bootvars_write_location(text);
	if (!ok)
		thawctl_error(site_hint(errno), "HibernateLocation: %s", strerror(errno));
	free(text);
	free(place.device);
	return ok;
}
