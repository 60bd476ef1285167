/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * images.c: see images.h. A record made anew remembers nothing, so an image that an older one
 * forbade would be restored: over the filesystems of the system that runs now.
 */
#include "images.h"

#include "area.h"
#include "file.h"
#include "site.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <thaw/image.h>
#include <unistd.h>

static bool pass_over(struct thaw_record *record, int fd, uint64_t offset)
{
	static uint8_t page[THAW_PAGE_SIZE];
	struct thaw_attempt *a;

	if (pread(fd, page, sizeof(page), (off_t)offset) != (ssize_t)sizeof(page) ||
	    thaw_image_probe(page) != THAW_OK)
		return false;
	if (thaw_record_verdict(record, 0, thaw_image_mark(page)) != THAW_OK) {
		thaw_record_seen(record, thaw_image_mark(page));
		return false;
	}
	a = thaw_record_touch(record, 0, thaw_image_mark(page));
	a->state = THAW_ATTEMPT_PASSED_OVER;
	a->reason = THAW_PASSED_OVER;
	return true;
}

/* The partitions of a disk, or the whole of what has none; and the page of a swap file. */
static unsigned look_at(struct thaw_record *record, const char *path, uint64_t swap_file)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct areas areas;
	unsigned count = 0;

	if (fd < 0)
		return 0;
	if (areas_find(fd, &areas, false)) {
		for (size_t i = 0; i < areas.count; i++)
			count += pass_over(record, fd, areas.list[i].offset);
		free(areas.list);
	}
	if (swap_file)
		count += pass_over(record, fd, swap_file * THAW_PAGE_SIZE);
	close(fd);
	return count;
}

static uint64_t resume_offset(void)
{
	size_t size;
	char *text = file_read("/sys/power/resume_offset", &size);
	uint64_t offset = text ? strtoull(text, NULL, 10) : 0;

	free(text);
	return offset;
}

unsigned images_pass_over(struct thaw_record *record, const char *disk)
{
	uint64_t swap_file = resume_offset();
	DIR *all = opendir("/sys/class/block");
	const struct dirent *entry;
	unsigned count = disk ? look_at(record, disk, 0) : 0;
	char path[300];

	while (all && (entry = readdir(all))) {
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		if (entry->d_name[0] != '.')
			count += look_at(record, path, swap_file);
	}
	if (all)
		closedir(all);
	return count;
}

/* --- thawctl pass-over ------------------------------------------------------------------- */

static const char usage[] =
	"Usage: thawctl pass-over [OPTION]...\n"
	"Forbids every hibernation image that can be seen on a disk: this system was\n"
	"booted past it, and has mounted what it relies on. thaw-report.service calls it\n"
	"at every boot, for those that thaw was not asked about.\n"
	"\n"
	"  --disk DISK --part N, --esp-path PATH   as for install\n"
	"  --help   show this text\n"
	"\n"
	"Exit status: 0 done, 3 failed, 64 wrong usage.\n";

/* What cannot be remembered is doubted: then no image is restored unseen (record.h). */
static int store(struct thaw_record *record)
{
	int error;

	if (bootvars_write_record(record))
		return THAWCTL_DONE;
	error = errno;
	thawctl_error(site_hint(error), "ThawStatus: %s", strerror(error));
	if (!bootvars_doubt_record())
		thawctl_error("Do not let thaw restore it: clear it with 'wipefs'.",
			      "an old hibernation image is not forbidden");
	return THAWCTL_ENVIRONMENT;
}

/* Without a record thaw has no part in this machine's boot; one that is damaged forbids by itself. */
int pass_over_main(int argc, char **argv)
{
	struct site site;
	struct thaw_record record;
	unsigned count;
	int result = site_parse(&site, argc, argv, "ed", usage);

	if (result)
		return result < 0 ? THAWCTL_DONE : result;
	if (!bootvars_available() || bootvars_read_record(&record) != BOOTVARS_RECORD_WHOLE)
		return THAWCTL_DONE;
	count = images_pass_over(&record, site.disk);
	if (!count)
		return THAWCTL_DONE;
	printf("%u hibernation image%s this system was booted past will not be restored.\n", count,
	       count > 1 ? "s" : "");
	return store(&record);
}
