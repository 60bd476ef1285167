# SPDX-License-Identifier: BSD-2-Clause-Patent
"""A whole Debian 13, from Debian's own packages: systemd, services, a boot loader as the distribution
installs it. Its disk is kept in the cache as it is after the first boot, without thaw.

What its user does from there on is debian-agent's, which tells the runner how it went."""

import functools
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import uuid

import cache
import disk
import esp
import firmware
import install
import kernel as kernels
import machine as machines
import package
import session
import thawimage
import uki

SUITE = "trixie"
KERNEL = "6.12-trixie"
PACKAGES = """linux-image-amd64 initramfs-tools zstd efibootmgr shim-signed grub-efi-amd64
    grub-efi-amd64-signed systemd-boot openssh-server dosfstools dbus""".split()
# A guest that stands still while it saves itself is to say where.
CONSOLE = "console=ttyS0,115200 no_console_suspend loglevel=4 systemd.show_status=no"
TYPE_ROOT = uuid.UUID("4f68bce3-e8cd-4db1-96e7-fbcaf984b709")
ESP = (disk.MIB, 256 * disk.MIB)
SWAP = (sum(ESP), 1024 * disk.MIB)
ROOT = (sum(SWAP), 2560 * disk.MIB)
SIZE = sum(ROOT) + disk.MIB

COUNTER = """[Unit]
Description=Counts
[Service]
ExecStart=/bin/sh -c 'n=0; while :; do n=$$((n + 1)); echo $$n > /run/thaw-counter; sleep 0.5; done'
[Install]
WantedBy=multi-user.target
"""
SERVICE = """[Unit]
Description=Does what the runner wants
After=multi-user.target
[Service]
ExecStart=/bin/sh /boot/efi/debian-agent
[Install]
WantedBy=graphical.target
"""
RESUMED = """#!/bin/sh
[ "$1" = post ] && touch /run/thaw-resumed
exit 0
"""


INSTALL = cache.HERE / "debian-install"      # what the guest runs at its first boot
AGENT = cache.HERE / "debian-agent"          # and at every other
STAGES = "mkdir -p $state\n"                 # what comes before are functions
SAVES = cache.HERE / "debian-saves"          # what it does instead
LOST = cache.HERE / "debian-lost"            # or this


def _partuuid(name):
    return uuid.UUID(bytes_le=disk._guid(name))


def _swap_line(swap):
    where = f"PARTUUID={_partuuid('swap')}" if swap == "partition" else "/swapfile"
    return f"{where} none swap defaults 0 0\n"


def _files(loader, swap):
    """{path in the root filesystem: (text, mode)}"""
    root = f"root=PARTUUID={_partuuid('root')} ro {CONSOLE}"
    units = "etc/systemd/system"
    return {
        "etc/fstab": (f"PARTUUID={_partuuid('root')} / ext4 errors=remount-ro 0 1\n"
                      f"PARTUUID={_partuuid('esp')} /boot/efi vfat umask=0077 0 1\n"
                      + (_swap_line(swap)), 0o644),
        "etc/hostname": ("thaw-guest\n", 0o644),
        "etc/kernel/cmdline": (root + "\n", 0o644),
        "etc/default/grub": ("GRUB_DEFAULT=0\nGRUB_TIMEOUT=1\nGRUB_DISTRIBUTOR=Debian\n"
                             f'GRUB_CMDLINE_LINUX="{CONSOLE}"\nGRUB_TERMINAL=console\n', 0o644),
        "etc/thaw-guest": (f"loader={loader}\nswap={swap}\n", 0o644),
        "usr/lib/systemd/system-sleep/thaw-guest": (RESUMED, 0o755),
        f"{units}/thaw-counter.service": (COUNTER, 0o644),
        f"{units}/debian-agent.service": (SERVICE, 0o644),
    }


def key(*more):
    """Of the packages, and of more."""
    version = package.field("systemd", "Version", SUITE)
    text = json.dumps([kernels.kernel(KERNEL).package, version, PACKAGES, *more])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# --- the root filesystem ---------------------------------------------------------------------------
def _bootstrapped():
    """An archive of Debian as its own tools install it."""
    path = cache.folder("debian") / f"root-{key()}"
    with cache.building(path) as scratch:
        if scratch:
            print("debian: installing the packages", file=sys.stderr, flush=True)
            subprocess.run(
                ["mmdebstrap", "--quiet", "--variant=important", f"--keyring={package.KEYRING}",
                 f"--include={','.join(PACKAGES)}", SUITE, scratch / "root.tar",
                 f"deb {package.archive()} {SUITE} main"], check=True)
    return path / "root.tar"


