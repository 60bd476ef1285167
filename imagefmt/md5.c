/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * md5.c: RFC 1321. Used on one table of a few hundred bytes: nothing here is made to be fast.
 */
#include <thaw/md5.h>

#define ROUND_STEPS 16

/* floor(2^32 * abs(sin(i + 1))) */
static const uint32_t sines[4 * ROUND_STEPS] = {
	0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a,
	0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be,
	0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340,
	0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
	0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8,
	0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c,
	0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa,
	0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
	0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92,
	0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1,
	0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static const uint8_t turns[4][4] = {
	{7, 12, 17, 22},
	{5, 9, 14, 20},
	{4, 11, 16, 23},
	{6, 10, 15, 21},
};

/* Which word of the block step i of a round takes: first + i * by, modulo 16. */
static const struct {
	uint8_t first;
	uint8_t by;
} words[4] = {{0, 1}, {1, 5}, {5, 3}, {0, 7}};

static uint32_t mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
	switch (round) {
	case 0:
		return (b & c) | (~b & d);
	case 1:
		return (b & d) | (c & ~d);
	case 2:
		return b ^ c ^ d;
	default:
		return c ^ (b | ~d);
	}
}

static void take_block(uint32_t state[4], const uint8_t *block)
{
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
	unsigned i;

	for (i = 0; i < 4 * ROUND_STEPS; i++) {
		unsigned round = i / ROUND_STEPS;
		unsigned word = (words[round].first + i * words[round].by) % ROUND_STEPS;
		unsigned turn = turns[round][i % 4];
		uint32_t sum = a + mix(round, b, c, d) + sines[i] + thaw_le32(block + 4 * word);

		a = d;
		d = c;
		c = b;
		b += sum << turn | sum >> (32 - turn);
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
}

void thaw_md5_init(struct thaw_md5 *md5)
{
	*md5 = (struct thaw_md5){.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}};
}

void thaw_md5_update(struct thaw_md5 *md5, const void *data, size_t len)
{
	const uint8_t *from = data;

	for (; len; len--) {
		md5->block[md5->length++ % THAW_MD5_BLOCK] = *from++;
		if (md5->length % THAW_MD5_BLOCK == 0)
			take_block(md5->state, md5->block);
	}
}

/* One 1 bit, zeroes up to the last eight bytes of a block, and there the length in bits. */
void thaw_md5_final(struct thaw_md5 *md5, uint8_t ret[THAW_MD5_BYTES])
{
	static const uint8_t one = 0x80;
	static const uint8_t zero;
	uint64_t bits = md5->length * 8;

	thaw_md5_update(md5, &one, 1);
	while (md5->length % THAW_MD5_BLOCK != THAW_MD5_BLOCK - sizeof(bits))
		thaw_md5_update(md5, &zero, 1);
	thaw_md5_update(md5, &bits, sizeof(bits));
	__builtin_memcpy(ret, md5->state, THAW_MD5_BYTES);
}
