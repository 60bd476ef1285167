/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * image_extract.c: memory as an ELF core: one PT_LOAD for each run of frames, physical addresses.
 *
 * Where there are more runs than e_phnum can say, their number stands in the first section header
 * (elf(5), PN_XNUM). Runs of zeroes have no bytes in the file: p_filesz is 0, and readers supply
 * the zeroes.
 */
#include "image.h"

#include "thawctl.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct extract {
	FILE *out;
	bool failed;
};

static uint64_t bytes_of(const struct thaw_run *run)
{
	return (uint64_t)run->count << THAW_PAGE_SHIFT;
}

/* Page-aligned, so that the file can be mapped. */
static uint64_t data_begins(size_t runs)
{
	uint64_t end = sizeof(Elf64_Ehdr) + runs * sizeof(Elf64_Phdr) + sizeof(Elf64_Shdr);

	return thaw_div_up(end, THAW_PAGE_SIZE) << THAW_PAGE_SHIFT;
}

static void write_bytes(struct extract *x, const void *p, size_t n)
{
	x->failed = x->failed || fwrite(p, 1, n, x->out) != n;
}

static void write_ehdr(struct extract *x, size_t runs)
{
	bool many = runs >= PN_XNUM;
	Elf64_Ehdr ehdr = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(ehdr),
		.e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (Elf64_Half)(many ? PN_XNUM : runs),
		.e_shoff = many ? sizeof(ehdr) + runs * sizeof(Elf64_Phdr) : 0,
		.e_shentsize = many ? sizeof(Elf64_Shdr) : 0,
		.e_shnum = many,
	};

	write_bytes(x, &ehdr, sizeof(ehdr));
}

static void write_headers(struct extract *x, const struct thaw_image *image)
{
	Elf64_Shdr shdr = {.sh_info = (Elf64_Word)image->run_count};
	uint64_t at = data_begins(image->run_count);
	size_t i;

	write_ehdr(x, image->run_count);
	for (i = 0; i < image->run_count; i++) {
		const struct thaw_run *run = &image->runs[i];
		uint64_t stored = run->kind == THAW_RUN_ZERO ? 0 : bytes_of(run);
		Elf64_Phdr phdr = {
			.p_type = PT_LOAD,
			.p_flags = PF_R | PF_W | PF_X,
			.p_offset = at,
			.p_vaddr = run->first << THAW_PAGE_SHIFT,
			.p_paddr = run->first << THAW_PAGE_SHIFT,
			.p_filesz = stored,
			.p_memsz = bytes_of(run),
			.p_align = THAW_PAGE_SIZE,
		};

		write_bytes(x, &phdr, sizeof(phdr));
		at += stored;
	}
	write_bytes(x, &shdr, sizeof(shdr));
	x->failed =
		x->failed || fseeko(x->out, (off_t)data_begins(image->run_count), SEEK_SET) != 0;
}

static void write_fill(struct extract *x, const struct thaw_run *piece)
{
	uint64_t page[THAW_PAGE_SIZE / sizeof(uint64_t)];
	uint32_t i;

	for (i = 0; i < THAW_ARRAY_LEN(page); i++)
		page[i] = piece->fill;
	for (i = 0; i < piece->count && !x->failed; i++)
		write_bytes(x, page, sizeof(page));
}

static bool write_piece(void *arg, const struct thaw_run *piece, const uint8_t *pages)
{
	struct extract *x = arg;

	if (piece->kind == THAW_RUN_DATA)
		write_bytes(x, pages, (size_t)bytes_of(piece));
	else if (piece->kind == THAW_RUN_FILL)
		write_fill(x, piece);
	return !x->failed;
}

/* A file, and not the one that the image is in. */
static bool is_good_target(const struct image_source *s, const struct image_options *o, int fd)
{
	struct stat st;

	if (image_check_place(s, o->target, fd))
		return false;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		return true;
	thawctl_error(NULL, "%s: not a regular file", o->target);
	return false;
}

/* Emptied only when it is known what it is. */
static FILE *open_file(const struct image_source *s, const struct image_options *o)
{
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | (o->replace ? 0 : O_EXCL);
	/* The memory of a machine has its keys in it. */
	int fd = open(o->target, flags, 0600);
	FILE *out;

	if (fd >= 0 && !is_good_target(s, o, fd)) {
		close(fd);
		return NULL;
	}
	out = fd < 0 || ftruncate(fd, 0) ? NULL : fdopen(fd, "w");
	if (!out)
		thawctl_error(errno == EEXIST ? "--replace overwrites it." : NULL, "%s: %s",
			      o->target, strerror(errno));
	if (!out && fd >= 0)
		close(fd);
	return out;
}

int image_extract(struct image_source *s, const struct image_options *o)
{
	struct extract x = {.out = open_file(s, o)};
	struct thaw_diag diag = {0};
	enum thaw_err err;
	int status = THAWCTL_DONE;

	if (!x.out)
		return THAWCTL_ENVIRONMENT;
	write_headers(&x, &s->image);
	err = image_walk(s, write_piece, &x, &diag);
	x.failed = fclose(x.out) != 0 || x.failed;
	if (err) {
		status = image_refused(s, o->path, err, &diag);
	} else if (x.failed) {
		thawctl_error(NULL, "%s: %s", o->target, strerror(errno));
		status = THAWCTL_ENVIRONMENT;
	} else if (!o->quiet) {
		printf("%s: %zu runs, %" PRIu64 " frames\n", o->target, s->image.run_count,
		       s->image.facts.data_frames + s->image.facts.zero_frames);
	}
	return status;
}
