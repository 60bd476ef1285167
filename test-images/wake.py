# SPDX-License-Identifier: BSD-2-Clause-Patent
"""What still reaches a guest after a restore: the power button and the clock's alarm (see init-wake);
beside it what reaches it after the kernel's own resume."""

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
import session
import uki
from session import Unexpected

WAYS = ("button", "clock")
MODULES = ["virtio_pci", "virtio_blk", "button", "evdev"]
SWAP = 256 * disk.MIB


def _uki(path, kernel, do, mode):
    loaded = kernel.with_dependencies(MODULES)
    contents = {f"modules/{name}.ko": data for name, data in loaded.items()}
    contents |= {"modules/order": "".join(f"{name}\n" for name in loaded).encode(),
                 "init": (cache.HERE / "init-wake").read_bytes(), "bin/busybox": initramfs.busybox()}
    archive = initramfs.cpio([
        *((name, 0o040755, b"") for name in ("bin", "dev", "proc", "sys", "mem", "modules")),
        *((f"bin/{applet}", 0o120777, b"busybox") for applet in initramfs.APPLETS),
        *((name, 0o100755, data) for name, data in contents.items())])
    uki.build(path, kernel.vmlinuz.read_bytes(), archive,
              f"{guest.CONSOLE} thaw.do={do} thaw.mode={mode}")
    return path


def _listen(machine, until):
    """The ways that wake the guest, from here to the line `until`."""
    found = set()
    while True:
        index, _, match = machine.wait(
            [until, "^GUEST wakes (\\w+)", "^GUEST press the power button"], 180)
        if index == 0:
            return found
        if index == 1:
            found.add(match.group(1))
        if index == 2:
            machine.press_power_button()


def _after(case, parts, files, watch):
    """The ways that wake it after a resume by what these files boot."""
    esp.build(parts["esp"], files)
    with watch(machines.Machine(_config(case), **parts)) as machine:
        machine.wait("^GUEST back$", 180)
        found = _listen(machine, "^GUEST woken$")
        machine.wait_end(60)
        return found


def _config(case):
    return machines.Config(bootindex=True, **case.get("machine", {}))


def woken(case, _, folder, watch):
    """By thaw and by the kernel itself, of two copies of one hibernated disk."""
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
    resume = {session.BOOT: _uki(folder / "resume.efi", kernel, "resume", case["mode"])}
    by_kernel = _after(case, again, resume, watch)
    if before != set(WAYS):
        raise Unexpected(f"before it hibernated only {before} reached the guest")
    if by_thaw != set(case["expect"]) or by_kernel - by_thaw:
        raise Unexpected(f"after thaw {_words(by_thaw)}; after the kernel {_words(by_kernel)}")
    return f"after the kernel's own resume {_words(by_kernel)}"


def _words(ways):
    return ", ".join(way for way in WAYS if way in ways) or "nothing"
