/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * console.h: one line at a time on the firmware's console, each beginning with "thaw: ".
 *
 * The mode, the colours and what is already on the screen are the firmware's and stay as they are.
 */
#ifndef THAW_EFI_CONSOLE_H
#define THAW_EFI_CONSOLE_H

#include <thaw/loader.h>

#include "firmware.h"

/* Whether the lines of a verbose run are shown; off at first. */
extern bool console_verbose;

/* Always: "thaw: TEXT NUMBER"; without the number if it is 0. */
void console_warn(const char *text, uint64_t number);

/* The rest only when verbose. */
void console_start(void);
void console_map(const struct thaw_memmap *map);
void console_note(const char *what, uint64_t a, uint64_t b);

/* Before the jump, the phases so far: of the report that was announced, the attempt not being over.
 */
void console_announce(const struct thaw_report *report);
void console_jump(void);

/* How an attempt ended: its phases when verbose, the reason unless it is "no image". */
void console_report(const struct thaw_report *report);

#endif
