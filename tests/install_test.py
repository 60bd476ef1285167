#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause-Patent
"""install_test.py BUILD: thawctl install, update, uninstall, status and log on a folder that plays
the EFI system partition and one that plays the firmware's variables; interrupted at every change
that they make."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "test-images"))

import disk

BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
THAW = "7e2a3d1c-54b8-4c0e-9d5f-2b6a91c7e043"
MOST_CHANGES = 60
counts = {"passed": 0, "failed": 0, "skipped": 0}


def check(name, good, said=""):
    counts["passed" if good else "failed"] += 1
    if not good:
        print(f"FAIL {name}\n  {said}")


class Place:
    """A machine that was installed by somebody else."""

    def __init__(self, folder):
        self.folder = folder
        self.esp, self.vars = folder / "esp", folder / "vars"
        for name in ("EFI/BOOT/BOOTX64.EFI", "EFI/debian/shimx64.efi"):
            path = self.esp / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"foreign {name}".encode())
        self.vars.mkdir()
        self.set("BootOrder", struct.pack("<3H", 1, 3, 0))
        for number in (0, 1, 3):
            self.set(f"Boot{number:04X}", self.foreign_entry(number))
        with open(folder / "disk", "wb") as file:
            file.truncate(64 * disk.MIB)
            disk.write_gpt(file, 64 * disk.MIB, 512, [(disk.TYPE_SWAP, "swap", disk.MIB, disk.MIB),
                           (disk.TYPE_ESP, "esp", 2 * disk.MIB, 32 * disk.MIB)])

    @staticmethod
    def foreign_entry(number):
        """The Windows of another disk has its own loader, and there is one by the name of ours."""
        name = "\\EFI\\thaw\\thaw.efi" if number == 3 else "\\EFI\\debian\\shimx64.efi"
        path = (name + "\0").encode("utf-16-le")
        nodes = struct.pack("<BBHIQQ16sBB", 4, 1, 42, 2, 9, 9, bytes(range(16)), 2, 2)
        nodes += struct.pack("<BBH", 4, 4, 4 + len(path)) + path + b"\x7f\xff\4\0"
        return struct.pack("<IH", 1, len(nodes)) + "other\0".encode("utf-16-le") + nodes

    def set(self, name, value, guid=GLOBAL):
        (self.vars / f"{name}-{guid}").write_bytes(struct.pack("<I", 7) + value)

    def get(self, name, guid=GLOBAL):
        path = self.vars / f"{name}-{guid}"
        return path.read_bytes()[4:] if path.exists() else None

    def reboot(self):
        """Linux shows a variable as soon as its file is opened; firmware has none without data."""
        for path in self.vars.iterdir():
            if not path.stat().st_size:
                path.unlink()

    @property
    def order(self):
        value = self.get("BootOrder") or b""
        return list(struct.unpack(f"<{len(value) // 2}H", value))

    def snapshot(self):
        return {str(p.relative_to(self.folder)): hashlib.sha256(p.read_bytes()).hexdigest()
                if p.is_file() else "" for top in (self.esp, self.vars) for p in top.rglob("*")}

    def run(self, *words, source="thaw.efi", device=True, unread=False, **faults):
        env = dict(os.environ, EFIVARFS_PATH=f"{self.vars}/", LIBEFIVAR_OPS="efivarfs",
                   STATE_DIRECTORY=str(self.folder / "state"), LD_PRELOAD=str(BUILD / "efivarfs.so"),
                   **{f"FAULT_{key.upper()}": str(value) for key, value in faults.items()})
        env.pop("SYSTEMD_SLEEP_ACTION", None)
        command = [BUILD / "thawctl", *words]
        if words[0] != "log":
            command += ["--esp-path", self.esp]
            command += ["--disk", self.folder / "disk", "--part", "2"] if device else []
        if words[0] in ("install", "update"):
            command += ["--source", BUILD / source]
        if not unread:
            return subprocess.run(command, env=env, capture_output=True, text=True)
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(["stdbuf", "-oL", *command], env=env, stdout=write, text=True,
                              stderr=subprocess.PIPE)
        os.close(write)
        return done


class Fresh:
    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-install."))
        return Place(self.folder)

    def __exit__(self, *_):
        shutil.rmtree(self.folder)


def expect(name, place, status, text, *words, **how):
    done = place.run(*words, **how)
    said = done.stdout + done.stderr
    check(name, done.returncode == status and text in said, f"{done.returncode}: {said}")
    return done


def holds(place, before):
    """What no interruption may break; returns what is broken."""
    after = place.snapshot()
    touched = [p for p in before if after.get(p) != before[p] and "BootOrder" not in p]
    if touched:
        return f"touched {touched}"
    ours = [n for n in place.order if n not in (0, 1, 3)]
    if [n for n in place.order if n in (0, 1, 3)] != [1, 3, 0]:
        return f"order {place.order}"
    program = place.esp / "EFI/thaw/thaw.efi"
    whole = program.exists() and program.read_bytes() == (BUILD / "thaw.efi").read_bytes()
    if program.exists() and not whole:
        return "half a program"
    if ours and not (whole and place.get(f"Boot{ours[0]:04X}")):
        return "an order that leads nowhere"
    return None


def whole_story():
    with Fresh() as place:
        before = place.snapshot()
        expect("status before", place, 1, "not installed", "status")
        expect("update before", place, 1, "thawctl install", "update")
        expect("dry run", place, 0, "would put it first in BootOrder", "install", "--dry-run")
        check("dry run changes nothing", place.snapshot() == before)
        expect("install", place, 0, "put it first in BootOrder", "install")
        check("others keep their order", place.order == [2, 1, 3, 0], place.order)
        check("nothing foreign is touched", holds(place, before) is None, holds(place, before))
        record = place.get("ThawStatus", THAW)
        check("record", record and record[:4] == b"THAW"
              and place.get("ThawStatusVouched", THAW) == b"\1")
        installed = place.snapshot()
        expect("again", place, 0, "nothing to do", "install")
        check("again changes nothing", place.snapshot() == installed)
        expect("status", place, 0, "in order", "status")
        entry_is_readable(place)
        repairs(place, installed)
        modes(place)
        expect("uninstall", place, 0, "take it out of BootOrder", "uninstall")
        check("as before", place.snapshot() == before)
        expect("uninstall again", place, 0, "nothing to do", "uninstall")


def entry_is_readable(place):
    """Against an independent reader of load options, and the fields of a hard drive node."""
    if shutil.which("efibootmgr"):
        env = dict(os.environ, EFIVARFS_PATH=f"{place.vars}/", LIBEFIVAR_OPS="efivarfs")
        shown = subprocess.run(["efibootmgr", "-v"], env=env, capture_output=True, text=True).stdout
        check("efibootmgr reads it", "Boot0002* thaw\tHD(2,GPT," in shown
              and "0x1000,0x10000)/File(\\EFI\\thaw\\thaw.efi)" in shown, shown)
    option = place.get("Boot0002")
    number, first, count, guid, form, kind = struct.unpack_from("<IQQ16sBB", option, 16 + 4)
    check("hard drive node", (number, first, count, form, kind) == (2, 4096, 65536, 2, 2)
          and guid == disk._guid("esp"), option.hex())


def repairs(place, installed):
    """The variables were reset; or somebody else came first; or the program is old."""
    for name in ("Boot0002", "BootOrder"):
        (place.vars / f"{name}-{GLOBAL}").unlink()
    (place.vars / f"ThawStatus-{THAW}").unlink()
    (place.vars / f"ThawStatusVouched-{THAW}").unlink()
    place.set("BootOrder", struct.pack("<3H", 1, 3, 0))
    expect("variables reset", place, 2, "thawctl update", "status")
    expect("repair", place, 0, "create a boot entry", "update")
    check("repaired", place.snapshot() == installed)
    place.set("BootOrder", struct.pack("<4H", 1, 2, 3, 0))
    expect("somebody came first", place, 2, "comes before it", "status")
    expect("first again", place, 0, "put it first", "update")
    check("repaired order", place.snapshot() == installed)
    option = place.get("Boot0002")
    place.set("Boot0002", bytes(4) + option[4:])
    expect("switched off", place, 2, "switched off", "status")
    expect("switch on", place, 0, "switch boot entry 0002 on", "update")
    check("switched on", place.snapshot() == installed)
    (place.esp / "EFI/thaw/thaw.efi").write_bytes(b"MZ old")
    expect("newer program", place, 0, "copy", "update")
    check("newer program copied", place.snapshot() == installed)
    upgrade(place)
    check("upgrade undone", place.snapshot() == installed)
    expect("no program to install", place, 3, "--source", "update", source="missing.efi")
    expect("no EFI program", place, 3, "not an EFI program", "update", source="../Makefile")


def upgrade(place):
    """As the package does it: what was changed in the boot on purpose stays so."""
    option, program = place.get("Boot0002"), place.esp / "EFI/thaw/thaw.efi"
    place.set("Boot0002", bytes(4) + option[4:])
    place.set("BootOrder", struct.pack("<4H", 1, 3, 2, 0))
    changed = place.snapshot()
    program.write_bytes(b"MZ old")
    expect("upgrade: there is one", place, 0, "", "status", "--no-variables")
    expect("upgrade", place, 0, "copy", "update", "--no-variables")
    check("upgrade renews the program alone", place.snapshot() == changed)
    conf = place.esp / "EFI/thaw/thaw.conf"
    text = conf.read_text()
    conf.unlink()
    expect("upgrade: thaw.conf was taken away", place, 0, "nothing to do", "update", "--no-variables")
    expect("update: thaw.conf was taken away", place, 0, "first in BootOrder", "update")
    check("thaw.conf stays away", not conf.exists())
    conf.write_text(text)
    program.unlink()
    expect("upgrade: none is there", place, 1, "", "status", "--no-variables")
    place.set("Boot0002", option)
    place.set("BootOrder", struct.pack("<4H", 2, 1, 3, 0))
    shutil.copyfile(BUILD / "thaw.efi", program)


def modes(place):
    conf = place.esp / "EFI/thaw/thaw.conf"
    conf.write_text("# mine\nmode resident\nverbose yes")
    expect("armed", place, 0, "take it out of BootOrder", "install", "--mode", "armed")
    check("armed order", place.order == [1, 3, 0], place.order)
    check("lines kept", conf.read_text() == "# mine\nmode armed\nverbose yes", conf.read_text())
    expect("armed status", place, 0, "armed", "status")
    expect("update keeps the mode", place, 0, "nothing to do", "update")
    place.set("BootOrder", struct.pack("<4H", 2, 1, 3, 0))
    expect("armed in order", place, 2, "though armed", "status")
    expect("resident again", place, 0, "", "install", "--mode", "resident")
    check("resident order", place.order == [2, 1, 3, 0], place.order)
    place.set("BootNext", struct.pack("<H", 2))
    state = json.loads(place.run("status", "--json").stdout)
    check("JSON", state["installed"] and state["trouble"] is None and state["entry"]["next"]
          and state["entry"]["position"] == 0 and state["mode"] == "resident", state)


def in_json():
    """Every answer is JSON, of a failure too; and says what the words say."""
    with Fresh() as place:
        def answer(status, *words, **how):
            done = place.run(*words, "--json", **how)
            check(f"{' '.join(words)} --json", done.returncode == status, done.stderr)
            try:
                return json.loads(done.stdout)
            except ValueError:
                check(f"{' '.join(words)}: JSON", False, done.stdout)
                return {}

        state = answer(1, "status")
        check("status, not installed", not state["installed"] and "install" in state["advice"], state)
        check("log, empty", answer(1, "log") == [])
        planned = answer(0, "install", "--dry-run")
        failed = answer(3, "install", error=9)
        check("failed", not failed["ok"] and failed["steps"], failed)
        done = answer(0, "install")
        check("planned is done", planned["dry_run"] and not done["dry_run"] and done["ok"]
              and planned["steps"] == done["steps"], (planned, done))
        check("nothing to do", answer(0, "update")["steps"] == [])
        state = answer(0, "status")
        check("status, installed", state["trouble"] is None and state["advice"] is None
              and state["record"] == "whole" and state["attempts"] == [], state)
        names = [step["step"] for step in answer(0, "uninstall")["steps"]]
        check("uninstall", names == ["order", "entry", "record", "files"], names)


def loaders_update(place):
    """The update of a boot loader makes an entry of its own and puts it first: grub-install, bootctl."""
    place.set("Boot0005", place.foreign_entry(5))
    place.set("BootOrder", struct.pack("<H", 5) + place.get("BootOrder"))
    return place.get("BootOrder")


def survives():
    """A boot loader's update, in both modes: the next hibernation starts thaw, and the order stays the
    loader's until the user says otherwise."""
    for mode in ("resident", "armed"):
        with Fresh() as place:
            place.run("install", "--mode", mode)
            order = loaders_update(place)
            expect(f"{mode}: after the loader's update", place, 0, "starts at the next boot", "sleep",
                   "pre", "hibernate")
            check(f"{mode}: BootNext", place.get("BootNext") == b"\2\0", place.get("BootNext"))
            check(f"{mode}: the loader stays first", place.get("BootOrder") == order)
            place.run("sleep", "post", "hibernate")
            expect(f"{mode}: status", place, 2 if mode == "resident" else 0, "", "status")
            expect(f"{mode}: update", place, 0, "", "update")
            check(f"{mode}: repaired", place.order[:2] == ([2, 5] if mode == "resident" else [5, 1]),
                  place.order)


