/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * groups.c: physical volumes put together to groups, and groups taken apart to logical volumes.
 *
 * Every physical volume has a copy of its group's metadata, or none; one that was away while the
 * group changed has an old copy. The one with the highest serial number counts, as for LVM.
 */
#include "groups.h"

#include <thaw/image.h>

#include "lvm.h"

#define GROUPS_MAX 8

struct groups {
	struct lvm_group *list[GROUPS_MAX];
	size_t count;
	struct thaw_area *areas;
	size_t area_count;
	struct thaw_memory *memory;
	void (*note)(const char *what, uint64_t a, uint64_t b);
};

/* The place in the list for a group with that id; NULL: no room. */
static struct lvm_group **find_place(struct groups *g, const struct lvm_group *group)
{
	size_t i;

	for (i = 0; i < g->count; i++) {
		if (thaw_bytes_equal(g->list[i]->id, group->id, sizeof(group->id)))
			return &g->list[i];
	}
	if (g->count == GROUPS_MAX)
		return NULL;
	g->list[g->count] = NULL;
	return &g->list[g->count++];
}

/* What the disk would not say, or there was no memory to hear: a volume may lie there. */
static void judge(struct thaw_area *area, enum thaw_err err)
{
	if (err == THAW_READ || err == THAW_MEMORY)
		area->unreadable = true;
}

/* *scratch is free memory for one group, NULL once that is used. */
static void add_group(struct groups *g, struct thaw_area *area, struct lvm_group **scratch)
{
	struct lvm_group **place;
	struct lvm_text text;
	enum thaw_err err;

	if (!*scratch)
		*scratch = g->memory->alloc(g->memory, sizeof(**scratch));
	err = *scratch ? lvm_area_read(&text, area->disk, &area->label, g->memory) : THAW_MEMORY;
	judge(area, err);
	if (err || !lvm_group_parse(*scratch, text)) {
		g->note("lvm: metadata not usable", (uint64_t)err, area->label.at);
		return;
	}
	place = find_place(g, *scratch);
	if (!place) {
		g->note("lvm: too many groups", GROUPS_MAX, 0);
	} else if (!*place || (*place)->serial < (*scratch)->serial) {
		*place = *scratch;
		*scratch = NULL;
	}
}

/* Two disks with one identity are a copy of each other: no telling which is meant. */
static struct thaw_area *find_area(const struct groups *g, const uint8_t uuid[32])
{
	struct thaw_area *found = NULL;
	size_t i;

	for (i = 0; i < g->area_count; i++) {
		struct thaw_area *area = &g->areas[i];

		if (area->super.kind != THAW_SUPER_LVM ||
		    !thaw_bytes_equal(area->label.uuid, uuid, sizeof(area->label.uuid)))
			continue;
		if (found) {
			g->note("lvm: two disks with one identity", 0, 0);
			return NULL;
		}
		found = area;
	}
	return found;
}

/* Behind the last extent: a leg of a mirror reads like the whole, but must not be written alone. */
static bool is_whole(const struct groups *g, const struct lvm_group *group,
		     const struct lvm_physical *p, struct thaw_area *area)
{
	uint64_t end = p->first_page + p->extents * group->extent_pages;
	enum thaw_err err = thaw_md_raid_check(area->disk, end, g->memory, NULL);

	judge(area, err);
	if (err)
		g->note(err == THAW_FOREIGN ? "lvm: one leg of a RAID" : "lvm: disk not readable",
			end, area->disk->pages);
	return !err;
}

/* Where a group's disks are, taken together. */
static struct thaw_area bind(const struct groups *g, struct lvm_group *group)
{
	struct thaw_area ret = {.type = THAW_AREA_VOLUME};
	size_t i;

	for (i = 0; i < group->physical_count; i++) {
		struct lvm_physical *p = &group->physical[i];
		struct thaw_area *area = find_area(g, p->uuid);

		if (!area || !is_whole(g, group, p, area))
			continue;
		p->disk = area->disk;
		ret.removable |= area->removable;
		ret.at_home |= area->at_home;
		ret.read_only |= area->read_only;
	}
	return ret;
}

static size_t take_volumes(const struct groups *g, struct lvm_group *group, struct thaw_area *ret,
			   size_t max, bool *ret_all)
{
	struct lvm_text cursor = group->logical;
	struct thaw_area area = bind(g, group);
	struct volume *volume = NULL;
	enum lvm_next next = LVM_NEXT_OTHER;
	const char *why;
	size_t count = 0;

	while (count < max && next != LVM_NEXT_END) {
		if (next == LVM_NEXT_VOLUME || !volume)
			volume = g->memory->alloc(g->memory, sizeof(*volume));
		if (!volume) {
			*ret_all = false;
			break;
		}
		next = lvm_volume_next(group, &cursor, volume, &why);
		if (next == LVM_NEXT_OTHER)
			g->note(why, group->serial, 0);
		if (next != LVM_NEXT_VOLUME)
			continue;
		area.disk = &volume->seam;
		ret[count++] = area;
	}
	if (count == max)
		g->note("lvm: more volumes than thaw looks at", max, 0);
	return count;
}

size_t groups_volumes(struct thaw_area *ret, struct thaw_area *areas, size_t count,
		      struct thaw_memory *memory,
		      void (*note)(const char *what, uint64_t a, uint64_t b))
{
	struct groups g = {.areas = areas, .area_count = count, .memory = memory, .note = note};
	struct lvm_group *scratch = NULL;
	size_t found = 0;
	bool all = true;
	size_t i;

	for (i = 0; i < count; i++) {
		if (areas[i].super.kind == THAW_SUPER_LVM && areas[i].label.size)
			add_group(&g, &areas[i], &scratch);
	}
	for (i = 0; i < g.count; i++)
		found += take_volumes(&g, g.list[i], ret + found, GROUPS_VOLUMES_MAX - found, &all);
	for (i = 0; !all && i < count; i++)
		judge(&areas[i], areas[i].super.kind == THAW_SUPER_LVM ? THAW_MEMORY : THAW_OK);
	return found;
}
