/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * fuzz_thawctl.c: every verb of `thawctl image` on a disk with an image, or what is left of one. What
 * was converted must be whole, and say of itself what the original did.
 */
#include <getopt.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../tools/bootvars.h"
#include "../tools/image.h"
#include "../tools/thawctl.h"
#include "fuzz.h"
#include "mutant.h"

#define MOST ((size_t)MUTANT_PAGES * 4096)

static char disk[40];
static char new[40];
static int disk_fd;
static int new_fd;
static FILE *nowhere;

void thawctl_error(const char *hint, const char *format, ...)
{
	REQUIRE(hint && *hint && format);
}

const char *thawctl_hint(int error)
{
	REQUIRE(error >= 0);
	return "hint";
}

const char *thawctl_refused_word(char **argv)
{
	return argv[0];
}

/* There is no firmware here. */
bool bootvars_available(void)
{
	return false;
}

enum bootvars_record bootvars_read_record(struct thaw_record *ret)
{
	(void)ret;
	return BOOTVARS_RECORD_MISSING;
}

static int open_memory(const char *name, char *ret, size_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	REQUIRE(fd >= 0);
	snprintf(ret, size, "/proc/self/fd/%d", fd);
	return fd;
}

static void begin(void)
{
	if (disk[0])
		return;
	disk_fd = open_memory("disk", disk, sizeof(disk));
	new_fd = open_memory("new", new, sizeof(new));
	nowhere = fopen("/dev/null", "w");
	REQUIRE(nowhere);
}

static int run(const char *verb, const char *option, const char *path, const char *target)
{
	char *argv[10] = {"image", (char *)verb};
	FILE *said = stdout;
	int argc = 2;
	int status;

	if (option)
		argv[argc++] = (char *)option;
	if (target)
		argv[argc++] = "--replace";
	if (!strcmp(verb, "convert")) {
		argv[argc++] = "--threads";
		argv[argc++] = "0";
	}
	argv[argc++] = (char *)path;
	if (target)
		argv[argc++] = (char *)target;
	optind = 0;
	stdout = nowhere;
	status = image_main(argc, argv);
	stdout = said;
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int whole;

	if (n > MOST)
		return 0;
	begin();
	REQUIRE(!ftruncate(disk_fd, 0) && !ftruncate(new_fd, 0));
	REQUIRE(pwrite(disk_fd, data, n, 0) == (ssize_t)n);
	run("info", NULL, disk, NULL);
	run("info", "--json", disk, NULL);
	run("dump", NULL, disk, NULL);
	run("dump", "--json", disk, NULL);
	whole = run("verify", NULL, disk, NULL);
	REQUIRE((run("extract", NULL, disk, new) == THAWCTL_DONE) == (whole == THAWCTL_DONE));
	REQUIRE(!ftruncate(new_fd, 0));
	if (run("convert", "--keep", disk, new) == THAWCTL_DONE)
		REQUIRE(whole == THAWCTL_DONE && run("verify", NULL, new, NULL) == THAWCTL_DONE);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed)
{
	return mutant_of(data, n, max, seed);
}
