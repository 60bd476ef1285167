/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * check_print.c: the answer in words.
 */
#include "advice.h"
#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MIB(pages) ((double)(pages) / 256)

static void begin(const char *what)
{
	printf("  %-14s ", what);
}

static void print_area(const struct check *c)
{
	const struct area *area = c->area;

	printf("%s: ", c->path);
	if (!area)
		puts(c->foreign ? c->foreign : "several partitions");
	else if (area->partition)
		printf("partition %d, %.1f MiB at byte %" PRIu64 "\n", area->partition,
		       (double)area->size / 1048576, area->offset);
	else
		printf("%.1f MiB, header at page %" PRIu64 "\n", (double)area->size / 1048576,
		       c->header_page);
}

static void print_stream(const struct thaw_facts *f)
{
	begin("codec");
	printf("%s, ", thaw_codec_name(f->codec));
	if (f->has_checksum)
		printf("checksum 0x%08" PRIx32 "\n", f->checksum);
	else
		puts(f->blocks_have ? "a checksum for each block" : "no checksum");
	if (!f->stream_pages)
		return;
	begin("pages");
	printf("%" PRIu64 " data, %" PRIu64 " zero, %" PRIu64 " list\n", f->data_frames,
	       f->zero_frames, f->meta_pages);
	if (!f->stored_pages)
		return;
	begin("stored");
	printf("%.1f MiB for %.1f MiB (%.1f %%)\n", MIB(f->stored_pages), MIB(f->stream_pages),
	       100 * (double)f->stored_pages / (double)f->stream_pages);
}

static void print_digest(const struct thaw_facts *f)
{
	size_t i;

	if (f->digest_kind == THAW_DIGEST_CRC32) {
		printf("digest 0x%08" PRIx32 "\n", f->digest);
		return;
	}
	if (f->digest_kind == THAW_DIGEST_NONE) {
		puts("no digest");
		return;
	}
	printf("MD5 ");
	for (i = 0; i < THAW_MD5_BYTES; i++)
		printf("%02x", f->digest_md5[i]);
	putchar('\n');
}

static void print_machine(const struct thaw_facts *f)
{
	begin("saved through");
	puts(f->platform_mode ? "ACPI S4 (platform)" : "power off (shutdown or reboot)");
	begin("hardware sig");
	if (f->has_hw_sig)
		printf("0x%08" PRIx32 "\n", f->hw_sig);
	else
		puts("none");
	if (!f->root_pa)
		return;
	begin("memory map");
	print_digest(f);
	begin("entry point");
	printf("0x%" PRIx64 " at 0x%" PRIx64 ", page tables at 0x%" PRIx64 "\n", f->jump_va,
	       f->jump_pa, f->root_pa);
}

static void print_facts(const struct thaw_facts *f)
{
	static const char *const records[] = {
		[THAW_DIGEST_NONE] = "",
		[THAW_DIGEST_CRC32] = ", restore record of Linux 5.13 and later",
		[THAW_DIGEST_MD5] = ", restore record of Linux 4.10 to 5.12",
	};

	if (!f->mark)
		return;
	begin("format");
	printf("%s", f->format);
	puts(strcmp(f->format, "swsusp") ? "" : records[f->digest_kind]);
	print_stream(f);
	print_machine(f);
	begin("identity");
	printf("%016" PRIx64 ", header %016" PRIx64 "\n", f->identity, f->mark);
}

static void print_drifts(const struct check *c)
{
	size_t i;

	for (i = 0; i < c->drift_count && i < HOST_DRIFTS_MAX; i++) {
		const struct host_drift *d = &c->drifts[i];

		begin(i ? "" : "differs");
		printf("%s 0x%" PRIx64, d->what, d->saved);
		if (d->today && d->today != d->saved)
			printf(", today at 0x%" PRIx64, d->today);
		putchar('\n');
	}
	if (i < c->drift_count)
		printf("  %-14s and %zu more\n", "", c->drift_count - i);
}

static void print_map(const struct check *c)
{
	begin("firmware");
	if (!c->memmap_path) {
		puts("no map to compare with (--memmap): every frame taken for RAM");
		return;
	}
	printf("%" PRIu64 " ranges in %s, digest 0x%08" PRIx32 ", %s\n", c->map_ranges,
	       c->memmap_path, c->digest_today,
	       !c->report.facts.digest_kind ? "the image has none"
	       : c->map_is_saved	    ? "the image's"
					    : "not the image's");
}

static void print_plan(const struct check *c)
{
	const struct thaw_report *r = &c->report;

	if (r->phase > THAW_PHASE_LOOK || (c->memmap_path && r->facts.digest_kind))
		print_map(c);
	print_drifts(c);
	if (!c->memmap_path || r->phase < THAW_PHASE_LOAD)
		return;
	begin("plan");
	printf("%" PRIu64 " frames in place, %" PRIu64 " staged, %" PRIu64 " zeroed\n", r->placed,
	       r->staged, r->zeroed);
}

static void print_load(const struct check *c)
{
	const struct thaw_report *r = &c->report;
	unsigned i;
	static const char *const names[] = {"look", "plan", "load", "commit", "jump"};

	if (c->levels) {
		begin("loaded");
		printf("%.1f MiB on %u processor%s in %.2f s; entry point proved, %u-level "
		       "paging\n",
		       MIB(r->facts.stream_pages), c->processors, c->processors == 1 ? "" : "s",
		       r->phase_us[THAW_PHASE_LOAD] / 1e6, c->levels);
	}
	for (i = 0; c->verbose && i <= r->phase; i++) {
		begin(i ? "" : "phases");
		printf("%-7s %" PRIu32 " us\n", names[i], r->phase_us[i]);
	}
}

/* As firmware prints it (efi/console.c). */
static void print_reason(const struct check *c)
{
	const struct thaw_diag *d = &c->report.diag;

	printf("not restored: %s: %s", thaw_err_name(d->code), thaw_err_sentence(d->code));
	if (c->foreign)
		printf(" (%s)", c->foreign);
	else if (d->where)
		printf(" (%s 0x%" PRIx64 " 0x%" PRIx64 ")", d->where, d->a, d->b);
	putchar('\n');
	if (d->code == THAW_READ && c->read_error)
		printf("  %s\n", strerror(c->read_error));
	if (c->container)
		printf("  Partition %d is a %s; thaw does not see an image inside it.\n",
		       c->container_partition, c->container);
	printf("  %s\n", advice_for(c->report.diag.code));
}

static void print_promise(const struct check *c)
{
	fputs("thaw would restore this image", stdout);
	if (!c->memmap_path)
		fputs(", if the firmware's memory map is the image's", stdout);
	else if (!c->map_is_saved)
		fputs(", if each of the ACPI tables is where it was", stdout);
	puts(".");
}

void check_print(const struct check *c)
{
	print_area(c);
	print_facts(&c->report.facts);
	print_plan(c);
	print_load(c);
	if (c->report.diag.code == THAW_DRY_RUN)
		print_promise(c);
	else
		print_reason(c);
}
