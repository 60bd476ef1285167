/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * sbat.c: the generation of thaw, by which shim revokes old versions (SBAT.md in shim's source).
 * The number after "thaw" grows by one with every fix of a hole in Secure Boot, and never else.
 */
#ifndef THAW_VERSION
#define THAW_VERSION "0"
#endif

static const char sbat[] __attribute__((used, section(".sbat"))) =
	"sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
	"thaw,1,thaw,thaw," THAW_VERSION ",-\n";
