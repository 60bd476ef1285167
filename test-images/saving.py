# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Guests that hibernate by `thawctl hibernate`, and kinds of cases made of them.

The guest is the one that hibernates by its kernel (init, guest.py), with thawctl and its libraries
in the initramfs and two lines of init changed."""

import dataclasses
import hashlib
import os
import pathlib
import re
import secrets
import shutil
import struct
import subprocess
import time
import uuid

import cache
import disk
import firmware
import guest
import hibernated
import initramfs
import kernel as kernels
import machine as machines
import nbd
import session
import signing
import thawimage
import uki
from session import Unexpected

TYPE_THAW = uuid.UUID("548a19f8-7ec7-4ac1-9831-5d728dca167e")
APPLETS = ["umount", "mkdir", "touch"]

# The lines of init that make the kernel hibernate, and what stands there instead.
MODE = 'echo "$(arg mode platform)" > /sys/power/disk || end "FAILED: no such mode"\n'
SWAPON = 'swapon "/dev/$swap" || end "FAILED: swapon"\n'
POWER = 'echo disk > /sys/power/state || { dmesg | tail -40; end "FAILED to hibernate"; }\n'
HIBERNATE = """
[ "$(arg security)" ] && mount -t securityfs security /sys/kernel/security
[ "$(arg stick)" ] && { wait_for /dev/sda1 && mkdir /stick && mount -t ext4 /dev/sda1 /stick ||
	end "FAILED: stick"; }
[ "$(arg dirty)" ] && { while :; do cat /mem/random > /mem/dirty; done & }
[ "$(arg pm_test)" ] && echo "$(arg pm_test)" > /sys/power/pm_test
left=$(arg cycles 1)
while [ $left -gt 0 ]; do
	left=$((left - 1))
	thawctl hibernate --force $(arg words | tr , ' ') "/dev/$swap"
	status=$?
	say "thawctl $status, $left left"
	[ $status = "$(arg status 0)" ] || { dmesg | tail -40; end "FAILED to hibernate"; }
done
"""


class Layout(disk.Layout):
    """A partition of thaw's type where the swap area would be."""

    def write(self, path):
        super().write(path)
        with open(path, "r+b") as file:
            disk.write_gpt(file, self.size, self.sector,
                           [(TYPE_THAW, "thaw", self.swap_at, self.swap),
                            (disk.TYPE_DATA, "data", self.data_at, disk.DATA_MIB * disk.MIB)])
            file.seek(self.swap_at)
            file.write(bytes(disk.PAGE))


def _script(onto_swap):
    script = (cache.HERE / "init").read_text()
    for old, new in ((MODE, MODE.split("||")[0] + "\n"), (SWAPON, SWAPON if onto_swap else ""),
                     (POWER, HIBERNATE)):
        if script.count(old) != 1:
            raise SystemExit(f"init has no single line {old!r}")
        script = script.replace(old, new)
    return script.encode()


def program(path):
    """A program and the libraries it needs, as entries of the archive."""
    said = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
    libraries = re.findall(r"(/\S+) \(0x", said)
    folders = {f"{parent}"[1:] for name in libraries for parent in pathlib.Path(name).parents}
    return [*((name, 0o040755, b"") for name in sorted(folders - {""}, key=len)),
            *((name[1:], 0o100755, pathlib.Path(name).read_bytes()) for name in libraries),
            ("bin/thawctl", 0o100755, path.read_bytes())]


def _archive(kernel, modules, content, onto_swap):
    """The initramfs of the guest that hibernates, with its script and thawctl on top: where a name
    comes twice, the later one is what the kernel unpacks last."""
    more = [("init", 0o100755, _script(onto_swap)), *program(cache.BUILD / "thawctl"),
            *((f"bin/{name}", 0o120777, b"busybox") for name in [*APPLETS, "tr"])]
    return initramfs.initramfs(kernel, modules, content) + initramfs.cpio(more)


