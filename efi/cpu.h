/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * cpu.h: what the processor can do, and its clock.
 */
#ifndef THAW_EFI_CPU_H
#define THAW_EFI_CPU_H

#include <thaw/platform.h>

void cpu_describe(struct thaw_cpu *ret);

/* Learns the speed of the clock; may take a millisecond. Before that, cpu_now_us is 0. */
void cpu_clock_init(void);

/* Microseconds since cpu_clock_start. Any processor's time stamp counter, monotonic on one. */
uint64_t cpu_now_us(void);

/* The zero of the clock is the first instruction of thaw. */
void cpu_clock_start(void);

/*
 * Is this processor set up to run SSE2, as compiled code expects? EFIAPI, for a function of EFIAPI
 * that calls another convention's saves SSE registers first.
 */
bool __attribute__((ms_abi)) cpu_runs_sse(void);

#endif
