/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * mem.c: the four functions that gcc calls without being asked.
 *
 * 16-byte loads and stores: byte loops are slow everywhere, and "rep movsb" is a byte loop under
 * emulation. UEFI 2.10, 2.3.4 guarantees SSE state on x86-64. To be compiled with
 * -fno-tree-loop-distribute-patterns, else gcc turns these loops into calls of themselves.
 */
#include <thaw/base.h>

#define STEP 64

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* gcc's <emmintrin.h> wants a C library. Unaligned, and of any type. */
struct block {
	uint8_t bytes __attribute__((vector_size(16)));
} __attribute__((packed, aligned(1), may_alias));

static struct block load(const uint8_t *p)
{
	return *(const struct block *)p;
}

static void store(uint8_t *p, struct block v)
{
	*(struct block *)p = v;
}

/* All loads of a step come before its stores: what memmove needs where a step overlaps itself. */
static void copy_step(uint8_t *to, const uint8_t *from)
{
	struct block v0 = load(from);
	struct block v1 = load(from + 16);
	struct block v2 = load(from + 32);
	struct block v3 = load(from + 48);

	store(to, v0);
	store(to + 16, v1);
	store(to + 32, v2);
	store(to + 48, v3);
}

THAW_WITHIN_PAGE(256) static void copy_up(uint8_t *to, const uint8_t *from, size_t n)
{
	for (; n >= STEP; n -= STEP, to += STEP, from += STEP)
		copy_step(to, from);
	for (; n >= 16; n -= 16, to += 16, from += 16)
		store(to, load(from));
	while (n--)
		*to++ = *from++;
}

static void copy_down(uint8_t *to, const uint8_t *from, size_t n)
{
	for (; n >= STEP; n -= STEP)
		copy_step(to + n - STEP, from + n - STEP);
	while (n--)
		to[n] = from[n];
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	copy_up(to, from, n);
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	if ((uintptr_t)to - (uintptr_t)from >= n)
		copy_up(to, from, n);
	else
		copy_down(to, from, n);
	return to;
}

THAW_WITHIN_PAGE(256) void *memset(void *to, int value, size_t n)
{
	uint8_t *p = to;
	struct block v;

	v.bytes = (typeof(v.bytes)){} + (uint8_t)value;

	for (; n >= STEP; n -= STEP, p += STEP) {
		store(p, v);
		store(p + 16, v);
		store(p + 32, v);
		store(p + 48, v);
	}
	for (; n >= 16; n -= 16, p += 16)
		store(p, v);
	while (n--)
		*p++ = (uint8_t)value;
	return to;
}

static bool equal8(const uint8_t *x, const uint8_t *y)
{
	return thaw_le64(x) == thaw_le64(y);
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a;
	const uint8_t *y = b;

	for (; n >= 16 && equal8(x, y) && equal8(x + 8, y + 8); n -= 16, x += 16, y += 16)
		;
	for (; n; n--, x++, y++) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}
