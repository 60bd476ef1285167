/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * check.c: thawctl check PATH: would this image be restored?
 *
 * The answer is firmware's own: thaw_restore() runs as a dry run, in its own order, on a machine of
 * paper; without a firmware's map on one that has the image's frames. Before that the image is
 * found as firmware finds it.
 */
#include "check.h"

#include "memmap_file.h"
#include "preflight.h"
#include "thawctl.h"
#include "whole.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the command line -------------------------------------------------------------------- */

static const char usage[] =
	"Usage: thawctl check [OPTION]... [PATH]\n"
	"Says whether thaw would restore the hibernation image in PATH, a partition, a\n"
	"disk or a disk image. Without PATH: whether this machine could be restored if it\n"
	"hibernated now. Nothing is written.\n"
	"\n"
	"  --offset PAGES   the image's header is so many pages of 4096 bytes into PATH:\n"
	"                   a swap file, with the number that resume_offset= has\n"
	"  --memmap FILE    plan against this memory map: what thaw printed with 'verbose\n"
	"                   yes', or a directory like /sys/firmware/memmap; none: against\n"
	"                   no map. Without it, a block device is held against this\n"
	"                   machine's\n"
	"  --root DIR       the machine is what DIR/proc, DIR/sys and DIR/run say\n"
	"  --json           answer in JSON\n"
	"  --verbose        show what the loader notes, and how long each phase took\n"
	"  --help           show this text\n"
	"\n"
	"Exit status: 0 would be restored, 1 no image, 2 would be refused, 3 could not be\n"
	"checked, 64 wrong usage.\n";

enum { OPT_OFFSET = 256, OPT_MEMMAP, OPT_ROOT, OPT_JSON, OPT_VERBOSE };

static const struct option options[] = {
	{"offset", required_argument, NULL, OPT_OFFSET},
	{"memmap", required_argument, NULL, OPT_MEMMAP},
	{"root", required_argument, NULL, OPT_ROOT},
	{"json", no_argument, NULL, OPT_JSON},
	{"verbose", no_argument, NULL, OPT_VERBOSE},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static bool parse_pages(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno;
}

static bool take_option(struct check *c, int option)
{
	switch (option) {
	case OPT_OFFSET:
		c->has_offset = true;
		return parse_pages(optarg, &c->header_page);
	case OPT_MEMMAP:
		c->memmap_path = optarg;
		return true;
	case OPT_ROOT:
		c->root = optarg;
		return true;
	case OPT_JSON:
		c->json = true;
		return true;
	case OPT_VERBOSE:
		c->verbose = true;
		return true;
	default:
		return false;
	}
}

/* THAWCTL_DONE, and no path: help was asked for, or a preflight. */
static int parse(struct check *c, int argc, char **argv, bool *ret_preflight)
{
	static const char hint[] = "'thawctl check --help' shows the usage.";
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return THAWCTL_DONE;
		}
		if (!take_option(c, option)) {
			thawctl_error(hint, "check: '%s' is not understood",
				      thawctl_refused_word(argv));
			return THAWCTL_USAGE;
		}
	}
	c->path = argv[optind];
	if (!c->path && !c->has_offset && !c->memmap_path) {
		*ret_preflight = true;
		return THAWCTL_DONE;
	}
	if (optind == argc - 1)
		return THAWCTL_DONE;
	thawctl_error(hint, optind < argc ? "check: more than one path" : "check: no path given");
	return THAWCTL_USAGE;
}

/* --- finding the area -------------------------------------------------------------------- */

static int open_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0) {
		thawctl_error(thawctl_hint(errno), "%s: %s", path, strerror(errno));
		return -1;
	}
	if (!fstat(fd, &st) && (S_ISBLK(st.st_mode) || S_ISREG(st.st_mode)))
		return fd;
	thawctl_error("Name a block device, or a file with the content of one.",
		      "%s: neither a block device nor a regular file", path);
	close(fd);
	return -1;
}

static enum thaw_err refuse_foreign(struct check *c, const struct area *area, const char *kind)
{
	c->area = area;
	c->foreign = kind;
	return thaw_fail(&c->report.diag, THAW_FOREIGN, kind, 0, 0);
}

static enum thaw_err choose_image(struct check *c, const struct areas *areas)
{
	const struct area *area = areas->list;

	if (areas->images > 1)
		return thaw_fail(&c->report.diag, THAW_AMBIGUOUS, "images found", areas->images, 0);
	while (!area->has_image)
		area++;
	if (area->foreign[0])
		return refuse_foreign(c, area, area->foreign);
	c->area = area;
	return THAW_OK;
}

/* May what libblkid calls so have swap space in it? */
static bool is_container(const char *type)
{
	static const char *const containers[] = {
		"crypto_LUKS", "LVM2_member", "linux_raid_member", "bcache", "isw_raid_member",
		"zfs_member",
	};
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(containers); i++) {
		if (!strcmp(type, containers[i]))
			return true;
	}
	return false;
}

/* What is there instead: said where it explains that there is no image. */
static enum thaw_err explain_none(struct check *c, const struct areas *areas)
{
	size_t i;

	for (i = 0; i < areas->count; i++) {
		const struct area *area = &areas->list[i];

		if (area->foreign[0] && (area->is_swap || !area->partition))
			return refuse_foreign(c, area, area->foreign);
		if (is_container(area->foreign)) {
			c->container = area->foreign;
			c->container_partition = area->partition;
		}
	}
	if (areas->count == 1)
		c->area = areas->list;
	return thaw_fail(&c->report.diag, THAW_NO_IMAGE, "areas", areas->count, 0);
}

/* As firmware looks for it: in every partition, or in the whole of what has none. */
static enum thaw_err find_area(struct check *c, int fd, struct areas *areas)
{
	const char *kind = area_stacked_kind(fd);

