/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_mangle.c: one corruption a line, and the reason it must be refused with.
 *
 * A row spoils the picture before it is stored, or the disk afterwards; the image is then opened
 * and loaded as on a real machine. Names like T4 are those of the list of faults.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "scene.h"

#define PAGE 4096

enum at {
	HW_SIG = 4056,
	CRC = 4060,
	IMAGE = 4064,
	FLAGS = 4072,
	ORIG_SIG = 4076,
	SIG = 4086,
	NEXT = 4088,
};

static uint8_t *header(struct scene *c)
{
	return synth_page(&c->picture, c->options.header_page);
}

static uint8_t *map(struct scene *c, size_t n)
{
	return synth_page(&c->picture, c->picture.map_page[n]);
}

static uint8_t *info(struct scene *c)
{
	return synth_page(&c->picture, c->picture.info_page);
}

/* First page of the n-th chunk. */
static uint8_t *chunk(struct scene *c, size_t n)
{
	return synth_page(&c->picture, c->picture.stored_page[c->picture.chunk_page[n]]);
}

static void finish(struct scene *c)
{
	sim_insert(&c->sim, &c->picture);
	sim_background(&c->sim, c->options.background);
}

/* --- rows --------------------------------------------------------------------------------- */

struct row {
	const char *what;
	enum thaw_err want;
	enum thaw_codec codec;
	void (*draw)(struct scene *c); /* before the picture is stored */
	void (*spoil)(struct scene *c);
};

#define SPOIL(name, code)                                                                          \
	static void name(struct scene *c)                                                          \
	{                                                                                          \
		struct synth *s = &c->picture;                                                     \
		uint64_t pages = s->disk_pages;                                                    \
		(void)pages;                                                                       \
		code;                                                                              \
	}

/* header: T1, T3, T19 */
SPOIL(no_sig, memset(header(c) + SIG, 0, 10))
SPOIL(sig_no_nul, header(c)[SIG + 9] = 'X')
SPOIL(sig_ul, memcpy(header(c) + SIG, "ULSUSPEND", 10))
SPOIL(sig_s2, memcpy(header(c) + SIG, "S2SUSPEND", 10))
SPOIL(sig_linhib, memcpy(header(c) + SIG, "LINHIB0001", 10))
SPOIL(sig_tuxonice, memcpy(header(c) + SIG, "\xed\xc3\x02\xe9\x98\x56\xe5\x0c\0\0", 10))
SPOIL(sig_swap, memcpy(header(c) + SIG, "SWAPSPACE2", 10))
SPOIL(orig_none, memset(header(c) + ORIG_SIG, 0, 10))
SPOIL(orig_self, memcpy(header(c) + ORIG_SIG, "S1SUSPEND", 10))
SPOIL(orig_almost, header(c)[ORIG_SIG + 9] = '3')
SPOIL(orig_old, memcpy(header(c) + ORIG_SIG, "SWAP-SPACE", 10))
SPOIL(swap_version_2, synth_put32(header(c) + 1024, 2))
SPOIL(swap_luks, memset(header(c) + 512, 0, 1024))
SPOIL(flags_32, synth_put32(header(c) + FLAGS, 4 | 32))
SPOIL(flags_top, synth_put32(header(c) + FLAGS, 4 | 1u << 31))
SPOIL(flags_none, synth_put32(header(c) + FLAGS, 0))
SPOIL(flags_crc_raw, synth_put32(header(c) + FLAGS, 6))
SPOIL(flags_raw_lz4, synth_put32(header(c) + FLAGS, 18))
SPOIL(flags_other_codec, synth_put32(header(c) + FLAGS, 20))
SPOIL(flags_says_raw, synth_put32(header(c) + FLAGS, 2))
SPOIL(flags_platform, synth_put32(header(c) + FLAGS, 4 | 1))
SPOIL(flags_hw_sig, synth_put32(header(c) + FLAGS, 4 | 8))
SPOIL(image_0, synth_put64(header(c) + IMAGE, 0))
SPOIL(image_end, synth_put64(header(c) + IMAGE, pages))
SPOIL(image_huge, synth_put64(header(c) + IMAGE, UINT64_MAX))
SPOIL(image_wraps, synth_put64(header(c) + IMAGE, UINT64_C(1) << 52 | s->map_page[0]))
SPOIL(image_garbage, synth_put64(header(c) + IMAGE, pages - 1))
SPOIL(image_data, synth_put64(header(c) + IMAGE, s->stored_page[0]))
SPOIL(crc_off, header(c)[CRC] ^= 1)

