/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * conf.h: thaw.conf from the host's side. It is read by the parser that firmware runs.
 */
#ifndef THAW_TOOLS_CONF_H
#define THAW_TOOLS_CONF_H

#include "../efi/config.h"

#include <stdio.h>

/*
 * Reads a file; defaults if there is none. *ret_text is its text, NULL if there is none, to be
 * free()d. false: errno says why it cannot be read.
 */
bool conf_read(const char *path, struct config *ret, char **ret_text);

/*
 * The text with the key set: the last line that sets it is changed, or a line added. text may be
 * NULL. To be free()d; NULL: no memory.
 */
char *conf_set(const char *text, const char *key, const char *value);

/* What install writes where there is no file. To be free()d; NULL: no memory. */
char *conf_first(const char *mode);

/* What the last line with the key says, "" if there is none. text may be NULL. */
void conf_value(const char *text, const char *key, char *ret, size_t size);

static inline const char *conf_mode_name(enum config_mode mode)
{
	return mode == CONFIG_MODE_ARMED ? "armed" : "resident";
}

#endif
