/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * conf.c: see conf.h.
 */
#include "conf.h"

#include "file.h"

#include <blkid/blkid.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

bool conf_read(const char *path, struct config *ret, char **ret_text)
{
	size_t size;

	*ret = (struct config){.dry_run = false};
	*ret_text = file_read(path, &size);
	if (!*ret_text)
		return errno == ENOENT || errno == ENOTDIR;
	if (size <= CONFIG_MAX_BYTES)
		config_parse(ret, (const uint8_t *)*ret_text, size);
	return true;
}

/* The last line that begins with the key; NULL: none. */
static const char *find_line(const char *text, const char *key)
{
	size_t len = strlen(key);
	const char *found = NULL;
	const char *at = text;

	while (at && *at) {
		const char *word = at + strspn(at, " \t");

		if (!strncmp(word, key, len) && isspace((unsigned char)word[len]))
			found = at;
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	return found;
}

void conf_value(const char *text, const char *key, char *ret, size_t size)
{
	const char *line = find_line(text, key);

	ret[0] = 0;
	if (!line)
		return;
	line += strspn(line, " \t") + strlen(key);
	line += strspn(line, " \t");
	snprintf(ret, size, "%.*s", (int)strcspn(line, "\r\n"), line);
}

char *conf_set(const char *text, const char *key, const char *value)
{
	const char *old = text ? text : "";
	const char *line = find_line(old, key);
	size_t before = line ? (size_t)(line - old) : strlen(old);
	const char *after = line ? strchr(line, '\n') : NULL;
	const char *gap = before && old[before - 1] != '\n' ? "\n" : "";
	char *made;

	if (asprintf(&made, "%.*s%s%s %s\n%s", (int)before, old, gap, key, value,
		     after ? after + 1 : "") < 0)
		return NULL;
	return made;
}

/* --- where the kernel itself would look --------------------------------------------------- */

static bool read_resume(unsigned *ret_major, unsigned *ret_minor, unsigned long long *ret_offset)
{
	size_t size;
	char *device = file_read("/sys/power/resume", &size);
	char *offset = file_read("/sys/power/resume_offset", &size);
	bool ok = device && sscanf(device, "%u:%u", ret_major, ret_minor) == 2 && *ret_major;

	*ret_offset = ok && offset ? strtoull(offset, NULL, 10) : 0;
	free(device);
	free(offset);
	return ok;
}

/* A swap file cannot be found by looking: where it begins has to be written down. */
static char *add_swap_file(char *text)
{
	unsigned major_number, minor_number;
	unsigned long long offset;
	char *name, *id, *made = NULL;

	if (!read_resume(&major_number, &minor_number, &offset) || !offset)
		return text;
	name = blkid_devno_to_devname(makedev(major_number, minor_number));
	id = name ? blkid_get_tag_value(NULL, "PARTUUID", name) : NULL;
	if (id && asprintf(&made, "%sdevice PARTUUID=%s\noffset %llu\n", text, id, offset) < 0)
		made = NULL;
	free(id);
	free(name);
	if (!made)
		return text;
	free(text);
	return made;
}

char *conf_first(const char *mode)
{
	char *text;

	if (asprintf(&text,
		     "# What thaw does at boot; thaw.conf(5) explains every key.\n"
		     "# The mode is changed with 'thawctl install --mode', not here.\n"
		     "mode %s\n",
		     mode) < 0)
		return NULL;
	return add_swap_file(text);
}
