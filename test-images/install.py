# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The guest of init-install: a machine whose user installs thaw with thawctl."""

import re
import secrets
import shutil
import subprocess

import cache
import disk
import firmware
import hibernated
import initramfs
import kernel as kernels
import machine as machines
import session
import uki
from session import Unexpected

APPLETS = initramfs.APPLETS + ["cmp", "find", "ls", "mkdir", "rm", "sort", "touch", "umount", "xargs"]
MODULES = ["virtio_pci", "virtio_blk", "efivarfs", "vfat", "nls_cp437", "nls_ascii", "button"]
FOLDERS = ["bin", "boot", "boot/efi", "dev", "proc", "sys", "modules", "lib64", "lib",
           "lib/x86_64-linux-gnu", "var", "var/lib"]


class Machine(machines.Machine):
    """Firmware keeps its own boot order: QEMU does not impose one."""

    def command(self):
        return [re.sub(r",bootindex=\d", "", word) for word in super().command()]


def _libraries(program):
    """What a program is linked to, with the loader itself."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return sorted(set(re.findall(r"(/lib\S+)", said)))


def _archive(kernel):
    entries = [(name, 0o040755, b"") for name in FOLDERS]
    entries += [(f"bin/{name}", 0o120777, b"busybox") for name in APPLETS]
    files = {"bin/busybox": initramfs.busybox(), "init": (cache.HERE / "init-install").read_bytes(),
             "bin/thawctl": (cache.BUILD / "thawctl").read_bytes(),
             "thaw.efi": (cache.BUILD / "thaw.efi").read_bytes()}
    for path in _libraries(cache.BUILD / "thawctl"):
        with open(path, "rb") as file:
            files[path.lstrip("/")] = file.read()
    modules = kernel.with_dependencies(MODULES)
    files |= {f"modules/{name}.ko": data for name, data in modules.items()}
    files["modules/order"] = "".join(f"{name}\n" for name in modules).encode()
    entries += [(name, 0o100755, data) for name, data in files.items()]
    return initramfs.cpio(entries)


def _build(folder, mode):
    """(parts of a machine, nonce): its disk boots the guest and nothing else."""
    kernel, nonce = kernels.kernel("6.12"), secrets.token_hex(8)
    words = ["console=ttyS0,115200 loglevel=5 panic=-1", f"thaw.mode={mode}", f"thaw.nonce={nonce}"]
    uki.build(folder / "guest.efi", kernel.vmlinuz.read_bytes(), _archive(kernel), " ".join(words))
    layout = disk.Layout("esp", 512 * disk.MIB)
    layout.write(folder / "disk.raw")
    shutil.copyfile(firmware.variables("ovmf"), folder / "vars.fd")
    return {"disk": folder / "disk.raw", "variables": folder / "vars.fd"}, layout, nonce


def installed(case, _, folder, watch):
    """A user's first hibernation: thawctl installs thaw, the machine hibernates, is restored through
    firmware's own boot order, thaw is taken off again, and the machine boots as before."""
    parts, layout, nonce = _build(folder, case["mode"])
    hibernated.boot_from(folder, parts["disk"], layout, {session.BOOT: folder / "guest.efi"})

    def boot():
        return watch(Machine(machines.Config(memory=1024), **parts))

    with boot() as machine:
        machine.wait("^GUEST hibernating", 300)
        machine.wait_end(300)
    with boot() as machine:
        machine.wait("^GUEST resumed$", 300)
        _, _, match = machine.wait("^GUEST nonce (\\w+)", 300)
        if match.group(1) != nonce:
            raise Unexpected(f"nonce {match.group(1)} is not {nonce}")
        machine.wait("^GUEST resumed all ok", 60)
        machine.wait_end(60)
    with boot() as machine:
        session.follow_fresh(machine)