def shows():
    """What status says of the last attempts and of where the next image is looked for."""
    with Fresh() as place:
        place.run("install")
        place.set("ThawStatus", record(attempt(1, 4), attempt(2, 2, 0x230)), THAW)
        said = expect("status, attempts", place, 0, "memory-map: ", "status").stdout
        check("status, outcomes", "not restored: memory-map" in said and ": restored" in said
              and "load 500.0 ms" in said and "Make sure that the map" in said, said)
        check("status, anywhere", "looks for it  on every fixed disk's swap partitions" in said, said)
        conf = place.esp / "EFI/thaw/thaw.conf"
        conf.write_text("device UUID=5c0f2a51-7b0c-4c58-8f6c-2c1f0d9e5a10\noffset 34816\nwrong\n")
        said = expect("status, device", place, 0, "looks for it  UUID=5c0f", "status").stdout
        check("status, offset", "at page 34816" in said and "1 lines are not understood" in said, said)
        check("a foreign fallback stays", (place.esp / "EFI/BOOT/BOOTX64.EFI").read_bytes()
              == b"foreign EFI/BOOT/BOOTX64.EFI")


def interrupted(words, prepare):
    """The command fails, or dies, at each change it makes."""
    command = words[0]
    for kind in ("error", "kill"):
        for number in range(1, MOST_CHANGES):
            with Fresh() as place:
                foreign = place.snapshot()
                prepare(place)
                before = place.snapshot()
                done = place.run(*words, **{kind: number})
                place.reboot()
                what = f"{command}, {kind} at change {number}"
                check(what, holds(place, foreign) is None, holds(place, foreign))
                if done.returncode == 0:
                    break
                if kind == "error":
                    check(f"{what}: says what to do", done.returncode == 3 and
                          done.stderr.count("\n") >= 2, done.stderr)
                    if command == "install":
                        check(f"{what}: undone", place.snapshot() == before,
                              set(place.snapshot().items()) ^ set(before.items()))
                again = place.run(*words)
                check(f"{what}: again", again.returncode == 0, again.stderr)
                place.run("uninstall")
                check(f"{what}: back", place.snapshot() == foreign,
                      set(place.snapshot().items()) ^ set(foreign.items()))
        check(f"{command}, {kind}: to the end", 1 < number < MOST_CHANGES - 1, number)


