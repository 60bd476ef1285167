/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * crc32.c: CRC-32 by tables, by sums of words, by carry-less multiplication, and from parts.
 *
 * A register is a polynomial over GF(2) modulo P, written with the coefficient of x^31 in bit 0, so
 * 1 is 0x80000000 and P (less its x^32) is 0xedb88320. Appending a bit to the data multiplies the
 * register by x, appending n bytes multiplies it by x^(8n); and the register is linear in the data.
 * Everything below follows from that. The constants are powers of x modulo P; the tests compute
 * them again bit by bit.
 */
#include <thaw/base.h>
#include <thaw/crc32.h>

#define POLY 0xedb88320u
#define ONE 0x80000000u

/*
 * table[k][byte]: the byte's part of the register once it and k more bytes have passed. A byte is
 * the sum of its bits, so a row is spanned by eight values: x^(39+8k-b) for bit b, from b = 7 down.
 */
#define SPAN1(v, b0) (v), (v) ^ (b0)
#define SPAN2(v, b1, ...) SPAN1(v, __VA_ARGS__), SPAN1((v) ^ (b1), __VA_ARGS__)
#define SPAN3(v, b2, ...) SPAN2(v, __VA_ARGS__), SPAN2((v) ^ (b2), __VA_ARGS__)
#define SPAN4(v, b3, ...) SPAN3(v, __VA_ARGS__), SPAN3((v) ^ (b3), __VA_ARGS__)
#define SPAN5(v, b4, ...) SPAN4(v, __VA_ARGS__), SPAN4((v) ^ (b4), __VA_ARGS__)
#define SPAN6(v, b5, ...) SPAN5(v, __VA_ARGS__), SPAN5((v) ^ (b5), __VA_ARGS__)
#define SPAN7(v, b6, ...) SPAN6(v, __VA_ARGS__), SPAN6((v) ^ (b6), __VA_ARGS__)
#define SPAN8(v, b7, ...) SPAN7(v, __VA_ARGS__), SPAN7((v) ^ (b7), __VA_ARGS__)
#define ROW(...) { SPAN8(0u, __VA_ARGS__) }

static const uint32_t table[8][256] = {
	ROW(0xedb88320, 0x76dc4190, 0x3b6e20c8, 0x1db71064,
	    0x0edb8832, 0x076dc419, 0xee0e612c, 0x77073096),
	ROW(0x3b83984b, 0xf0794f05, 0x958424a2, 0x4ac21251,
	    0xc8d98a08, 0x646cc504, 0x32366282, 0x191b3141),
	ROW(0xe1351b80, 0x709a8dc0, 0x384d46e0, 0x1c26a370,
	    0x0e1351b8, 0x0709a8dc, 0x0384d46e, 0x01c26a37),
	ROW(0xed59b63b, 0x9b14583d, 0xa032af3e, 0x5019579f,
	    0xc5b428ef, 0x8f629757, 0xaa09c88b, 0xb8bc6765),
	ROW(0xb1e6b092, 0x58f35849, 0xc1c12f04, 0x60e09782,
	    0x30704bc1, 0xf580a6c0, 0x7ac05360, 0x3d6029b0),
	ROW(0x1eb014d8, 0x0f580a6c, 0x07ac0536, 0x03d6029b,
	    0xec53826d, 0x9b914216, 0x4dc8a10b, 0xcb5cd3a5),
	ROW(0x8816eaf2, 0x440b7579, 0xcfbd399c, 0x67de9cce,
	    0x33ef4e67, 0xf44f2413, 0x979f1129, 0xa6770bb4),
	ROW(0x533b85da, 0x299dc2ed, 0xf9766256, 0x7cbb312b,
	    0xd3e51bb5, 0x844a0efa, 0x4225077d, 0xccaa009e),
};

uint32_t thaw_crc32(uint32_t crc, const void *data, size_t n)
{
	const uint8_t *p = data;

	for (; n >= 8; n -= 8, p += 8) {
		uint64_t v = thaw_le64(p) ^ crc;

		crc = table[7][v & 255] ^ table[6][v >> 8 & 255] ^ table[5][v >> 16 & 255] ^
		      table[4][v >> 24 & 255] ^ table[3][v >> 32 & 255] ^
		      table[2][v >> 40 & 255] ^ table[1][v >> 48 & 255] ^ table[0][v >> 56];
	}
	for (; n; n--, p++)
		crc = crc >> 8 ^ table[0][(crc ^ *p) & 255];
	return crc;
}

