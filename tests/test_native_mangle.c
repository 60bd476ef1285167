/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * test_native_mangle.c: thaw's own format: one corruption a line, and the reason it must be refused
 * with. Where the checksums are made right again, the number itself has to be caught.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "scene.h"

#define PAGE 4096

/* What a row may spoil, in a disk of its own. */
struct parts {
	uint8_t *disk;
	uint64_t pages;
	struct native_anchor *a;
	struct native_header *h;
	struct native_table *t; /* frames, blocks, memory map, notes */
	struct native_segment *seg;
	struct native_extent *ext;
	struct native_run *run;
	struct native_block *block;
	struct native_memory *map;
};

struct row {
	const char *what;
	enum thaw_err want;
	bool seal;
	enum synth_format format;
	enum thaw_codec codec;
	void (*spoil)(struct parts *p);
};

static void *table_at(struct parts *p, unsigned n)
{
	return synth_native_logical(p->disk, p->pages, p->h, p->t[n].position);
}

static void find_parts(struct parts *p, struct scene *c)
{
	p->disk = c->sim.disk.bytes;
	p->pages = c->picture.disk_pages;
	p->a = synth_native_anchor(p->disk, p->pages, 0);
	p->h = synth_native_header(p->disk, p->pages, 0);
	p->t = p->h->tables;
	p->seg = (struct native_segment *)(p->disk + p->h->segment_unit * PAGE);
	p->ext = (struct native_extent *)(p->seg + 1);
	p->run = table_at(p, 0);
	p->block = table_at(p, 1);
	p->map = table_at(p, 2);
}

static struct native_run *run_of(struct parts *p, uint32_t kind)
{
	struct native_run *run = p->run;

	while (run->kind != kind)
		run++;
	return run;
}

static struct native_block *last_block(struct parts *p)
{
	return p->block + p->t[1].entries - 1;
}

#define SPOIL(name, code)                                                                          \
	static void name(struct parts *p)                                                          \
	{                                                                                          \
		code;                                                                              \
	}

SPOIL(nothing, (void)p)

/* anchor */
SPOIL(magic_off, p->a->magic[0] ^= 1)
SPOIL(anchor_version, p->a->version = 2)
SPOIL(state_0, p->a->state = 0)
SPOIL(state_writing, p->a->state = NATIVE_STATE_WRITING)
SPOIL(state_done, p->a->state = NATIVE_STATE_DONE)
SPOIL(anchor_elsewhere, p->a->anchor_unit = 1)
SPOIL(header_at_0, p->a->header_unit = 0)
SPOIL(header_at_end, p->a->header_unit = p->pages)
SPOIL(header_far, p->a->header_unit = UINT64_MAX)
SPOIL(header_is_data, p->a->header_unit = p->ext[0].unit)
SPOIL(anchor_uuid, p->a->uuid[0] ^= 1)
SPOIL(anchor_generation, p->a->generation++)
SPOIL(mkswap, memcpy(p->disk + 4086, "SWAPSPACE2", 10))
SPOIL(mkfs, p->disk[1080] = 0x53)
SPOIL(swap_again, memcpy(p->disk + 4086, "SWAPSPACE2", 10))
SPOIL(swap_image, synth_put64(p->disk + 4064, 5))
SPOIL(swap_orig, memcpy(p->disk + 4076, "S1SUSPEND", 10))
SPOIL(swap_old, memcpy(p->disk + 4076, "SWAP-SPACE", 10))
SPOIL(swap_version, synth_put32(p->disk + 1024, 2))
SPOIL(swap_no_record, memset(p->a, 0, sizeof(*p->a)))

