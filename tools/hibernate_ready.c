/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * hibernate_ready.c: what stands in the way of a hibernation that thaw could bring back, told
 * before anything is frozen.
 */
#include "bootvars.h"
#include "cmdline.h"
#include "hibernate.h"
#include "thawctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The beginning of a file of the kernel's; false: it is not there, or empty. */
static bool read_text(const char *path, char *ret, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t got = file ? fread(ret, 1, size - 1, file) : 0;

	if (file)
		fclose(file);
	ret[got] = 0;
	return got;
}

/* --- the kernel ----------------------------------------------------------------------------- */

static bool kernel_is_willing(void)
{
	char line[4096];

	if (!read_text("/proc/cmdline", line, sizeof(line)))
		return true;
	if (!cmdline_has(line, "nohibernate") && !cmdline_has(line, "hibernate=no"))
		return true;
	thawctl_error("Boot without that word on the kernel's command line.",
		      "the kernel was told not to hibernate (nohibernate)");
	return false;
}

/*
 * Linux 5.13 changed the restore record of its snapshots, and 5.10 and 5.12 had that in an update.
 * Of those in between the record itself tells, in time to go on.
 */
static bool kernel_is_known(void)
{
	struct utsname name;
	unsigned major = 0, minor = 0;

	if (uname(&name) || sscanf(name.release, "%u.%u", &major, &minor) != 2 || major > 5 ||
	    (major == 5 && minor >= 10))
		return true;
	thawctl_error("Use Linux 5.13 or later; of this one thaw restores what 'systemctl "
		      "hibernate' saves.",
		      "Linux %s: its snapshots are of a kind that cannot be saved so",
		      name.release);
	return false;
}

static bool is_locked_down(void)
{
	char line[128];

	return read_text("/sys/kernel/security/lockdown", line, sizeof(line)) &&
	       !strstr(line, "[none]");
}

void hibernate_explain_open(void)
{
	int error = errno;

	if (error == EBUSY)
		thawctl_error("Wait for it to end.", "another hibernation is under way");
	else if (error == EPERM)
		thawctl_error(
			"A process with secret memory (memfd_secret), CXL memory, or a kernel "
			"that is locked down forbid it.",
			"the kernel does not allow hibernation now");
	else if (error == ENOENT || error == ENODEV || error == ENXIO)
		thawctl_error("Use a kernel with CONFIG_HIBERNATION_SNAPSHOT_DEV.",
			      "/dev/snapshot: this kernel does not hand out its snapshot");
	else
		thawctl_error("A driver does not let the machine hibernate; see dmesg(1).",
			      "/dev/snapshot: %s", strerror(error));
}

/* --- firmware and thaw ---------------------------------------------------------------------- */

static bool firmware_can_restore(void)
{
	if (access("/sys/firmware/efi", F_OK) && !bootvars_available()) {
		thawctl_error("Use 'systemctl hibernate' or the like.",
			      "this machine was not booted by UEFI firmware, so thaw cannot run");
		return false;
	}
	if (bootvars_secure_boot() == 1) {
		thawctl_error("Switch Secure Boot off in the firmware's settings.",
			      "Secure Boot is on, and thaw would not restore an image it cannot "
			      "authenticate");
		return false;
	}
	return true;
}

bool hibernate_ready(void)
{
#if !defined(__x86_64__)
	thawctl_error("'systemctl hibernate' saves by the kernel itself.",
		      "only x86-64 machines can be restored yet");
	return false;
#endif
	if (geteuid()) {
		thawctl_error("Become root.", "hibernating is root's business");
		return false;
	}
	if (is_locked_down()) {
		thawctl_error("It is with Secure Boot, or by lockdown= on its command line.",
			      "the kernel is locked down and does not hibernate");
		return false;
	}
	return kernel_is_known() && kernel_is_willing() && firmware_can_restore();
}

/* --- memory --------------------------------------------------------------------------------- */

/* A field of /proc/meminfo in bytes, 0 if it is not there. */
static uint64_t memory_field(const char *name)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	size_t length = strlen(name);
	char line[128];

	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, name, length) && line[length] == ':' &&
		    sscanf(line + length + 1, "%llu", &kib) == 1)
			break;
	}
	if (file)
		fclose(file);
	return (uint64_t)kib << 10;
}

uint64_t hibernate_memory_bytes(void)
{
	return memory_field("MemTotal");
}

uint64_t hibernate_likely_bytes(void)
{
	uint64_t used = memory_field("MemTotal") - memory_field("MemFree");
	unsigned long long most;
	char line[32];

	/* The kernel drops caches until the image is no larger than this. */
	if (read_text("/sys/power/image_size", line, sizeof(line)) &&
	    sscanf(line, "%llu", &most) == 1 && most)
		used = thaw_min(used, most);
	return used;
}
