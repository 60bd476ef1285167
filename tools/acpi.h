/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * acpi.h: did the machine come back with ACPI switched off?
 */
#ifndef THAW_TOOLS_ACPI_H
#define THAW_TOOLS_ACPI_H

#include <stdbool.h>

/* How to keep it from happening again. */
#define ACPI_HINT                                                                                  \
	"Hibernate in mode platform (systemd: HibernateMode=platform). Until the next boot this "   \
	"machine is switched off by its own commands only."

/*
 * Firmware left ACPI's events off (SCI_EN is 0), and this kernel did not turn them on again: no power
 * button, lid or battery is heard. Where that cannot be found out (no FADT below root, no /dev/port,
 * lockdown): false.
 */
bool acpi_is_off(const char *root);

#endif