def hibernated(place):
    """Puts an image's signature into the swap area of a machine's disk."""
    with open(place.folder / "disk", "r+b") as file:
        file.seek(disk.MIB + 4076)
        file.write(b"SWAPSPACE2S1SUSPEND\0")


def old_image():
    """What lies on a disk while the machine runs is of before: a new record forbids it."""
    with Fresh() as place:
        hibernated(place)
        expect("old image", place, 0, "1 old hibernation image will not be restored", "install")
        found = json.loads(place.run("log", "--json").stdout)
        check("passed over", [(a["state"], a["reason"]["name"]) for a in found]
              == [("passed-over", "passed-over")], found)


def unread():
    """'thawctl install | true': whoever does not listen does not get half of an installation."""
    with Fresh() as place:
        done = place.run("install", unread=True)
        check("unread", done.returncode == 3 and "standard output" in done.stderr,
              f"{done.returncode}: {done.stderr}")
        expect("unread, but whole", place, 0, "nothing to do", "install")


def names_alike():
    """An entry for another program of that folder is somebody's own."""
    with Fresh() as place:
        place.run("install")
        ours = place.get("Boot0002")
        path = "\\EFI\\thaw\\thaw.efi".encode("utf-16-le")
        at = ours.index(path) - 4
        longer = path + ".old\0".encode("utf-16-le")
        nodes = struct.pack("<BBH", 4, 4, 4 + len(longer)) + longer + b"\x7f\xff\4\0"
        begin = ours.index("thaw\0".encode("utf-16-le")) + 10
        entry = ours[:4] + struct.pack("<H", at - begin + len(nodes)) + ours[6:at] + nodes
        place.run("uninstall")
        place.set("Boot0002", entry)
        expect("another program's entry", place, 1, "not installed", "status")
        place.run("install")
        place.run("uninstall")
        check("another program's entry stays", place.get("Boot0002") == entry)


