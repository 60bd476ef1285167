/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * replay.c: feeds files, and all files of folders, to a fuzz target; needs no libFuzzer. A target
 * that finds something dies of it, so that whoever counts sees no summary.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PATH_BYTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static unsigned files;

static void feed_file(const char *path, size_t n)
{
	/* Exactly as large as the file, so that the sanitizer sees the first byte too many. */
	uint8_t *data = malloc(n ? n : 1);
	FILE *f = fopen(path, "rb");

	if (!data || !f || fread(data, 1, n, f) != n) {
		perror(path);
		exit(1);
	}
	fclose(f);
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	files++;
}

static void feed(const char *path)
{
	char below[PATH_BYTES];
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	if (stat(path, &st)) {
		printf("skip %s: no corpus\n", path);
		return;
	}
	if (!S_ISDIR(st.st_mode)) {
		feed_file(path, (size_t)st.st_size);
		return;
	}
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		if (entry->d_name[0] != '.' && !stat(below, &st))
			feed_file(below, (size_t)st.st_size);
	}
	if (dir)
		closedir(dir);
}

int main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		feed(argv[i]);
	printf("# %u files\n%u passed, 0 failed\n", files, files != 0);
	return 0;
}
