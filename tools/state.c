/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * state.c: see state.h; systemd.exec(5) on StateDirectory=.
 */
#include "state.h"

#include "file.h"
#include "site.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *folder(void)
{
	const char *given = getenv("STATE_DIRECTORY");

	return given ? given : "/var/lib/thaw";
}

char *state_read(const char *name)
{
	char path[PATH_MAX];
	size_t size;

	snprintf(path, sizeof(path), "%s/%s", folder(), name);
	return file_read(path, &size);
}

bool state_write(const char *name, const char *text)
{
	char path[PATH_MAX];

	mkdir(folder(), 0755);
	snprintf(path, sizeof(path), "%s/%s", folder(), name);
	if (file_replace(path, text, strlen(text)))
		return true;
	thawctl_error(site_hint(errno), "%s: %s", path, strerror(errno));
	return false;
}

void state_forget(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder(), name);
	unlink(path);
}