def passed_by():
    """A boot that thaw was not asked about forbids what it went past, or has everything doubted."""
    with Fresh() as place:
        hibernated(place)
        expect("no record: no say", place, 0, "", "pass-over")
        check("no record is made", place.get("ThawStatus", THAW) is None)
        place.set("ThawStatus", record(), THAW)
        place.set("ThawStatusVouched", b"\1", THAW)
        expect("not stored", place, 3, "ThawStatus", "pass-over", error=1)
        check("then doubted", place.get("ThawStatusVouched", THAW) is None)
        place.set("ThawStatusVouched", b"\1", THAW)
        expect("passed by", place, 0, "1 hibernation image", "pass-over")
        found = json.loads(place.run("log", "--json").stdout)
        check("forbidden", [(a["state"], a["reason"]["name"]) for a in found]
              == [("passed-over", "passed-over")], found)
        before = place.snapshot()
        done = expect("once", place, 0, "", "pass-over")
        check("flash is spared", not done.stdout and place.snapshot() == before, done.stdout)


def files_only():
    with Fresh() as place:
        before = place.snapshot()
        expect("no variables", place, 0, "copy", "install", "--no-variables", device=False)
        check("no variable", {p for p in place.snapshot() if p.startswith("vars")}
              == {p for p in before if p.startswith("vars")})
        expect("no variables: status", place, 0, "installed", "status", "--no-variables",
               device=False)
        expect("no disk", place, 3, "--disk", "install", device=False)
        (place.esp / "EFI/thaw/mine").write_text("mine")
        expect("no variables: uninstall", place, 0, "remove", "uninstall", "--no-variables",
               device=False)
        check("another's file stays", (place.esp / "EFI/thaw/mine").exists())
        check("the program goes", not (place.esp / "EFI/thaw/thaw.efi").exists())
        expect("wrong mode", place, 64, "not understood", "install", "--mode", "wrong")
        expect("wrong option", place, 64, "not understood", "status", "--mode", "armed")
        expect("help", place, 0, "Usage: thawctl install", "install", "--help")
        place.set("SecureBoot", b"\1")
        expect("Secure Boot", place, 0, "Secure Boot is on", "install")


