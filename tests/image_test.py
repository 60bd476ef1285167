#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""image_test.py [BUILD]: thawctl image on a made-up disk, and on really hibernated ones if the
environment's THAW_TEST_IMAGES names any. What it writes is read by test-images/thawimage.py, which
knows docs/FORMAT.md alone, and compared frame by frame with the original."""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

TESTS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(TESTS.parent / "test-images"))

import codec  # noqa: E402
import oracle  # noqa: E402
import thawctl_disks  # noqa: E402
import thawimage  # noqa: E402

BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build")
PAGE = 4096
counts = {"passed": 0, "failed": 0, "skipped": 0}


@contextlib.contextmanager
def case(name):
    try:
        yield
    except (AssertionError, subprocess.CalledProcessError) as error:
        counts["failed"] += 1
        print(f"FAIL {name}: {error}")
    else:
        counts["passed"] += 1
        print(f"ok {name}")


def image(*arguments, expect=0, says="", environment={}):
    done = subprocess.run([BUILD / "thawctl", "image", *arguments], text=True,
                          env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == expect, f"status {done.returncode}: {done.stdout}"
    assert says in done.stdout, f"without {says!r}: {done.stdout}"
    return done.stdout


def frames(path):
    """{frame: page, None for zeroes}"""
    return dict(oracle.open_image(str(path)).frames())


def core(path):
    """The same from an ELF core."""
    data, found = path.read_bytes(), {}
    kind, machine, _, _, phoff = struct.unpack_from("<HHIQQ", data, 16)
    assert data[:6] == b"\x7fELF\x02\x01" and (kind, machine) == (4, 62), "no ELF core"
    for i in range(struct.unpack_from("<H", data, 56)[0]):
        what, _, at, _, address, stored, size, _ = struct.unpack_from("<IIQQQQQQ", data,
                                                                      phoff + 56 * i)
        if i == 0:
            assert what == 4 and b"CORE\0" in data[at:at + stored], "no notes"
            continue
        assert what == 1 and stored in (0, size), "no PT_LOAD of a run"
        for n in range(size // PAGE):
            page = data[at + n * PAGE:at + (n + 1) * PAGE] if stored else bytes(PAGE)
            found[address // PAGE + n] = page
    return found


def debugger_reads(path, found):
    """gdb opens the core and has the words of a frame where the frame is; Linux's note is there."""
    assert b"VMCOREINFO\0" in path.read_bytes()[:1 << 20], "without the note for crash"
    if not shutil.which("gdb"):
        counts["skipped"] += 1
        print("skip gdb: it is not installed")
        return
    frame = next(f for f, page in found.items() if page and any(page[:8]))
    said = subprocess.run(["gdb", "-nx", "-batch", "-ex", f"target core {path}", "-ex",
                           f"x/1xg {frame * PAGE:#x}"], capture_output=True, text=True).stdout
    word = struct.unpack_from("<Q", found[frame])[0]
    assert said.splitlines()[-1].split() == [f"{frame * PAGE:#x}:", f"{word:#018x}"], said


def is_same(one, other):
    zero = bytes(PAGE)
    assert one.keys() == other.keys(), f"{len(one)} frames, {len(other)} frames"
    wrong = [f for f in one if (one[f] or zero) != (other[f] or zero)]
    assert not wrong, f"{len(wrong)} frames differ, the first {wrong[0]:#x}"


def flip(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 4]))


def try_image(disk, folder, name):
    """Converts, compares, converts back and forth, extracts, spoils."""
    new, again, stored, elf = (folder / n for n in ("new", "again", "stored", "core"))
    was = pathlib.Path(disk).read_bytes()
    expected = frames(disk)
    with case(f"{name}: verify"):
        image("verify", disk, says=f"{len(expected)} frames, all ")
    with case(f"{name}: convert"):
        image("convert", "--keep", disk, new)
        is_same(expected, frames(new))
        image("verify", new, says=f"{len(expected)} frames, all as they were saved")
    with case(f"{name}: convert once more, on one thread"):
        image("convert", "--keep", "--threads", "0", new, again)
        is_same(expected, frames(again))
    with case(f"{name}: convert, stored"):
        image("convert", "--keep", "--store", disk, stored)
        is_same(expected, frames(stored))
    with case(f"{name}: extract"):
        image("extract", new, elf)
        is_same(expected, core(elf))
        debugger_reads(elf, expected)
        image("extract", disk, elf, expect=3, says="--replace")
    with case(f"{name}: info and dump"):
        facts = json.loads(image("info", "--json", new))
        lists = json.loads(image("dump", "--json", new))
        assert facts["format"] == "thaw" and facts["blocks"] == len(lists["blocks"])
        assert sum(r["count"] for r in lists["runs"]) == len(expected)
        assert facts["data_frames"] + facts["zero_frames"] == len(expected)
        assert len(image("dump", new).splitlines()) == 4 + sum(len(v) for v in lists.values())
        image("info", disk, says="swsusp")
    with case(f"{name}: a wrong bit"):
        flip(new, 256 * PAGE + 1000)
        image("verify", new, expect=2)
        image("extract", "--replace", new, elf, expect=2)
    with case(f"{name}: the original is as it was"):
        assert pathlib.Path(disk).read_bytes() == was, "it changed"
    for path in (new, again, stored, elf):
        path.unlink(missing_ok=True)