/*
 * x^300 + x^155 + x^117 + x^89 + 1 is a multiple of P (the least of five terms), so a word may be
 * taken out of the data if it is added to what lies 145, 183, 211 and 300 bits behind it: the
 * register stays the same. All but the last five words are taken out so, without a table and with
 * one operand in memory for each: emulators pay for those.
 */
#define NEAR 5			  /* words that one is added to, itself included */
#define NEAR_MIN (2 * 8 * NEAR)	  /* less data is not worth it */

/* The word at p; *a0 is what is to be added to it, *a1 to the next, and so on. */
static inline void take_out(const uint8_t *p, uint64_t *a0, uint64_t *a2, uint64_t *a3,
			    uint64_t *a4)
{
	uint64_t v = thaw_le64(p) ^ *a0;

	*a2 ^= v << 17 ^ v << 55;
	*a3 ^= v >> 47 ^ v >> 9 ^ v << 19;
	*a4 ^= v >> 45 ^ v << 44;
	*a0 = v >> 20; /* from now on of the fifth */
	/* Each in a register of its own: packed into vectors they are slow, emulated very slow. */
	__asm__("" : "+r"(*a2), "+r"(*a3), "+r"(*a4));
}

/* n is at least NEAR_MIN. The register is a sum with the first four bytes. */
THAW_WITHIN_PAGE(1024) static uint32_t by_near_words(uint32_t crc, const uint8_t *p, size_t n)
{
	uint64_t a = crc, b = 0, c = 0, d = 0, e = 0;
	uint64_t last[NEAR];

	for (; n >= NEAR_MIN; n -= 8 * NEAR, p += 8 * NEAR) {
		take_out(p, &a, &c, &d, &e);
		take_out(p + 8, &b, &d, &e, &a);
		take_out(p + 16, &c, &e, &a, &b);
		take_out(p + 24, &d, &a, &b, &c);
		take_out(p + 32, &e, &b, &c, &d);
	}
	last[0] = thaw_le64(p) ^ a;
	last[1] = thaw_le64(p + 8) ^ b;
	last[2] = thaw_le64(p + 16) ^ c;
	last[3] = thaw_le64(p + 24) ^ d;
	last[4] = thaw_le64(p + 32) ^ e;
	return thaw_crc32(thaw_crc32(0, last, sizeof(last)), p + sizeof(last), n - sizeof(last));
}

static uint32_t times_x(uint32_t a)
{
	return a >> 1 ^ ((a & 1) ? POLY : 0);
}

static uint32_t times(uint32_t a, uint32_t b)
{
	uint32_t sum = 0;

	for (; b; b <<= 1, a = times_x(a))
		sum ^= (b & ONE) ? a : 0;
	return sum;
}

uint32_t thaw_crc32_combine(uint32_t crc_a, uint32_t crc_b, uint64_t len_b)
{
	/* x^(2^k). P is primitive: x^(2^32 - 1) is 1, so from k = 32 on they come round again. */
	static const uint32_t square[32] = {
		0x40000000, 0x20000000, 0x08000000, 0x00800000, 0x00008000, 0xedb88320,
		0xb1e6b092, 0xa06a2517, 0xed627dae, 0x88d14467, 0xd7bbfe6a, 0xec447f11,
		0x8e7ea170, 0x6427800e, 0x4d47bae0, 0x09fe548f, 0x83852d0f, 0x30362f1a,
		0x7b5a9cc3, 0x31fec169, 0x9fec022a, 0x6c8dedc4, 0x15d6874d, 0x5fde7a4e,
		0xbad90e37, 0x2e4e5eef, 0x4eaba214, 0xa8a472c0, 0x429a969e, 0x148d302a,
		0xc40ba6d0, 0xc4e22c3c,
	};

	for (unsigned k = 3; len_b; len_b >>= 1, k++)
		if (len_b & 1)
			crc_a = times(crc_a, square[k % 32]);
	return crc_a ^ crc_b;
}

#ifdef __x86_64__

#include <cpuid.h>

/* gcc's intrinsics headers want a hosted compiler; the builtins below are gcc's and clang's. */
typedef long long v2di __attribute__((vector_size(16)));

