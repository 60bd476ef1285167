/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * image.c: thawctl image VERB: looks into images, checks them, and makes other things of them.
 */
#include "image.h"

#include "advice.h"
#include "area.h"
#include "thawctl.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_THREADS 64

static const char usage[] =
	"Usage: thawctl image VERB [OPTION]... PATH [TARGET]\n"
	"Looks into the hibernation image in PATH, a partition, a disk or a disk image,\n"
	"whether Linux wrote it or it is in thaw's own format.\n"
	"\n"
	"  info                     what it is\n"
	"  dump                     its frames, disk runs, blocks and memory map\n"
	"  verify                   read and decode all of it, hold it against its\n"
	"                           checksums\n"
	"  extract PATH FILE        write memory as an ELF core, which crash and gdb open\n"
	"  convert PATH TARGET      write it in thaw's own format to TARGET, a partition\n"
	"                           or a file, and end the original\n"
	"\n"
	"  --offset PAGES   the image's header is so many pages of 4096 bytes into PATH:\n"
	"                   a swap file, with the number that resume_offset= has\n"
	"  --json           info, dump: answer in JSON\n"
	"  --keep           convert: leave the original as it is\n"
	"  --replace        convert, extract: overwrite what is in TARGET or FILE\n"
	"  --store          convert: compress nothing\n"
	"  --threads N      convert: threads that compress; default: one for each\n"
	"                   processor\n"
	"  --quiet          verify, extract, convert: say nothing but errors\n"
	"  --help           show this text\n"
	"\n"
	"Exit status: 0 done, 1 no image, 2 the image is broken, 3 something could not be\n"
	"read or written, 64 wrong usage.\n";

static const char hint[] = "'thawctl image --help' shows the usage.";

/* --- the command line -------------------------------------------------------------------- */

static const struct option options[] = {
	{"offset", required_argument, NULL, 'o'},
	{"json", no_argument, NULL, 'j'},
	{"keep", no_argument, NULL, 'k'},
	{"replace", no_argument, NULL, 'r'},
	{"store", no_argument, NULL, 's'},
	{"threads", required_argument, NULL, 't'},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

struct verb {
	const char *name;
	int (*run)(struct image_source *s, const struct image_options *o);
	const char *accepts; /* the options' letters */
	bool has_target;
	bool reads_through; /* the whole image, from its beginning to its end */
};

static const struct verb verbs[] = {
	{"info", image_info, "oj", false, false},
	{"dump", image_dump, "oj", false, false},
	{"verify", image_verify, "oq", false, true},
	{"extract", image_extract, "orq", true, true},
	{"convert", image_convert, "okrstq", true, true},
};

static bool parse_number(const char *text, uint64_t most, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno && *ret <= most;
}

static bool take_option(struct image_options *o, int option)
{
	uint64_t threads = 0;

	switch (option) {
	case 'o':
		o->has_offset = true;
		return parse_number(optarg, UINT64_MAX >> THAW_PAGE_SHIFT, &o->header_page);
	case 'j':
		return o->json = true;
	case 'k':
		return o->keep = true;
	case 'r':
		return o->replace = true;
	case 's':
		return o->store = true;
	case 'q':
		return o->quiet = true;
	case 't':
		if (!parse_number(optarg, MOST_THREADS, &threads))
			return false;
		o->threads = (unsigned)threads;
		return true;
	default:
		return false;
	}
}

static unsigned default_threads(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : (unsigned)thaw_min((uint64_t)n, MOST_THREADS);
}

/* THAWCTL_DONE, and no path: help was asked for. */
static int parse(struct image_options *o, const struct verb *verb, int argc, char **argv)
{
	int want = verb->has_target ? 2 : 1;
	int option;

	opterr = 0;
	o->threads = default_threads();
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return THAWCTL_DONE;
		}
		if (!strchr(verb->accepts, option) || !take_option(o, option)) {
			thawctl_error(hint, "image %s: '%s' is not understood", verb->name,
				      thawctl_refused_word(argv));
			return THAWCTL_USAGE;
		}
	}
	if (argc - optind != want) {
		thawctl_error(hint, "image %s: %d paths instead of %d", verb->name, argc - optind,
			      want);
		return THAWCTL_USAGE;
	}
	o->path = argv[optind];
	o->target = verb->has_target ? argv[optind + 1] : NULL;
	return THAWCTL_DONE;
}

/* --- the image ----------------------------------------------------------------------------- */

bool image_is_native(const struct image_source *s)
{
	return !strcmp(s->image.facts.format, "thaw");
}

const struct native_anchor *image_anchor(const struct image_source *s)
{
	static const uint8_t magic[] = NATIVE_ANCHOR_MAGIC;
	const struct native_swap_page *swap = (const void *)s->image.header;

	if (!memcmp(swap->sig, NATIVE_SUSPEND_SIG, sizeof(swap->sig)) &&
	    !memcmp(swap->anchor.magic, magic, sizeof(magic)))
		return &swap->anchor;
	return (const void *)s->image.header;
}

