/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * canvas.h: a strip of the screen, drawn over what firmware shows: a bar and a line of text.
 *
 * The mode is the panel's and stays (no SetMode), the rest of the screen stays (no ClearScreen), and
 * what was below the strip comes back when it is closed. All memory is taken when it is opened: it
 * draws while the machine's memory is ours.
 */
#ifndef THAW_EFI_CANVAS_H
#define THAW_EFI_CANVAS_H

#include "firmware.h"

/* Whether there is a screen that can be drawn on. */
bool canvas_available(void);

/* false: there is no screen, or none that can be drawn on. */
bool canvas_open(void);

/* The bar filled to done of total, and the text below it; text in ASCII. Nothing if not open. */
void canvas_draw(uint64_t done, uint64_t total, const char *text);

void canvas_close(void);

#endif
