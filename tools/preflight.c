/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * preflight.c: see preflight.h.
 */
#include "preflight.h"

#include "acpi.h"
#include "cmdline.h"
#include "file.h"
#include "preflight_machine.h"
#include "thawctl.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECURE_BOOT "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

/* The EFI variable holds a value other than 0. Four bytes of attributes come first. */
static bool is_set(const struct preflight *m, const char *path)
{
	char full[PATH_MAX];
	size_t size = 0;
	char *value;
	bool set;

	snprintf(full, sizeof(full), "%s%s", m->root, path);
	value = file_read(full, &size);
	set = value && size > 4 && value[4];
	free(value);
	return set;
}

static void check_firmware(struct preflight *m)
{
	bool uefi = preflight_has(m, "/sys/firmware/efi");
	bool on = is_set(m, SECURE_BOOT);

	preflight_tell(m, uefi ? PREFLIGHT_OK : PREFLIGHT_OBSTACLE, "firmware",
		       "Boot the machine by UEFI: in the firmware's setup, without CSM.",
		       uefi ? "UEFI" : "the machine was not booted by UEFI");
	if (uefi)
		preflight_tell(
			m, on ? PREFLIGHT_OBSTACLE : PREFLIGHT_OK, "Secure Boot",
			"Turn it off in the firmware's setup: an image cannot be authenticated.",
			on ? "on" : "off");
}

static void check_kernel(struct preflight *m)
{
	char *release = preflight_read(m, "/proc/sys/kernel/osrelease"),
	     *state = preflight_read(m, "/sys/power/state");
	char *lockdown = preflight_read(m, "/sys/kernel/security/lockdown");
	char *mode = preflight_read(m, "/sys/power/disk"),
	     *cmdline = preflight_read(m, "/proc/cmdline");
	unsigned major = 0, minor = 0;
	bool old, locked = lockdown[0] && !strstr(lockdown, "[none]");
	bool off = !strstr(state, "disk") || strstr(mode, "[disabled]") ||
		   cmdline_has(cmdline, "nohibernate");

	sscanf(release, "%u.%u", &major, &minor);
	old = major < 4 || (major == 4 && minor < 10);
	preflight_tell(m, old ? PREFLIGHT_OBSTACLE : PREFLIGHT_OK, "kernel",
		       "thaw restores images of Linux 4.10 and later.", "%.*s",
		       (int)strcspn(release, "\n"), release[0] ? release : "unknown");
	preflight_tell(
		m, locked ? PREFLIGHT_OBSTACLE : PREFLIGHT_OK, "lockdown",
		"A locked-down kernel does not hibernate; Secure Boot or lockdown= on the kernel's "
		"command line locks it.",
		locked ? "on" : "off");
	preflight_tell(m, off ? PREFLIGHT_OBSTACLE : PREFLIGHT_OK, "hibernation",
		       "Take 'nohibernate' off the kernel's command line, or use a kernel with "
		       "CONFIG_HIBERNATION.",
		       off ? "the kernel does not offer it" : "offered");
	free(release);
	free(state);
	free(lockdown);
	free(mode);
	free(cmdline);
}

static void check_fallback(struct preflight *m)
{
	char *cmdline = preflight_read(m, "/proc/cmdline"),
	     *resume = preflight_read(m, "/sys/power/resume");
	bool set = cmdline_has(cmdline, "resume=") || (resume[0] && strncmp(resume, "0:0", 3));
	bool no = cmdline_has(cmdline, "noresume");

	preflight_tell(
		m, set && !no ? PREFLIGHT_OK : PREFLIGHT_WARNING, "fallback",
		"Put resume=UUID=... on the kernel's command line (without 'noresume'): where thaw "
		"refuses an image, the kernel behind it still gets its chance.",
		no    ? "the kernel was told not to resume by itself"
		: set ? "the kernel can resume by itself"
		      : "the kernel does not know where to resume from");
	free(cmdline);
	free(resume);
}

