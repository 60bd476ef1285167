# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Whole restores in QEMU: thaw, the kernel's own resume of the same image, the floor below which
nothing restores, and what thaw adds to a boot without an image."""

import os
import pathlib
import re
import statistics
import tempfile
import uuid

import benchimages
import cache
import disk
import esp
import firmware
import guest
import machine as machines
import session
import timeline

THAW = "EFI/thaw/thaw.efi"
ANY = b"verbose no\n"    # names no device
# A real machine has its memory: that the host finds some when a page is first touched is no part of
# any restore, and takes longer than one.
OWN_MEMORY = ["-mem-prealloc"]


def _machine(image, folder, files):
    """The image's machine as it would be: with memory, and disks that have nothing to write back
    when they are told to flush."""
    parts = image.parts(folder, files)
    for name in {"disk", "esp"} & set(parts):
        with open(parts[name], "rb") as file:
            os.fsync(file.fileno())
    return machines.Machine(image.config, **parts, extra=OWN_MEMORY)


def _restore(image, files_of):
    """Boots the image until the restored guest has said who it is; the machine, with its log."""
    with tempfile.TemporaryDirectory(dir=cache.folder("scratch")) as scratch:
        folder = pathlib.Path(scratch)
        with _machine(image, folder, files_of(folder)) as machine:
            index, _, _ = machine.wait(["^GUEST resumed$", "^GUEST fresh boot"], 300)
            if index:
                raise session.Unexpected("a fresh boot instead of the restored guest")
            _, _, nonce = machine.wait("^GUEST nonce (\\w*)", 60)
            if nonce[1] != image.facts["nonce"]:
                raise session.Unexpected(f"another guest: {nonce[1]}")
        return machine


def attempt(what, function, *arguments):
    """A restore that fails is told and left out; the benchmark goes on."""
    try:
        return function(*arguments)
    except (machines.MachineError, session.Unexpected) as error:
        print(f"  {what}: {error}", flush=True)
        return None


def _median(values):
    return statistics.median(values) if values else None


def _turns(image, runs):
    """{kind: [times]} of restores of both kinds, turn and turn about."""
    program = session.thaw_program()
    kinds = {"thaw": lambda _: session.thaw_files(program, verbose=False),
             "kernel": lambda folder: session.control_files(folder, image)}
    done = {kind: [] for kind in kinds}
    for number in range(runs):
        for kind, files_of in kinds.items():
            machine = attempt(kind, _restore, image, files_of)
            if machine:
                times = timeline.timeline(machine)
                done[kind].append(times)
                print(f"  {number + 1}/{runs} {kind:6} {timeline.duration(times):7.2f} s",
                      flush=True)
    return done


def phases(image):
    """{phase: seconds} by thaw's own clock: one more restore, with its words."""
    machine = attempt("phases", _restore, image,
                       lambda _: session.thaw_files(session.thaw_program()))
    if not machine:
        return {}
    times = timeline.timeline(machine)
    found = dict(timeline.phases(machine))
    start, entry, jump, end = (times.get(timeline.MARKS[i][0]) for i in (0, 1, 2, 5))
    if None not in (start, entry, jump, end):
        found = {"loading thaw": entry - start, **found, "jump to guest": end - jump}
    return found


def restored_in(what, image):
    """Seconds from the start of the boot program to the resumed guest; None if it was not."""
    program = session.thaw_program()
    machine = attempt(what, _restore, image, lambda _: session.thaw_files(program, verbose=False))
    return timeline.duration(timeline.timeline(machine)) if machine else None


def to_jump(found):
    """Of phases: from thaw's entry to the jump."""
    return sum(found.get(p, 0) for p in ("look", "plan", "load", "commit"))


def _row(name, processors, runs):
    image = benchimages.image(name, processors)
    print(f"\n{name}, {processors} processor(s): {benchimages.describe(image)}", flush=True)
    done = _turns(image, runs)
    seconds = {kind: [timeline.duration(t) for t in times] for kind, times in done.items()}
    row = {**benchimages.facts(image), "recipe": benchimages.recipe(image),
           "processors": processors, "seconds": seconds, "phases": phases(image),
           **{kind: _median(values) for kind, values in seconds.items()}}
    for phase, value in row["phases"].items():
        print(f"    {phase:20}{value:8.3f}", flush=True)
    return row


def how_often(arguments, name, processors):
    """So many of each kind: more of what a target is for, and of what takes no time."""
    return arguments.runs or {("small", 2): 9, ("medium-lz4", 2): 7}.get((name, processors),
                                                                        3 if processors == 2 else 1)


def _sizes(arguments):
    return ["small", "medium", *(["large"] if arguments.large else [])]


def measure(arguments):
    rows, ratios = {}, {}
    for name in _sizes(arguments):
        for processors in (1, 2):
            row = attempt(name, _row, name, processors, how_often(arguments, name, processors))
            if row and row["thaw"] and row["kernel"]:
                rows[f"{name}-{processors}"] = row
                ratios[f"{name}-{processors}"] = row["kernel"] / row["thaw"]
    _table(rows, ratios)
    return {"rows": rows, "ratios": ratios}


def _table(rows, ratios):
    print(f"\n{'pages':>9} {'stored':>7} {'cpus':>5} {'thaw s':>8} {'kernel s':>9} "
          f"{'ratio':>6}")
    for name, row in rows.items():
        print(f"{row['pages']:9} {100 * row['stored']:5.0f} % {row['processors']:5} "
              f"{row['thaw']:8.2f} {row['kernel']:9.2f} {ratios[name]:6.1f}   {row['recipe']}")


