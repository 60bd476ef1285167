# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Swap space that is no partition: files on ext4, btrfs and xfs, and logical volumes, which a second
archive behind the initramfs has `init-place` make before `init`; and one far out on a large disk."""

import functools
import mmap
import pathlib
import re
import shutil
import subprocess
import tempfile
import uuid

import cache
import disk
import initramfs

FILES = ("ext4", "btrfs", "xfs")
VOLUMES = ("lvm", "stripes")
MADE = (*FILES, *VOLUMES)
FAR = 5 << 39                     # 2.5 TiB
TYPE_LVM = uuid.UUID("e6d6d379-f507-44c2-a23c-238f2a3df928")

# Of the file system, or of the swap space on a volume; in letters, since a shell has to write it.
LETTERS = b"thaw-guest-place"
UUID = uuid.UUID(bytes=LETTERS)

MKFS = {
    "ext4": ["mkfs.ext4", "-q", "-F", "-U", str(UUID)],
    "btrfs": ["mkfs.btrfs", "-q", "-f", "-U", str(UUID)],
    "xfs": ["mkfs.xfs", "-q", "-f", "-m", f"uuid={UUID}"],
}
APPLETS = ["chmod", "mkdir", "mkswap", "sed", "swapoff", "umount", "uname"]
SOURCES = ["place.py", "init-place", "swapoffset.c"]


class Far(disk.Layout):
    """A swap partition beyond what 32 bits of sectors reach."""

    def __init__(self, kind, swap, sector):
        super().__init__(kind, swap, sector)
        self.swap_at += FAR
        self.data_at += FAR
        self.size += FAR


class Layout(disk.Layout):
    """The swap area of the other layouts is a file system, or one or two physical volumes."""

    def __init__(self, kind, swap, sector, place):
        super().__init__(kind, swap, sector)
        self.place = place

    def _areas(self):
        if self.place == "stripes":
            half = self.swap // 2
            return [(self.swap_at, half), (self.swap_at + half, half)]
        return [(self.swap_at, self.swap)]

    def write(self, path):
        super().write(path)
        kind = disk.TYPE_DATA if self.place in FILES else TYPE_LVM
        with open(path, "r+b") as file:
            esp = [(disk.TYPE_ESP, "esp", *self.esp)] if self.esp else []
            areas = [(kind, f"area{i}", *area) for i, area in enumerate(self._areas())]
            disk.write_gpt(file, self.size, self.sector,
                           [*esp, *areas,
                            (disk.TYPE_DATA, "data", self.data_at, disk.DATA_MIB * disk.MIB)])
            file.seek(self.swap_at)
            file.write(bytes(disk.PAGE))
        if self.place in FILES:
            self._make_file_system(path)

    def _make_file_system(self, path):
        with tempfile.NamedTemporaryFile(dir=pathlib.Path(path).parent) as scratch:
            scratch.truncate(self.swap)
            subprocess.run([*MKFS[self.place], scratch.name], check=True,
                           stdout=subprocess.DEVNULL)
            subprocess.run(["dd", f"if={scratch.name}", f"of={path}", "bs=1M", "status=none",
                            "conv=notrunc,sparse", f"seek={self.swap_at // disk.MIB}"], check=True)


def layout(place, kind, swap, sector):
    if place in MADE:
        return Layout(kind, swap, sector, place)
    return {"partition": disk.Layout, "far": Far}[place](kind, swap, sector)


def swap_node(place):
    """What init is to call the swap space, below /dev."""
    return "../place/swap" if place in FILES else "mapper/thaw-swap"


def words(recipe, area_node):
    """More of the command line; `area_node` is the first partition."""
    area = area_node
    if recipe.place == "stripes":
        area += "," + re.sub(r"\d+$", lambda m: str(int(m.group()) + 1), area_node)
    found = [f"thaw.place={recipe.place}", f"thaw.area={area}", f"thaw.uuid={LETTERS.decode()}",
             f"thaw.uuid_text={UUID}"]
    return found + (["thaw.note=1"] if recipe.note else [])


# --- the archive -------------------------------------------------------------------------------
@functools.cache
def _helper():
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder, "swapoffset")
        subprocess.run(["gcc", "-static", "-Os", "-s", "-o", program, cache.HERE / "swapoffset.c"],
                       check=True)
        return program.read_bytes()


def _lvm():
    """lvm with the libraries it wants, and a script that starts it."""
    program = shutil.which("lvm", path="/usr/sbin:/sbin:/usr/bin:/bin")
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    libraries = sorted(set(re.findall(r"(/\S+\.so\S*)", said)))
    loader = next(pathlib.Path(x).name for x in libraries if "ld-linux" in x)
    script = f'#!/bin/sh\nexec /lvm/{loader} --library-path /lvm /lvm/lvm "$@"\n'
    return [("lvm", 0o040755, b""), ("lvm/run", 0o100755, script.encode()),
            *((f"lvm/{pathlib.Path(x).name}", 0o100755, pathlib.Path(x).read_bytes())
              for x in [program, *libraries])]


def _wanted_modules(place, kernel):
    if place in VOLUMES:
        return ["dm_mod"]
    # What file systems ask the kernel for by another name than the module's.
    return [*(m for m in ("crc32c_generic",) if m in kernel.names), place]


def archive(recipe, kernel, modules):
    """Unpacked over the initramfs, whose init it starts when it is done."""
    loaded = kernel.with_dependencies([*modules, *_wanted_modules(recipe.place, kernel)])
    files = [(f"modules/{name}.ko", 0o100644, data) for name, data in loaded.items()]
    links = [(f"bin/{applet}", 0o120777, b"busybox") for applet in APPLETS]
    tools = _lvm() if recipe.place in VOLUMES else [("bin/swapoffset", 0o100755, _helper())]
    return initramfs.cpio([
        *files, ("modules/place", 0o100644, "".join(f"{name}\n" for name in loaded).encode()),
        ("modules/order", 0o100644, b""), *links, *tools,
        ("init.guest", 0o100755, (cache.HERE / "init").read_bytes()),
        ("init", 0o100755, (cache.HERE / "init-place").read_bytes())])


# --- afterwards --------------------------------------------------------------------------------
def find_header(path, start, length):
    """Byte offset of the page in that part of the disk that is a hibernated swap header, or None."""
    mark = b"SWAPSPACE2S1SUSPEND\0"
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = data.find(mark, start, start + length)
        while at >= 0 and (at + len(mark) - start) % disk.PAGE:
            at = data.find(mark, at + 1, start + length)
    return at + len(mark) - disk.PAGE if at >= 0 else None