/* header */
SPOIL(header_magic, p->h->magic[7] ^= 1)
SPOIL(header_version, p->h->version = 2)
SPOIL(compatible, p->h->compatible = UINT64_MAX)
SPOIL(read_only, p->h->read_only = 1)
SPOIL(incompatible, p->h->incompatible = UINT64_C(1) << 63)
SPOIL(header_flags, p->h->flags |= 8)
SPOIL(header_uuid, p->h->uuid[15] ^= 1)
SPOIL(header_generation, p->h->generation++)
SPOIL(hw_sig_alone, p->h->hw_sig = 1)
SPOIL(hw_sig, p->h->flags |= NATIVE_FLAG_HW_SIG)
SPOIL(no_digest, p->h->flags &= ~NATIVE_FLAG_MAP_DIGEST)
SPOIL(digest_off, p->h->map_digest ^= 1)
SPOIL(shift_14, p->h->page_shift = 14)
SPOIL(arch_arm, p->h->arch = NATIVE_ARCH_ARM64)
SPOIL(entry_longer, p->h->entry_bytes = 40)
SPOIL(cr3_pcid, p->h->entry[16] |= 1)
SPOIL(cr3_0, memset(p->h->entry + 16, 0, 8))
SPOIL(jump_off, p->h->entry[8] ^= 1)
SPOIL(depth_3, p->h->entry[24] = 3)
SPOIL(release_on, memset(p->h->release, 'x', sizeof(p->h->release)))
SPOIL(release_full, memset(p->h->release, 'x', sizeof(p->h->release) - 1))
SPOIL(version_on, p->h->kernel_version[79] = 'x')
SPOIL(writer_on, p->h->writer[31] = 'x')
SPOIL(hostname_on, p->h->hostname[63] = 'x')
SPOIL(no_data, p->h->data_frames = 0)
SPOIL(data_more, p->h->data_frames++)
SPOIL(data_less, p->h->data_frames--)
SPOIL(data_huge, p->h->data_frames = UINT64_MAX)
SPOIL(zero_less, p->h->zero_frames--)
SPOIL(zero_huge, p->h->zero_frames = UINT64_MAX)
SPOIL(fill_more, p->h->fill_frames++)
SPOIL(spare_more, p->h->spare_frames++)
SPOIL(spare_huge, p->h->spare_frames = UINT64_MAX - 1)
SPOIL(data_bytes_0, p->h->data_bytes = 0)
SPOIL(data_bytes_odd, p->h->data_bytes++)
SPOIL(data_bytes_less, p->h->data_bytes -= PAGE)
SPOIL(data_bytes_huge, p->h->data_bytes = UINT64_MAX - 4095)
SPOIL(data_bytes_more, {
	p->h->data_bytes += PAGE;
	for (unsigned i = 0; p->t[i].type; i++)
		memset(&p->t[i], 0, sizeof(p->t[i]));
})
SPOIL(units_0, p->h->logical_units = 0)
SPOIL(units_more, p->h->logical_units++)
SPOIL(units_less, p->h->logical_units--)
SPOIL(units_huge, p->h->logical_units = UINT64_C(1) << 52)
SPOIL(extents_0, p->h->extent_count = 0)
SPOIL(extents_more, p->h->extent_count++)
SPOIL(extents_huge, p->h->extent_count = UINT64_MAX)

/* extents */
SPOIL(segment_none, p->h->segment_unit = 0)
SPOIL(segment_end, p->h->segment_unit = p->pages)
SPOIL(segment_empty, p->h->segment_units = 0)
SPOIL(segment_long, p->h->segment_units = 257)
SPOIL(segment_anchor, p->h->segment_unit = p->a->header_unit)
SPOIL(segment_magic, p->seg->magic[0] ^= 1)
SPOIL(segment_count_0, p->seg->count = 0)
SPOIL(segment_count_huge, p->seg->count = UINT32_MAX)
SPOIL(segment_loop, {
	p->seg->next_unit = p->h->segment_unit;
	p->seg->next_units = 1;
})
SPOIL(segment_next_end, p->seg->next_unit = p->pages - 1)
SPOIL(extent_0, p->ext[0].unit = 0)
SPOIL(extent_empty, p->ext[0].units = 0)
SPOIL(extent_end, p->ext[0].unit = p->pages)
SPOIL(extent_huge, p->ext[0].units = UINT64_MAX)
SPOIL(extent_wraps, p->ext[0].unit = UINT64_MAX)
SPOIL(extent_on_header, p->ext[0].unit = p->a->header_unit)
SPOIL(extent_on_segment, p->ext[0].unit = p->h->segment_unit)
SPOIL(extent_twice, {
	p->seg->count = 2;
	p->h->extent_count = 2;
	p->ext[1].unit = p->ext[0].unit;
	p->ext[1].units = 1;
	p->ext[0].units--;
})
SPOIL(extent_shorter, p->ext[0].units--)