# --- the floor -----------------------------------------------------------------------------------
def _notes(machine, name):
    """[(a, b)] of `thaw: note name a b`."""
    found = (re.search(rf"^thaw: note {name} (\d+) (\d+)", line.text) for line in machine.log)
    return [(int(m[1]), int(m[2])) for m in found if m]


def _alone(image, files):
    """A program that ends by itself."""
    with tempfile.TemporaryDirectory(dir=cache.folder("scratch")) as scratch:
        with _machine(image, pathlib.Path(scratch), files) as machine:
            machine.wait_end(300)
        return machine


FLOOR = ("open", "read", "write", "straight", "decode", "decode-checked")


def _compose(row, processors, coded):
    row["floor"] = row["open"] + row["read"] + row["write"]
    row["least"] = row["open"] + (row["read"] / processors + row["decode-checked"]
                                  if coded else row["straight"])
    return row


def floor_of(image, coded=True):
    """Seconds. Reading and writing are the floor. The least is what nothing gets below that ends
    with the frames written: after what has to be known first, one processor reads, while the others
    make the most of that by decoding and checking straight into place; or, where nothing is coded,
    it reads straight into place."""
    machine = _alone(image, {session.BOOT: cache.BUILD / "floor.efi"})
    notes = {key: _notes(machine, f"floor-{key}") for key in FLOOR}
    if not all(notes.values()):
        raise session.Unexpected("the floor program did not come to its end")
    row = {key: found[0][1] / 1e6 for key, found in notes.items()}
    return _compose(row, image.config.processors, coded)


def _floor(name, processors):
    image = benchimages.image(name, processors)
    facts = benchimages.facts(image)
    row = floor_of(image, facts["codec"] != "none")
    found = phases(image)
    return {**row, "entry to jump": to_jump(found), "phases": found, **facts,
            "processors": processors}


def _best_floor(name, processors, tries):
    """Of each part the best of all tries, and so of thaw: what else the host does adds to either, and
    takes nothing away."""
    rows = [row for _ in range(tries) if (row := attempt(name, _floor, name, processors))]
    if not rows:
        return None
    best = min(rows, key=lambda row: row["entry to jump"])
    parts = {part: min(row[part] for row in rows) for part in FLOOR}
    return _compose({**best, **parts}, processors, best["codec"] != "none")


def floors(arguments):
    """Ratios: NAME what thaw takes from entry to jump against the floor, NAME-limit the least."""
    print("\nfloor: only reading what is stored, writing each frame once; and decoding", flush=True)
    rows, ratios = {}, {}
    for name, processors in [("small", 2), ("medium", 1), ("medium", 2), ("raw", 2),
                             *([("large", 2)] if arguments.large else [])]:
        row = _best_floor(name, processors, arguments.runs or (3 if processors == 1 else 5))
        if not row:
            continue
        key = f"{name}-{processors}"
        rows[key], ratios[key] = row, row["entry to jump"] / row["floor"]
        ratios[f"{key}-limit"] = row["least"] / row["floor"]
        print(f"  {name}, {processors} processor(s), seconds: "
              f"{', '.join(f'{part} {row[part]:.3f}' for part in (*FLOOR, 'entry to jump'))}; that "
              f"is {ratios[key]:.2f} x the floor, where {ratios[f'{key}-limit']:.2f} x is the least",
              flush=True)
    return {"rows": rows, "ratios": ratios}


# --- no image ------------------------------------------------------------------------------------
def _boot_without_image(conf):
    """The machine after the second such boot: in a machine's first, thaw reserves its variable."""
    config = machines.Config(memory=1024, bootindex=True)
    layout = guest.Recipe().layout(config)
    files = {session.BOOT: cache.BUILD / "stopwatch.efi", session.CONF: conf,
             THAW: session.thaw_program()}
    with tempfile.TemporaryDirectory(dir=cache.folder("scratch")) as scratch:
        folder = pathlib.Path(scratch)
        layout.write(folder / "disk.raw")
        (folder / "vars.fd").write_bytes(firmware.variables(config.firmware).read_bytes())
        esp.build(folder / "esp.raw", files)
        for _ in range(2):
            with machines.Machine(config, folder / "disk.raw", folder / "vars.fd",
                                  folder / "esp.raw", extra=OWN_MEMORY) as machine:
                machine.wait_end(120)
    return machine


def _boots(conf):
    return [m for _ in range(5) if (m := attempt("no image", _boot_without_image, conf))]


def idle(_):
    """A swap area without an image. Each boot counts once: the first start of thaw in it. Ratios:
    NAME the milliseconds, NAME-limit those that firmware took to take the ended program down."""
    print("\nno image: what thaw adds to a boot", flush=True)
    named = f"device PARTUUID={uuid.uuid5(disk.NAMES, 'swap')}\n".encode()
    rows, ratios = {}, {}
    for name, words, conf in (("ms", "device configured", named), ("any-ms", "any device", ANY)):
        boots = _boots(conf)
        if not boots:
            continue
        pairs = [pair for m in boots for pair in _notes(m, "stopwatch-us")]
        times, ends = zip(*pairs)
        reads, size = _notes(boots[0], "stopwatch-reads")[0]
        at_home, _ = _notes(boots[0], "stopwatch-reads-at-home")[0]
        rows[name] = {"us": times, "end-us": ends, "reads": [reads, size], "at-home": at_home}
        ratios[name] = statistics.median(times) / 1000
        ratios[f"{name}-limit"] = statistics.median(ends) / 1000
        print(f"  {words}: {statistics.median(times):.0f} us (of {list(times)}), firmware's end of the "
              f"program {statistics.median(ends):.0f} us of that; {reads} reads of {size} bytes "
              f"together, and {at_home} by firmware's file system", flush=True)
    return {"rows": rows, "ratios": ratios}
