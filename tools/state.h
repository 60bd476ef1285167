/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * state.h: what thawctl itself remembers: small files in $STATE_DIRECTORY, or /var/lib/thaw.
 */
#ifndef THAW_TOOLS_STATE_H
#define THAW_TOOLS_STATE_H

#include <stdbool.h>

/* To be free()d; NULL: nothing is remembered under that name. */
char *state_read(const char *name);

/* Durable when it returns. false: said why. */
bool state_write(const char *name, const char *text);

/* That nothing is remembered is no error. */
void state_forget(const char *name);

#endif