def try_ending(disk, folder):
    """Without --keep the original is no image any more; nothing else of it changes."""
    copy, new = folder / "copy", folder / "new"
    was = pathlib.Path(disk).read_bytes()
    copy.write_bytes(was)
    with case("the original is ended"):
        image("convert", copy, new)
        at = was.index(b"S1SUSPEND\0")
        assert copy.read_bytes() == was[:at] + was[at - 10:at] + was[at + 10:], "not as it should"
        image("info", copy, expect=1, says="no hibernation image")
    with case("an image is not overwritten unasked"):
        image("convert", "--keep", disk, new, expect=3, says="--replace")
        image("convert", "--keep", "--replace", disk, new)
        assert json.loads(image("info", "--json", new))["generation"] == 2
    with case("one image into itself"):
        image("convert", new, new, expect=3, says="place of its own")
    with case("memory over the image that it is of"):
        other = folder / "link"
        other.symlink_to(new)
        was = new.read_bytes()
        for target in (new, other):
            image("extract", "--replace", new, target, expect=3, says="place of its own")
        image("extract", "--replace", new, "/dev/null", expect=3, says="not a regular file")
        assert new.read_bytes() == was, "it changed"
        was = pathlib.Path(disk).read_bytes()
    with case("something of somebody's is not overwritten"):
        new.write_bytes(was)
        image("convert", "--keep", "--offset", "0", disk, folder / "swap", expect=3,
              says="holds")
    with case("no room"):
        new.write_bytes(bytes(257 * PAGE))
        image("convert", "--keep", "--replace", disk, new, expect=3, says="does not fit")
        image("info", new, expect=1)
        new.write_bytes(bytes(256 * PAGE))
        image("convert", "--keep", "--replace", disk, new, expect=3, says="does not fit")
        assert not any(new.read_bytes()), "it was begun"
    new.unlink()


def with_digest(data, magic, digest):
    """The image with what Linux 4.10 to 5.12 have in the place of the CRC-32."""
    at = data.index(struct.pack("<Q", 0x23456789ABCDEF02))
    return data[:at] + struct.pack("<Q", magic) + digest + data[at + 24:]


def try_old_digests(disk, folder):
    """thaw's format has a CRC-32: where that cannot be had there is no image, and the old one stays."""
    old, new = folder / "old", folder / "new"
    table = thawctl_disks.e820(thawctl_disks.MAP)
    plain = pathlib.Path(disk).read_bytes()
    right = hashlib.md5(table).digest()
    kinds = {"MD5": (plain, right),
             "MD5, across pages": (thawctl_disks.image(table_at=PAGE - 64), right),
             "MD5, all but its beginning across": (thawctl_disks.image(table_at=PAGE - 8), right),
             "another MD5": (plain, hashlib.md5(b"").digest()), "no digest": (plain, bytes(16))}
    for name, (content, digest) in kinds.items():
        with case(f"convert an image with {name}"):
            was = with_digest(content, 0x23456789ABCDEF01, digest)
            old.write_bytes(was)
            if digest == right:
                image("convert", old, new)
                image("verify", new, says="all as they were saved")
                facts = json.loads(image("dump", "--json", new))
                assert len(facts["memory_map"]) == struct.unpack_from("<I", table)[0]
                image("info", old, expect=1)
            else:
                image("convert", old, new, expect=2, says="no CRC-32")
                assert old.read_bytes() == was, "the original changed"
                image("info", new, expect=1)
        new.unlink(missing_ok=True)
    old.unlink()