/* Saved otherwise, the kernel does not turn ACPI on again, nor does firmware have to. */
static void check_mode(struct preflight *m)
{
	char *mode = preflight_read(m, "/sys/power/disk");
	bool platform = strstr(mode, "[platform]");

	if (acpi_is_off(m->root))
		preflight_tell(m, PREFLIGHT_WARNING, "ACPI", ACPI_HINT,
			       "off since the machine was restored");
	preflight_tell(m, platform ? PREFLIGHT_OK : PREFLIGHT_WARNING, "mode",
		       "Write 'platform' to /sys/power/disk, if that is offered (systemd: HibernateMode=): "
		       "else the power button may be dead after a restore.",
		       platform ? "platform" : "the machine hibernates without ACPI's S4");
	free(mode);
}

/* Units that it leaves alone have no entry, be they the first. */
static bool uses_vtd(const struct preflight *m)
{
	char path[PATH_MAX];
	bool found = false;
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/class/iommu", m->root);
	dir = opendir(path);
	while (!found && dir && (e = readdir(dir)))
		found = !strncmp(e->d_name, "dmar", 4);
	if (dir)
		closedir(dir);
	return found;
}

/*
 * What a boot kernel would have switched off before it resumed, and the saved kernel does not: see
 * docs/HARDWARE.md. The kernel's own account is asked where there is one, for its command line is not
 * all that decides. AMD's IOMMU is not among this: a kernel told to leave it alone does so at boot, too.
 */
static void check_vtd(struct preflight *m)
{
	if (preflight_has(m, "/sys/firmware/acpi/tables/DMAR") && !uses_vtd(m))
		preflight_tell(
			m, PREFLIGHT_WARNING, "VT-d",
			"Take 'intel_iommu=off' and 'iommu=off' off the kernel's command line, or add "
			"'intel_iommu=on': if firmware leaves VT-d on, a restored kernel that does not "
			"use it loses its disks.",
			"the kernel does not use it");
}

/* 6.1.167, 6.12.78, 7.0: "x86/apic: Disable x2apic on resume if the kernel expects so". */
static bool resume_leaves_x2apic(const char *release)
{
	unsigned major = 0, minor = 0, update = 0;

	sscanf(release, "%u.%u.%u", &major, &minor, &update);
	if (major == 6 && (minor == 1 || minor == 12))
		return update < (minor == 1 ? 167 : 78);
	return major < 7;
}

/* A kernel that obeys nox2apic takes the word out of cpuinfo, one that cannot leaves it there. */
static bool does_without_x2apic(const char *cmdline, const char *cpuinfo)
{
	bool listed = cmdline_has(cpuinfo, "x2apic");

	if (cmdline_has(cmdline, "nox2apic"))
		return !listed;
	return listed &&
	       (cmdline_has(cmdline, "nointremap") || cmdline_is_off(cmdline, "intremap="));
}

static void check_x2apic(struct preflight *m)
{
	char *release = preflight_read(m, "/proc/sys/kernel/osrelease"),
	     *cmdline = preflight_read(m, "/proc/cmdline"),
	     *cpuinfo = preflight_read(m, "/proc/cpuinfo");

	if (resume_leaves_x2apic(release) && does_without_x2apic(cmdline, cpuinfo))
		preflight_tell(
			m, PREFLIGHT_WARNING, "x2APIC",
			"Take 'nox2apic', 'nointremap' and 'intremap=off' off the kernel's command "
			"line, or use Linux 6.1.167, 6.12.78, 7.0 or later: if firmware leaves x2APIC "
			"on, an older kernel without it hangs when it is restored.",
			"the kernel was told to do without");
	free(release);
	free(cmdline);
	free(cpuinfo);
}

static void check_all(struct preflight *m)
{
	check_firmware(m);
	check_kernel(m);
	check_mode(m);
	check_vtd(m);
	check_x2apic(m);
	preflight_space(m);
	check_fallback(m);
}

int preflight(const char *root, bool as_json)
{
	struct json json = {.out = stdout};
	struct preflight m = {.root = root, .json = as_json ? &json : NULL};

	if (as_json) {
		json_object(&json, NULL);
		json_array(&json, "findings");
	}
	check_all(&m);
	if (as_json) {
		json_end(&json);
		json_bool(&json, "ready", m.worst != PREFLIGHT_OBSTACLE);
		json_end(&json);
	} else {
		puts(m.worst == PREFLIGHT_OBSTACLE
			     ? "thaw could not restore this machine."
			     : "thaw could restore this machine. 'thawctl status' says "
			       "whether it is installed.");
	}
	return m.worst == PREFLIGHT_OBSTACLE ? THAWCTL_REFUSED : THAWCTL_DONE;
}