def _write(root, files):
    for name, (text, mode) in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)


def _enable(root):
    units = root / "etc/systemd/system"
    (units / "serial-getty@ttyS0.service").symlink_to("/dev/null")   # the console is the runner's
    for unit in ("thaw-counter", "debian-agent"):
        wants = units / f"{'multi-user' if unit == 'thaw-counter' else 'graphical'}.target.wants"
        wants.mkdir(parents=True, exist_ok=True)
        (wants / f"{unit}.service").symlink_to(f"/etc/systemd/system/{unit}.service")


def _first_boot(path, root):
    """What starts the system before its own boot loader is installed."""
    (vmlinuz,), (initrd,) = root.glob("boot/vmlinuz-*"), root.glob("boot/initrd.img-*")
    uki.build(path, vmlinuz.read_bytes(), initrd.read_bytes(),
              f"root=PARTUUID={_partuuid('root')} rw {CONSOLE}")
    return path


def _write_disk(path, root, scratch, swap):
    parts = [(disk.TYPE_ESP, "esp", *ESP), (TYPE_ROOT, "root", *ROOT)]
    if swap == "partition":
        parts.insert(1, (disk.TYPE_SWAP, "swap", *SWAP))
    with open(path, "wb") as file:
        file.truncate(SIZE)
        disk.write_gpt(file, SIZE, 512, parts)
        if swap == "partition":
            disk._put(file, SWAP[0], disk._swap_header(SWAP[1]))
    esp.fill(path, *ESP, {"EFI/BOOT/BOOTX64.EFI": _first_boot(scratch / "first.efi", root),
                          "debian-agent": INSTALL})
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", root, "-E",
                    f"offset={ROOT[0]}", path, f"{ROOT[1] >> 10}k"], check=True)


# --- installed -------------------------------------------------------------------------------------
def installed(loader, swap, config, log):
    """The folder with disk.raw and vars.fd after the boot that installed the boot loader."""
    files = _files(loader, swap)
    text = json.dumps(files) + INSTALL.read_text() + firmware.describe(config.firmware)
    path = cache.folder("debian") / f"{loader}-{swap}-{key(text)}"
    with cache.building(path) as scratch:
        if scratch:
            _install(scratch, files, swap, config, log)
    return path


def _install(scratch, files, swap, config, log):
    print("debian: installing the boot loader", file=sys.stderr, flush=True)
    root = scratch / "root"
    root.mkdir()
    subprocess.run(["tar", "-C", root, "--xattrs", "--numeric-owner", "-xf", _bootstrapped()],
                   check=True)
    _write(root, files)
    _enable(root)
    _write_disk(scratch / "disk.raw", root, scratch, swap)
    shutil.rmtree(root)
    shutil.copyfile(firmware.variables(config.firmware), scratch / "vars.fd")
    with machines.Machine(config, scratch / "disk.raw", scratch / "vars.fd") as machine:
        try:
            machine.wait("^GUEST installed", 900)
            machine.wait_end(300)
        finally:
            pathlib.Path(log).write_text(machine.transcript())
    os.unlink(scratch / "first.efi")


# --- the case --------------------------------------------------------------------------------------
CHECKS = set("ram running processes counter failed journal record variables root log".split())
RESIDENT, ARMED = 4, 5       # hibernations by the end of debian-agent's stages
SAVED = 2                    # and by the end of debian-saves
SNAPSHOT = 1                 # docs/FORMAT.md: the kernel's snapshot


_building = threading.Lock()


@functools.cache
def _built():
    print("debian: building thaw's package", file=sys.stderr, flush=True)
    subprocess.run(["make", "-s", "-C", cache.HERE.parent, "deb"], check=True,
                   stdout=subprocess.DEVNULL)
    (deb,) = (cache.BUILD / "deb").glob("thaw_*.deb")
    return deb


def _package():
    """thaw's own package of this tree, built by the first case that wants it."""
    with _building:
        return _built()


def _prepared(case, folder, watch, files):
    """(disk, function that boots it): with thaw's package and the files for the guest."""
    config = machines.Config(**case["machine"])
    log = cache.LOGS / f"making-{case['name']}.log"
    base = installed(case["loader"], case["swap"], config, log)
    disk_file, variables = folder / "disk.raw", folder / "vars.fd"
    subprocess.run(["cp", "--sparse=always", base / "disk.raw", disk_file], check=True)
    shutil.copyfile(base / "vars.fd", variables)
    esp.add(disk_file, ESP[0], {"thaw.deb": _package(), **files})
    return disk_file, lambda: watch(machines.Machine(config, disk_file, variables))


