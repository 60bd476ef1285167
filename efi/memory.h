/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * memory.h: the firmware's memory: taking it, mapping it, giving it back, and leaving it for good.
 *
 * The functions of struct thaw_machine and struct thaw_memory; see platform.h for their contracts.
 */
#ifndef THAW_EFI_MEMORY_H
#define THAW_EFI_MEMORY_H

#include <thaw/platform.h>

/* Allocates the buffer for memory maps. To be called before anything else here. */
enum thaw_err memory_init(void);

void *memory_alloc(struct thaw_memory *memory, uint64_t bytes);
enum thaw_err memory_map(struct thaw_machine *m, struct thaw_memmap *map);
enum thaw_err memory_claim(struct thaw_machine *m, struct thaw_range frames);
void *memory_frame(struct thaw_machine *m, uint64_t frame);

/* From now on nothing is given back: somebody who does not answer may still use it. */
void memory_keep(void);
bool memory_is_kept(void);

/* Gives back whatever was taken, buffers cleared. */
void memory_release(void);

enum thaw_err memory_exit(struct thaw_machine *m, struct thaw_memmap *map,
			  enum thaw_err (*check)(void *arg, const struct thaw_memmap *map),
			  void *arg);

#endif