def attempt(serial, state, reason=0, when=1795000000):
    return struct.pack("<QQQIHBBB3x5III", serial, 99 + serial, when, serial, reason, state, 2, 1,
                       3000, 4000, 500000, 0, 0, 25600, 0)


def record(*attempts):
    head = struct.pack("<4sHH", b"THAW", 1, 8)
    body = struct.pack("<I", len(attempts)) + b"".join(attempts) + bytes(64 * (8 - len(attempts)))
    return head + struct.pack("<I", zlib.crc32(head + bytes(4) + body)) + body


def logs():
    with Fresh() as place:
        expect("empty log", place, 1, "not met an image", "log")
        place.set("ThawStatusVouched", b"\1", THAW)
        place.set("ThawStatus", record(attempt(1, 4), attempt(2, 2, 0x230), attempt(3, 1)), THAW)
        done = expect("log", place, 0, "restored", "log")
        lines = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
        check("newest first", "interrupted while loading" in lines[0] and "memory-map" in lines[1]
              and lines[2].endswith(": restored") and "2026-11-1" in lines[2], lines)
        check("phases", "load 500.0 ms (100 MiB, 200 MiB/s)" in done.stdout, done.stdout)
        found = json.loads(place.run("log", "--json").stdout)
        check("log in JSON", [a["state"] for a in found] == ["started", "passed-over", "returned"]
              and found[1]["reason"]["code"] == "0x230", found)
        place.set("ThawStatus", b"THAW nonsense", THAW)
        expect("damaged record", place, 3, "damaged", "log")


