/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * scene.h: a machine and an image that fit each other, in the variants that tests want.
 */
#ifndef THAW_TESTS_SCENE_H
#define THAW_TESTS_SCENE_H

#include "sim.h"

enum scene_size {
	SCENE_SMALL,   /* some 60 frames of every kind: placed, staged, zero, late */
	SCENE_MANY,    /* thousands of frames: several windows, several map pages */
	SCENE_TINY,    /* few enough for a disk of some pages: fuzzing */
	SCENE_CROWDED, /* every frame of RAM: nowhere to stage anything */
	SCENE_NONE,    /* the test adds and draws frames itself; memory of SCENE_MANY */
};

struct scene_options {
	enum scene_size size;
	enum synth_format format;
	enum thaw_codec codec;
	unsigned levels; /* 0: 4 */
	unsigned leaf;	 /* 0: 2 MiB */
	bool endbr;
	enum synth_layout layout;
	uint64_t header_page;
	bool trailing_map;
	unsigned noise;
	unsigned workers;
	bool background;
	bool runs_la57;
	bool no_gib_pages;
	uint32_t seed;
	bool saved_map; /* thaw's own format carries the memory map, not its digest alone */
};

struct scene {
	struct scene_options options;
	struct synth picture;
	struct sim sim;
	struct thaw_e820 map[16]; /* of the machine */
	size_t map_count;
	struct thaw_report report;
};

/* The picture is drawn but not stored: a test may spoil it first. */
void scene_begin(struct scene *c, const struct scene_options *options);
/* Stores the picture on the machine's disk. */
void scene_finish(struct scene *c);
void scene_free(struct scene *c);

/* The disk as the picture has it, a record without attempts. */
void scene_rewind(struct scene *c);

/* One restore; tells on standard output what did not hold. False if anything did not. */
bool scene_restore(struct scene *c, enum thaw_err *ret_err);

/* A restore that must end so. */
bool scene_ends(struct scene *c, enum thaw_err want);

/* From begin to free: an image that nobody spoilt is restored, and nothing of it stays elsewhere. */
bool scene_restores(const struct scene_options *options);

#endif
