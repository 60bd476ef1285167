/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * hibernate_watched.c: marks of the mounted filesystems. Whoever mounts one of them while the
 * machine is off changes its superblock, and a session restored over that would write what it
 * remembers over what is there.
 *
 * Only partitions of a GPT are watched, for those are what firmware finds again, and only kinds of
 * filesystem that write their superblock when they are mounted.
 */
#include "hibernate.h"
#include "thawctl.h"

#include "../imagefmt/xxh64.h"
#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_WATCHED 64

/* Where superblocks lie, and what changes in them with a mount for writing. */
static const struct {
	const char *type;
	uint64_t offset;
	uint32_t bytes;
} superblocks[] = {
	{"ext2", 1024, 1024},	  /* mount count and time, fs/ext4/ext4.h */
	{"ext3", 1024, 1024},
	{"ext4", 1024, 1024},
	{"btrfs", 65536, 4096},	  /* generation, fs/btrfs/accessors.h */
	{"vfat", 0, 8192},	  /* dirty flag, and the count of free clusters behind it */
};

/* --- one filesystem ------------------------------------------------------------------------- */

static bool parse_guid(const char *text, bool mixed, uint8_t ret[16])
{
	static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
	size_t i;

	for (i = 0; i < 16; i++) {
		if (*text == '-')
			text++;
		if (sscanf(text, "%2hhx", &ret[mixed ? order[i] : i]) != 1)
			return false;
		text += 2;
	}
	return !*text;
}

/* Fills in which partition and which filesystem it is. false: not on a GPT's partition. */
static bool identify(const char *path, struct native_watched *w)
{
	blkid_probe probe = blkid_new_probe_from_filename(path);
	const char *value;
	bool ok;

	if (!probe)
		return false;
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_UUID);
	blkid_probe_enable_partitions(probe, 1);
	blkid_probe_set_partitions_flags(probe, BLKID_PARTS_ENTRY_DETAILS);
	ok = !blkid_do_safeprobe(probe) &&
	     !blkid_probe_lookup_value(probe, "PART_ENTRY_SCHEME", &value, NULL) &&
	     !strcmp(value, "gpt") &&
	     !blkid_probe_lookup_value(probe, "PART_ENTRY_UUID", &value, NULL) &&
	     parse_guid(value, true, w->partition);
	if (ok && !blkid_probe_lookup_value(probe, "UUID", &value, NULL) &&
	    !parse_guid(value, false, w->filesystem))
		memset(w->filesystem, 0, sizeof(w->filesystem));
	blkid_free_probe(probe);
	return ok;
}

/* The type's own name, NULL for one that is not watched. */
static const char *place(const char *type, struct native_watched *w)
{
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(superblocks); i++) {
		if (strcmp(type, superblocks[i].type))
			continue;
		w->offset = superblocks[i].offset;
		w->bytes = superblocks[i].bytes;
		return superblocks[i].type;
	}
	return NULL;
}

/* A filesystem may be mounted in several places. */
static bool is_known(const struct hibernate_watched *watched, const struct native_watched *w)
{
	size_t i;

	for (i = 0; i < watched->count; i++) {
		if (!memcmp(watched->list[i].partition, w->partition, sizeof(w->partition)))
			return true;
	}
	return false;
}

/* Cut, a name might end in the middle of a character. */
static void name_it(char name[32], const char *type, const char *where)
{
	strcpy(name, type);
	if (strlen(type) + strlen(where) + 1 < 32) {
		strcat(name, " ");
		strcat(name, where);
	}
}

static bool add(struct hibernate_watched *watched, const char *source, const char *type,
		const char *where)
{
	struct native_watched w = {0};
	const char *known = place(type, &w);
	struct stat st;
	int fd;

	if (watched->count == MOST_WATCHED || !known || stat(source, &st) ||
	    !S_ISBLK(st.st_mode) || !identify(source, &w) || is_known(watched, &w))
		return true;
	name_it(w.name, known, where);
	fd = open(source, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (fd < 0) {
		thawctl_error(thawctl_hint(errno), "%s: %s", source, strerror(errno));
		return false;
	}
	watched->fds[watched->count] = fd;
	watched->list[watched->count++] = w;
	return true;
}

/* --- all of them ---------------------------------------------------------------------------- */

/* "ID PARENT MAJ:MIN ROOT MOUNT-POINT OPTIONS [TAG...] - TYPE SOURCE OPTIONS", proc(5). */
static bool take_line(struct hibernate_watched *watched, const char *line)
{
	char where[128];
	char type[32];
	char source[HIBERNATE_PATH_MAX];
	const char *rest = strstr(line, " - ");

	if (!rest || sscanf(line, "%*s %*s %*s %*s %127s", where) != 1 ||
	    sscanf(rest, " - %31s %255s", type, source) != 2)
		return true;
	return add(watched, source, type, where);
}

bool hibernate_watched_find(struct hibernate_watched *ret)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;
	bool ok = file;

	*ret = (struct hibernate_watched){
		.list = calloc(MOST_WATCHED, sizeof(*ret->list)),
		.fds = calloc(MOST_WATCHED, sizeof(*ret->fds)),
		.buffer = aligned_alloc(THAW_PAGE_SIZE, 2 * THAW_PAGE_SIZE),
	};
	if (!ok || !ret->list || !ret->fds || !ret->buffer) {
		thawctl_error(thawctl_hint(errno), "/proc/self/mountinfo: %s", strerror(errno));
		ok = false;
	}
	while (ok && getline(&line, &size, file) > 0)
		ok = take_line(ret, line);
	free(line);
	if (file)
		fclose(file);
	if (!ok)
		hibernate_watched_free(ret);
	return ok;
}

bool hibernate_watched_read(struct hibernate_watched *watched, const char **ret_name)
{
	size_t i;

	for (i = 0; i < watched->count; i++) {
		struct native_watched *w = &watched->list[i];
		uint64_t skip = w->offset % THAW_PAGE_SIZE;
		size_t bytes = thaw_div_up(skip + w->bytes, THAW_PAGE_SIZE) * THAW_PAGE_SIZE;

		*ret_name = w->name;
		if (pread(watched->fds[i], watched->buffer, bytes, (off_t)(w->offset - skip)) !=
		    (ssize_t)bytes)
			return false;
		w->checksum = thaw_xxh64(watched->buffer + skip, w->bytes, 0);
	}
	return true;
}

void hibernate_watched_free(struct hibernate_watched *watched)
{
	size_t i;

	for (i = 0; i < watched->count; i++)
		close(watched->fds[i]);
	free(watched->list);
	free(watched->fds);
	free(watched->buffer);
	*watched = (struct hibernate_watched){0};
}
