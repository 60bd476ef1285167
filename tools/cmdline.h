/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * cmdline.h: the words of a kernel's command line, as Linux cuts them (lib/cmdline.c, next_arg, and
 * kernel/params.c, parse_args, 6.12): at white space outside of quotes, up to "--".
 */
#ifndef THAW_TOOLS_CMDLINE_H
#define THAW_TOOLS_CMDLINE_H

#include <stdbool.h>

/* Is the word there? One that ends with "=": is there any that begins so? */
bool cmdline_has(const char *line, const char *word);

/* Of what stands among the commas behind key, "intremap=": is "off" the last of "on" and "off"? */
bool cmdline_is_off(const char *line, const char *key);

#endif