class Saved:
    """A disk that a guest is to save itself on; what session.py asks of a hibernated one."""

    def __init__(self, case, recipe, config):
        # Firmware connects the disk when thaw runs, as in hibernated.py.
        self.recipe, self.config = recipe, dataclasses.replace(config, bootindex=True)
        self.onto_swap = case.get("onto_swap", False)
        self.stick = case.get("stick", False)
        kind = disk.Layout if self.onto_swap else Layout
        self.layout = kind("gpt", recipe.swap * disk.MIB, config.sector)
        self.facts = {"nonce": secrets.token_hex(8)}

    def build(self, path, words):
        """The guest as a bootable file."""
        recipe, config = self.recipe, self.config
        kernel = kernels.kernel(recipe.kernel)
        modules = guest._modules(recipe, config) + initramfs.USED_MODULES
        if self.stick:
            modules += [*initramfs.DISK_MODULES["usb"], "crc32c_generic", "ext4"]
            words = [*words, "thaw.stick=1"]
        archive = _archive(kernel, modules, recipe.content * disk.MIB, self.onto_swap)
        disk_node, node = guest._nodes(recipe, config)
        line = [guest.CONSOLE, recipe.options, "thaw.do=hibernate",
                f"thaw.nonce={self.facts['nonce']}", f"thaw.disk={disk_node}",
                f"thaw.swap={node}", f"thaw.data={self.layout.data_at // disk.MIB}",
                f"thaw.disk_sum={hashlib.sha256(disk.data()).hexdigest()}",
                f"thaw.mode={recipe.mode}", f"thaw.random={recipe.random}",
                f"thaw.zero={recipe.zero}", f"thaw.copies={recipe.copies}", *words]
        uki.build(path, kernel.vmlinuz.read_bytes(), archive, " ".join(line))

    def parts(self, folder):
        """A new disk and new variables in `folder`, as keyword arguments of Machine."""
        parts = {"disk": folder / "disk.raw", "variables": folder / "vars.fd"}
        self.layout.write(parts["disk"])
        shutil.copyfile(firmware.variables(self.config.firmware), parts["variables"])
        return parts | (_stick(folder / "stick.raw") if self.stick else {})

    def boot_guest(self, folder, parts, words=()):
        """Parts with the guest as what firmware boots; signed where firmware asks for it."""
        self.build(folder / "guest.efi", words)
        files = {session.BOOT: folder / "guest.efi"}
        if self.config.firmware == "snakeoil":
            files = signing.signed(folder, files)
        return parts | hibernated.boot_from(folder, parts["disk"], self.layout, files)

    def boot_thaw(self, folder, parts, conf=()):
        files = session.thaw_files(session.thaw_program(), conf)
        return parts | hibernated.boot_from(folder, parts["disk"], self.layout, files)

    def image(self, path):
        """What the independent reader makes of the disk."""
        return thawimage.Image(open(path, "rb"), self.layout.swap_at, self.layout.swap)


class ByKernel(Saved):
    """The same guest, but its kernel writes the image, to swap space."""

    def __init__(self, recipe, config):
        super().__init__({"onto_swap": True}, recipe, config)

    def build(self, path, words):
        guest.hibernating(path, self.recipe, self.config, self.facts["nonce"])


def _stick(path):
    """A file system on USB, which firmware does not start: it is not in the boot order."""
    size = 64 * disk.MIB
    with open(path, "wb") as file:
        file.truncate(size)
        disk.write_gpt(file, size, 512, [(disk.TYPE_DATA, "stick", disk.MIB, size - 2 * disk.MIB)])
    subprocess.run(["mkfs.ext4", "-q", "-F", "-E", f"offset={disk.MIB}", path,
                    f"{(size - 2 * disk.MIB) >> 10}k"], check=True)
    return {"extra": ["-drive", f"if=none,id=stick,format=raw,file={path}", "-device",
                      "qemu-xhci,id=xhci,addr=8", "-device", "usb-storage,bus=xhci.0,drive=stick"]}


class Logging(machines.Machine):
    """A machine that keeps every write to its disk, in order, in a file: QEMU's blklogwrites, in
    the format of the kernel's dm-log-writes (drivers/md/dm-log-writes.c)."""

    def __init__(self, config, log_of_writes, **parts):
        super().__init__(config, **parts)
        self.log_of_writes = log_of_writes

    def _disk_backend(self):
        return (f"driver=blklogwrites,file.driver=file,file.filename={self.disk},"
                f"log.driver=file,log.filename={self.log_of_writes}")


