# SPDX-License-Identifier: BSD-2-Clause-Patent
"""EFI system partitions, made without mounting anything."""

import os
import pathlib
import subprocess
import tempfile

import disk

SIZE = 256 * disk.MIB


def build(path, files):
    """Writes a disk with nothing but the partition."""
    length = SIZE - 2 * disk.MIB
    with open(path, "wb") as file:
        file.truncate(SIZE)
        disk.write_gpt(file, SIZE, 512, [(disk.TYPE_ESP, "esp", disk.MIB, length)])
    fill(path, disk.MIB, length, files)


def fill(path, start, length, files):
    """Formats a partition of a disk; `files` maps a path on it to bytes or to a file."""
    image = f"{path}@@{start}"
    env = dict(os.environ, MTOOLS_SKIP_CHECK="1")
    subprocess.run(["mformat", "-i", image, "-T", str(length // 512), "-h", "64", "-s", "32",
                    "-v", "THAW", "::"], check=True, env=env)
    made = set()
    with tempfile.TemporaryDirectory() as scratch:
        for target, source in files.items():
            _make_folders(image, pathlib.PurePosixPath(target), made, env)
            if isinstance(source, bytes):
                source = _written(pathlib.Path(scratch, "file"), source)
            subprocess.run(["mcopy", "-o", "-i", image, source, f"::/{target}"], check=True, env=env)


def _written(path, data):
    path.write_bytes(data)
    return path


def _make_folders(image, target, made, env):
    for folder in list(target.parents)[-2::-1]:
        if folder not in made:
            subprocess.run(["mmd", "-i", image, f"::/{folder}"], check=True, env=env)
            made.add(folder)