bool image_header(struct image_source *s, struct native_header *buf)
{
	return s->disk.seam.read(&s->disk.seam, image_anchor(s)->header_unit, 1, buf) == THAW_OK;
}

int image_refused(const struct image_source *s, const char *path, enum thaw_err err,
		  const struct thaw_diag *diag)
{
	char why[200] = "";

	if (err == THAW_READ && s->disk.error)
		snprintf(why, sizeof(why), " (%s)", strerror(s->disk.error));
	else if (diag->where)
		snprintf(why, sizeof(why), " (%s 0x%" PRIx64 " 0x%" PRIx64 ")", diag->where,
			 diag->a, diag->b);
	thawctl_error(advice_for(err), "%s: %s: %s%s", path, thaw_err_name(err),
		      thaw_err_sentence(err), why);
	if (thaw_err_is_no_image(err))
		return THAWCTL_NO_IMAGE;
	return err == THAW_READ || err == THAW_MEMORY ? THAWCTL_ENVIRONMENT : THAWCTL_REFUSED;
}

/* The one area with an image. */
static int choose_area(struct image_source *s, const struct image_options *o,
		       const struct areas *areas)
{
	const struct area *area = areas->list;

	if (!o->has_offset && areas->images != 1) {
		thawctl_error(areas->images ? "Name the partition." : advice_for(THAW_NO_IMAGE),
			      "%s: %s", o->path,
			      thaw_err_sentence(areas->images ? THAW_AMBIGUOUS : THAW_NO_IMAGE));
		return areas->images ? THAWCTL_REFUSED : THAWCTL_NO_IMAGE;
	}
	while (!o->has_offset && !area->has_image)
		area++;
	s->offset = area->offset;
	s->size = area->size;
	s->partition = area->partition;
	host_disk_init(&s->disk, s->fd, area->offset, area->size);
	return THAWCTL_DONE;
}

static int open_image(struct image_source *s, const struct image_options *o)
{
	struct thaw_diag diag = {0};
	enum thaw_err err = thaw_image_open(&s->image, &s->disk.seam, o->header_page,
					    IMAGE_MOST_FRAMES, &s->memory.seam, &diag);

	return err ? image_refused(s, o->path, err, &diag) : THAWCTL_DONE;
}

static int open_source(struct image_source *s, const struct image_options *o)
{
	struct areas areas;
	struct stat st;
	int status;

	s->fd = open(o->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (s->fd < 0 || fstat(s->fd, &st)) {
		thawctl_error(thawctl_hint(errno), "%s: %s", o->path, strerror(errno));
		return THAWCTL_ENVIRONMENT;
	}
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode)) {
		thawctl_error("Name a block device, or a file with the content of one.",
			      "%s: neither a block device nor a regular file", o->path);
		return THAWCTL_ENVIRONMENT;
	}
	if (!areas_find(s->fd, &areas, o->has_offset)) {
		thawctl_error(thawctl_hint(errno), "%s: %s", o->path, strerror(errno));
		return THAWCTL_ENVIRONMENT;
	}
	status = choose_area(s, o, &areas);
	free(areas.list);
	return status ? status : open_image(s, o);
}

/* --- verify ------------------------------------------------------------------------------- */

static bool count_frames(void *arg, const struct thaw_run *piece, const uint8_t *pages)
{
	(void)pages;
	*(uint64_t *)arg += piece->count;
	return true;
}

int image_verify(struct image_source *s, const struct image_options *o)
{
	struct thaw_diag diag = {0};
	uint64_t frames = 0;
	enum thaw_err err = image_walk(s, count_frames, &frames, &diag);

	if (err)
		return image_refused(s, o->path, err, &diag);
	if (!o->quiet)
		printf("%s: %" PRIu64 " frames, %s\n", o->path, frames,
		       s->image.facts.blocks_have || s->image.facts.has_checksum
			       ? "all as they were saved"
			       : "all decoded; the image has no checksum");
	return THAWCTL_DONE;
}

/* --- the whole ---------------------------------------------------------------------------- */

static int run(const struct verb *verb, const struct image_options *o)
{
	struct image_source s = {.fd = -1};
	int status;

	host_memory_init(&s.memory);
	status = open_source(&s, o);
	if (!status && verb->reads_through)
		posix_fadvise(s.fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (!status)
		status = verb->run(&s, o);
	host_memory_free(&s.memory);
	if (s.fd >= 0)
		close(s.fd);
	return status;
}

int image_main(int argc, char **argv)
{
	struct image_options o = {0};
	size_t i;
	int status;

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(usage, stdout);
		return THAWCTL_DONE;
	}
	for (i = 0; argc > 1 && i < THAW_ARRAY_LEN(verbs); i++) {
		if (strcmp(argv[1], verbs[i].name))
			continue;
		status = parse(&o, &verbs[i], argc - 1, argv + 1);
		return status || !o.path ? status : run(&verbs[i], &o);
	}
	if (argc > 1)
		thawctl_error(hint, "image: there is no verb '%s'", argv[1]);
	else
		thawctl_error(hint, "image: no verb given");
	return THAWCTL_USAGE;
}
