# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Machines that never were: an image of any shape, whose payload looks at all of its memory and tells
over the serial port what it found there."""

import json
import re
import shutil
import subprocess

import cache
import converted
import esp
import firmware
import hibernated
import machine as machines
import session
from session import Unexpected

TELLS = (r"^MADE UP entered: cs 16 interrupts 0 registers 1$",
         r"^MADE UP found: runs (\d+) frames (\d+) wrong (\d+) first (\d+)$")
NOT_RESERVED = "-object memory-backend-ram,id=all,size={}M,reserve=off -machine memory-backend=all"


def _make(shape, seed, ranges, digest, path):
    """Writes the image; returns what the payload is to tell."""
    text = "".join(f"{first:x} {end:x} {kind}\n" for first, end, kind in ranges)
    done = subprocess.run([cache.BUILD / "host" / "made_up", shape, str(seed), str(digest),
                           cache.BUILD / "payload.bin", path], input=text, capture_output=True,
                          text=True, check=False)
    if done.returncode:
        raise Unexpected(done.stderr.strip())
    return json.loads(done.stdout)


def _parts(folder, config, program, conf=()):
    parts = {"disk": folder / "disk.raw", "variables": folder / "vars.fd", "esp": folder / "esp.raw"}
    shutil.copyfile(firmware.variables(config.firmware), parts["variables"])
    esp.build(parts["esp"], session.thaw_files(session.thaw_program(program), conf))
    return parts


def _machine(config, parts, watch):
    # No host has a terabyte; what is not touched takes none of its memory.
    return watch(machines.Machine(config, extra=NOT_RESERVED.format(config.memory).split(), **parts))


def _memory(config, folder, watch):
    """(ranges, digest) of firmware's memory map, as thaw tells them while it loads an image that was
    saved under another."""
    parts = _parts(folder, config, "thaw-test.efi", ["checkpoint load"])
    _make("none", 0, [(1 << 20, 64 << 20, "conventional")], 0, parts["disk"])
    with _machine(config, parts, watch) as machine:
        session.wait_halted(machine, "load")
        machine.drain()
        ranges = session.memory_map(machine.log)
        told = (re.search(r"^thaw: note memory-map-digest 0 (\d+)", line.text)
                for line in machine.log if line.channel == "debugcon")
        digest = next((int(match[1]) for match in told if match), None)
    if not ranges or digest is None:
        raise Unexpected("thaw did not tell the memory map")
    return ranges, digest


def made_up(case, _, folder, watch):
    """The machine is restored into itself: firmware's map is that of the same machine before."""
    config = machines.Config(**case.get("machine", {}), bootindex=True)
    (folder / "before").mkdir()
    ranges, digest = _memory(config, folder / "before", watch)
    parts = _parts(folder, config, "thaw.efi")
    made = _make(case["shape"], case.get("seed", 1), ranges, digest, parts["disk"])
    before = hibernated.copy(parts["disk"], folder / "before.raw")
    with _machine(config, parts, watch) as machine:
        machine.wait(TELLS[0], 600)
        _, _, found = machine.wait(TELLS[1], 600)
        machine.wait_end(60)
    runs, frames, wrong, first = map(int, found.groups())
    if (runs, frames) != (made["runs"], made["frames"]) or wrong or not frames:
        raise Unexpected(f"{runs} runs, {frames} frames, {wrong} wrong, the first {first:#x}; "
                         f"made were {made}")
    converted.expect_done(parts["disk"], before)
    ram = sum(end - first for first, end, kind in ranges if kind in ("conventional", "boot"))
    return f"{runs} runs, {frames} frames of {ram >> 12}, 0 wrong"


KINDS = {"made-up": made_up}
