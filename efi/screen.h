/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * screen.h: what one sees while an image is loaded, and the keys.
 *
 * Nothing for the first half second. Then a bar and a line over firmware's logo, and a line on each
 * console that has only text. Verbose runs say what happens in lines of their own.
 */
#ifndef THAW_EFI_SCREEN_H
#define THAW_EFI_SCREEN_H

#include <thaw/err.h>

#include "firmware.h"

/* Takes the memory it needs; before the machine's memory is claimed. */
void screen_open(void);

/*
 * Shows how far loading is, now and then, and looks at the keyboard: Esc is THAW_CANCELLED, D twice
 * THAW_DISCARDED, else THAW_OK. done and total in pages.
 */
enum thaw_err screen_progress(uint64_t done, uint64_t total, uint64_t now_us);

/* Takes away what was drawn. */
void screen_close(void);

/*
 * Leaves a sentence readable on a screen that will be drawn over; a key ends the wait. true: the image may
 * be insisted on, and R, then Y, did that.
 */
bool screen_pause(bool may_insist);

/* Keys of the time before thaw are not meant for it. */
void screen_drain_keys(void);

#endif
