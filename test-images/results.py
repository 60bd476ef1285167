# SPDX-License-Identifier: BSD-2-Clause-Patent
"""What ran and how it ended: one line of JSON for each run of a case, in build/results.jsonl.

A case need not run again while what it depends on is as it was when it passed: the built programs,
the guest (kernel, firmware, machine, recipe), and what cases.toml says of the case."""

import datetime
import functools
import hashlib
import json
import subprocess
import threading

import cache
import firmware
import kernel as kernels

PATH = cache.BUILD / "results.jsonl"
# What kinds of cases run besides thaw.efi.
ALSO_RUN = {kind: ["thawctl"] for kind in ("installed", "debian", "debian-saves", "debian-lost", "hibernate",
                                           "unsaved", "left", "killed", "cuts", "converted", "converted-swap-file",
                                           "converted-oracle", "wake")}
ALSO_RUN["made-up"] = ["host/made_up", "payload.bin"]
_lock = threading.Lock()


@functools.cache
def programs(kind):
    """A digest of the programs that a kind of case tests."""
    found = hashlib.sha256()
    for name in ("thaw.efi", "thaw-test.efi", *ALSO_RUN.get(kind, [])):
        path = cache.BUILD / name
        found.update(path.read_bytes() if path.exists() else b"none")
    return found.hexdigest()[:16]


@functools.cache
def qemu_version():
    said = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True,
                          check=True).stdout
    return said.split()[3]


def digest(case, guest_key):
    """Of what is tested, whatever the programs are."""
    said = {k: v for k, v in case.items() if k not in ("groups", "alone")}
    text = json.dumps([said, guest_key], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def load():
    """All lines, oldest first."""
    if not PATH.exists():
        return []
    return [json.loads(line) for line in PATH.read_text().splitlines()]


def last_pass(lines, case, of):
    """The newest line that says that the case's subject passed with these programs, or None."""
    passes = [line for line in lines if line["subject"] == of and line["result"] == "passed"
              and line["programs"] == programs(case["kind"])]
    return passes[-1] if passes else None


def add(case, of, recipe, config, result, note, seconds):
    build = case.get("machine", {}).get("firmware", config.firmware)
    line = {"case": case["name"], "kernel": kernels.kernel(recipe.kernel).release,
            "firmware": firmware.describe(build), "result": result,
            "note": note.strip().splitlines()[-1] if note.strip() else "",
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M"),
            "command": f"test-images/run {case['name']}", "seconds": round(seconds, 1),
            "subject": of, "programs": programs(case["kind"])}
    PATH.parent.mkdir(parents=True, exist_ok=True)
    with _lock, open(PATH, "a") as file:
        file.write(json.dumps(line) + "\n")
