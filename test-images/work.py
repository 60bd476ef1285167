# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The guest that works: it has a filesystem mounted and is hibernated and restored while it writes
to it (see init-work). Its disks are made anew for each case."""

import dataclasses
import re
import shutil
import subprocess

import cache
import disk
import esp
import firmware
import guest
import initramfs
import kernel as kernels
import machine as machines
import program
import session
import uki
from session import Unexpected

APPLETS = """cmp cp mkdir rm touch umount wc""".split()
MODULES = ["virtio_pci", "virtio_blk", "crc32c_generic", "ext4", "efivarfs"]
SWAP, FILES = 512 * disk.MIB, 128 * disk.MIB


def _archive(kernel, stress):
    """The initramfs."""
    loaded = kernel.with_dependencies(MODULES)
    order = "".join(f"{name}\n" for name in loaded).encode()
    contents = {f"modules/{name}.ko": data for name, data in loaded.items()}
    contents |= {"modules/order": order, "init": (cache.HERE / "init-work").read_bytes(),
                 "bin/busybox": initramfs.busybox()}
    if stress:
        contents |= program.files("stress-ng", "usr/bin/stress-ng")
    folders = ["bin", "dev", "proc", "sys", "mem", "files", "modules", "usr", "usr/lib", "usr/bin"]
    links = [("lib64", "usr/lib"), ("lib", "usr/lib")]
    links += [(f"bin/{applet}", "busybox") for applet in {*initramfs.APPLETS, *APPLETS}]
    return initramfs.cpio([*((name, 0o040755, b"") for name in folders),
                           *((name, 0o120777, target.encode()) for name, target in links),
                           *((name, 0o100755, data) for name, data in contents.items())])


class Work:
    """Its disks in a folder, and its machines."""

    def __init__(self, folder, watch, kernel="6.12", cycles=1, stress=False, seen=True, **config):
        """With `seen`, firmware connects the disk of the filesystem too."""
        self.folder, self.watch, self.seen = folder, watch, seen
        self.kernel = kernels.kernel(kernel)
        self.config = machines.Config(bootindex=True, **config)
        self.cycles, self.stress = cycles, stress
        self.swap, self.files, self.esp = (folder / name for name in ("swap", "files", "esp"))
        self.variables, self.tpm_state = folder / "vars.fd", folder / "tpm"
        self.tpm_state.mkdir()
        self.more = []            # arguments of QEMU: what is plugged in besides
        disk.Layout("none", SWAP).write(self.swap)
        with open(self.files, "wb") as file:
            file.truncate(FILES)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.files], check=True)
        shutil.copyfile(firmware.variables("ovmf"), self.variables)

    def uki(self, do):
        """The guest as a bootable file."""
        path = self.folder / f"{do}.efi"
        if not path.exists():
            words = [guest.CONSOLE, "noresume", f"thaw.do={do}", f"thaw.cycles={self.cycles}"]
            words += ["thaw.stress=1"] if self.stress else []
            archive = _archive(self.kernel, self.stress)
            uki.build(path, self.kernel.vmlinuz.read_bytes(), archive, " ".join(words))
        return path

    def boots(self, files):
        """Sets what is on the EFI system partition."""
        esp.build(self.esp, files)

    def boots_thaw(self, following):
        """thaw, then that file."""
        files = session.thaw_files(session.thaw_program())
        self.boots(files | {session.NEXT: following})

    def machine(self, **changes):
        """The machine; use as a context manager."""
        config = dataclasses.replace(self.config, **changes)
        extra = ["-drive", f"if=none,id=files,format=raw,file={self.files}",
                 "-device", "virtio-blk-pci,drive=files,addr=6" + ",bootindex=2" * self.seen,
                 *self.more]
        return self.watch(machines.Machine(config, self.swap, self.variables, esp=self.esp,
                                           tpm_state=self.tpm_state, extra=extra))

    def hibernate(self):
        """The first boot, up to the first image."""
        self.boots({session.BOOT: self.uki("work")})
        with self.machine() as machine:
            machine.wait("^GUEST hibernating 0", 300)
            machine.wait_end(300)

    def is_hibernated(self):
        with open(self.swap, "rb") as file:
            file.seek(4086)
            return file.read(10) == b"S1SUSPEND\0"

    def damage(self):
        """What e2fsck finds wrong with the filesystem; nothing if it is clean."""
        done = subprocess.run(["e2fsck", "-fn", self.files], capture_output=True, text=True)
        return "" if done.returncode == 0 else done.stdout.strip()


def soak(case, _, folder, watch):
    """Hibernated and restored so many times in a row, working all the while."""
    work = Work(folder, watch, cycles=case["cycles"], stress=True,
                processors=case.get("processors", 1), kernel=case.get("kernel", "6.12"))
    work.hibernate()
    work.boots_thaw(session.fresh_guest())
    log = ""
    for cycle in range(1, case["cycles"] + 1):
        if not work.is_hibernated():
            raise Unexpected(f"no image before cycle {cycle}")
        with work.machine() as machine:
            machine.wait(f"^GUEST back {cycle}$", 300)
            machine.wait(f"^GUEST cycle {cycle} ok$", 300)
            if cycle == case["cycles"]:
                _, _, match = machine.wait("^GUEST log of (\\d+) lines", 300)
                log = match.group(1)
                machine.wait("^GUEST work done", 60)
            machine.wait_end(300)
    if found := work.damage():
        raise Unexpected(f"e2fsck: {found}")
    return f"{case['cycles']} cycles, {log} lines written, stress-ng and e2fsck without a finding"


def _measured(machine):
    """What the guest said: {(before or after, register of the TPM): value}, and with stub for the
    register the length of what the stub left."""
    found = {}
    for line in machine.log:
        if m := re.match(r"GUEST pcr (\w+) (\d+) (\w+)$", line.text):
            found[m.group(1), int(m.group(2))] = int(m.group(3), 16)
        if m := re.match(r"GUEST stub (\w+) (\d+)$", line.text):
            found[m.group(1), "stub"] = int(m.group(2))
    return found


def measured(case, _, folder, watch):
    """What a restored system finds of the boot that it is in: in the TPM firmware's registers as they
    were, the boot programs' of a boot in which thaw ran and nobody else (docs/SECURITY.md); and of the
    stub's volatile variables nothing."""
    work = Work(folder, watch, tpm=True)
    work.boots({session.BOOT: work.uki("work")})
    with work.machine() as machine:
        machine.wait("^GUEST hibernating 0", 300)
        machine.wait_end(300)
        values = _measured(machine)
    work.boots_thaw(session.fresh_guest())
    with work.machine() as machine:
        machine.wait("^GUEST cycle 1 ok$", 300)
        machine.wait_end(300)
        values |= _measured(machine)
    same = [n for n in (0, 2, 4, 7, 11) if values["before", n] == values["after", n]]
    if same != [0, 2, 7] or values["after", 11] or not values["before", 11]:
        raise Unexpected(f"PCRs: {values}")
    if not values["before", "stub"] or values["after", "stub"]:
        raise Unexpected(f"the stub's variable: {values}")
    return "PCR 0, 2 and 7 as before, 4 thaw's, 11 empty; the stub's variables are gone"
