# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The guest of init-install: a machine whose user installs thaw with thawctl; with systemd or
without."""

import os
import pathlib
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
import package
import saving
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


def _libraries(program, *folders):
    """What a program is linked to, with the loader itself, but for what is in those folders."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=True,
                          env=dict(os.environ, LD_LIBRARY_PATH=":".join(folders))).stdout
    if missing := re.findall(r"(\S+) => not found", said):
        raise Unexpected(f"{program} needs {' '.join(missing)}")
    return sorted({path for path in re.findall(r"(/\S+) \(0x", said)
                   if not any(path.startswith(folder) for folder in folders)})


# What is taken of systemd, and what starts the guest under it.
PROGRAMS = ["systemd", "systemctl", "systemd-executor"]
UNITS = ["systemd-hibernate.service", "hibernate.target", "sleep.target"]
GUEST = """[Unit]
DefaultDependencies=no
[Service]
ExecStart=/guest
"""
DEFAULT = """[Unit]
DefaultDependencies=no
Wants=guest.service
"""


def drop_in():
    """As thawctl(8) has it."""
    text = (cache.HERE.parent / "docs/thawctl.8").read_text()
    return re.search(r"service\.d/thaw\.conf :\n\.Bd [^\n]*\n(.*?)\.Ed\n", text, re.S)[1]


def _systemd():
    """Files of systemd as Debian packages it, and the guest's init as one of its services."""
    folders = [package.unpacked(name) for name in ("systemd", "libsystemd-shared")]
    found = {path.name: (str(path.relative_to(folder)), path) for folder in folders
             for path in folder.rglob("*")
             if path.name in PROGRAMS + UNITS or re.match(r"libsystemd-.*\.so$", path.name)
             if path.is_file() and not path.is_symlink()}
    files = {name: path.read_bytes() for name, path in found.values()}
    shared = [str(path.parent) for _, path in found.values() if path.suffix == ".so"]
    for name in PROGRAMS[:2]:
        for path in _libraries(found[name][1], *shared):
            files.setdefault(path.lstrip("/"), pathlib.Path(path).read_bytes())
    units = "etc/systemd/system"
    return found["systemd"][0], files | {
        "guest": (cache.HERE / "init-install").read_bytes(),
        f"{units}/guest.service": GUEST.encode(), f"{units}/default.target": DEFAULT.encode(),
        f"{units}/systemd-hibernate.service.d/thaw.conf": drop_in().encode()}


def _folders(files):
    """Those that are not there yet, parents first."""
    needed = {str(parent) for name in files for parent in pathlib.PurePath(name).parents}
    return sorted(needed - {"."} - set(FOLDERS))


def _archive(kernel, by_systemd):
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
    if by_systemd:
        program, more = _systemd()
        files = more | files
        del files["init"]
        entries += [(name, 0o040755, b"") for name in _folders([*files, "usr/sbin/thawctl"])]
        entries += [("init", 0o120777, program.encode()),
                    ("usr/sbin/thawctl", 0o120777, b"/bin/thawctl")]
    entries += [(name, 0o100755, data) for name, data in files.items()]
    return initramfs.cpio(entries)


def _build(folder, case):
    """(parts of a machine, nonce): its disk boots the guest and nothing else. What the guest saves
    by thawctl to a partition of thaw's type lies on a disk that firmware does not start."""
    kernel, nonce = kernels.kernel("6.12"), secrets.token_hex(8)
    apart = case.get("saves") == "own"
    by_systemd = case.get("saves") == "systemd"
    words = ["console=ttyS0,115200 loglevel=5 panic=-1 systemd.log_target=console",
             "systemd.default_standard_output=tty", f"thaw.mode={case['mode']}",
             f"thaw.saves={case.get('saves', '')}", f"thaw.target={'vdb1' if apart else 'vda2'}",
             f"thaw.nonce={nonce}"]
    uki.build(folder / "guest.efi", kernel.vmlinuz.read_bytes(), _archive(kernel, by_systemd), " ".join(words))
    layout = saving.Layout("gpt", 512 * disk.MIB) if apart else disk.Layout("esp", 512 * disk.MIB)
    parts = {"disk": folder / "disk.raw", "variables": folder / "vars.fd"}
    layout.write(parts["disk"])
    shutil.copyfile(firmware.variables("ovmf"), parts["variables"])
    return parts | hibernated.boot_from(folder, parts["disk"], layout,
                                        {session.BOOT: folder / "guest.efi"}), nonce


def installed(case, _, folder, watch):
    """A user's first hibernation: thawctl installs thaw, the machine hibernates, is restored through
    firmware's own boot order, thaw is taken off again, and the machine boots as before."""
    parts, nonce = _build(folder, case)

    def boot():
        kind = machines.Machine if "esp" in parts else Machine
        return watch(kind(machines.Config(memory=1024), **parts))

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
