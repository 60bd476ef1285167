# SPDX-License-Identifier: BSD-2-Clause-Patent
"""A program of Debian's with the shared libraries it needs, for an initramfs of ours."""

import pathlib
import re
import subprocess

import package


def _needed(path):
    """What a file asks the dynamic linker for, and the linker itself."""
    shown = subprocess.run(["readelf", "-dl", path], capture_output=True, text=True,
                           check=True).stdout
    linker = re.findall(r"program interpreter: (\S+)\]", shown)
    return re.findall(r"\(NEEDED\).*\[(.*)\]", shown) + [pathlib.Path(name).name for name in linker]


def _library(name, packages):
    for known in packages:
        for path in package.unpacked(known).rglob(name):
            return path
    raise package.PackageError(f"no package has {name}")


def files(name, program):
    """{path in the guest: bytes} of a program (a path in its package) and its libraries."""
    path = package.unpacked(name) / program
    packages, found, queue = package.depends(name), {}, [path]
    for file in queue:
        for library in _needed(file):
            if library not in found:
                found[library] = _library(library, packages)
                queue.append(found[library])
    result = {f"usr/lib/{library}": file.read_bytes() for library, file in found.items()}
    return result | {program: path.read_bytes()}
