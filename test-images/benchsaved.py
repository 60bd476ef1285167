# SPDX-License-Identifier: BSD-2-Clause-Patent
"""A guest that saves itself by `thawctl hibernate`, against the same guest saved by its kernel (LZO,
LZ4): from the command to the power going off, what that wrote, and from firmware to the restored
guest with thaw. The disks are kept in the cache, with how long it took to make them; they are made
anew when what saves has changed, not when what restores has."""

import dataclasses
import hashlib
import json
import os
import shutil
import statistics

import benchdoc
import benchimages
import benchqemu
import cache
import hibernated
import machine as machines
import saving

SAVER = ["writer/*.c", "writer/*.h", "tools/hibernate*.c", "tools/snapshot.c", "imagefmt/xxh64.c",
         "include/thaw/native_disk.h", "test-images/saving.py"]
SIZES = [("small", 1, 5), ("small", 2, 5), ("medium", 2, 3)]    # image, processors, restores


def _subject(name, processors, way):
    recipe, memory = benchimages.IMAGES[name]
    config = machines.Config(memory=memory, processors=processors, bootindex=True)
    if way == "thawctl":
        return saving.Saved({}, recipe, config)
    return saving.ByKernel(dataclasses.replace(recipe, compressor=way), config)


def _key(saved, way):
    digest = hashlib.sha256(hibernated.key(saved.recipe, saved.config).encode())
    digest.update(way.encode())
    if way == "thawctl":
        for pattern in SAVER:
            for path in sorted(cache.HERE.parent.glob(pattern)):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _make(saved, folder):
    """The disk, the variables, and what it took."""
    parts = saved.parts(folder)
    (folder / "tpm").mkdir()
    before = parts["disk"].stat().st_blocks
    load = os.getloadavg()[0]
    with machines.Machine(saved.config, **saved.boot_guest(folder, parts),
                          extra=benchqemu.OWN_MEMORY) as machine:
        took = saving.save(machine, 900)
    written = (parts["disk"].stat().st_blocks - before) * 512
    facts = saved.facts | {"took": took, "written": written, "load": load}
    (folder / "facts.json").write_text(json.dumps(facts))
    for name in ("esp.raw", "guest.efi"):
        (folder / name).unlink(missing_ok=True)


def _was_busy(path):
    """Others were at work when the disk was made, so that how long it took says little, and now they
    are not: the benchmark alone does not come to this."""
    facts, much = path / "facts.json", 1.5 * os.cpu_count()
    return facts.exists() and json.loads(facts.read_text())["load"] > much > os.getloadavg()[0]


def _image(name, processors, way):
    saved = _subject(name, processors, way)
    path = cache.folder("hibernated") / f"bench-{name}-{processors}-{way}-{_key(saved, way)}"
    if _was_busy(path):
        shutil.rmtree(path)
    with cache.building(path) as scratch:
        if scratch:
            for old in path.parent.glob(f"bench-{name}-{processors}-{way}-*"):
                shutil.rmtree(old)
            _make(saved, scratch)
    os.utime(path)
    return hibernated.Hibernated(path, saved.recipe, saved.config)


def _row(name, processors, runs):
    """Ways take turns."""
    images = {way: _image(name, processors, way) for way in benchdoc.WAYS}
    seconds = {way: [] for way in benchdoc.WAYS}
    for _ in range(runs):
        for way, image in images.items():
            took = benchqemu.restored_in(way, image)
            if took is not None:
                seconds[way].append(took)
    floor = benchqemu.attempt("floor", benchqemu.floor_of, images["thawctl"])
    return {way: {"took": image.facts["took"], "written": image.facts["written"],
                  "load": image.facts["load"], "seconds": seconds[way],
                  "restored": statistics.median(seconds[way]),
                  "phases": benchqemu.phases(image),
                  "floor": floor if way == "thawctl" else None}
            for way, image in images.items() if seconds[way]}


def _show(name, processors, row):
    print(f"\nsaved, {name}, {processors} processor(s)", flush=True)
    for way, r in row.items():
        print(f"  {benchdoc.WAYS[way]:20} saved in {r['took']:6.2f} s (load {r['load']:.1f}), "
              f"{r['written'] >> 20:5} MiB written, firmware to resumed {r['restored']:6.2f} s",
              flush=True)
        print("    " + ", ".join(f"{k} {v:.3f}" for k, v in r["phases"].items()), flush=True)


def measure(arguments):
    rows, ratios = {}, {}
    for name, processors, runs in SIZES:
        row = benchqemu.attempt(name, _row, name, processors, arguments.runs or runs)
        if not row or len(row) < len(benchdoc.WAYS):
            continue
        _show(name, processors, row)
        key, own = f"{name}-{processors}", row["thawctl"]
        rows[key] = row
        for way in ("lzo", "lz4"):
            ratios[f"{key}-{way}"] = row[way]["restored"] / own["restored"]
            ratios[f"{key}-saving-{way}"] = row[way]["took"] / own["took"]
    return {"rows": rows, "ratios": ratios}
