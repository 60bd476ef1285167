/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * mp.h: the other processors as workers; see platform.h for the contracts.
 */
#ifndef THAW_EFI_MP_H
#define THAW_EFI_MP_H

#include <thaw/platform.h>

unsigned mp_workers_start(struct thaw_machine *m, unsigned limit,
			  void (*work)(void *arg, unsigned n), void *arg);
enum thaw_err mp_workers_join(struct thaw_machine *m);

#endif