/* map: T4 to T7 */
SPOIL(map_self, synth_put64(map(c, 0) + NEXT, s->map_page[0]))
SPOIL(map_end, synth_put64(map(c, 0) + NEXT, pages))
SPOIL(map_more, synth_put64(map(c, 0) + NEXT, pages - 1))
SPOIL(map_huge, synth_put64(map(c, 0) + 8, UINT64_MAX))
SPOIL(map_last, synth_put64(map(c, 0) + 8, pages))
SPOIL(map_header, synth_put64(map(c, 0) + 8, c->options.header_page))
SPOIL(map_wraps, synth_put64(map(c, 0) + 8, UINT64_C(1) << 52 | s->stored_page[0]))
SPOIL(map_zero_early, synth_put64(map(c, 0) + 8 * s->stored_pages, 0))
SPOIL(map_hole, synth_put64(map(c, 0) + 16, 0))
SPOIL(map_all_gone, memset(map(c, 0) + 8, 0, 8 * s->stored_pages))
SPOIL(map_no_info, synth_put64(map(c, 0), 0))
SPOIL(map_info_end, synth_put64(map(c, 0), pages))
SPOIL(map_info_is_map, synth_put64(map(c, 0), s->map_page[0]))
SPOIL(map_info_twice, synth_put64(map(c, 0) + 8, s->info_page))
SPOIL(map_map_twice, synth_put64(map(c, 0) + 8, s->map_page[0]))
SPOIL(map_data_twice, synth_put64(map(c, 0) + 16, s->stored_page[0]))
SPOIL(map_one_more, synth_put64(map(c, 0) + 8 * (s->stored_pages + 1), pages - 1))
SPOIL(map_swapped, {
	synth_put64(map(c, 0) + 8, s->stored_page[1]);
	synth_put64(map(c, 0) + 16, s->stored_page[0]);
})

