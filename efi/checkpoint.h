/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * checkpoint.h: instants at which a test build stops the machine. In other builds nothing is left.
 */
#ifndef THAW_EFI_CHECKPOINT_H
#define THAW_EFI_CHECKPOINT_H

#include <efi.h>

#include <thaw/platform.h>

#ifdef THAW_TEST

/* The name in the configuration; empty: none. */
void checkpoint_configure(const char *name);

/* Says so on the debug port and halts this processor for ever, if it is the one configured. */
void checkpoint_reached(enum thaw_checkpoint at);

/* Copies a line of the console to the debug port. */
void checkpoint_echo(const CHAR16 *text);

#else

static inline void checkpoint_configure(const char *name)
{
	(void)name;
}

static inline void checkpoint_reached(enum thaw_checkpoint at)
{
	(void)at;
}

static inline void checkpoint_echo(const CHAR16 *text)
{
	(void)text;
}

#endif
#endif
