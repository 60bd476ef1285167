/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * check.h: what thawctl check finds out, and how it says it.
 */
#ifndef THAW_TOOLS_CHECK_H
#define THAW_TOOLS_CHECK_H

#include "area.h"
#include "host_disk.h"
#include "host_machine.h"

#include <thaw/loader.h>

struct check {
	/* what was asked for */
	const char *path;
	const char *memmap_path; /* NULL: no firmware's map to compare with */
	const char *root;	 /* of the machine to look at; NULL: this one */
	uint64_t header_page;
	bool has_offset;
	bool json;
	bool verbose;
	/* what was found */
	const struct area *area; /* NULL: no single one */
	const char *foreign;	 /* what the area belongs to, with THAW_FOREIGN */
	const char *container; /* what may hide an image, with THAW_NO_IMAGE; NULL: nothing seen */
	int container_partition;
	struct thaw_report report;
	uint32_t digest_today;
	bool map_is_saved;
	uint64_t map_ranges;
	struct host_drift drifts[HOST_DRIFTS_MAX]; /* how the map differs from the saved one */
	size_t drift_count;			   /* may be more than are kept */
	unsigned levels;			   /* of the image's paging; 0: not known */
	unsigned processors;
	uint64_t read_pages;
	int read_error; /* errno with THAW_READ */
};

int check_main(int argc, char **argv);

/* The exit status that follows from the outcome. */
int check_exit(const struct check *c);

void check_print(const struct check *c);
void check_print_json(const struct check *c);

#endif
