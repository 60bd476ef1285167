/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * memmap_file.c: memory maps in text.
 *
 * thaw prints its map with "verbose yes". In a log of several boots the last map counts.
 */
#include "memmap_file.h"

#include "descriptors.h"
#include "file.h"
#include "thawctl.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <thaw/loader.h>
#include <unistd.h>

#define LOG_PREFIX "thaw: map "
#define LOG_START  "thaw: start"

static const char format_hint[] =
	"A memory map has lines 'START END TYPE' as thaw prints them with 'verbose yes'.";

/* --- text -------------------------------------------------------------------------------- */

static bool parse_type(const char *name, enum thaw_mem_type *ret)
{
	int type;

	for (type = THAW_MEM_FREE; type <= THAW_MEM_UNKNOWN; type++) {
		if (!strcmp(name, thaw_mem_type_name((enum thaw_mem_type)type))) {
			*ret = (enum thaw_mem_type)type;
			return true;
		}
	}
	return false;
}

/* A hexadecimal byte address that is a frame's; *text moves behind it. */
static bool take_frame(const char **text, uint64_t *ret)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(*text, &end, 16);
	if (end == *text || errno || v % THAW_PAGE_SIZE)
		return false;
	*text = end;
	*ret = v >> THAW_PAGE_SHIFT;
	return true;
}

static bool parse_range(const char *text, struct thaw_mem_range *ret)
{
	char name[32];
	char more;

	if (!take_frame(&text, &ret->frames.first) || !take_frame(&text, &ret->frames.end) ||
	    ret->frames.end <= ret->frames.first)
		return false;
	return sscanf(text, " %31s %c", name, &more) == 1 && parse_type(name, &ret->type);
}

static bool is_comment(const char *line)
{
	while (isspace((unsigned char)*line))
		line++;
	return !*line || *line == '#';
}

struct text_map {
	struct descriptors d;
	bool log;     /* only what thaw says counts */
	bool started; /* thaw started again, so that the next range begins a new map */
	struct thaw_mem_range *seen; /* of this map: two consoles say everything twice */
	size_t seen_count;
};

static bool is_seen(const struct text_map *t, const struct thaw_mem_range *range)
{
	size_t i;

	for (i = 0; i < t->seen_count; i++) {
		if (!memcmp(&t->seen[i].frames, &range->frames, sizeof(range->frames)))
			return t->seen[i].type == range->type;
	}
	return false;
}

static enum thaw_err take_range(struct text_map *t, const struct thaw_mem_range *range)
{
	struct thaw_mem_range *seen;

	if (t->started)
		t->d.count = t->seen_count = 0;
	t->started = false;
	if (t->log && is_seen(t, range))
		return THAW_OK;
	seen = realloc(t->seen, (t->seen_count + 1) * sizeof(*seen));
	if (!seen)
		return THAW_MEMORY;
	t->seen = seen;
	seen[t->seen_count++] = *range;
	return descriptors_add(&t->d, range->frames, range->type);
}

/* THAW_FIRMWARE: not a line of a map. */
static enum thaw_err take_line(struct text_map *t, const char *line)
{
	const char *logged = strstr(line, LOG_PREFIX);
	struct thaw_mem_range range;

	if (t->log && strstr(line, LOG_START))
		t->started = true;
	if (t->log ? !logged : is_comment(line))
		return THAW_OK;
	if (!parse_range(t->log ? logged + strlen(LOG_PREFIX) : line, &range))
		return THAW_FIRMWARE;
	return take_range(t, &range);
}

/* What thaw says in a file makes a log of it: then all other lines are somebody else's. */
static enum thaw_err read_lines(struct descriptors *d, char *text, unsigned *ret_line)
{
	struct text_map t = {.d = *d, .log = strstr(text, LOG_PREFIX)};
	const char *line;
	enum thaw_err err = THAW_OK;

	while (!err && (line = strsep(&text, "\n"))) {
		++*ret_line;
		err = take_line(&t, line);
	}
	free(t.seen);
	*d = t.d;
	return err;
}

/* A serial line may have said anything. */
static char *read_without_nul(const char *path)
{
	size_t size = 0;
	char *text = file_read(path, &size);

	for (size_t i = 0; text && i < size; i++) {
		if (!text[i])
			text[i] = ' ';
	}
	return text;
}

