# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The image is converted to thaw's own format, compared frame by frame, and restored from there."""

import random
import subprocess
import uuid

import cache
import disk
import esp
import hibernated
import inswap
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


def expect_done(now, before):
    """Nothing may have changed but the state of the anchor, and its checksum."""
    changed = session.differences(now, before)
    allowed = range(12, 16), range(248, 256)
    if not changed or any(all(run[0] not in a or sum(run) - 1 not in a for a in allowed)
                          for run in changed):
        raise Unexpected(f"the converted image changed at {changed[:8]}")


def converted(case, image, folder, watch):
    """With a checkpoint, the power goes there, and what is expected is of the next boot; with a
    machine, that is another than the one that hibernated."""
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
    changes = case.get("machine", {})
    with session.boot(image, parts, watch, **changes) as machine:
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
        expect_done(now, before)
    else:
        session.expect_untouched(now, before)


def exact(case, image, folder, watch):
    """Memory just before the jump, frame by frame, against the reader that knows docs/FORMAT.md alone."""
    files = session.thaw_files(session.thaw_program("thaw-test.efi"), ["checkpoint jump"])
    parts = image.parts(folder, files)
    _convert(case, parts["disk"], image.layout, folder / "image.thaw")
    add_partition(parts["esp"], folder / "image.thaw")
    with session.boot(image, parts, watch) as machine:
        session.wait_halted(machine, "jump")
        memory = oracle.Memory(machine.dump_memory(folder))
    with open(folder / "image.thaw", "rb") as file:
        result = oracle.compare_image(thawimage.Image(file, 0), memory)
    if result.wrong or not result.frames:
        raise Unexpected(f"image: {result}")
    return f"image: {result}"


def _copy_place(path, at, length, place):
    """The part of the disk that the file system is on."""
    subprocess.run(["dd", f"if={path}", f"of={place}", "bs=1M", f"skip={at // disk.MIB}",
                    f"count={length // disk.MIB}", "conv=sparse", "status=none"], check=True)
    return place


def _torn(units):
    """As a kernel might lend them that has swapped for long."""
    pieces = [units[i:i + 37] for i in range(0, len(units), 37)]
    random.Random(1).shuffle(pieces)
    return [unit for piece in pieces for unit in piece]


def into_swap(case, image, folder, watch):
    """The converted image goes where Linux's was: into the pages of the swap file, which lies in pieces."""
    parts = image.parts(folder, session.thaw_files(session.thaw_program()))
    path, at = parts["disk"], image.layout.swap_at
    place = _copy_place(path, at, image.layout.swap, folder / "place.raw")
    _thawctl("--keep", "--offset", str(image.header_page), place, folder / "image.thaw")
    units = inswap.blocks(place, "/swap")
    if units.pop(0) != image.header_page:
        raise Unexpected("the swap file does not begin where its header is")
    with open(folder / "image.thaw", "rb") as file:
        extents = inswap.move(thawimage.Image(file, 0), path, at, image.header_page, _torn(units))
    with open(path, "rb") as file:
        moved = thawimage.Image(file, at, image.layout.swap, image.header_page)
        facts = dict(moved.facts())
    before = hibernated.copy(path, folder / "before.raw")
    with session.boot(image, parts, watch) as machine:
        session.follow_resumed(machine, image)
    session.expect_consumed(path, before, image.header_at, image.living)
    with open(path, "rb") as file:
        file.seek(image.header_at + thawimage.SWAP_RECORD)
        if any(file.read(256)):
            raise Unexpected("the record was not cleared")
    return f"{facts['frames']}, in {extents} extents"


KINDS = {"converted-oracle": exact, "converted-swap-file": into_swap}
