# SPDX-License-Identifier: BSD-2-Clause-Patent
"""EFI system partitions, made without mounting anything."""

import os
import pathlib
import subprocess
import tempfile

import disk

SIZE = 256 * disk.MIB
ENV = dict(os.environ, MTOOLS_SKIP_CHECK="1")


def build(path, files):
    """Writes a disk with nothing but the partition."""
    length = SIZE - 2 * disk.MIB
    with open(path, "wb") as file:
        file.truncate(SIZE)
        disk.write_gpt(file, SIZE, 512, [(disk.TYPE_ESP, "esp", disk.MIB, length)])
    fill(path, disk.MIB, length, files)


def fill(path, start, length, files):
    """Formats a partition of a disk; `files` maps a path on it to bytes or to a file."""
    subprocess.run(["mformat", "-i", f"{path}@@{start}", "-T", str(length // 512), "-h", "64",
                    "-s", "32", "-v", "THAW", "::"], check=True, env=ENV)
    add(path, start, files)


def add(path, start, files):
    """Puts files on a formatted partition; a folder that is there already is fine."""
    image = f"{path}@@{start}"
    made = set()
    with tempfile.TemporaryDirectory() as scratch:
        for target, source in files.items():
            _make_folders(image, pathlib.PurePosixPath(target), made)
            if isinstance(source, bytes):
                source = _written(pathlib.Path(scratch, "file"), source)
            subprocess.run(["mcopy", "-o", "-i", image, source, f"::/{target}"], check=True, env=ENV)


def _written(path, data):
    path.write_bytes(data)
    return path


def _make_folders(image, target, made):
    for folder in list(target.parents)[-2::-1]:
        if folder not in made:
            there = subprocess.run(["mdir", "-b", "-i", image, f"::/{folder}"], env=ENV,
                                   capture_output=True).returncode == 0
            if not there:
                subprocess.run(["mmd", "-i", image, f"::/{folder}"], check=True, env=ENV)
            made.add(folder)