#define CLMUL_MIN 64
#define CLMUL __attribute__((target("pclmul")))

static v2di load(const uint8_t *p)
{
	v2di v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

/*
 * Moves 16 bytes of data up by a distance: a times x^D, as 16 bytes that are congruent modulo P.
 * The first eight bytes of a stand 64 places higher than the others, so each half has a factor of
 * its own: x^(D+63) and x^(D-1), one place less than expected because the product of two reflected
 * numbers comes out one place too high.
 */
CLMUL static v2di fold(v2di a, v2di factors)
{
	return __builtin_ia32_pclmulqdq128(a, factors, 0x00) ^
	       __builtin_ia32_pclmulqdq128(a, factors, 0x11);
}

/* Four side by side, each 64 bytes of data apart. */
struct sums {
	v2di v[4];
};

CLMUL static inline void fold_line(struct sums *s, const uint8_t *p)
{
	const v2di by64 = { 0x653d982200000000, (long long)0xcad38e8f00000000 };

#pragma GCC unroll 4
	for (unsigned k = 0; k < 4; k++)
		s->v[k] = fold(s->v[k], by64) ^ load(p + 16 * k);
}

/* The register after n more bytes. */
CLMUL static uint32_t fold_rest(struct sums s, const uint8_t *p, size_t n)
{
	const v2di by16 = { 0x65673b4600000000, (long long)0x9ba54c6f00000000 };
	uint8_t last[16];
	v2di v;

	for (; n >= 64; p += 64, n -= 64)
		fold_line(&s, p);
	v = s.v[3] ^ fold(s.v[2] ^ fold(s.v[1] ^ fold(s.v[0], by16), by16), by16);
	for (; n >= 16; p += 16, n -= 16)
		v = fold(v, by16) ^ load(p);
	__builtin_memcpy(last, &v, sizeof(last));
	return thaw_crc32(thaw_crc32(0, last, sizeof(last)), p, n);
}

/* n is at least CLMUL_MIN. */
CLMUL static uint32_t by_clmul(uint32_t crc, const uint8_t *p, size_t n)
{
	struct sums s = {{ load(p) ^ (v2di){ crc, 0 }, load(p + 16), load(p + 32), load(p + 48) }};

	return fold_rest(s, p + 64, n - 64);
}

/*
 * The multiple of five terms again, squared seven times: over GF(2) that makes every exponent 128
 * times as large, so it holds for vectors of 128 bits, 145, 183, 211 and 300 vectors apart. They go
 * in groups. A ring holds what was taken out last, and once more behind its end its first group, so
 * that a group may be read from anywhere.
 */
#define FAR   300
#define GROUP 8 /* as in the pragma: gcc -O2 unrolls nothing by itself */
#define RING  512
#define TAIL  304 /* whole groups, FAR or more: nothing is taken out of these */

_Static_assert(TAIL % GROUP == 0 && TAIL >= FAR, "vectors taken out reach behind the tail");
_Static_assert(RING % GROUP == 0 && RING >= FAR + 2 * GROUP, "a group overwrites what it needs");

/* Of the vector that many before i: where in the ring it lies. */
#define BEHIND(i, distance) (((i) - (distance)) % RING)

/* The group from i on, which is the data at p, and all that was taken out and added to it. */
static inline void sum_group(v2di *to, const v2di *ring, size_t i, const uint8_t *p)
{
	const v2di *f0 = ring + BEHIND(i, 145), *f1 = ring + BEHIND(i, 183);
	const v2di *f2 = ring + BEHIND(i, 211), *f3 = ring + BEHIND(i, FAR);

#pragma GCC unroll 8
	for (size_t k = 0; k < GROUP; k++)
		to[k] = load(p + 16 * k) ^ f0[k] ^ f1[k] ^ f2[k] ^ f3[k];
}

static inline void repeat_first(v2di *ring, size_t i)
{
	if (i % RING == 0)
		__builtin_memcpy(ring + RING, ring, GROUP * sizeof(*ring));
}

/*
 * The data in two parts: of the first all but the tail is taken out, two thirds of the whole, while
 * the second is multiplied, a line for each group. So the processor adds while its multiplier, the
 * slower of the two, is busy. The second part is whole pages where the whole is, which leaves few
 * products to thaw_crc32_combine(). n is at least BOTH_MIN.
 */
#define BOTH_MIN (2 * 16 * TAIL)

CLMUL static uint32_t by_both(uint32_t crc, const uint8_t *p, size_t n)
{
	v2di ring[RING + GROUP] = { 0 }, group[GROUP];
	struct sums first = { 0 }, second = { 0 };
	size_t third = ((n - 16 * TAIL) / 3 + 4095) / 4096 * 4096;
	size_t out = (n - 16 * TAIL - third) / 16 / GROUP * GROUP;
	const uint8_t *q = p + 16 * (out + TAIL), *end = p + n;
	size_t rest = (size_t)(end - q);
	size_t i = RING; /* so that no position behind is negative */

	/* The register is a sum with the first four bytes: as if FAR before had held it. */
	ring[RING - FAR][0] = crc;
	for (; i < RING + out; i += GROUP, p += 16 * GROUP, q += 64) {
		sum_group(ring + i % RING, ring, i, p);
		repeat_first(ring, i);
		fold_line(&second, q);
	}
	for (; i < RING + out + TAIL; i += GROUP, p += 16 * GROUP) {
		sum_group(group, ring, i, p);
		fold_line(&first, (const uint8_t *)group);
		fold_line(&first, (const uint8_t *)(group + 4));
		__builtin_memset(ring + i % RING, 0, sizeof(group));
		repeat_first(ring, i);
	}
	return thaw_crc32_combine(fold_rest(first, p, 0),
				  fold_rest(second, q, (size_t)(end - q)), rest);
}

uint32_t thaw_crc32_by(enum thaw_crc32_method method, uint32_t crc, const void *p, size_t n)
{
	if (method == THAW_CRC32_BOTH && n >= BOTH_MIN)
		return by_both(crc, p, n);
	if (method != THAW_CRC32_PLAIN && n >= CLMUL_MIN)
		return by_clmul(crc, p, n);
	return n >= NEAR_MIN ? by_near_words(crc, p, n) : thaw_crc32(crc, p, n);
}

static bool have_clmul(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_PCLMUL);
}