def whole(case, _, folder, watch):
    """The life of thaw on a machine: installed from its package, restored, armed, removed."""
    _, boot = _prepared(case, folder, watch, {"debian-agent": AGENT})
    began = _until_saved(boot, "^GUEST began$", 1)
    back = _restored(boot, 1, RESIDENT, "resident")
    _until_saved(boot, "^GUEST through to ", ARMED, "^thaw: ")
    _restored(boot, ARMED, ARMED, "armed")
    for stage in ("remove", "after"):
        through = _without_thaw(boot, stage)
    return (f"{ARMED} hibernations, {ARMED} restores; unpacked to restored in 3 commands and "
            f"{(back - began) / 60:.1f} min; {through.removeprefix('GUEST ')}")


def _instead(stages):
    """debian-agent with other stages."""
    functions, _, _ = AGENT.read_text().partition(STAGES)
    return (functions + stages.read_text()).encode()


def saves(case, _, folder, watch):
    """`systemctl hibernate`, through logind, with the drop-in of thawctl(8)."""
    disk_file, boot = _prepared(case, folder, watch, {"debian-agent": _instead(SAVES),
                                                      "drop-in": install.drop_in().encode()})
    _until_saved(boot, "^GUEST began$", 1)
    with open(disk_file, "rb") as file:
        image = thawimage.Image(file, *SWAP)
    if image.source != SNAPSHOT or image.hostname != "thaw-guest":
        raise session.Unexpected(f"an image of {image.hostname}, from source {image.source}")
    _restored(boot, 1, SAVED, "saves")
    return f"{SAVED} times, {image.data_bytes >> 20} MiB in {len(image.extents)} extents"


def lost(case, _, folder, watch):
    """An image is passed over, and the journal says so; firmware's variables are lost, the boot after
    that is as it was before thaw, and thawctl repairs it; armed, it outlives the loader's update."""
    _, boot = _prepared(case, folder, watch, {"debian-agent": _instead(LOST)})
    _until_saved(boot, "^GUEST began$", "for a rehearsal")
    with boot() as machine:
        machine.wait("^thaw: not restored: dry-run: ", 300)
        machine.wait("^GUEST done lost$", 900)
        machine.wait_end(300)
    with boot() as machine:
        machine.wait("^GUEST through to ", 900)
        _expect_no_thaw(machine)
        machine.wait("^GUEST hibernating 1$", 900)
        machine.wait_end(900)
    _restored(boot, 1, 1, "repaired")


def key_of(case):
    """Of all that a case's guest is made of."""
    more = {"debian-saves": [SAVES.read_text(), install.drop_in()], "debian-lost": [LOST.read_text()]}
    return key(INSTALL.read_text(), AGENT.read_text(), *more.get(case["kind"], []))


def _until_saved(boot, line, number, before=None):
    """Boots, and hibernates for the n-th time. Returns when (seconds) the line came; before it, one
    of thaw's if there is to be one."""
    with boot() as machine:
        if before:
            machine.wait(before, 300)
        _, began, _ = machine.wait(line, 900)
        machine.wait(f"^GUEST hibernating {number}$", 900)
        machine.wait_end(900)
    return began.when


def _restored(boot, first, last, stage):
    """Restored as often as it hibernates, and at last done with the stage. Returns when (seconds) it
    was back for the first time."""
    times = []
    for number in range(first, last + 1):
        with boot() as machine:
            index, line, _ = machine.wait([f"^GUEST resumed {number}$", "^GUEST (began|through)"], 900)
            if index:
                raise session.Unexpected(f"{line.text} instead of a restore")
            times.append(line.when)
            _examined(machine, f"done {stage}" if number == last else f"hibernating {number + 1}")
            machine.wait_end(900)
    return times[0]


def _examined(machine, end):
    """The guest found everything in order, and did what came next."""
    passed = set()
    while True:
        index, _, match = machine.wait(["^GUEST check (\\w+) ok", f"^GUEST {end}$"], 900)
        if index:
            break
        passed.add(match.group(1))
    if missing := CHECKS - passed:
        raise session.Unexpected(f"checks missing: {' '.join(sorted(missing))}")


def _without_thaw(boot, stage):
    with boot() as machine:
        _, through, _ = machine.wait("^GUEST through to ", 900)
        machine.wait(f"^GUEST done {stage}$", 900)
        machine.wait_end(300)
        _expect_no_thaw(machine)
    return through.text


def _expect_no_thaw(machine):
    if any(line.text.startswith("thaw: ") for line in machine.log):
        raise session.Unexpected("thaw ran")
