# SPDX-License-Identifier: BSD-2-Clause-Patent
"""What still reaches a guest after a restore: the power button and the clock's alarm (see init-wake);
beside it what reaches it after the kernel's own resume. With `acpi = "off"` on a machine whose firmware
does not turn ACPI on, as OVMF does."""

import shutil

import cache
import disk
import esp
import firmware
import guest
import hibernated
import initramfs
import kernel as kernels
import machine as machines
import saving
import session
import uki
from session import Unexpected

WAYS = ("button", "clock")
TOLD = "acpi"
PM1_CONTROL = 0x604               # q35: ICH9 as OVMF sets it up; SCI_EN is bit 0
NOWHERE = "device PARTUUID=00000000-0000-0000-0000-000000000000"
DISK = initramfs.DISK_MODULES["virtio"]
# The kernel that resumes has the disk's alone, as an initramfs has: a driver of the button in it would
# turn the button on for the image's kernel, too.
MODULES = {"wake": DISK + ["button", "evdev", "efivarfs"], "resume": DISK}
SWAP = 256 * disk.MIB


def _uki(path, kernel, do, mode):
    loaded = kernel.with_dependencies(MODULES[do])
    contents = {f"modules/{name}.ko": data for name, data in loaded.items()}
    contents |= {"modules/order": "".join(f"{name}\n" for name in loaded).encode(),
                 "init": (cache.HERE / "init-wake").read_bytes(), "bin/busybox": initramfs.busybox()}
    archive = initramfs.cpio([
        *((name, 0o040755, b"") for name in ("bin", "dev", "proc", "sys", "mem", "modules")),
        *((f"bin/{applet}", 0o120777, b"busybox") for applet in initramfs.APPLETS),
        *((name, 0o100755, data) for name, data in contents.items()),
        *saving.program(cache.BUILD / "thawctl")])
    uki.build(path, kernel.vmlinuz.read_bytes(), archive,
              f"{guest.CONSOLE} thaw.do={do} thaw.mode={mode}")
    return path


def _listen(machine, until):
    """The ways that wake the guest, from here to the line `until`, and whether it was told."""
    found = set()
    while True:
        index, _, match = machine.wait(
            [until, "^GUEST wakes (\\w+)", "^GUEST press the power button", "^GUEST told"], 180)
        if index == 0:
            return found
        if index == 1:
            found.add(match.group(1))
        if index == 2:
            machine.press_power_button()
        if index == 3:
            found.add(TOLD)


def _after(case, parts, files, watch):
    """The ways that wake it after a resume by what these files boot, thaw first of all."""
    esp.build(parts["esp"], files)
    with watch(machines.Machine(_config(case), **parts)) as machine:
        machine.wait("^thaw: start", 60)
        if case.get("acpi") == "off":
            machine.qmp("human-monitor-command", **{"command-line": f"o /w {PM1_CONTROL} 0"})
        machine.wait("^GUEST back$", 180)
        found = _listen(machine, "^GUEST woken$")
        machine.wait_end(60)
        return found


def _config(case):
    return machines.Config(bootindex=True, **case.get("machine", {}))


def woken(case, _, folder, watch):
    """By thaw and by the kernel itself, of two copies of one hibernated disk. thaw stands before that
    kernel too, looks nowhere, and goes on."""
    kernel = kernels.kernel(case.get("kernel", "6.12"))
    parts = {name: folder / name for name in ("disk", "variables", "esp")}
    disk.Layout("none", SWAP).write(parts["disk"])
    shutil.copyfile(firmware.variables(_config(case).firmware), parts["variables"])
    esp.build(parts["esp"], {session.BOOT: _uki(folder / "first.efi", kernel, "wake", case["mode"])})
    with watch(machines.Machine(_config(case), **parts)) as machine:
        before = _listen(machine, "^GUEST hibernating$")
        machine.wait_end(180)
    hibernated.copy(parts["disk"], folder / "copy")
    by_thaw = _after(case, parts, session.thaw_files(session.thaw_program()), watch)
    again = parts | {"disk": folder / "copy"}
    resume = session.thaw_files(session.thaw_program(), [NOWHERE])
    resume[session.NEXT] = _uki(folder / "resume.efi", kernel, "resume", case["mode"])
    by_kernel = _after(case, again, resume, watch)
    if before != set(WAYS):
        raise Unexpected(f"before it hibernated only {before} reached the guest")
    wanted = set(case["expect"]), set(case.get("without_thaw", case["expect"]))
    if (by_thaw, by_kernel) != wanted:
        raise Unexpected(f"after thaw {_words(by_thaw)}; after the kernel {_words(by_kernel)}")
    return f"{_words(by_thaw)}; after the kernel's own resume {_words(by_kernel)}"


def _words(ways):
    words = [way for way in WAYS if way in ways] or ["nothing"]
    return ", ".join([*words, *["says that ACPI is off"] * (TOLD in ways)])