/* tables */
SPOIL(table_type_0, p->t[5].entries = 1)
SPOIL(table_twice, p->t[5] = p->t[3])
SPOIL(table_overlaps, {
	p->t[5] = p->t[0];
	p->t[5].type = 77;
})
SPOIL(table_unknown, {
	p->t[5] = p->t[3];
	p->t[5].type = 77;
	memset(&p->t[3], 0, sizeof(p->t[3]));
})
SPOIL(table_in_data, p->t[0].position = 0)
SPOIL(table_odd, p->t[0].position++)
SPOIL(table_end, p->t[0].position = p->h->logical_units * PAGE)
SPOIL(table_far, p->t[0].position = UINT64_MAX - 4095)
SPOIL(table_huge, p->t[1].entries = UINT64_MAX)
SPOIL(table_wraps, p->t[1].entries = (UINT64_C(1) << 59) + 1)
SPOIL(table_entry, p->t[0].entry_bytes = 16)
SPOIL(no_frames, memset(&p->t[0], 0, sizeof(p->t[0])))
SPOIL(no_blocks, memset(&p->t[1], 0, sizeof(p->t[1])))
SPOIL(frames_none, p->t[0].entries = 0)
SPOIL(frames_less, p->t[0].entries--)
SPOIL(frames_most, p->t[0].entries = p->h->data_frames + p->h->zero_frames + p->h->fill_frames +
				     p->h->spare_frames + 1)
SPOIL(blocks_most, p->t[1].entries = p->h->data_frames + 1)
SPOIL(blocks_none, p->t[1].entries = 0)
SPOIL(blocks_less, p->t[1].entries--)
SPOIL(no_map, memset(&p->t[2], 0, sizeof(p->t[2])))
SPOIL(map_long, p->t[2].entries = 4097)
SPOIL(map_less, p->t[2].entries--)
SPOIL(map_overlap, p->map[1].address = 0)
SPOIL(map_empty, p->map[1].bytes = 0)
SPOIL(map_wraps, p->map[1].bytes = UINT64_MAX)
SPOIL(map_type, p->map[1].type++)
SPOIL(notes_long, p->t[3].entries = 65537)

/* frames */
SPOIL(run_kind_0, p->run[0].kind = 0)
SPOIL(run_kind_5, p->run[0].kind = 5)
SPOIL(run_empty, p->run[1].count = 0)
SPOIL(run_back, p->run[2].first = 0)
SPOIL(run_overlap, p->run[0].count += p->run[1].first)
SPOIL(run_far, p->run[0].first = UINT64_C(1) << 40)
SPOIL(run_wraps, p->run[0].first = UINT64_MAX)
SPOIL(run_long, p->run[p->t[0].entries - 1].count = UINT32_MAX)
SPOIL(run_fill_of_data, p->run[0].fill = 1)
SPOIL(run_fill_of_0, run_of(p, NATIVE_RUN_ZERO)->kind = NATIVE_RUN_FILL)
SPOIL(run_zero_is_data, run_of(p, NATIVE_RUN_ZERO)->kind = NATIVE_RUN_DATA)
SPOIL(run_data_is_zero, p->run[0].kind = NATIVE_RUN_ZERO)

/* blocks */
SPOIL(block_first, p->block[0].first_page = 1)
SPOIL(block_gap, p->block[1].first_page++)
SPOIL(block_no_pages, p->block[0].pages = 0)
SPOIL(block_33, p->block[0].pages = 33)
SPOIL(block_pages_less, p->block[0].pages--)
SPOIL(block_more, last_block(p)->pages++)
SPOIL(block_stored_0, p->block[0].stored = 0)
SPOIL(block_stored_more, p->block[0].stored += 16)
SPOIL(block_stored_raw, p->block[0].stored = p->block[0].pages * PAGE)
SPOIL(block_stored_huge, p->block[0].stored = UINT32_MAX)
SPOIL(block_codec_2, p->block[0].codec = 2)
SPOIL(block_codec_raw, p->block[0].codec = NATIVE_CODEC_NONE)
SPOIL(block_at_16, p->block[0].position = 16)
SPOIL(block_odd, p->block[1].position++)
SPOIL(block_back, p->block[1].position = 0)
SPOIL(block_far, last_block(p)->position += PAGE)
SPOIL(block_wraps, last_block(p)->position = UINT64_MAX - 15)
SPOIL(block_sum, p->block[1].checksum ^= 1)
SPOIL(block_reserved, p->block[1].reserved = 1)
SPOIL(data_noise, memset(p->disk + p->ext[0].unit * PAGE + 20, 0xa7, 200))
SPOIL(data_last, p->disk[(p->ext[0].unit + p->h->data_bytes / PAGE - 1) * PAGE + 1] ^= 1)