def reasons():
    """docs/REASONS.md says of each reason what thawctl says."""
    rows = [[cell.strip(" `") for cell in line.split("|")[1:5]] for line in
            (HERE.parent / "docs/REASONS.md").read_text().splitlines() if line.startswith("| 0x")]
    for first in range(0, len(rows), 8):
        with Fresh() as place:
            these = rows[first:first + 8]
            place.set("ThawStatus", record(*(attempt(i + 1, 2, int(row[0], 16))
                                             for i, row in enumerate(these))), THAW)
            place.set("ThawStatusVouched", b"\1", THAW)
            said = json.loads(place.run("log", "--json").stdout)
            for row, reason in zip(reversed(these), (entry["reason"] for entry in said)):
                check(f"REASONS.md, {row[1]}", row == [f"{int(reason['code'], 16):#x}", reason["name"],
                      reason["sentence"], reason["advice"]], reason)


def told_once():
    with Fresh() as place:
        place.set("ThawStatusVouched", b"\1", THAW)
        place.set("ThawStatus", record(attempt(1, 4), attempt(2, 2, 0x230)), THAW)
        check("both are new", place.run("log", "--new").stdout.count("2026-11-1") == 2)
        expect("nothing new", place, 1, "", "log", "--new")
        place.set("ThawStatus", record(attempt(1, 4), attempt(2, 2, 0x230), attempt(3, 4)), THAW)
        check("one is new", place.run("log", "--new").stdout.count("2026-11-1") == 1)


def sleeps():
    """The hook around a hibernation from which the machine comes back in one way or another."""
    with Fresh() as place:
        expect("sleep, not installed", place, 0, "", "sleep", "pre", "hibernate")
        check("nothing armed", place.get("BootNext") is None)
        place.run("install", "--mode", "armed")
        expect("suspend", place, 0, "", "sleep", "pre", "suspend")
        check("not for a suspend", place.get("BootNext") is None)
        expect("armed for hibernation", place, 0, "starts at the next boot", "sleep", "pre",
               "hibernate")
        check("BootNext", place.get("BootNext") == b"\2\0", place.get("BootNext"))
        notes = (place.folder / "state/hibernated").read_text()
        check("notes", notes.startswith("serial 0\n"), notes)
        came_back(place)
        expect("hybrid", place, 0, "starts", "sleep", "pre", "hybrid-sleep")
        expect("not powered off", place, 0, "", "sleep", "post", "hybrid-sleep")
        check("disarmed", place.get("BootNext") is None)
        place.set("BootNext", b"\1\0")
        expect("another's BootNext", place, 0, "", "sleep", "post", "hibernate")
        check("another's BootNext stays", place.get("BootNext") == b"\1\0")
        place.set("SecureBoot", b"\1")
        (place.vars / f"BootNext-{GLOBAL}").unlink()
        expect("Secure Boot: not armed", place, 0, "", "sleep", "pre", "hibernate")
        check("Secure Boot: no BootNext", place.get("BootNext") is None)
        place.set("SecureBoot", b"\0")
        resident_hook(place)
        expect("sleep without action", place, 64, "pre or post", "sleep", "pre")


def came_back(place):
    """thaw consumed the image that was made when the record was at serial 0."""
    (place.vars / f"BootNext-{GLOBAL}").write_bytes(b"")   # consumed by firmware, shown by Linux
    place.set("HibernateLocation", b"{}", "8cf2644b-4b0b-428f-9387-6d876050dc67")
    place.set("ThawStatus", record(attempt(1, 3)), THAW)
    done = expect("back", place, 0, "HibernateLocation removed", "sleep", "post", "hibernate")
    check("journal", ": restored\n" in done.stdout and "load 500.0 ms" in done.stdout, done.stdout)
    states = [a["state"] for a in json.loads(place.run("log", "--json").stdout)]
    check("end record", states == ["returned"], states)
    check("notes taken away", not (place.folder / "state/hibernated").exists())
    check("no BootNext", not (place.vars / f"BootNext-{GLOBAL}").exists())
    check("no location", place.get("HibernateLocation", "8cf2644b-4b0b-428f-9387-6d876050dc67")
          is None)
    place.set("ThawStatus", record(attempt(1, 3)), THAW)
    place.run("sleep", "pre", "hibernate")
    place.run("sleep", "post", "hibernate")
    states = [a["state"] for a in json.loads(place.run("log", "--json").stdout)]
    check("an older attempt is not ended", states == ["committing"], states)
    without_partition(place)


