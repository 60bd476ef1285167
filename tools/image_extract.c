/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * image_extract.c: memory as an ELF core: one PT_LOAD for each run of frames, physical addresses.
 *
 * Before them a PT_NOTE: registers, which a machine that hibernates has saved in its memory and not
 * here, as zeroes, for debuggers want some; and the note that Linux keeps ready for crash dumps, if
 * it is among the pages. It says where the kernel was randomized to, which crash(8) must know.
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

/*
 * Linux 6.1 to 6.18, kernel/crash_core.c and include/linux/crash_core.h: at the beginning of a page
 * an ELF note of this name and type 0, with at most a page of text.
 */
#define VMCOREINFO "VMCOREINFO"

struct vmcoreinfo {
	Elf64_Nhdr header;
	char name[12];
	char text[THAW_PAGE_SIZE];
};

struct registers {
	Elf64_Nhdr header;
	char name[8];
	uint8_t zero[336]; /* struct elf_prstatus of x86-64 */
};

struct notes {
	struct registers registers;
	struct vmcoreinfo vmcoreinfo;
};

struct extract {
	FILE *out;
	bool failed;
	struct notes notes;
	uint64_t next; /* frame with the rest of the note */
	size_t begun;  /* bytes of the note that are there */
};

static uint64_t bytes_of(const struct thaw_run *run)
{
	return (uint64_t)run->count << THAW_PAGE_SHIFT;
}

/* One for the notes, then one for each run. */
static size_t headers(const struct thaw_image *image)
{
	return image->run_count + 1;
}

static uint64_t notes_begin(const struct thaw_image *image)
{
	return sizeof(Elf64_Ehdr) + headers(image) * sizeof(Elf64_Phdr) + sizeof(Elf64_Shdr);
}

/* Page-aligned, so that the file can be mapped. */
static uint64_t data_begins(const struct thaw_image *image)
{
	return thaw_div_up(notes_begin(image) + sizeof(struct notes), THAW_PAGE_SIZE)
	       << THAW_PAGE_SHIFT;
}

static void write_bytes(struct extract *x, const void *p, size_t n)
{
	x->failed = x->failed || fwrite(p, 1, n, x->out) != n;
}

static void write_ehdr(struct extract *x, size_t count)
{
	bool many = count >= PN_XNUM;
	Elf64_Ehdr ehdr = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(ehdr),
		.e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (Elf64_Half)(many ? PN_XNUM : count),
		.e_shoff = many ? sizeof(ehdr) + count * sizeof(Elf64_Phdr) : 0,
		.e_shentsize = many ? sizeof(Elf64_Shdr) : 0,
		.e_shnum = many,
	};

	write_bytes(x, &ehdr, sizeof(ehdr));
}

static void write_run(struct extract *x, const struct thaw_run *run, uint64_t *at)
{
	uint64_t stored = run->kind == THAW_RUN_ZERO ? 0 : bytes_of(run);
	Elf64_Phdr phdr = {
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W | PF_X,
		.p_offset = *at,
		.p_vaddr = run->first << THAW_PAGE_SHIFT,
		.p_paddr = run->first << THAW_PAGE_SHIFT,
		.p_filesz = stored,
		.p_memsz = bytes_of(run),
		.p_align = THAW_PAGE_SIZE,
	};

	write_bytes(x, &phdr, sizeof(phdr));
	*at += stored;
}

/* Everything in front of the pages, when they are written: only then it is known how many notes. */
static void write_headers(struct extract *x, const struct thaw_image *image)
{
	Elf64_Shdr shdr = {.sh_info = (Elf64_Word)headers(image)};
	Elf64_Phdr notes = {
		.p_type = PT_NOTE,
		.p_offset = notes_begin(image),
		.p_filesz = sizeof(x->notes.registers) + x->begun,
		.p_memsz = sizeof(x->notes.registers) + x->begun,
	};
	uint64_t at = data_begins(image);
	size_t i;

	x->failed = x->failed || fseeko(x->out, 0, SEEK_SET);
	write_ehdr(x, headers(image));
	write_bytes(x, &notes, sizeof(notes));
	for (i = 0; i < image->run_count; i++)
		write_run(x, &image->runs[i], &at);
	write_bytes(x, &shdr, sizeof(shdr));
	write_bytes(x, &x->notes, sizeof(x->notes.registers) + x->begun);
}

