/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * location.h: systemd's note of where the machine hibernates to, where systemd leaves none.
 */
#ifndef THAW_TOOLS_LOCATION_H
#define THAW_TOOLS_LOCATION_H

#include <stdbool.h>

/*
 * Writes HibernateLocation, unless there is one, for the swap space that the kernel is about to write
 * to. Where that is not known nothing is written. false: said why.
 */
bool location_note(void);

#endif
