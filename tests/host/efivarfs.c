/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * efivarfs.c: preloaded into thawctl, makes of the folder EFIVARFS_PATH what Linux's efivarfs
 * is: a write() replaces a variable as a whole. And lets the n-th change of the file system fail
 * (FAULT_ERROR=n) or be the last thing the program ever does (FAULT_KILL=n). What the kernel would
 * hibernate to is not the machine's own business either: what is in the folder FAULT_SWAP.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static long changes;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* Before a change: true if it is to fail. Killed before it: the state is that of the one before. */
static bool fails(void)
{
	const char *error = getenv("FAULT_ERROR"), *death = getenv("FAULT_KILL");

	changes++;
	if (death && changes == atol(death))
		raise(SIGKILL);
	if (!error || changes != atol(error))
		return false;
	errno = EIO;
	return true;
}

static bool is_variable(int fd)
{
	const char *folder = getenv("EFIVARFS_PATH");
	char link[64], path[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (!folder || n < 0)
		return false;
	path[n] = 0;
	return !strncmp(path, folder, strlen(folder));
}

ssize_t write(int fd, const void *buf, size_t size)
{
	struct stat st;

	if (fd <= 2 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return REAL(write)(fd, buf, size);
	if (fails())
		return -1;
	if (is_variable(fd) && ftruncate(fd, 0))
		return -1;
	return REAL(write)(fd, buf, size);
}

static const char *instead(const char *path, char *room, size_t size)
{
	const char *folder = getenv("FAULT_SWAP");

	if (strcmp(path, "/proc/swaps") && strncmp(path, "/sys/power/resume", 17))
		return path;
	snprintf(room, size, "%s/%s", folder ? folder : "/nonexistent", strrchr(path, '/') + 1);
	return room;
}

static int open_mode(const char *path, int flags, mode_t mode)
{
	char room[4096];

	if ((flags & O_CREAT) && fails())
		return -1;
	return REAL(open)(instead(path, room, sizeof(room)), flags, mode);
}

int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	return open_mode(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	return open_mode(path, flags, mode);
}

int fsync(int fd)
{
	return fails() ? -1 : REAL(fsync)(fd);
}

int rename(const char *from, const char *to)
{
	return fails() ? -1 : REAL(rename)(from, to);
}

int unlink(const char *path)
{
	return fails() ? -1 : REAL(unlink)(path);
}

int mkdir(const char *path, mode_t mode)
{
	return fails() ? -1 : REAL(mkdir)(path, mode);
}

int rmdir(const char *path)
{
	return fails() ? -1 : REAL(rmdir)(path);
}