/* --- the notes ------------------------------------------------------------------------------ */

static void begin_notes(struct extract *x)
{
	struct registers *r = &x->notes.registers;

	r->header = (Elf64_Nhdr){sizeof("CORE"), sizeof(r->zero), NT_PRSTATUS};
	memcpy(r->name, "CORE", sizeof("CORE"));
}

static size_t note_bytes(const struct vmcoreinfo *v)
{
	return offsetof(struct vmcoreinfo, text) + thaw_div_up(v->header.n_descsz, 4) * 4;
}

static bool is_note(const uint8_t *page)
{
	const struct vmcoreinfo *v = (const void *)page;
	static const char begin[] = "OSRELEASE=";

	return v->header.n_namesz == sizeof(VMCOREINFO) && !v->header.n_type &&
	       v->header.n_descsz <= sizeof(v->text) &&
	       !memcmp(v->name, VMCOREINFO, sizeof(VMCOREINFO)) &&
	       !memcmp(v->text, begin, sizeof(begin) - 1);
}

/* The note may go on in the frame behind. */
static void look_for_note(struct extract *x, uint64_t frame, const uint8_t *page)
{
	struct vmcoreinfo *v = &x->notes.vmcoreinfo;
	bool goes_on = x->begun && frame == x->next && x->begun < note_bytes(v);
	size_t count;

	if (!goes_on && (x->begun || !is_note(page)))
		return;
	count = note_bytes(goes_on ? v : (const void *)page) - x->begun;
	count = (size_t)thaw_min(count, THAW_PAGE_SIZE);
	memcpy((uint8_t *)v + x->begun, page, count);
	x->begun += count;
	x->next = frame + 1;
}

static void end_notes(struct extract *x)
{
	if (x->begun && x->begun < note_bytes(&x->notes.vmcoreinfo))
		x->begun = 0;
}

/* --- pages ---------------------------------------------------------------------------------- */

static void write_fill(struct extract *x, const struct thaw_run *piece)
{
	static uint64_t words[THAW_BLOCK_BYTES / sizeof(uint64_t)];
	uint64_t left = bytes_of(piece);
	size_t count;
	size_t i;

	for (i = 0; i < THAW_ARRAY_LEN(words); i++)
		words[i] = piece->fill;
	for (; left && !x->failed; left -= count) {
		count = (size_t)thaw_min(left, sizeof(words));
		write_bytes(x, words, count);
	}
}

static bool write_piece(void *arg, const struct thaw_run *piece, const uint8_t *pages)
{
	struct extract *x = arg;
	uint32_t i;

	for (i = 0; pages && i < piece->count; i++)
		look_for_note(x, piece->first + i, pages + ((size_t)i << THAW_PAGE_SHIFT));
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
	thawctl_error("Name a file that is not there yet.", "%s: not a regular file", o->target);
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
		thawctl_error(errno == EEXIST ? "--replace overwrites it." : thawctl_hint(errno),
			      "%s: %s", o->target, strerror(errno));
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
	begin_notes(&x);
	x.failed = fseeko(x.out, (off_t)data_begins(&s->image), SEEK_SET) != 0;
	err = image_walk(s, write_piece, &x, &diag);
	end_notes(&x);
	write_headers(&x, &s->image);
	x.failed = fclose(x.out) != 0 || x.failed;
	if (err) {
		status = image_refused(s, o->path, err, &diag);
	} else if (x.failed) {
		thawctl_error(thawctl_hint(errno), "%s: %s", o->target, strerror(errno));
		status = THAWCTL_ENVIRONMENT;
	} else if (!o->quiet) {
		printf("%s: %zu runs, %" PRIu64 " frames\n", o->target, s->image.run_count,
		       s->image.facts.data_frames + s->image.facts.zero_frames);
	}
	return status;
}
