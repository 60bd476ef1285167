/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * chain.h: the program that runs after thaw.
 */
#ifndef THAW_EFI_CHAIN_H
#define THAW_EFI_CHAIN_H

#include "firmware.h"

/*
 * Loads and starts a program from thaw's own volume; path is terminated UCS-2. Returns what the
 * program returned, or EFI_NOT_FOUND if it could not be started: then firmware goes on with the
 * next entry of its boot order.
 */
EFI_STATUS chain_start(const uint16_t *path);

#endif
