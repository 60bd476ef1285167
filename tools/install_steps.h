/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * install_steps.h: what is to be done to put thaw into the boot, and to take it out again.
 *
 * The steps stand in an order in which a power cut after any of them does no harm: the program
 * comes before the entry that names it, and the entry before the order that starts it; the way back
 * goes the other way round. Nothing of anybody else's is written: no \EFI\BOOT, no other entry, and
 * of BootOrder thaw's own number alone.
 */
#ifndef THAW_TOOLS_INSTALL_STEPS_H
#define THAW_TOOLS_INSTALL_STEPS_H

#include "site.h"

struct job {
	struct site site;
	char *program; /* what is to be on the partition */
	size_t size;
	const char *source;
	bool is_update;
	bool made_efi, made_entry;
	char said[160]; /* what the step says of itself */
};

struct step {
	const char *name;
	/* Is there anything to do? Writes what into said. */
	bool (*wanted)(struct job *job);
	bool (*apply)(struct job *job); /* false: errno says why */
	void (*undo)(struct job *job);	/* after apply(), also one that failed; may be NULL */
};

#define INSTALL_STEPS_MAX 8

struct steps {
	const struct step *list;
	size_t count;
};

extern const struct steps install_forward, install_backward;

#endif
