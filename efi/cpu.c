/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * cpu.c: see cpu.h.
 *
 * The clock is the time stamp counter: reading it costs nothing, needs no firmware, and goes on
 * after ExitBootServices.
 */
#include "cpu.h"

#include <cpuid.h>

#include "firmware.h"

#define CR0_EM	   (1u << 2)
#define CR0_TS	   (1u << 3)
#define CR4_OSFXSR (1u << 9)
#define CR4_LA57   (1u << 12)

#define STALL_US    1000
#define STALL_TRIES 3

static uint64_t clock_zero;
static uint64_t clock_khz;

static uint64_t read_cr0(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr0, %0" : "=r"(v));
	return v;
}

static uint64_t read_cr4(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr4, %0" : "=r"(v));
	return v;
}

void cpu_describe(struct thaw_cpu *ret)
{
	unsigned a, b, c, d;

	/* Intel SDM 3A, 4.1.4: without leaf 80000008h, 36 bits. */
	*ret = (struct thaw_cpu){.phys_bits = 36};
	if (__get_cpuid(0x80000008, &a, &b, &c, &d))
		ret->phys_bits = (unsigned)thaw_min(a & 0xff, 52);
	if (__get_cpuid(0x80000001, &a, &b, &c, &d))
		ret->has_gib_pages = d >> 26 & 1;
	if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
		ret->has_la57 = c >> 16 & 1;
	if (__get_cpuid_count(7, 1, &a, &b, &c, &d))
		ret->has_lam = a >> 26 & 1;
	ret->runs_la57 = read_cr4() & CR4_LA57;
}

/* Intel SDM 3B, 19.7.3: the counter runs at crystal * EBX / EAX; ECX is the crystal, if known. */
static uint64_t khz_by_cpuid(void)
{
	unsigned a, b, c, d;

	if (!__get_cpuid(0x15, &a, &b, &c, &d) || !a || !b || !c)
		return 0;
	return (uint64_t)c * b / a / 1000;
}

/* Whatever holds us up makes a stall longer, never shorter: the shortest of some is the truest. */
static uint64_t khz_by_stall(void)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < STALL_TRIES; i++) {
		uint64_t begin = __builtin_ia32_rdtsc();

		fw.bs->Stall(STALL_US);
		least = thaw_min(least, __builtin_ia32_rdtsc() - begin);
	}
	return least / (STALL_US / 1000);
}

void cpu_clock_start(void)
{
	clock_zero = __builtin_ia32_rdtsc();
}

void cpu_clock_init(void)
{
	clock_khz = khz_by_cpuid();
	if (!clock_khz)
		clock_khz = khz_by_stall();
	if (!clock_khz)
		clock_khz = 1;
}

uint64_t cpu_now_us(void)
{
	return clock_khz ? (__builtin_ia32_rdtsc() - clock_zero) * 1000 / clock_khz : 0;
}

bool __attribute__((ms_abi)) cpu_runs_sse(void)
{
	return !(read_cr0() & (CR0_EM | CR0_TS)) && read_cr4() & CR4_OSFXSR;
}