static uint64_t time_stamp(void)
{
	return __builtin_ia32_rdtsc();
}

#define SHORT_BYTES ((size_t)16 << 10)
#define BLOCK_BYTES ((size_t)128 << 10)

/* The best of some rounds; the first ones also warm the caches. The data does not matter. */
static uint64_t measure(enum thaw_crc32_method method, uint64_t (*ticks)(void), size_t bytes,
			uint32_t *ret_crc)
{
	static uint8_t data[BLOCK_BYTES];
	uint64_t best = UINT64_MAX;

	for (unsigned round = 0; round < 3; round++) {
		uint64_t begin = ticks();

		*ret_crc = thaw_crc32_by(method, 1, data, bytes);
		best = thaw_min(best, ticks() - begin);
	}
	return best;
}

/* Faster on so many bytes than another method, and with the same result. */
static bool is_better(enum thaw_crc32_method method, enum thaw_crc32_method than,
		      uint64_t (*ticks)(void), size_t bytes)
{
	uint32_t crc, expected;
	uint64_t time = measure(than, ticks, bytes, &expected);

	return measure(method, ticks, bytes, &crc) < time && crc == expected;
}

/* Little data for the first question: an emulator takes long over it. */
enum thaw_crc32_method thaw_crc32_choose(uint64_t (*ticks)(void))
{
	if (!ticks)
		ticks = time_stamp;
	if (!have_clmul() || !is_better(THAW_CRC32_CLMUL, THAW_CRC32_PLAIN, ticks, SHORT_BYTES))
		return THAW_CRC32_PLAIN;
	if (!is_better(THAW_CRC32_BOTH, THAW_CRC32_CLMUL, ticks, BLOCK_BYTES))
		return THAW_CRC32_CLMUL;
	return THAW_CRC32_BOTH;
}

#else

uint32_t thaw_crc32_by(enum thaw_crc32_method method, uint32_t crc, const void *p, size_t n)
{
	(void)method;
	return n >= NEAR_MIN ? by_near_words(crc, p, n) : thaw_crc32(crc, p, n);
}

enum thaw_crc32_method thaw_crc32_choose(uint64_t (*ticks)(void))
{
	(void)ticks;
	return THAW_CRC32_PLAIN;
}

#endif