def writes(path):
    """(byte offset, bytes) of each write in such a file; None is a flush."""
    with open(path, "rb") as file:
        magic, _, entries, sector = struct.unpack("<QQQI", file.read(28))
        if magic != 0x6A736677736872:
            raise Unexpected("no log of writes")
        file.seek(sector)
        for _ in range(entries):
            at, count, flags, _ = struct.unpack("<QQQQ", file.read(sector)[:32])
            if flags & 1:
                yield None
            if count and not flags & 4:
                yield at * sector, file.read(count * sector)


def _machine(saved, parts, watch, **changes):
    return watch(machines.Machine(dataclasses.replace(saved.config, **changes), **parts))


def _expect_image(saved, path):
    """The independent reader finds a whole image; returns it, all of its data decoded."""
    image = saved.image(path)
    facts = dict(image.facts())
    kernel = kernels.kernel(saved.recipe.kernel).release
    if facts["kernel"] != kernel:
        raise Unexpected(f"the image says it is of {facts['kernel']}, not {kernel}")
    if not image.map or not image.firmware or not image.counts[thawimage.SPARE]:
        raise Unexpected("the image lacks memory map, firmware tables or spare frames")
    return image


def _expect_none(saved, path):
    try:
        saved.image(path)
    except thawimage.NoImage:
        return
    raise Unexpected("there is an image")


def save(machine, seconds=300):
    """Lets the guest hibernate; returns seconds from the command to the power going off."""
    _, line, _ = machine.wait("^GUEST hibernating", seconds)
    machine.wait_end(seconds)
    return time.monotonic() - line.when


def _words(case):
    return [f"thaw.{word}" for word in case.get("words", ())]


# --- kinds -------------------------------------------------------------------------------------------
def hibernate(case, saved, folder, watch):
    """The guest saves itself, another reader finds the image whole, thaw brings the guest back; as
    many times as it says. With a machine, the last is another than the one that was saved, and thaw
    does as expected."""
    parts = saved.parts(folder)
    with _machine(saved, saved.boot_guest(folder, parts, _words(case)), watch) as machine:
        took = save(machine)
    image = _expect_image(saved, parts["disk"])
    for _ in range(case.get("cycles", 1) - 1):
        with _machine(saved, saved.boot_thaw(folder, parts), watch) as machine:
            machine.wait("^GUEST thawctl 0, ", 300)
            machine.wait_end(300)
        _expect_image(saved, parts["disk"])
    expected = case.get("expect", "restored")
    changes = case.get("machine", {})
    with _machine(saved, saved.boot_thaw(folder, parts), watch, **changes) as machine:
        session.expect_end(machine, saved, expected)
    if expected == "restored":
        _expect_none(saved, parts["disk"])
    else:
        _expect_image(saved, parts["disk"])
    return f"{image.data_bytes >> 20} MiB saved in {took:.1f} s"


def unsaved(case, saved, folder, watch):
    """Saving fails, or is refused: the guest goes on as if nothing had been, and there is no image."""
    parts = saved.parts(folder)
    faults = [{"sector": (saved.layout.swap_at + unit * thawimage.UNIT) // 512, "iotype": "write",
               "once": False} for unit in case.get("bad_units", ())]
    guest_parts = saved.boot_guest(folder, parts, _words(case)) | {"faults": faults}
    with _machine(saved, guest_parts, watch) as machine:
        machine.wait(case["says"], 300)
        session.follow_resumed(machine, saved)
    _expect_none(saved, parts["disk"])


def left(case, saved, folder, watch):
    """The disk stores all of the image, but neither says so nor takes it back: the guest goes on, and
    thaw, which found none before, knows that this one is not to be restored."""
    parts = saved.parts(folder)
    saved.build(folder / "guest.efi", _words(case))
    files = session.thaw_files(session.thaw_program()) | {session.NEXT: folder / "guest.efi"}
    parts |= hibernated.boot_from(folder, parts["disk"], saved.layout, files)
    mark = thawimage.ANCHOR_MAGIC + struct.pack("<II", 1, thawimage.SAVE)
    with nbd.Server(nbd.Stuck(parts["disk"], mark), folder) as server:
        with _machine(saved, parts | {"backend": server.backend}, watch) as machine:
            machine.wait(case["says"], 300)
            session.follow_resumed(machine, saved)
    _expect_image(saved, parts["disk"])
    with _machine(saved, saved.boot_thaw(folder, parts), watch) as machine:
        session.follow_fresh(machine)
        session.expect_reason(machine, "passed-over")


