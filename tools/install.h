/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * install.h: thawctl install, update and uninstall.
 */
#ifndef THAW_TOOLS_INSTALL_H
#define THAW_TOOLS_INSTALL_H

int install_main(int argc, char **argv);
int update_main(int argc, char **argv);
int uninstall_main(int argc, char **argv);

#endif