def without_partition(place):
    """The EFI system partition is not mounted: what is in the variables is put in order."""
    notes, away = place.folder / "state/hibernated", place.folder / "away"
    place.set("ThawStatus", record(attempt(1, 4)), THAW)
    place.run("sleep", "pre", "hibernate")
    place.esp.rename(away)
    place.set("ThawStatus", record(attempt(1, 4), attempt(2, 3)), THAW)
    place.set("HibernateLocation", b"{}", "8cf2644b-4b0b-428f-9387-6d876050dc67")
    check("BootNext before", place.get("BootNext") == b"\2\0", place.get("BootNext"))
    expect("no partition", place, 3, "esp: No such file", "sleep", "post", "hibernate")
    states = [a["state"] for a in json.loads(place.run("log", "--json").stdout)]
    check("no partition: ended", states == ["returned", "returned"], states)
    check("no partition: no BootNext", place.get("BootNext") is None)
    check("no partition: no location",
          place.get("HibernateLocation", "8cf2644b-4b0b-428f-9387-6d876050dc67") is None)
    notes.write_text("serial 0\nmount /dev/stale ext4 1 1\n")
    expect("no partition: pre", place, 3, "esp: No such file", "sleep", "pre", "hibernate")
    check("no partition: notes of now", notes.read_text().startswith("serial 2\n")
          and "stale" not in notes.read_text(), notes.read_text())
    notes.unlink()
    away.rename(place.esp)


LOCATION = "8cf2644b-4b0b-428f-9387-6d876050dc67"
SWAP_UUID = "5c0f2a51-7b0c-4c58-8f6c-2c1f0d9e5a10"


def noted(place):
    value = place.get("HibernateLocation", LOCATION)
    return value and value.decode("utf-16-le")


def notes_location(place):
    """The hook says where the image will be, where systemd did not."""
    swaps, area = place.folder / "swaps", place.folder / "area"
    head = "Filename\tType\tSize\tUsed\tPriority\n"
    with open(area, "wb") as file:
        file.truncate(disk.MIB)
    subprocess.run(["mkswap", "-U", SWAP_UUID, area], check=True, capture_output=True)
    place.run("sleep", "pre", "hibernate", swap=place.folder)
    check("no swap, no note", noted(place) is None, noted(place))
    swaps.write_text(f"{head}{area} partition 1020 0 -2\n")
    expect("location", place, 0, "", "sleep", "pre", "hibernate", swap=place.folder)
    check("location noted", noted(place) == f'{{"uuid":"{SWAP_UUID}","offset":0}}\0', noted(place))
    expect("location is taken away", place, 0, "HibernateLocation removed", "sleep", "post", "hibernate")
    check("no location", noted(place) is None)
    place.set("HibernateLocation", "{}\0".encode("utf-16-le"), LOCATION)
    place.run("sleep", "pre", "hibernate", swap=place.folder)
    check("systemd's note stays", noted(place) == "{}\0", noted(place))
    place.run("sleep", "post", "hibernate")
    swaps.write_text(f"{head}/swapfile file 1020 0 -2\n")
    place.run("sleep", "pre", "hibernate", swap=place.folder)
    check("a file nobody told of", noted(place) is None, noted(place))
    swaps.unlink()


