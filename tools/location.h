/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * location.h: systemd's note of where the machine hibernates to, where systemd leaves none.
 */
#ifndef THAW_TOOLS_LOCATION_H
#define THAW_TOOLS_LOCATION_H

#include <stdbool.h>
#include <stdint.h>

struct location {
	char *device; /* of the swap space, or of the file system with the swap file; NULL: unknown */
	uint64_t page;
};

/*
 * Where the kernel was told to look for an image (kernel/power/hibernate.c, resume_store()). The
 * device's name is to be free()d.
 */
struct location location_told(void);

/*
 * Writes HibernateLocation, unless there is one, for the swap space that the kernel is about to write
 * to. Where that is not known nothing is written. false: said why.
 */
bool location_note(void);

#endif
