/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * checkpoint.c: stops a test build at a chosen instant, for power cuts and memory dumps.
 *
 * Speaks through port 0x402 (QEMU's isa-debugcon), which works with and without firmware.
 */
#include "checkpoint.h"

#ifdef THAW_TEST

#define DEBUG_PORT 0x402

static const char *const names[] = {
	[THAW_CHECKPOINT_ENTRY] = "entry",
	[THAW_CHECKPOINT_LOAD] = "load",
	[THAW_CHECKPOINT_COMMITTING] = "committing",
	[THAW_CHECKPOINT_WRITTEN] = "written",
	[THAW_CHECKPOINT_FLUSHED] = "flushed",
	[THAW_CHECKPOINT_EXITED] = "exited",
	[THAW_CHECKPOINT_JUMP] = "jump",
	[THAW_CHECKPOINT_WORKER] = "worker",
};

extern bool thaw_checkpoint_jump;

static const char *wanted;

/* Read by the hand-off: the last checkpoint lies in the trampoline, where no code of ours is left.
 */
bool thaw_checkpoint_jump;

static void put(char c)
{
	__asm__ volatile("outb %0, %1" : : "a"(c), "Nd"((uint16_t)DEBUG_PORT));
}

static bool equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

void checkpoint_configure(const char *name)
{
	wanted = name;
	thaw_checkpoint_jump = equal(name, names[THAW_CHECKPOINT_JUMP]);
}

static void say(const char *text)
{
	while (*text)
		put(*text++);
}

void checkpoint_reached(enum thaw_checkpoint at)
{
	if (!wanted || !equal(wanted, names[at]))
		return;
	say("CHECKPOINT ");
	say(names[at]);
	say("\n");
	for (;;)
		__asm__ volatile("cli; hlt");
}

void checkpoint_echo(const CHAR16 *text)
{
	for (; *text; text++) {
		if (*text != '\r')
			put((char)*text);
	}
}

#endif
