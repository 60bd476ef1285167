/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * variable.h: one firmware variable, by libefivar; with an errno whatever it forgets to set.
 */
#ifndef THAW_TOOLS_VARIABLE_H
#define THAW_TOOLS_VARIABLE_H

#include <efivar.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* To be free()d. NULL: errno, ENOENT if there is none. */
uint8_t *variable_get(efi_guid_t guid, const char *name, size_t *ret_size);

/* Non-volatile, for boot services and at run time. false: errno. */
bool variable_set(efi_guid_t guid, const char *name, void *data, size_t size);

/* That there is none is no error. ret_was: whether there was one; may be NULL. false: errno. */
bool variable_delete(efi_guid_t guid, const char *name, bool *ret_was);

#endif
