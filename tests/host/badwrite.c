/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * badwrite.c: preloaded into thawctl, is a disk that stores a page otherwise than it was written:
 * the first that begins with the text in BAD_WRITE, in its 600th byte; or, with BAD_FILE, a machine on
 * which somebody changes that byte of that file just then.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at)
{
	ssize_t (*real)(int, const void *, size_t, off_t) =
		(__typeof__(real))dlsym(RTLD_NEXT, "pwrite");
	const char *text = getenv("BAD_WRITE"), *file = getenv("BAD_FILE");
	ssize_t done = real(fd, bytes, count, at);

	if (done != (ssize_t)count || count < 4096 || !text || memcmp(bytes, text, strlen(text)))
		return done;
	if (file) {
		fd = open(file, O_WRONLY | O_CLOEXEC);
		at = 0;
	}
	done = real(fd, "\1", 1, at + 600) == 1 ? done : -1;
	if (file)
		close(fd);
	return done;
}
