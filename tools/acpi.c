/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * acpi.c: see acpi.h. ACPI 6.5, 5.2.9 (FADT) and 4.8.3.2.1 (PM1 control registers).
 */
#include "acpi.h"

#include "file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <thaw/base.h>
#include <unistd.h>

enum { SMI_CMD = 48, PM1A_CNT_BLK = 64, FLAGS = 112, FADT_LEAST = 116 };

#define HW_REDUCED_ACPI (1u << 20)
#define SCI_EN		1u

/* The port of the first control register; 0 where ACPI cannot be off, or the port is not known. */
static uint32_t control_port(const char *root)
{
	char path[PATH_MAX];
	size_t size = 0;
	uint32_t port = 0;
	char *fadt;

	snprintf(path, sizeof(path), "%s/sys/firmware/acpi/tables/FACP", root);
	fadt = file_read(path, &size);
	if (fadt && size >= FADT_LEAST && thaw_le32(fadt + SMI_CMD) &&
	    !(thaw_le32(fadt + FLAGS) & HW_REDUCED_ACPI))
		port = thaw_le32(fadt + PM1A_CNT_BLK);
	free(fadt);
	return port;
}

bool acpi_is_off(const char *root)
{
	uint32_t port = control_port(root);
	uint8_t control = SCI_EN;
	char path[PATH_MAX];
	int fd;

	if (!port)
		return false;
	snprintf(path, sizeof(path), "%s/dev/port", root);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, &control, 1, port) != 1)
		control = SCI_EN;
	if (fd >= 0)
		close(fd);
	return !(control & SCI_EN);
}