/* info: T3, T8, T16, T20 */
/* Linux 4.10 to 5.12 */
static void make_md5(struct scene *c)
{
	synth_put64(info(c) + 24, UINT64_C(0x23456789ABCDEF01));
	sim_md5(c->sim.ranges, c->sim.range_count, info(c) + 32);
}
SPOIL(md5_right, make_md5(c))
SPOIL(md5_off, {
	make_md5(c);
	info(c)[47] ^= 1;
})
SPOIL(md5_not_computed, {
	make_md5(c);
	memset(info(c) + 32, 0, THAW_MD5_BYTES);
})
SPOIL(md5_was_crc, synth_put64(info(c) + 24, UINT64_C(0x23456789ABCDEF01)))
SPOIL(magic_03, synth_put64(info(c) + 24, UINT64_C(0x23456789ABCDEF03)))
SPOIL(magic_49, synth_put64(info(c) + 24, UINT64_C(0x123456789ABCDEF0)))
SPOIL(magic_48, synth_put64(info(c) + 24, UINT64_C(0x0123456789ABCDEF)))
SPOIL(magic_32, synth_put64(info(c) + 24, 0x12345679))
SPOIL(magic_0, synth_put64(info(c) + 24, 0))
SPOIL(info_zero, memset(info(c), 0, PAGE))
SPOIL(info_ones, memset(info(c), 255, PAGE))
SPOIL(pages_0, synth_put64(info(c) + 424, 0))
SPOIL(pages_less, synth_put64(info(c) + 424, s->data_count))
SPOIL(pages_no_meta, synth_put64(info(c) + 424, s->data_count + 1))
SPOIL(pages_max, synth_put64(info(c) + 424, UINT64_MAX))
SPOIL(pages_more, synth_put64(info(c) + 424, s->data_count + s->meta_pages + 2))
SPOIL(image_pages_0, synth_put64(info(c) + 416, 0))
SPOIL(image_pages_max, synth_put64(info(c) + 416, UINT64_MAX))
SPOIL(image_pages_wrap, synth_put64(info(c) + 416, UINT64_MAX - 1))
SPOIL(image_pages_less, synth_put64(info(c) + 416, s->data_count - 1))
SPOIL(image_pages_more, {
	synth_put64(info(c) + 416, s->data_count + 1);
	synth_put64(info(c) + 424, s->data_count + s->meta_pages + 2);
	synth_put64(info(c) + 432, (s->data_count + s->meta_pages + 2) * PAGE);
})
SPOIL(both_less, {
	synth_put64(info(c) + 416, s->data_count - 1);
	synth_put64(info(c) + 424, s->data_count + s->meta_pages);
	synth_put64(info(c) + 432, (s->data_count + s->meta_pages) * PAGE);
})
SPOIL(meta_more, {
	synth_put64(info(c) + 424, s->data_count + s->meta_pages + 2);
	synth_put64(info(c) + 432, (s->data_count + s->meta_pages + 2) * PAGE);
})
SPOIL(pages_many, {
	synth_put64(info(c) + 424, UINT64_C(1) << 40);
	synth_put64(info(c) + 432, UINT64_C(1) << 52);
})
SPOIL(size_less, synth_put64(info(c) + 432, 1))
SPOIL(digest_off, info(c)[32] ^= 1)
SPOIL(digest_wide, info(c)[36] = 1)
SPOIL(cr3_0, synth_put64(info(c) + 16, 0))
SPOIL(cr3_pcid, synth_put64(info(c) + 16, s->root_pa + 1))
SPOIL(cr3_beyond, synth_put64(info(c) + 16, UINT64_C(1) << 50))
SPOIL(cr3_c_bit, synth_put64(info(c) + 16, s->root_pa | UINT64_C(1) << 47))
SPOIL(cr3_no_frame, synth_put64(info(c) + 16, 0x300000))
SPOIL(cr3_other_page, synth_put64(info(c) + 16, s->jump_pa))
SPOIL(va_low_half, synth_put64(info(c), s->jump_va & ~(UINT64_MAX << 47)))
SPOIL(va_not_canonical, synth_put64(info(c), s->jump_va & ~(UINT64_C(1) << 60)))
SPOIL(va_next_page, synth_put64(info(c), s->jump_va + PAGE))
SPOIL(va_next_byte, synth_put64(info(c), s->jump_va + 1))
SPOIL(pa_next_byte, synth_put64(info(c) + 8, s->jump_pa + 1))
SPOIL(both_next_byte, {
	synth_put64(info(c), s->jump_va + 1);
	synth_put64(info(c) + 8, s->jump_pa + 1);
})
SPOIL(both_page_end, {
	synth_put64(info(c), s->jump_va + 4094);
	synth_put64(info(c) + 8, s->jump_pa + 4094);
})
SPOIL(both_no_frame, {
	synth_put64(info(c), s->jump_va + (3 << 12));
	synth_put64(info(c) + 8, s->jump_pa + (3 << 12));
})
SPOIL(num_physpages, synth_put64(info(c) + 400, UINT64_MAX))
SPOIL(version_code, synth_put32(info(c) + 392, UINT32_MAX))