def resident_hook(place):
    place.run("install", "--mode", "resident")
    notes_location(place)
    place.set("BootNext", b"\1\0")
    expect("chosen to boot first", place, 0, "BootNext is entry 0001", "sleep", "pre", "hibernate")
    check("what was chosen stays", place.get("BootNext") == b"\1\0")
    (place.vars / f"BootNext-{GLOBAL}").unlink()
    expect("resident, first", place, 0, "", "sleep", "pre", "hibernate")
    check("nothing to arm", place.get("BootNext") is None)
    place.set("BootOrder", struct.pack("<4H", 1, 2, 3, 0))
    expect("resident, second", place, 0, "starts at the next boot", "sleep", "pre", "hibernate")
    (place.vars / f"Boot0002-{GLOBAL}").unlink()
    expect("no entry", place, 3, "thawctl update", "sleep", "pre", "hibernate")


def hibernates():
    """Nothing is saved that thaw would not restore. A device that is not there ends what passes."""
    words = ("hibernate", "--mode", "shutdown", "/nonexistent")
    passes = "/nonexistent: No such file"
    with Fresh() as place:
        conf = place.esp / "EFI/thaw/thaw.conf"
        expect("hibernate, not installed", place, 2, "'thawctl install'", *words)
        expect("hibernate, forced", place, 2, passes, *words, "--force")
        expect("hibernate, compressed", place, 2, passes, *words, "--force", "--compress", "always")
        for option in ("--compress", "--mode"):
            expect(f"hibernate, wrong {option}", place, 64, "is not understood", "hibernate", option, "now")
        place.run("install")
        expect("hibernate, resident", place, 2, passes, *words)
        place.run("install", "--mode", "armed")
        expect("hibernate, armed", place, 2, passes, *words)
        check("not armed in vain", place.get("BootNext") is None)
        program = place.esp / "EFI/thaw/thaw.efi"
        ours = program.read_bytes()
        program.write_bytes(re.sub(rb"(thaw,1,thaw,thaw,)[^,]", rb"\1?", ours))
        expect("hibernate, program of another version", place, 2, "another version", *words)
        program.write_bytes(ours)
        conf.write_text("mode armed\ndry-run yes\n")
        expect("hibernate, dry-run in thaw.conf", place, 2, "says 'dry-run yes'", *words)
        conf.write_text("mode armed\nhwsig refuse\n")
        expect("hibernate, hwsig in thaw.conf", place, 2, "says 'hwsig refuse'", "hibernate",
               "--mode", "platform", "/nonexistent")
        expect("hibernate, without a signature", place, 2, passes, *words)
        for offset in ("12", "none"):
            conf.write_text(f"mode armed\noffset {offset}\n")
            expect("hibernate, lone offset in thaw.conf", place, 2, "offset without a device", *words)
        conf.write_text("mode armed\n")
        option = place.get("Boot0002")
        place.set("Boot0002", bytes(4) + option[4:])
        expect("hibernate, entry switched off", place, 2, "switched off", *words)
        (place.vars / f"Boot0002-{GLOBAL}").unlink()
        expect("hibernate, no entry", place, 2, "no boot entry", *words)
        place.set("Boot0002", option)
        place.set("ThawStatus", b"THAW nonsense", THAW)
        expect("hibernate, damaged record", place, 2, "record of earlier boots is damaged", *words)
        (place.esp / "EFI/thaw/thaw.efi").unlink()
        expect("hibernate, no program", place, 2, "'thawctl install'", *words)
        made_up(place)


def made_up(place):
    """What is left of a zram, a loop or a RAM disk when the power is off is nothing."""
    names = [name for name in ("zram0", "loop0", "ram0", "nbd0")
             if pathlib.Path("/sys/class/block", name).exists()
             and pathlib.Path("/dev", name).is_block_device()]
    for name in names:
        expect(f"hibernate to {name}", place, 2, "firmware does not see it", "hibernate", "--mode",
               "shutdown", "--force", f"/dev/{name}")
    if not names:
        counts["skipped"] += 1
        print("SKIP hibernate to a loop device: there is none")


whole_story()
files_only()
old_image()
unread()
reasons()
names_alike()
passed_by()
logs()
in_json()
survives()
shows()
told_once()
sleeps()
if os.geteuid():
    counts["skipped"] += 1
    print("SKIP hibernate: it is root's business")
else:
    hibernates()
interrupted(["install"], lambda place: None)
interrupted(["install", "--mode", "resident"], lambda place: place.run("install", "--mode", "armed"))
interrupted(["uninstall"], lambda place: place.run("install"))
print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
sys.exit(counts["failed"] != 0)
