/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * plain.c: names that an image brings along, for a terminal, which would obey some of them.
 */
#include "thawctl.h"

#include <thaw/base.h>

void thawctl_plain(char *ret, const char *field, size_t size)
{
	size_t i;

	for (i = 0; i < size && field[i]; i++)
		ret[i] = thaw_printable(field[i]);
	ret[i] = 0;
}
