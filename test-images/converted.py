# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The image is converted to thaw's own format, compared frame by frame, and restored from there."""

import subprocess
import uuid

import cache
import disk
import esp
import hibernated
import oracle
import session
import swsusp
import thawimage
from session import Unexpected

TYPE_THAW = uuid.UUID("548a19f8-7ec7-4ac1-9831-5d728dca167e")
ESP = disk.MIB, esp.SIZE - 2 * disk.MIB


def _thawctl(*arguments):
    subprocess.run([cache.BUILD / "thawctl", "image", "convert", *arguments], check=True,
                   stdout=subprocess.DEVNULL)


def _convert(case, source, layout, target):
    """Once to compare, once for good: then the original is no image any more."""
    options = ["--store"] if case.get("store") else []
    _thawctl("--keep", *options, source, target)
    with open(source, "rb") as file, open(target, "rb") as new:
        same = oracle.compare_images(swsusp.Image(file, layout.swap_at), thawimage.Image(new, 0))
    if same.wrong or not same.frames:
        raise Unexpected(f"converted: {same}")
    _thawctl("--replace", *options, source, target)


def add_partition(path, content):
    """A partition of thaw's type behind the EFI system partition: a disk of its own would be in
    QEMU's DSDT, and not what the guest was hibernated on. Returns where it begins."""
    size = -(-content.stat().st_size // disk.MIB) * disk.MIB
    with open(path, "r+b") as file, open(content, "rb") as source:
        file.truncate(esp.SIZE + size + disk.MIB)
        disk.write_gpt(file, esp.SIZE + size + disk.MIB, 512,
                       [(disk.TYPE_ESP, "esp", *ESP), (TYPE_THAW, "image", esp.SIZE, size)])
        for at in range(esp.SIZE, esp.SIZE + size, disk.MIB):
            file.seek(at)
            file.write(source.read(disk.MIB))
    return esp.SIZE


def _expect_done(now, before):
    """Nothing may have changed but the state of the anchor, and its checksum."""
    changed = session.differences(now, before)
    allowed = range(12, 16), range(248, 256)
    if not changed or any(all(run[0] not in a or sum(run) - 1 not in a for a in allowed)
                          for run in changed):
        raise Unexpected(f"the converted image changed at {changed[:8]}")


def converted(case, image, folder, watch):
    """With a checkpoint, the power goes there, and what is expected is of the next boot."""
    checkpoint = case.get("checkpoint")
    program = session.thaw_program("thaw-test.efi" if checkpoint else "thaw.efi")
    conf = [f"checkpoint {checkpoint}"] if checkpoint else []
    parts = image.parts(folder, session.thaw_files(program, conf))
    _convert(case, parts["disk"], image.layout, folder / "image.thaw")
    at = add_partition(parts["esp"], folder / "image.thaw")
    if checkpoint:
        with session.boot(image, parts, watch) as machine:
            session.wait_halted(machine, checkpoint)
        esp.fill(parts["esp"], *ESP, session.thaw_files(session.thaw_program()))
    before = hibernated.copy(folder / "image.thaw", folder / "before.raw")
    with session.boot(image, parts, watch) as machine:
        session.expect_end(machine, image, case["expect"])
    _compare(case, parts["esp"], at, before)


def _compare(case, path, at, before):
    """Firmware and guest write to the EFI system partition; the image is what is looked at."""
    now = before.with_name("now.raw")
    with open(path, "rb") as file, open(now, "wb") as out:
        file.seek(at)
        for _ in range(0, before.stat().st_size, disk.MIB):
            out.write(file.read(disk.MIB))
        out.truncate(before.stat().st_size)
    if case["expect"] in ("restored", "no-image"):
        _expect_done(now, before)
    else:
        session.expect_untouched(now, before)
