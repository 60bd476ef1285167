/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * conf.c: see conf.h.
 */
#include "conf.h"

#include "file.h"
#include "location.h"

#include <blkid/blkid.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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

/* A swap file cannot be found by looking: where it begins has to be written down. */
static char *add_swap_file(char *text)
{
	struct location told = location_told();
	char *id = NULL, *made = NULL;

	if (told.device && told.page)
		id = blkid_get_tag_value(NULL, "PARTUUID", told.device);
	if (id && asprintf(&made, "%sdevice PARTUUID=%s\noffset %" PRIu64 "\n", text, id,
			   told.page) < 0)
		made = NULL;
	free(id);
	free(told.device);
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
