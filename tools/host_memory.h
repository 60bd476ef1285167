/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * host_memory.h: what an attempt allocates, and the physical memory it believes to have.
 *
 * Claimed ranges of frames are address space without memory behind it until something is written,
 * so the frames of any machine fit, and only what an image holds is paid for.
 */
#ifndef THAW_TOOLS_HOST_MEMORY_H
#define THAW_TOOLS_HOST_MEMORY_H

#include <thaw/platform.h>

struct host_block;

struct host_memory {
	struct thaw_memory seam;
	struct host_block *blocks;
	struct thaw_range *claims; /* sorted */
	uint8_t **bases;	   /* where each claim is seen */
	size_t claim_count;
};

void host_memory_init(struct host_memory *ret);

/* THAW_OK or THAW_MEMORY. Claims come in ascending order. */
enum thaw_err host_memory_claim(struct host_memory *memory, struct thaw_range frames);

/* Address of a claimed frame; NULL of any other. Any thread. */
void *host_memory_frame(const struct host_memory *memory, uint64_t frame);

void host_memory_free(struct host_memory *memory);

/* Bytes that programs can still get without the machine swapping; UINT64_MAX: not known. */
uint64_t host_memory_available(void);

#endif