static bool read_text(const char *path, struct descriptors *d)
{
	char *text = read_without_nul(path);
	unsigned line = 0;
	enum thaw_err err;

	if (!text) {
		thawctl_error("Name a readable file, or leave --memmap out.", "%s: %s", path,
			      strerror(errno));
		return false;
	}
	err = read_lines(d, text, &line);
	free(text);
	if (err == THAW_FIRMWARE)
		thawctl_error(format_hint, "%s:%u: not a range of a memory map", path, line);
	else if (err)
		thawctl_error("Free some memory.", "%s: %s", path, strerror(ENOMEM));
	return !err;
}

/* --- a directory of the kernel's ------------------------------------------------------------ */

/* Linux's names (arch/x86/kernel/e820.c, e820_type_to_string, 6.12). */
static const struct {
	const char *name;
	enum thaw_mem_type type;
} linux_types[] = {
	{"System RAM", THAW_MEM_FREE},
	{"ACPI Tables", THAW_MEM_ACPI},
	{"ACPI Non-volatile Storage", THAW_MEM_NVS},
	{"Reserved", THAW_MEM_RESERVED},
	{"Unusable memory", THAW_MEM_UNUSABLE},
	{"Persistent Memory", THAW_MEM_PERSISTENT},
	{"Soft Reserved", THAW_MEM_SPECIAL},
};

/* First line of DIR/ENTRY/NAME. */
static bool read_value(int dir, const char *entry, const char *name, char *ret, size_t size)
{
	char path[300];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", entry, name);
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, ret, size - 1);
	close(fd);
	if (got <= 0)
		return false;
	ret[got] = 0;
	ret[strcspn(ret, "\n")] = 0;
	return true;
}

static bool take_type(const char *name, enum thaw_mem_type *ret)
{
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(linux_types); i++) {
		*ret = linux_types[i].type;
		if (!strcmp(name, linux_types[i].name))
			return true;
	}
	return false;
}

/* NULL, or what is wrong with it. */
static const char *read_entry(int dir, const char *entry, struct thaw_mem_range *ret)
{
	static const char no_range[] = "not a range of whole pages";
	char start[32];
	char end[32];
	char type[64];
	const char *text = start;

	if (!read_value(dir, entry, "start", start, sizeof(start)) ||
	    !read_value(dir, entry, "end", end, sizeof(end)) ||
	    !read_value(dir, entry, "type", type, sizeof(type)) ||
	    !take_frame(&text, &ret->frames.first))
		return no_range;
	/* The last byte, not the first behind it. */
	ret->frames.end = strtoull(end, NULL, 16) + 1;
	if (ret->frames.end % THAW_PAGE_SIZE)
		return no_range;
	ret->frames.end >>= THAW_PAGE_SHIFT;
	if (ret->frames.end <= ret->frames.first)
		return no_range;
	return take_type(type, &ret->type) ? NULL : "memory of a type that thaw does not know";
}

static bool read_directory(const char *path, struct descriptors *d)
{
	DIR *dir = opendir(path);
	struct thaw_mem_range range;
	const char *wrong;
	struct dirent *e;
	bool ok = dir;

	while (ok && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		wrong = read_entry(dirfd(dir), e->d_name, &range);
		if (!wrong && descriptors_add(d, range.frames, range.type))
			wrong = strerror(ENOMEM);
		ok = !wrong;
		if (!ok)
			thawctl_error("Only the map of a machine that was booted by UEFI firmware "
				      "is one that thaw can compare.",
				      "%s/%s: %s", path, e->d_name, wrong);
	}
	if (!dir)
		thawctl_error("Name a readable directory, or leave --memmap out.", "%s: %s", path,
			      strerror(errno));
	else
		closedir(dir);
	return ok;
}

bool memmap_file_read(const char *path, struct thaw_memmap *ret)
{
	struct descriptors d = {0};
	struct stat st;
	bool ok;

	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		ok = read_directory(path, &d);
	else
		ok = read_text(path, &d);
	if (ok && descriptors_parse(&d, ret)) {
		thawctl_error(format_hint, "%s: no memory map: ranges overlap, or there are none",
			      path);
		ok = false;
	}
	descriptors_free(&d);
	return ok;
}
