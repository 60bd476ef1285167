/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * sleep.h: thawctl sleep, what systemd calls before and after the machine sleeps.
 */
#ifndef THAW_TOOLS_SLEEP_H
#define THAW_TOOLS_SLEEP_H

int sleep_main(int argc, char **argv);

#endif