#define OWN SYNTH_OWN
#define SWP SYNTH_SWAP
#define LZ4 THAW_CODEC_LZ4
#define RAW THAW_CODEC_NONE
/* C: as it is, so that a checksum catches it. S: sealed again. */
#define C(name, want, format, codec) {#name, THAW_##want, false, format, codec, name}
#define S(name, want, format, codec) {#name, THAW_##want, true, format, codec, name}

static const struct row rows[] = {
	C(nothing, OK, OWN, LZ4), S(nothing, OK, OWN, RAW), S(nothing, OK, SWP, LZ4),

	C(magic_off, NO_IMAGE, OWN, LZ4), C(anchor_version, CHECKSUM, OWN, LZ4),
	S(anchor_version, HEADER_FIELD, OWN, LZ4), S(state_0, HEADER_FIELD, OWN, LZ4),
	C(state_done, CHECKSUM, OWN, LZ4), S(state_done, NO_IMAGE, OWN, LZ4),
	S(state_writing, NO_IMAGE, OWN, LZ4), S(anchor_elsewhere, HEADER_FIELD, OWN, LZ4),
	S(header_at_0, MAP_BOUNDS, OWN, LZ4), S(header_at_end, MAP_BOUNDS, OWN, LZ4),
	S(header_far, MAP_BOUNDS, OWN, LZ4), S(header_is_data, HEADER_FIELD, OWN, LZ4),
	S(anchor_uuid, HEADER_FIELD, OWN, LZ4), S(anchor_generation, HEADER_FIELD, OWN, LZ4),
	C(mkswap, NO_IMAGE, OWN, LZ4), C(mkfs, NO_IMAGE, OWN, LZ4),
	C(swap_again, NO_IMAGE, SWP, LZ4), C(swap_image, HEADER_FLAGS, SWP, LZ4),
	C(swap_orig, HEADER_FIELD, SWP, LZ4), C(swap_old, HEADER_FIELD, SWP, LZ4),
	C(swap_version, FOREIGN, SWP, LZ4), C(swap_no_record, HEADER_FLAGS, SWP, LZ4),

	C(header_version, CHECKSUM, OWN, LZ4), S(header_magic, HEADER_FIELD, OWN, LZ4),
	S(header_version, HEADER_FIELD, OWN, LZ4), S(compatible, OK, OWN, LZ4),
	S(read_only, HEADER_FLAGS, OWN, LZ4), S(incompatible, HEADER_FLAGS, OWN, LZ4),
	S(header_flags, HEADER_FLAGS, OWN, LZ4), S(header_uuid, HEADER_FIELD, OWN, LZ4),
	S(header_generation, HEADER_FIELD, OWN, LZ4), S(hw_sig_alone, HEADER_FIELD, OWN, LZ4),
	S(hw_sig, OK, OWN, LZ4), S(no_digest, HEADER_FIELD, OWN, LZ4),
	S(digest_off, HEADER_FIELD, OWN, LZ4), S(shift_14, HEADER_FIELD, OWN, LZ4),
	S(arch_arm, HEADER_FIELD, OWN, LZ4), S(entry_longer, HEADER_FIELD, OWN, LZ4),
	S(cr3_pcid, ENTRY_TABLES, OWN, LZ4), S(cr3_0, ENTRY_TABLES, OWN, LZ4),
	S(jump_off, ENTRY_TABLES, OWN, LZ4), S(depth_3, HEADER_FIELD, OWN, LZ4),
	S(release_on, HEADER_FIELD, OWN, LZ4), S(release_full, OK, OWN, LZ4),
	S(version_on, HEADER_FIELD, OWN, LZ4), S(writer_on, HEADER_FIELD, OWN, LZ4),
	S(hostname_on, HEADER_FIELD, SWP, LZ4),
	S(no_data, INFO_COUNTS, OWN, LZ4), S(data_more, FRAMES_COUNT, OWN, LZ4),
	S(data_less, FRAMES_COUNT, OWN, LZ4), S(data_huge, INFO_COUNTS, OWN, LZ4),
	S(zero_less, FRAMES_COUNT, OWN, LZ4), S(zero_huge, INFO_COUNTS, OWN, LZ4),
	S(fill_more, FRAMES_COUNT, OWN, LZ4), S(spare_more, FRAMES_COUNT, OWN, LZ4),
	S(spare_huge, INFO_COUNTS, OWN, LZ4), S(data_bytes_0, MAP_BOUNDS, OWN, LZ4),
	S(data_bytes_odd, MAP_BOUNDS, OWN, LZ4), S(data_bytes_less, MAP_BOUNDS, OWN, LZ4),
	S(data_bytes_huge, MAP_BOUNDS, OWN, LZ4), S(data_bytes_more, FRAMES_COUNT, OWN, LZ4),
	S(units_0, MAP_BOUNDS, OWN, LZ4), S(units_more, MAP_SHORT, OWN, LZ4),
	S(units_less, MAP_LONG, OWN, LZ4), S(units_huge, MAP_BOUNDS, OWN, LZ4),
	S(extents_0, MAP_BOUNDS, OWN, LZ4), S(extents_more, MAP_SHORT, OWN, LZ4),
	S(extents_huge, MAP_BOUNDS, OWN, LZ4),

	S(segment_none, MAP_SHORT, OWN, LZ4), S(segment_end, MAP_BOUNDS, OWN, LZ4),
	S(segment_empty, MAP_BOUNDS, OWN, LZ4), S(segment_long, MAP_BOUNDS, OWN, LZ4),
	C(segment_magic, CHECKSUM, OWN, LZ4), S(segment_magic, HEADER_FIELD, OWN, LZ4),
	S(segment_count_0, MAP_BOUNDS, OWN, LZ4), S(segment_count_huge, MAP_BOUNDS, OWN, LZ4),
	S(segment_loop, CHECKSUM, OWN, LZ4), S(segment_next_end, MAP_BOUNDS, OWN, LZ4),
	S(segment_anchor, CHECKSUM, OWN, LZ4), C(extent_0, CHECKSUM, OWN, LZ4),
	S(extent_0, MAP_BOUNDS, OWN, LZ4), S(extent_empty, MAP_BOUNDS, OWN, LZ4),
	S(extent_end, MAP_BOUNDS, OWN, LZ4), S(extent_huge, MAP_BOUNDS, OWN, LZ4),
	S(extent_wraps, MAP_BOUNDS, OWN, LZ4), S(extent_on_header, MAP_ALIAS, OWN, LZ4),
	S(extent_on_segment, MAP_ALIAS, OWN, LZ4), S(extent_twice, MAP_ALIAS, OWN, LZ4),
	S(extent_shorter, MAP_SHORT, OWN, LZ4),

	S(table_type_0, HEADER_FIELD, OWN, LZ4), S(table_twice, MAP_ALIAS, OWN, LZ4),
	S(table_overlaps, MAP_ALIAS, OWN, LZ4), S(table_unknown, OK, OWN, LZ4),
	S(table_in_data, MAP_BOUNDS, OWN, LZ4), S(table_odd, MAP_BOUNDS, OWN, LZ4),
	S(table_end, MAP_BOUNDS, OWN, LZ4), S(table_far, MAP_BOUNDS, OWN, LZ4),
	S(table_huge, HEADER_FIELD, OWN, LZ4), S(table_wraps, HEADER_FIELD, OWN, LZ4),
	S(table_entry, HEADER_FIELD, OWN, LZ4), S(no_frames, FRAMES_COUNT, OWN, LZ4),
	S(no_blocks, MAP_SHORT, OWN, LZ4), S(frames_none, FRAMES_COUNT, OWN, LZ4),
	S(frames_less, FRAMES_COUNT, OWN, LZ4), S(blocks_none, MAP_SHORT, OWN, LZ4),
	S(frames_most, HEADER_FIELD, OWN, LZ4), S(blocks_most, HEADER_FIELD, OWN, LZ4),
	S(blocks_less, MAP_SHORT, OWN, LZ4), S(no_map, OK, OWN, LZ4),
	S(map_long, HEADER_FIELD, OWN, LZ4), S(map_less, HEADER_FIELD, OWN, LZ4),
	S(map_overlap, HEADER_FIELD, OWN, LZ4), S(map_empty, HEADER_FIELD, OWN, LZ4),
	S(map_wraps, HEADER_FIELD, OWN, LZ4), S(map_type, HEADER_FIELD, OWN, LZ4),
	C(map_type, CHECKSUM, OWN, LZ4), S(notes_long, HEADER_FIELD, OWN, LZ4),

	C(run_kind_0, CHECKSUM, OWN, LZ4), S(run_kind_0, FRAMES_COUNT, OWN, LZ4),
	S(run_kind_5, FRAMES_COUNT, OWN, LZ4), S(run_empty, FRAMES_COUNT, OWN, LZ4),
	S(run_back, FRAMES_ORDER, OWN, LZ4), S(run_overlap, FRAMES_ORDER, OWN, LZ4),
	S(run_far, FRAMES_RANGE, OWN, LZ4), S(run_wraps, FRAMES_RANGE, OWN, LZ4),
	S(run_long, FRAMES_COUNT, OWN, LZ4), S(run_fill_of_data, FRAMES_COUNT, OWN, LZ4),
	S(run_fill_of_0, FRAMES_COUNT, OWN, LZ4), S(run_zero_is_data, FRAMES_COUNT, OWN, LZ4),
	S(run_data_is_zero, FRAMES_COUNT, OWN, LZ4),

	C(block_sum, CHECKSUM, OWN, LZ4), S(block_sum, CHECKSUM, OWN, LZ4),
	S(block_sum, CHECKSUM, SWP, RAW), S(block_reserved, OK, OWN, LZ4),
	S(block_first, BLOCK_LENGTH, OWN, LZ4), S(block_gap, BLOCK_LENGTH, OWN, LZ4),
	S(block_no_pages, BLOCK_LENGTH, OWN, LZ4), S(block_33, BLOCK_LENGTH, OWN, LZ4),
	S(block_33, BLOCK_LENGTH, OWN, RAW), S(block_pages_less, BLOCK_LENGTH, OWN, LZ4),
	S(block_more, BLOCK_LENGTH, OWN, LZ4), S(block_stored_0, BLOCK_LENGTH, OWN, LZ4),
	S(block_stored_more, MAP_BOUNDS, OWN, LZ4), S(block_stored_more, BLOCK_LENGTH, OWN, RAW),
	S(block_stored_raw, BLOCK_LENGTH, OWN, LZ4), S(block_stored_huge, BLOCK_LENGTH, OWN, LZ4),
	S(block_codec_2, BLOCK_LENGTH, OWN, LZ4), S(block_codec_raw, BLOCK_LENGTH, OWN, LZ4),
	S(block_at_16, MAP_BOUNDS, OWN, LZ4), S(block_odd, BLOCK_LENGTH, OWN, LZ4),
	S(block_back, MAP_BOUNDS, OWN, LZ4), S(block_far, MAP_BOUNDS, OWN, LZ4),
	S(block_wraps, MAP_BOUNDS, OWN, LZ4),
	S(data_noise, CHECKSUM, OWN, LZ4), S(data_noise, CHECKSUM, OWN, RAW),
	S(data_last, CHECKSUM, OWN, RAW), S(data_last, CHECKSUM, SWP, RAW),
};

static bool is_refused(const struct row *row)
{
	struct parts p;
	struct scene c;
	bool good;

	scene_begin(&c, &(struct scene_options){.format = row->format,
						.codec = row->codec,
						.noise = 20,
						.seed = 5,
						.saved_map = true});
	scene_finish(&c);
	find_parts(&p, &c);
	row->spoil(&p);
	if (row->seal)
		synth_native_reseal(p.disk, p.pages, 0);
	memcpy(c.sim.disk.before, c.sim.disk.bytes, p.pages * PAGE);
	good = scene_ends(&c, row->want);
	scene_free(&c);
	return good;
}

static void test_corruptions(void)
{
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(rows); i++) {
		if (!CHECK(is_refused(&rows[i])))
			printf("  %s%s\n", rows[i].what, rows[i].seal ? ", sealed" : "");
	}
	printf("# %zu corruptions\n", i);
}

int main(void)
{
	RUN(test_corruptions);
	return check_summary();
}
