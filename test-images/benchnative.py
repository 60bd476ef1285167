# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The parts of thaw on the machine that runs this, with pages of real images."""

import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import time

import benchimages
import cache
import firmware
import oracle

RUNS = "9"
# Real-time priority, where it is allowed: what else the machine does does not count.
PRIORITY = ["chrt", "--fifo", "20"]


def machine():
    """The machine that measures, in words."""
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.*)", text, re.M)
    family = re.search(r"^cpu family\s*: (\d+)", text, re.M)
    number = re.search(r"^model\s*: (\d+)", text, re.M)
    qemu = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True,
                          check=True).stdout.split()[3]
    named = f"{model[1]}, family {family[1]}, model {number[1]}" if model and family and number \
        else "unknown"
    return (f"{os.cpu_count()} processors ({named}), QEMU {qemu} without hardware acceleration, "
            f"{firmware.describe('ovmf')}")


def _run(name, *arguments, seconds=300):
    command = [cache.BUILD / "host" / name, *map(str, arguments)]
    allowed = subprocess.run([*PRIORITY, "true"], capture_output=True, check=False).returncode == 0
    done = subprocess.run([*(PRIORITY if allowed else []), *command], capture_output=True,
                          text=True, timeout=seconds, check=False)
    text = done.stdout
    print("".join(f"  {line}\n" for line in text.splitlines() if not line.startswith("{")), end="",
          flush=True)
    if done.returncode:
        print(f"  {name} failed: {done.stderr.strip()}", flush=True)
    found = [line for line in text.splitlines() if line.startswith("{")]
    return (json.loads(found[-1]) if found else {}), text


def _decoders(ratios, rows):
    """On the decoded pages of the image, in the order of the stream; and the writer of thaw's own
    format."""
    with tempfile.NamedTemporaryFile(dir=cache.folder("scratch")) as file:
        for piece in oracle.open_image(benchimages.image("small", 1).disk).stream():
            file.write(piece)
        file.flush()
        speeds, _ = _run("bench_codec", "-j", "-r", RUNS, file.name)
        taken, _ = _run("bench_convert", file.name, RUNS)
    if taken:
        rows["writer"] = taken
        ratios["writer-one"] = taken["liblz4_one_s"] / taken["writer_one_s"]
        ratios["writer-all"] = taken["liblz4_all_s"] / taken["writer_all_s"]
    if speeds:
        rows["decoders"] = speeds
        ratios["lzo-decoder"] = speeds["thaw lzo1x"] / speeds["liblzo2"]
        ratios["lz4-decoder"] = speeds["thaw lz4"] / speeds["liblz4"]


def _pipeline(codec, image, ratios, rows):
    print(f"pipeline, {codec}, {benchimages.describe(image)}", flush=True)
    _pipeline_of(codec, image.disk, image.layout.swap_at, ratios, rows)


def _pipeline_of(codec, disk, at, ratios, rows):
    figures, _ = _run("bench_load", disk, at, RUNS)
    if figures:
        rows[f"pipeline-{codec}"] = figures
        ratios[f"{codec}-checked"] = figures["decoder_s"] / figures["checked_s"]
        ratios[f"{codec}-limit"] = figures["decoder_s"] / figures["moved_s"]
        ratios[f"{codec}-one"] = figures["decoder_s"] / figures["one_s"]
        ratios[f"{codec}-two"] = figures["one_s"] / figures["two_s"]
        ratios[f"{codec}-two-limit"] = figures["moved_s"] / figures["moved_two_s"]


def _own(ratios, rows):
    """thaw's own format: the converter, from file to file in the host's memory, and the pipeline on
    what it wrote. All that the converter does is in its time: reading, decoding, checking, writing."""
    image = benchimages.image("lz4", 1)
    print("thaw's own format, converted from the same", flush=True)
    with tempfile.TemporaryDirectory(dir=cache.folder("scratch")) as folder:
        new = pathlib.Path(folder, "image.thaw")
        command = [cache.BUILD / "thawctl", "image", "convert", "--keep", "--quiet", "--replace",
                   image.disk, new]
        times = []
        for _ in range(int(RUNS)):
            new.unlink(missing_ok=True)
            began = time.monotonic()
            subprocess.run(command, check=True)
            times.append(time.monotonic() - began)
        seconds = statistics.median(times)
        rows["convert"] = {"pages": benchimages.facts(image)["pages"], "seconds": seconds}
        print(f"  converted in {seconds:.2f} s, "
              f"{benchimages.facts(image)['pages'] / 256 / seconds:.0f} MiB/s", flush=True)
        _pipeline_of("thaw", new, 0, ratios, rows)


def _planning(ratios):
    _, text = _run("test_plan")
    if found := re.search(r"planned in (\d+) ms, bookkeeping ([\d.]+) %", text):
        ratios["plan-s"] = int(found[1]) / 1000
        ratios["plan-percent"] = float(found[2])


def measure(_):
    ratios, rows = {}, {}
    print("\nnative: decoders on the pages of the image", flush=True)
    _decoders(ratios, rows)
    _pipeline("lzo", benchimages.image("small", 1), ratios, rows)
    _pipeline("lz4", benchimages.image("lz4", 1), ratios, rows)
    _own(ratios, rows)
    print("planning", flush=True)
    _planning(ratios)
    return {"ratios": ratios, "rows": rows, "load": os.getloadavg()[0]}
