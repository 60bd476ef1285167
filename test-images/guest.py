# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Guests as bootable files: a Debian kernel, the initramfs and a command line in one image."""

import dataclasses
import hashlib

import disk
import initramfs
import kernel as kernels
import place
import uki

CONSOLE = "console=ttyS0,115200 loglevel=5 panic=-1"


@dataclasses.dataclass
class Recipe:
    """What the guest does before it hibernates."""
    kernel: str = "6.12"
    compressor: str = "lzo"       # lzo, lz4 or none
    mode: str = "platform"        # platform, shutdown or reboot
    table: str = "gpt"            # gpt, esp, mbr or none; see disk.Layout
    swap: int = 512               # MiB
    random: int = 16              # MiB that do not compress
    zero: int = 8                 # MiB of zeroes
    content: int = 16             # MiB of module files, besides those needed
    copies: int = 0               # times these again
    options: str = ""             # more words for the kernel's command line
    place: str = "partition"      # what the swap space is: that, or one of place.py
    note: bool = False            # leave systemd's note of it; with a place of place.py
    settled: bool = False         # firmware has booted here before: the first time it may lay out its
                                  # memory otherwise than ever after

    def layout(self, machine):
        return place.layout(self.place, self.table, self.swap * disk.MIB, machine.sector)


def _nodes(recipe, machine):
    """The names under /dev of the disk and of its swap area."""
    alone = recipe.table == "esp"
    disk_node = {"virtio": "vda" if alone else "vdb", "nvme": "nvme0n1",
                 "sd": "mmcblk0"}.get(machine.disk, "sda")
    number = recipe.layout(machine).swap_partition
    separator = "p" if disk_node[-1].isdigit() else ""
    return disk_node, f"{disk_node}{separator}{number}" if number else disk_node


def _modules(recipe, machine):
    lz4 = initramfs.LZ4_MODULES if recipe.compressor == "lz4" else []
    return initramfs.DISK_MODULES[machine.disk] + lz4


def _build(path, recipe, modules, words, content=0):
    kernel = kernels.kernel(recipe.kernel)
    archive = initramfs.initramfs(kernel, modules, content)
    if recipe.place in place.MADE:
        archive += place.archive(recipe, kernel, modules)
    uki.build(path, kernel.vmlinuz.read_bytes(), archive, " ".join(words))


def hibernating(path, recipe, machine, nonce):
    """The guest that hibernates itself and examines itself after the resume."""
    _build(path, recipe, *hibernating_parts(recipe, machine, nonce), recipe.content * disk.MIB)


def hibernating_parts(recipe, machine, nonce):
    """(modules, words of the command line) of that guest."""
    layout = recipe.layout(machine)
    disk_node, swap_node = _nodes(recipe, machine)
    area_node = swap_node
    if recipe.place in place.MADE:
        swap_node = place.swap_node(recipe.place)
    words = [CONSOLE, recipe.options, "thaw.do=hibernate", f"thaw.nonce={nonce}",
             f"thaw.disk={disk_node}", f"thaw.swap={swap_node}",
             f"thaw.data={layout.data_at // disk.MIB}",
             f"thaw.disk_sum={hashlib.sha256(disk.data()).hexdigest()}",
             f"thaw.mode={recipe.mode}", f"thaw.random={recipe.random}",
             f"thaw.zero={recipe.zero}", f"thaw.copies={recipe.copies}"]
    if recipe.compressor == "none":
        words.append("hibernate=nocompress")
    if recipe.compressor == "lz4":
        words.append("thaw.compressor=lz4")
    if machine.tpm:
        words.append("thaw.tpm=1")
    if recipe.place in place.MADE:
        words += place.words(recipe, area_node)
    return _modules(recipe, machine) + initramfs.USED_MODULES, words


def resuming(path, recipe, machine, header_page=0, more=()):
    """The leanest initramfs that lets the kernel resume by itself: the control; with more words for
    the kernel's command line."""
    _, area_node = _nodes(recipe, machine)
    node = "dm-0" if recipe.place in place.VOLUMES else area_node
    words = [*more, CONSOLE, recipe.options, "thaw.do=resume", f"thaw.swap={node}"]
    if recipe.place in place.FILES:
        words.append(f"resume_offset={header_page}")
    if recipe.place in place.MADE:
        words += place.words(recipe, area_node)
    _build(path, recipe, _modules(recipe, machine), words)


def fresh(path, recipe):
    """A normal boot: says so, touches no disk, powers off."""
    _build(path, recipe, [], [CONSOLE, "noresume", "thaw.do=fresh"])
