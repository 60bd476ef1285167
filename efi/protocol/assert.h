/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * assert.h: pins the layout of a structure that firmware reads or writes.
 */
#ifndef THAW_EFI_PROTOCOL_ASSERT_H
#define THAW_EFI_PROTOCOL_ASSERT_H

#include <stddef.h>

#define PROTOCOL_OFFSET(type, field, offset)                                                       \
	_Static_assert(offsetof(type, field) == (offset), "layout of " #type "." #field)

#define PROTOCOL_SIZE(type, size) _Static_assert(sizeof(type) == (size), "size of " #type)

#endif