	if (!areas_find(fd, areas, c->has_offset)) {
		c->read_error = errno;
		return thaw_fail(&c->report.diag, THAW_READ, "areas", 0, 0);
	}
	if (kind)
		return refuse_foreign(c, NULL, kind);
	if (c->has_offset) {
		c->area = areas->list;
		return THAW_OK;
	}
	return areas->images ? choose_image(c, areas) : explain_none(c, areas);
}

/*
 * Where no map is named, a disk of this machine, or of the one that --root names, is held against
 * that machine's: by UEFI alone, for the map of another firmware is not one that thaw sees.
 */
static const char *choose_map(const struct check *c, int fd)
{
	static char path[PATH_MAX];
	const char *root = c->root ? c->root : "";
	struct stat st;

	if (c->memmap_path)
		return strcmp(c->memmap_path, "none") ? c->memmap_path : NULL;
	if (!c->root && (fstat(fd, &st) || !S_ISBLK(st.st_mode)))
		return NULL;
	snprintf(path, sizeof(path), "%s/sys/firmware/efi", root);
	if (access(path, F_OK))
		return NULL;
	snprintf(path, sizeof(path), "%s/sys/firmware/memmap", root);
	return access(path, F_OK) ? NULL : path;
}

/* --- trying it --------------------------------------------------------------------------- */

static enum thaw_err check_memory(struct check *c)
{
	const struct thaw_facts *facts = &c->report.facts;
	uint64_t need = (facts->data_frames + facts->zero_frames) << THAW_PAGE_SHIFT;
	uint64_t available = host_memory_available();

	if (need <= available)
		return THAW_OK;
	return thaw_fail(&c->report.diag, THAW_MEMORY, "bytes needed, available", need, available);
}

/* With a given map the bound is firmware's; without one, that addresses have 52 bits. */
static uint64_t most_frames(const struct check *c, const struct thaw_memmap *map)
{
	return c->memmap_path ? thaw_memmap_ram_frames(map) : UINT64_C(1) << 40;
}

/*
 * A first look at the image, for what has to be known before it is loaded: what map to make up,
 * and whether this machine has the memory.
 */
static enum thaw_err survey(struct check *c, struct host_disk *disk, struct thaw_memmap *map)
{
	struct host_memory memory;
	struct thaw_image image;
	enum thaw_err err;

	host_memory_init(&memory);
	err = thaw_image_open(&image, &disk->seam, c->header_page, most_frames(c, map),
			      &memory.seam, &c->report.diag);
	c->report.facts = image.facts;
	if (!err)
		err = check_memory(c);
	if (!err && !c->memmap_path && memmap_make_up(&image, map))
		err = thaw_fail(&c->report.diag, THAW_MEMORY, "memory map", image.run_count, 0);
	host_memory_free(&memory);
	return err;
}

static void try(struct check *c, struct host_disk *disk, struct thaw_memmap *map)
{
	static struct host_machine machine;
	struct thaw_options how = {.dry_run = true, .any_map = !c->memmap_path};

	host_machine_init(&machine, map);
	machine.show_notes = c->verbose;
	machine.show_progress = !c->verbose && isatty(STDERR_FILENO);
	thaw_restore(&machine.seam, &disk->seam, c->header_page, &how, &c->report);
	if (c->report.phase >= THAW_PHASE_COMMIT)
		c->levels = machine.la57 ? 5 : 4;
	c->processors = machine.worker_peak + 1;
	c->drift_count = machine.drift_count;
	memcpy(c->drifts, machine.drifts, sizeof(c->drifts));
	host_machine_free(&machine);
}

static void check_area(struct check *c, int fd, struct thaw_memmap *map)
{
	struct areas areas = {0};
	struct host_disk disk;
	struct whole whole;
	enum thaw_err err = find_area(c, fd, &areas);

	if (!err) {
		host_disk_init(&disk, fd, c->area->offset, c->area->size);
		whole_open(&whole, &disk, c->area->partition);
		err = survey(c, &disk, map);
		c->map_is_saved = thaw_memmap_is_saved(map, &c->report.facts);
		if (!err)
			try(c, &disk, map);
		c->read_pages = disk.read_pages;
		c->read_error = disk.error;
		whole_close(&whole);
	}
	if (c->json)
		check_print_json(c);
	else
		check_print(c);
	free(areas.list);
}

int check_exit(const struct check *c)
{
	enum thaw_err code = c->report.diag.code;

	if (code == THAW_DRY_RUN)
		return THAWCTL_DONE;
	if (thaw_err_is_no_image(code))
		return THAWCTL_NO_IMAGE;
	return (code & 0xf00) == 0x200 ? THAWCTL_REFUSED : THAWCTL_ENVIRONMENT;
}

static int check_fd(struct check *c, int fd)
{
	struct thaw_memmap map = {0};

	c->memmap_path = choose_map(c, fd);
	if (c->memmap_path && !memmap_file_read(c->memmap_path, &map))
		return THAWCTL_ENVIRONMENT;
	c->digest_today = map.count ? thaw_memmap_e820_crc32(&map) : 0;
	c->map_ranges = map.count;
	check_area(c, fd, &map);
	free(map.ranges);
	return check_exit(c);
}

int check_main(int argc, char **argv)
{
	static struct check check;
	bool ahead = false;
	int result = parse(&check, argc, argv, &ahead);
	int fd;

	if (ahead)
		return preflight(check.root ? check.root : "", check.json);
	if (result || !check.path)
		return result;
	fd = open_path(check.path);
	if (fd < 0)
		return THAWCTL_ENVIRONMENT;
	result = check_fd(&check, fd);
	close(fd);
	return result;
}