/* PFN list, with a right checksum: T9, T10 */
SPOIL(list_twice, s->list[1] = s->list[0])
SPOIL(list_back, s->list[3] = s->list[1])
SPOIL(list_swap, {
	uint64_t t = s->list[5];
	s->list[5] = s->list[6];
	s->list[6] = t;
})
SPOIL(list_far, s->list[s->frame_count - 1] = UINT64_C(1) << 40)
SPOIL(list_bit_62, s->list[s->frame_count - 1] |= UINT64_C(1) << 62)
SPOIL(list_zero_twice, s->list[1] = s->list[0] | UINT64_C(1) << 63)
SPOIL(list_one_less, s->list[s->frame_count - 1] = UINT64_MAX)
SPOIL(list_early_end, s->list[4] = UINT64_MAX)
SPOIL(list_no_end, s->list[s->frame_count] = 0)
SPOIL(list_one_more, {
	s->list[s->frame_count] = 0x100020;
	s->list[s->frame_count + 1] = UINT64_MAX;
})
SPOIL(list_after_end, s->list[s->frame_count + 1] = 1)
SPOIL(list_end_twice, s->list[s->frame_count + 1] = UINT64_MAX)
SPOIL(list_garbage_page, memset(s->list, 0x5a, PAGE))
SPOIL(list_zeroes, memset(s->list, 0, PAGE))
/* A page of the list too many, and of everything that counts it. */
SPOIL(list_page_more, {
	s->list = realloc(s->list, 2 * PAGE);
	memset(s->list + 512, 0, PAGE);
	s->meta_pages++;
	synth_put64(s->info + 424, s->data_count + s->meta_pages + 1);
	synth_put64(s->info + 432, (s->data_count + s->meta_pages + 1) * PAGE);
})
SPOIL(list_became_zero, s->list[0] |= UINT64_C(1) << 63)
SPOIL(list_became_data, s->list[4] &= ~(UINT64_C(1) << 63))

/* chunks: T2, T13, T14, T15 */
SPOIL(length_0, synth_put64(chunk(c, 1), 0))
SPOIL(length_max, synth_put64(chunk(c, 1), UINT64_MAX))
SPOIL(length_worst, synth_put64(chunk(c, 1), 131072 + 131072 / 16 + 64 + 3 + 2))
SPOIL(length_too_long, synth_put64(chunk(c, 1), 131072 + 131072 / 16 + 64 + 3 + 2 + 1))
SPOIL(length_less, synth_put64(chunk(c, 1), thaw_le64(chunk(c, 1)) - 1))
SPOIL(length_more, synth_put64(chunk(c, 1), thaw_le64(chunk(c, 1)) + 1))
SPOIL(length_1, synth_put64(chunk(c, 0), 1))
SPOIL(length_0_first, synth_put64(chunk(c, 0), 0))
SPOIL(chunk_stale, memset(chunk(c, 1), 0, PAGE))
SPOIL(chunk_noise, memset(chunk(c, 1) + 8, 0xa7, PAGE - 8))
SPOIL(padding, {
	uint64_t length = thaw_le64(chunk(c, s->chunk_count - 1)) + 8;
	uint64_t end = length % PAGE;
	uint8_t *last = synth_page(s, s->stored_page[s->stored_pages - 1]);

	memset(last + end, 0xff, PAGE - end);
})

/* picture: T16, T17 */
static struct synth_frame *frame_of(struct scene *c, uint64_t pa)
{
	return (struct synth_frame *)synth_find(&c->picture, pa >> 12);
}
SPOIL(code_gone, memset(frame_of(c, s->jump_pa)->data, 0x90, 16))
SPOIL(root_empty, memset(frame_of(c, s->root_pa)->data, 0, PAGE))
SPOIL(root_nx, frame_of(c, s->root_pa)->data[511 * 8 + 7] |= 0x80)
SPOIL(root_not_present, frame_of(c, s->root_pa)->data[511 * 8] &= 0xfe)
SPOIL(root_c_bit, frame_of(c, s->root_pa)->data[511 * 8 + 5] |= 0x80)
SPOIL(root_elsewhere, synth_put64(frame_of(c, s->root_pa)->data + 511 * 8, 0x300067))
SPOIL(root_itself, synth_put64(frame_of(c, s->root_pa)->data + 511 * 8, s->root_pa | 0x67))
SPOIL(data_all_zero, memset(s->frames[2].data, 0, PAGE))

#define LZO THAW_CODEC_LZO1X
#define LZ4 THAW_CODEC_LZ4
#define RAW THAW_CODEC_NONE
#define D(name, want, codec) {#name, THAW_##want, codec, name, NULL}
#define S(name, want, codec) {#name, THAW_##want, codec, NULL, name}

