/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * payload.c: all that a made-up machine has to do: it is entered as Linux's restore_registers is,
 * looks at every frame it is said to have, tells over the serial port what it found, and turns
 * itself off. A flat binary, linked at MADE_UP_VA; nothing but ports and its own memory.
 */
#include "made_up.h"

#define SERIAL	   0x3f8
#define POWER	   0x604 /* PM1a_CNT of QEMU's q35, as OVMF sets it up */
#define POWER_DOWN 0x2000

#define TEXT(x) #x
#define NUMBER(x) TEXT(x)

/* The contract begins with this instruction, and r8 and r9. The flags and CS are as they came. */
__asm__(".section .entry, \"ax\"\n"
	"	mov %r9, %cr3\n"
	"	jmp 1f\n"
	"	.balign " NUMBER(MADE_UP_FACTS) "\n"
	"facts:	.fill 24, 1, 0\n"
	"1:	mov $(" NUMBER(MADE_UP_VA) " + " NUMBER(MADE_UP_STACK) "), %rsp\n"
	"	mov %r8, %rdi\n"
	"	mov %r9, %rsi\n"
	"	pushfq\n"
	"	pop %rdx\n"
	"	mov %cs, %ecx\n"
	"	call payload\n"
	"2:	hlt\n"
	"	jmp 2b\n");

extern const struct made_up facts;

static void out8(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static uint8_t in8(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static void put(const char *text)
{
	for (; *text; text++) {
		while (!(in8(SERIAL + 5) & 0x20))
			;
		out8(SERIAL, (uint8_t)*text);
	}
}

static void put_number(const char *name, uint64_t v)
{
	char text[21];
	char *p = text + sizeof(text) - 1;

	*p = 0;
	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	put(" ");
	put(name);
	put(" ");
	put(p);
}

static uint64_t expected(const struct made_up_run *run, uint64_t frame, unsigned i)
{
	if (run->kind == MADE_UP_DATA)
		return made_up_word(frame, i);
	return run->kind == MADE_UP_FILL ? made_up_fill(run->first) : 0;
}

static int is_right(const struct made_up_run *run, uint64_t frame)
{
	const uint64_t *word = (const uint64_t *)(frame << 12);

	for (unsigned i = 0; i < 512; i++) {
		if (word[i] != expected(run, frame, i))
			return 0;
	}
	return 1;
}

__attribute__((used)) static void payload(uint64_t r8, uint64_t r9, uint64_t flags, uint64_t cs)
{
	const struct made_up_run *run = (const void *)(MADE_UP_VA + MADE_UP_RUNS);
	uint64_t frames = 0;
	uint64_t wrong = 0;
	uint64_t first = 0;

	put("\r\nMADE UP entered:");
	put_number("cs", cs);
	put_number("interrupts", flags >> 9 & 1);
	put_number("registers", r8 == facts.jump_va && r9 == facts.root_pa);
	for (uint64_t i = 0; i < facts.run_count; i++, run++) {
		for (uint64_t f = run->first; f < run->first + run->count; f++, frames++) {
			if (is_right(run, f))
				continue;
			if (!wrong++)
				first = f;
		}
	}
	put("\r\nMADE UP found:");
	put_number("runs", facts.run_count);
	put_number("frames", frames);
	put_number("wrong", wrong);
	put_number("first", first);
	put("\r\n");
	__asm__ volatile("outw %0, %1" : : "a"((uint16_t)POWER_DOWN), "Nd"((uint16_t)POWER));
}