def try_targets(disk, folder):
    """Sessions and swap space are never overwritten, what nobody knows only when told to."""
    target = folder / "target"
    linux = pathlib.Path(disk).read_bytes()
    held = {"a hibernation image": linux, "swap space": thawctl_disks.swap()}
    for name, content in held.items():
        with case(f"convert onto {name}"):
            target.write_bytes(content)
            for options in [], ["--replace"]:
                image("convert", *options, disk, target, expect=3, says=f"holds {name}")
            assert target.read_bytes() == content, "it changed"
    for name, content in {"notes": b"my notes".ljust(3 << 20, b"."), "zeroes": bytes(3 << 20)}.items():
        with case(f"convert onto a file of {name}"):
            target.write_bytes(content)
            image("convert", "--keep", disk, target, expect=3, says="--replace")
            assert target.read_bytes() == content, "it changed"
            image("convert", "--keep", "--replace", disk, target)
            image("verify", target)
    target.unlink()
    try_devices(disk, folder / "device")


@contextlib.contextmanager
def loop_device(path):
    """None where there are none."""
    made = subprocess.run(["losetup", "--find", "--show", path], capture_output=True, text=True)
    if made.returncode:
        counts["skipped"] += 1
        print(f"skip loop devices: {made.stderr.strip()}")
        yield None
        return
    try:
        yield made.stdout.strip()
    finally:
        subprocess.run(["losetup", "--detach", made.stdout.strip()], check=True)


def try_devices(disk, path):
    path.write_bytes(bytes(3 << 20))
    with loop_device(path) as device:
        if not device:
            return
        with case("convert onto a device of zeroes"):
            image("convert", "--keep", disk, device)
            image("verify", device)
        with case("convert onto a device of something else"):
            pathlib.Path(device).open("r+b").write(b"somebody's".ljust(PAGE, b"."))
            image("convert", "--keep", disk, device, expect=3, says="--replace")
            image("convert", "--keep", "--replace", disk, device)
    path.unlink()


def try_forbidden(disk, folder):
    """A new image of one that firmware would not restore again: in a file, beside it, alone."""
    new, variables = folder / "new", folder / "vars"
    variables.mkdir()
    identity = int(json.loads(image("info", "--json", disk))["identity"], 0)
    attempt = struct.pack("<QQQIHBBB3x5III", identity, 1, 0, 1, 0, 2, 1, 1, *[0] * 7)
    head = struct.pack("<4sHH", b"THAW", 1, 8)
    body = struct.pack("<I", 1) + attempt + bytes(64 * 7)
    record = head + struct.pack("<I", zlib.crc32(head + bytes(4) + body)) + body
    guid = "7e2a3d1c-54b8-4c0e-9d5f-2b6a91c7e043"
    for name, value in (("ThawStatus", record), ("ThawStatusVouched", b"\1")):
        (variables / f"{name}-{guid}").write_bytes(struct.pack("<I", 7) + value)
    firmware = {"EFIVARFS_PATH": f"{variables}/", "LIBEFIVAR_OPS": "efivarfs",
                "LD_PRELOAD": str(BUILD.resolve() / "efivarfs.so")}
    with case("convert what was passed over"):
        image("convert", disk, new, expect=3, says="passed-over", environment=firmware)
        image("info", disk, says="swsusp")
        image("convert", "--keep", disk, new, environment=firmware)
        image("verify", new)
    new.unlink()


