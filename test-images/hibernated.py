# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Hibernated disks: made once by a real guest, kept in the cache, copied for each test.

An entry holds disk.raw, vars.fd, tpm/ (with a TPM) and facts.json. Its key covers whatever the
image depends on: packages, recipe, machine, firmware, QEMU and the guest's sources; never thaw."""

import dataclasses
import functools
import hashlib
import json
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import time

import cache
import esp
import firmware
import guest
import kernel as kernels
import machine as machines
import package
import place

TRIES = 3
# Until the guest hibernates, and for each copy of its files besides: emulated, it takes long.
SECONDS, SECONDS_A_COPY = 300, 45
SOURCES = ["init", "initramfs.py", "uki.py", "disk.py"]


@functools.cache
def _surroundings(build):
    """A digest of what is not in a recipe but shapes the image."""
    digest = hashlib.sha256()
    for path in [*(cache.HERE / name for name in SOURCES), firmware.code(build),
                 firmware.variables(build)]:
        digest.update(hashlib.sha256(pathlib.Path(path).read_bytes()).digest())
    digest.update(subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True,
                                 check=True).stdout)
    for name in ("busybox-static", "systemd-boot-efi"):
        digest.update(package.unpacked(name).name.encode())
    return digest.hexdigest()


def _place_sources(recipe):
    """What makes a guest's swap space, where it is not there from the beginning."""
    if recipe.place not in place.MADE:
        return []
    return [(cache.HERE / name).read_text() for name in place.SOURCES]


def key(recipe, config):
    """Of what the guest and QEMU are really told, so that a new option that nobody uses yet leaves
    the disks as they are."""
    machine = machines.Machine(config, "disk", "variables",
                               esp=None if recipe.table == "esp" else "esp")
    machine.lines = "socket"      # shapes no image: the word that the first keys were made of
    default = dataclasses.asdict(guest.Recipe())
    unusual = {k: v for k, v in dataclasses.asdict(recipe).items() if v != default[k]}
    text = json.dumps([kernels.kernel(recipe.kernel).package, unusual, machine.command(),
                       guest.hibernating_parts(recipe, config, ""),
                       _surroundings(config.firmware), *_place_sources(recipe)],
                      sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def path_of(name, recipe, config):
    return cache.folder("hibernated") / f"{name}-{key(recipe, config)}"


class Hibernated:
    """One cache entry."""

    def __init__(self, path, recipe, config):
        self.path, self.recipe = path, recipe
        # Firmware connects the disk when thaw runs; a case says so where it does not.
        self.config = dataclasses.replace(config, bootindex=True)
        self.facts = json.loads((path / "facts.json").read_text())
        self.layout = recipe.layout(config)
        self.header_at = self.facts.get("header_at", self.layout.swap_at)

    @property
    def disk(self):
        return self.path / "disk.raw"

    @property
    def header_page(self):
        """What resume_offset= has to say for a swap file."""
        return (self.header_at - self.layout.swap_at) // place.disk.PAGE

    @property
    def living(self):
        """(first byte, bytes) of the file system that the guest has mounted, or None."""
        return (self.layout.swap_at, self.layout.swap) if self.recipe.place in place.FILES else None

    def parts(self, folder, files):
        """Fresh disks, variables and TPM state in `folder`, as keyword arguments of Machine;
        `files` are what is on the EFI system partition."""
        parts = {"disk": folder / "disk.raw", "variables": folder / "vars.fd",
                 "tpm_state": folder / "tpm"}
        copy(self.disk, parts["disk"])
        shutil.copyfile(self.path / "vars.fd", parts["variables"])
        shutil.copytree(self.path / "tpm", parts["tpm_state"])
        return parts | boot_from(folder, parts["disk"], self.layout, files)


def copy(source, target):
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", source, target], check=True)
    return target


def boot_from(folder, disk, layout, files):
    """Puts the files where firmware boots from: on the disk, or on one of their own."""
    if layout.esp:
        esp.fill(disk, *layout.esp, files)
        return {}
    esp.build(folder / "esp.raw", files)
    return {"esp": folder / "esp.raw"}


def hibernated(name, recipe, config, log=None):
    """The entry for a recipe on a machine; boots and hibernates a guest when there is none."""
    path = path_of(name, recipe, config)
    with cache.building(path) as scratch:
        if scratch:
            _forget_unused()
            _make(name, scratch, recipe, config, log)
    os.utime(path)
    return Hibernated(path, recipe, config)


def _forget_unused():
    """Removes entries that nobody has asked for in a month: their keys are of the past."""
    for path in cache.folder("hibernated").iterdir():
        if path.is_dir() and path.stat().st_mtime < time.time() - 30 * 86400:
            shutil.rmtree(path, ignore_errors=True)


def _make(name, folder, recipe, config, log):
    """Tries again when the guest crashes before it hibernated: thaw is not on that disk, and with
    several emulated processors the kernel now and then trips over its own text patching while it
    boots ("Oops: int3"; QEMU 7.2)."""
    for left in reversed(range(TRIES)):
        try:
            return _make_once(folder, recipe, config, log)
        except machines.MachineError as error:
            if not left:
                raise
            print(f"making {name}: {error}; trying again", file=sys.stderr, flush=True)
            shutil.rmtree(folder / "tpm", ignore_errors=True)


def _settle(folder, recipe, config, layout):
    """Firmware's first boot, with variables that nobody has written to."""
    guest.fresh(folder / "guest.efi", recipe)
    disk, variables, tpm = folder / "disk.raw", folder / "vars.fd", folder / "tpm"
    volume = boot_from(folder, disk, layout, {"EFI/BOOT/BOOTX64.EFI": folder / "guest.efi"})
    with machines.Machine(config, disk, variables, tpm_state=tpm, **volume) as machine:
        machine.wait("^GUEST fresh boot", SECONDS)
        machine.wait_end(60)


def _make_once(folder, recipe, config, log):
    nonce = secrets.token_hex(8)
    disk, variables, tpm = folder / "disk.raw", folder / "vars.fd", folder / "tpm"
    layout = recipe.layout(config)
    layout.write(disk)
    shutil.copyfile(firmware.variables(config.firmware), variables)
    tpm.mkdir()
    if recipe.settled:
        _settle(folder, recipe, config, layout)
    guest.hibernating(folder / "guest.efi", recipe, config, nonce)
    volume = boot_from(folder, disk, layout, {"EFI/BOOT/BOOTX64.EFI": folder / "guest.efi"})
    with machines.Machine(config, disk, variables, tpm_state=tpm, **volume) as machine:
        try:
            seconds = SECONDS + recipe.copies * SECONDS_A_COPY
            _, line, _ = machine.wait("^GUEST hibernating", seconds)
            machine.wait_end(seconds)
        finally:
            (log or folder / "transcript").write_text(machine.transcript())
        facts = {"nonce": nonce, "kernel": kernels.kernel(recipe.kernel).release,
                 "boot_s": round(line.when - machine.started, 1)}
    length = layout.swap if recipe.place in place.MADE else place.disk.PAGE
    facts["header_at"] = place.find_header(disk, layout.swap_at, length)
    if facts["header_at"] is None:
        raise machines.MachineError("the guest powered off without an image")
    (folder / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")
    for name in ("esp.raw", "guest.efi"):
        (folder / name).unlink(missing_ok=True)