def killed(case, saved, folder, watch):
    """The power goes when the guest's console says so: thaw finds no image, and boots on."""
    for number, line in enumerate(case["at"]):
        here = folder / str(number)
        here.mkdir()
        parts = saved.parts(here)
        with _machine(saved, saved.boot_guest(here, parts, _words(case)), watch) as machine:
            machine.wait("^GUEST hibernating", 300)
            machine.wait(line, 300)
        _boot_on(saved, here, parts, watch)


def _boot_on(saved, folder, parts, watch):
    with _machine(saved, saved.boot_thaw(folder, parts), watch) as machine:
        session.follow_fresh(machine)
        session.expect_reason(machine, "no-image")


def cuts(case, saved, folder, watch):
    """The power goes while the image is written: after each write, with what was not flushed lost
    or stored at will. There is no image, or a whole one. Of three of these states thaw says so, too:
    halfway, without the last write to the anchor, and with it."""
    parts = saved.parts(folder)
    before = hibernated.copy(parts["disk"], folder / "before.raw")
    log = folder / "writes"
    log.touch()
    guest_parts = saved.boot_guest(folder, parts, _words(case))
    with watch(Logging(saved.config, log, **guest_parts)) as machine:
        save(machine)
    entries = list(writes(log))
    last = max(i for i, entry in enumerate(entries) if entry and _is_anchor(saved, entry))
    for count in (last // 2, last, last + 1):
        _apply(hibernated.copy(before, parts["disk"]), entries[:count])
        if count <= last:
            _boot_on(saved, folder, parts, watch)
    with _machine(saved, saved.boot_thaw(folder, parts), watch) as machine:
        session.follow_resumed(machine, saved)
    return _replay(saved, before, entries)


def _is_anchor(saved, entry):
    at, data = entry
    return at <= saved.layout.swap_at < at + len(data)


def _apply(path, entries):
    with open(path, "r+b") as file:
        _put(file, [entry for entry in entries if entry])
        file.flush()


def _replay(saved, path, entries):
    """Applies the writes one by one to the disk and looks at every state in between; of a write to
    the anchor also at the one in which all else since the last flush is lost."""
    found, pending, undo = [], [], []
    with open(path, "r+b", buffering=0) as file:
        for entry in entries:
            if entry is None:
                pending, undo = [], []
                continue
            at, data = entry
            previous = os.pread(file.fileno(), len(data), at)
            if _is_anchor(saved, entry):
                _put(file, undo[::-1] + [entry])
                found.append(_state(saved, path))
                _put(file, pending)
            _put(file, [entry])
            found.append(_state(saved, path))
            pending.append(entry)
            undo.append((at, previous))
    if not any(found) or all(found):
        raise Unexpected(f"{found.count(True)} of {len(found)} states have an image")
    return f"{found.count(False)} states without an image, {found.count(True)} with a whole one"


def _put(file, entries):
    for place, data in entries:
        os.pwrite(file.fileno(), data, place)


def _state(saved, path):
    """Whether there is an image; one that is not whole is an error of thawimage."""
    try:
        saved.image(path).facts()
    except thawimage.NoImage:
        return False
    return True


# --- hybrid sleep ------------------------------------------------------------------------------------
def hybrid(case, saved, folder, watch):
    """The kernel writes the image and suspends to RAM. If the power goes then, thaw restores it; if
    not, the guest goes on, and there is none."""
    saved = ByKernel(saved.recipe, saved.config)
    for awake in (False, True):
        here = folder / str(awake)
        here.mkdir()
        parts = saved.parts(here)
        with _machine(saved, saved.boot_guest(here, parts), watch) as machine:
            machine.wait("^GUEST hibernating", 300)
            _wait_suspended(machine)
            if awake:
                machine.qmp("system_wakeup")
                session.follow_resumed(machine, saved)
        with _machine(saved, saved.boot_thaw(here, parts), watch) as machine:
            session.expect_end(machine, saved, "no-image" if awake else "restored")


def _wait_suspended(machine, seconds=300):
    until = time.monotonic() + seconds
    while machine.qmp("query-status")["status"] != "suspended":
        if time.monotonic() > until:
            raise Unexpected(f"not suspended in {seconds} s")
        time.sleep(0.5)


KINDS = {"hibernate": hibernate, "unsaved": unsaved, "left": left, "killed": killed,
         "cuts": cuts, "hybrid": hybrid}