def with_table(path, kind, entry):
    """A converted image that has, in place of the memory map's table, another with one entry."""
    data = bytearray(path.read_bytes())
    at = struct.unpack_from("<Q", data, 48)[0] * PAGE
    table = next(t for t in range(at + 192, at + 512, 40)
                 if struct.unpack_from("<I", data, t)[0] == 3)
    position = 256 * PAGE + struct.unpack_from("<Q", data, table + 8)[0]
    length = 1 if kind == 6 else len(entry)
    struct.pack_into("<II", data, table, kind, length)
    struct.pack_into("<QQ", data, table + 16, len(entry) // length, codec.xxh64(entry))
    data[position:position + len(entry)] = entry
    struct.pack_into("<Q", data, 56, codec.xxh64(bytes(data[at:at + PAGE])))
    struct.pack_into("<Q", data, 248, codec.xxh64(bytes(data[:248])))
    path.write_bytes(data)


def try_world(disk, folder):
    """What an image of thaw's says of the machine around it is in one made of it."""
    old, new = folder / "old", folder / "new"
    entries = {4: struct.pack("<16sQQQQ", bytes(range(16)), 0xF000000, 36, 77, 0),
               5: struct.pack("<16s16sQIIQQ32s", bytes(range(16)), bytes(range(16, 32)), 1024, 512,
                              0, 88, 0, b"ext4 /"),
               6: b"saved=by a test\n"}
    for kind, entry in entries.items():
        with case(f"convert an image with a table of kind {kind}"):
            image("convert", "--keep", disk, old)
            with_table(old, kind, entry)
            image("convert", "--keep", old, new)
            data = new.read_bytes()
            at = struct.unpack_from("<Q", data, 48)[0] * PAGE
            kinds = [struct.unpack_from("<I", data, t)[0] for t in range(at + 192, at + 512, 40)]
            assert kind in kinds and entry in data, kinds
        old.unlink(missing_ok=True)
        new.unlink(missing_ok=True)


def try_names(disk, folder):
    """A header is as hostile as any other bytes: of its names nothing is for the terminal."""
    new, again = folder / "new", folder / "again"
    with case("names that a terminal would obey"):
        image("convert", "--keep", disk, new)
        data = bytearray(new.read_bytes())
        at = struct.unpack_from("<Q", data, 48)[0] * PAGE
        struct.pack_into("<80s80s32s64s", data, at + 640, b"6.1\x1b]0;x\a", b"\x9b" * 79,
                         (b"\r\n\t\x7f" * 8)[:31], (b"\x1b[2J" * 16)[:63])
        struct.pack_into("<Q", data, 56, codec.xxh64(bytes(data[at:at + PAGE])))
        struct.pack_into("<Q", data, 248, codec.xxh64(bytes(data[:248])))
        new.write_bytes(data)
        for arguments in ("info",), ("info", "--json"):
            said = image(*arguments, new, says="6.1?]0;x?")
            assert all(c == "\n" or " " <= c <= "~" for c in said), ascii(said)
        image("convert", "--keep", new, again)
        image("info", again, says="6.1?]0;x?")
    new.unlink(missing_ok=True)
    again.unlink(missing_ok=True)


def try_spare(disk, folder):
    """What the saved system lent to the loader it lends again: here the frames of the last run of
    zeroes, which are not the image's any more."""
    old, new = folder / "old", folder / "new"
    with case("convert an image with spare frames"):
        image("convert", "--keep", disk, old)
        data = bytearray(old.read_bytes())
        at = struct.unpack_from("<Q", data, 48)[0] * PAGE
        table = next(t for t in range(at + 192, at + 512, 40)
                     if struct.unpack_from("<I", data, t)[0] == 1)
        position, entries = struct.unpack_from("<QQ", data, table + 8)
        begin = 256 * PAGE + position
        run = max(r for r in range(begin, begin + 24 * entries, 24)
                  if struct.unpack_from("<I", data, r + 12)[0] == 2)
        first, count = struct.unpack_from("<QI", data, run)
        struct.pack_into("<I", data, run + 12, 4)
        zero, spare = (struct.unpack_from("<Q", data, at + field)[0] for field in (112, 128))
        struct.pack_into("<Q", data, at + 112, zero - count)
        struct.pack_into("<Q", data, at + 128, spare + count)
        struct.pack_into("<Q", data, table + 24, codec.xxh64(bytes(data[begin:begin + 24 * entries])))
        struct.pack_into("<Q", data, 56, codec.xxh64(bytes(data[at:at + PAGE])))
        struct.pack_into("<Q", data, 248, codec.xxh64(bytes(data[:248])))
        old.write_bytes(data)
        image("convert", "--keep", old, new)
        with open(new, "rb") as file:
            assert (first, count, 4, 0) in thawimage.Image(file, 0).runs, "they are not spare"
        is_same(frames(old), frames(new))
    old.unlink(missing_ok=True)
    new.unlink(missing_ok=True)


def try_replace(disk, folder):
    """An older image is given up for one that is whole and fits, for no other."""
    broken, new = folder / "broken", folder / "new"
    with case("replace an image by one that does not fit"):
        image("convert", "--keep", disk, new)
        with open(new, "rb") as file:
            parsed = thawimage.Image(file, 0)
            end = max(parsed.header_unit + 1, *(unit + units for _, unit, units in parsed.extents))
        os.truncate(new, end * PAGE)
        was = new.read_bytes()
        image("convert", "--keep", "--replace", "--store", disk, new, expect=3, says="does not fit")
        assert new.read_bytes() == was, "the older image changed"
        image("convert", "--keep", "--replace", disk, new)
    with case("replace an image by a broken one"):
        broken.write_bytes(new.read_bytes())
        flip(broken, 256 * PAGE + 10)
        was = new.read_bytes()
        image("convert", "--keep", "--replace", broken, new, expect=2)
        assert new.read_bytes() == was, "the older image changed"
        image("verify", new)
    broken.unlink(missing_ok=True)
    new.unlink(missing_ok=True)


def try_broken_disk(disk, folder):
    """What does not come back as it was written is no image, and the original stays."""
    old, new = folder / "old", folder / "new"
    was = pathlib.Path(disk).read_bytes()
    with case("a disk that stores another header than it was given"):
        old.write_bytes(was)
        image("convert", old, new, expect=2, says="new: checksum", environment={
            "LD_PRELOAD": str(BUILD.resolve() / "badwrite.so"), "BAD_WRITE": "THAWHEAD"})
        assert old.read_bytes() == was, "the original changed"
        image("info", new, expect=1)
        new.unlink()
    with case("an original that somebody changes meanwhile"):
        image("convert", old, new, expect=3, says="it is not what was read any more", environment={
            "LD_PRELOAD": str(BUILD.resolve() / "badwrite.so"), "BAD_WRITE": "THAWHEAD",
            "BAD_FILE": str(old)})
        assert old.read_bytes() == was[:600] + b"\1" + was[601:], "it was ended"
        image("info", new)
        new.unlink()
    old.unlink()


def try_pages(folder):
    """An arm64 machine with larger pages, as docs/FORMAT.md has it; nothing of ours restores it."""
    new = folder / "arm64"
    for shift, seed in (14, "2"), (16, "1"):
        with case(f"pages of {1 << shift >> 10} KiB"):
            subprocess.run([BUILD / "host" / "made_up", "arm64", seed, "0", "-", new], check=True)
            with open(new, "rb") as file:
                parsed = thawimage.Image(file, 0)
                found = dict(parsed.frames())
            assert (parsed.page_shift, parsed.entry) == (shift, (1, 2, 3, 4, 5)), parsed.entry
            assert sorted(found) == [f for f in range(1, 400) if f % 40 != 20], sorted(found)
            for frame, page in found.items():
                word = frame // 40 if frame % 40 < 10 else frame * 512
                assert not page or len(page) == 1 << shift
                if frame % 40 < 10 or frame % 4:
                    assert struct.unpack_from("<Q", page or bytes(8))[0] == word, frame
            image("info", new, expect=2, says="header-field")
    new.unlink(missing_ok=True)


def try_loop(disk, folder):
    """The image's own file or partition by another name."""
    whole = folder / "whole"
    was = pathlib.Path(disk).read_bytes()
    whole.write_bytes(was)
    with loop_device(whole) as loop, case("an image into a device that it lies in"):
        for verb, source, target in (("convert", whole, loop), ("convert", loop, whole),
                                     ("extract", loop, whole)):
            if loop:
                image(verb, "--replace", source, target, expect=3, says="place of its own")
        assert whole.read_bytes() == was, "it changed"
    whole.unlink()


def try_arguments(disk):
    with case("arguments"):
        image("--help", says="Usage")
        image("info", "--help", says="Usage")
        image(expect=64, says="no verb")
        image("frobnicate", expect=64, says="no verb")
        image("info", expect=64, says="0 paths")
        image("info", "--nonsense", disk, expect=64, says="--nonsense")
        image("convert", disk, expect=64, says="1 paths")
        image("info", "/nonexistent", expect=3, says="No such file")
        image("info", "/dev/null", expect=3, says="neither")


def main():
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        subprocess.run([sys.executable, TESTS / "thawctl_disks.py", folder], check=True)
        (folder / "swap").write_bytes(b"LUKS\xba\xbe\0\1" + bytes(300 * PAGE))
        disk = folder / "image"
        try_arguments(disk)
        try_ending(disk, folder)
        try_old_digests(disk, folder)
        try_targets(disk, folder)
        try_forbidden(disk, folder)
        try_world(disk, folder)
        try_names(disk, folder)
        try_spare(disk, folder)
        try_replace(disk, folder)
        try_broken_disk(disk, folder)
        try_pages(folder)
        try_loop(disk, folder)
        real = os.environ.get("THAW_TEST_IMAGES", "").split()
        for path in real:
            try_image(path, folder, pathlib.Path(path).parent.name.rpartition("-")[0])
        if not real:
            counts["skipped"] += 1
            print("skip real images: THAW_TEST_IMAGES is not set")
    print(", ".join(f"{n} {what}" for what, n in counts.items()))
    return counts["failed"] != 0


if __name__ == "__main__":
    sys.exit(main())
