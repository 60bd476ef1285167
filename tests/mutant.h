/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * mutant.h: disks with an image, or what is left of one, for fuzz targets.
 */
#ifndef THAW_TESTS_MUTANT_H
#define THAW_TESTS_MUTANT_H

#include <stddef.h>
#include <stdint.h>

#define MUTANT_PAGES 64 /* of a disk, at most */

/* For LLVMFuzzerCustomMutator: its contract. */
size_t mutant_of(uint8_t *data, size_t n, size_t max, unsigned seed);

#endif