static const struct row rows[] = {
	S(no_sig, NO_IMAGE, LZO), S(sig_no_nul, NO_IMAGE, LZO), S(sig_ul, NO_IMAGE, LZO),
	S(sig_s2, NO_IMAGE, LZO), S(sig_linhib, NO_IMAGE, LZO), S(sig_tuxonice, NO_IMAGE, LZO),
	S(sig_swap, NO_IMAGE, LZO), S(orig_none, HEADER_FIELD, LZO),
	S(orig_self, HEADER_FIELD, LZO), S(orig_almost, HEADER_FIELD, LZO),
	S(swap_version_2, FOREIGN, LZO),
	S(swap_luks, FOREIGN, LZO),
	S(orig_old, OK, LZO), S(flags_32, HEADER_FLAGS, LZO), S(flags_top, HEADER_FLAGS, LZO),
	S(flags_none, HEADER_FLAGS, LZO), S(flags_crc_raw, HEADER_FLAGS, RAW),
	S(flags_raw_lz4, HEADER_FLAGS, RAW), S(flags_other_codec, BLOCK_DATA, LZO),
	S(flags_says_raw, MAP_SHORT, LZO), S(flags_platform, OK, LZO), S(flags_hw_sig, OK, LZO),
	S(image_0, HEADER_FIELD, LZO), S(image_end, HEADER_FIELD, LZO),
	S(image_huge, HEADER_FIELD, LZO), S(image_wraps, HEADER_FIELD, LZO),
	S(image_garbage, MAP_BOUNDS, LZO), S(image_data, MAP_BOUNDS, LZ4),
	S(crc_off, CHECKSUM, LZO), S(crc_off, CHECKSUM, LZ4),

	S(map_self, MAP_LONG, LZO), S(map_end, MAP_LONG, LZO), S(map_more, MAP_LONG, LZO),
	S(map_huge, MAP_BOUNDS, LZO), S(map_last, MAP_BOUNDS, LZO),
	S(map_header, MAP_BOUNDS, LZO), S(map_wraps, MAP_BOUNDS, LZO),
	S(map_zero_early, MAP_SHORT, RAW), S(map_hole, MAP_LONG, RAW),
	S(map_all_gone, MAP_SHORT, LZ4), S(map_no_info, MAP_BOUNDS, LZO),
	S(map_info_end, MAP_BOUNDS, LZO), S(map_info_is_map, RECORD_MAGIC, LZO),
	S(map_info_twice, MAP_ALIAS, LZO), S(map_map_twice, MAP_ALIAS, LZO),
	S(map_data_twice, MAP_ALIAS, RAW), S(map_one_more, MAP_LONG, RAW),
	S(map_one_more, MAP_LONG, LZ4), S(map_swapped, FRAMES_RANGE, RAW),

	S(md5_right, OK, LZO), S(md5_off, MEMORY_MAP, LZO), S(md5_not_computed, OK, LZO),
	S(md5_was_crc, MEMORY_MAP, LZO), S(magic_03, RECORD_MAGIC, LZO),
	S(magic_49, RECORD_MAGIC, LZO), S(magic_48, RECORD_MAGIC, LZO),
	S(magic_32, RECORD_MAGIC, LZO), S(magic_0, RECORD_MAGIC, LZO),
	S(info_zero, RECORD_MAGIC, LZO), S(info_ones, RECORD_MAGIC, LZO),
	S(pages_0, INFO_COUNTS, LZO), S(pages_less, INFO_COUNTS, LZO),
	S(pages_no_meta, INFO_COUNTS, LZO), S(pages_max, INFO_COUNTS, LZO),
	S(pages_more, INFO_COUNTS, LZO), S(image_pages_0, INFO_COUNTS, LZO),
	S(image_pages_max, INFO_COUNTS, LZO), S(image_pages_wrap, INFO_COUNTS, LZO),
	S(image_pages_less, FRAMES_COUNT, RAW), S(image_pages_more, MAP_SHORT, RAW),
	S(both_less, MAP_LONG, RAW), S(meta_more, MAP_SHORT, RAW), S(size_less, INFO_COUNTS, LZO),
	S(pages_many, INFO_COUNTS, LZO), S(digest_off, MEMORY_MAP, LZO),
	S(digest_wide, HEADER_FIELD, LZO),
	S(cr3_0, ENTRY_TABLES, LZO), S(cr3_pcid, ENTRY_TABLES, LZO),
	S(cr3_beyond, ENTRY_ENCRYPTED, LZO), S(cr3_c_bit, ENTRY_ENCRYPTED, LZO),
	S(cr3_no_frame, ENTRY_TABLES, LZO), S(cr3_other_page, ENTRY_TABLES, LZO),
	S(va_low_half, ENTRY_TABLES, LZO), S(va_not_canonical, ENTRY_TABLES, LZO),
	S(va_next_page, ENTRY_TABLES, LZO), S(va_next_byte, ENTRY_TABLES, LZO),
	S(pa_next_byte, ENTRY_TABLES, LZO), S(both_next_byte, ENTRY_TABLES, LZO),
	S(both_page_end, ENTRY_TABLES, LZO), S(both_no_frame, ENTRY_TABLES, LZO),
	S(num_physpages, OK, LZO), S(version_code, OK, LZO),

	D(list_twice, FRAMES_ORDER, LZO), D(list_back, FRAMES_ORDER, LZ4),
	D(list_swap, FRAMES_ORDER, RAW), D(list_far, FRAMES_RANGE, LZO),
	D(list_bit_62, FRAMES_RANGE, LZO), D(list_zero_twice, FRAMES_ORDER, LZO),
	D(list_one_less, FRAMES_COUNT, LZO), D(list_early_end, FRAMES_COUNT, LZ4),
	D(list_no_end, FRAMES_ORDER, LZO), D(list_one_more, FRAMES_COUNT, LZO),
	D(list_after_end, FRAMES_COUNT, LZO), D(list_end_twice, FRAMES_COUNT, RAW),
	D(list_garbage_page, FRAMES_RANGE, LZO), D(list_zeroes, FRAMES_ORDER, LZ4),
	D(list_page_more, FRAMES_COUNT, LZO),
	D(list_became_zero, FRAMES_COUNT, LZO), D(list_became_data, FRAMES_COUNT, LZO),

	S(length_0, BLOCK_LENGTH, LZO), S(length_max, BLOCK_LENGTH, LZ4),
	S(length_worst, MAP_SHORT, LZO), S(length_too_long, BLOCK_LENGTH, LZO),
	S(length_less, BLOCK_DATA, LZO), S(length_less, BLOCK_DATA, LZ4),
	S(length_more, BLOCK_DATA, LZO), S(length_1, BLOCK_DATA, LZO),
	S(length_1, BLOCK_DATA, LZ4), S(length_0_first, BLOCK_LENGTH, LZO),
	S(chunk_stale, BLOCK_LENGTH, LZO), S(chunk_noise, BLOCK_DATA, LZO),
	S(chunk_noise, BLOCK_DATA, LZ4), S(padding, OK, LZO), S(padding, OK, LZ4),

	D(code_gone, ENTRY_TABLES, LZO), D(root_empty, ENTRY_TABLES, LZO),
	D(root_nx, ENTRY_TABLES, LZO), D(root_not_present, ENTRY_TABLES, LZO),
	D(root_c_bit, ENTRY_ENCRYPTED, LZO), D(root_elsewhere, ENTRY_TABLES, LZO),
	D(root_itself, ENTRY_TABLES, LZO), D(data_all_zero, OK, LZO),
};

static void begin(struct scene *c, const struct row *row)
{
	scene_begin(c, &(struct scene_options){
			       .codec = row->codec, .noise = 30, .seed = 5, .header_page = 7});
	if (row->draw)
		row->draw(c);
	scene_finish(c);
	if (row->spoil) {
		row->spoil(c);
		finish(c);
	}
}

static void test_corruptions(void)
{
	struct scene c;
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(rows); i++) {
		begin(&c, &rows[i]);
		if (!CHECK(scene_ends(&c, rows[i].want)))
			printf("  %s\n", rows[i].what);
		scene_free(&c);
	}
	printf("# %zu corruptions\n", i);
}

int main(void)
{
	RUN(test_corruptions);
	return check_summary();
}
