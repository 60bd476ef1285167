# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Debian's kernels: the image, and its modules with everything they depend on."""

import functools
import lzma
import pathlib
import re

import package


def _newest(names):
    return max(names, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])


def _package_6_1():
    (name,) = re.findall(r"linux-image-6\.1\.0-\d+-amd64", package.field("linux-image-amd64", "Depends"))
    return name


def _package_6_12():
    return _newest(package.names(r"linux-image-6\.12\.\d+\+deb12-amd64"))


# Version as the cases name it -> the name of the newest package.
SERIES = {"6.1": _package_6_1, "6.12": _package_6_12}


class Kernel:
    """One unpacked kernel package."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.package = self.path.name
        (self.vmlinuz,) = self.path.glob("boot/vmlinuz-*")
        self.release = self.vmlinuz.name.removeprefix("vmlinuz-")
        self.modules = self.path / "lib/modules" / self.release

    @functools.cached_property
    def _files(self):
        """Module name -> file, with - and _ taken as the same, as modprobe does."""
        return {p.name.split(".ko")[0].replace("-", "_"): p
                for p in sorted(self.modules.rglob("*.ko*"))}

    @property
    def names(self):
        """All modules that are files."""
        return self._files.keys()

    @functools.cached_property
    def _builtin(self):
        text = (self.modules / "modules.builtin").read_text()
        return {pathlib.PurePath(line).stem.replace("-", "_") for line in text.split()}

    def module(self, name):
        """The bytes of one module, or None when it is built in."""
        name = name.replace("-", "_")
        if name in self._builtin:
            return None
        path = self._files[name]
        data = path.read_bytes()
        return lzma.decompress(data) if path.suffix == ".xz" else data

    def with_dependencies(self, names):
        """{name: bytes} of these modules and all they need, in the order to load them."""
        loaded = {}

        def load(name):
            name = name.replace("-", "_")
            if name in loaded or name in self._builtin:
                return
            data = self.module(name)
            for needed in re.search(rb"\0depends=([^\0]*)\0", data).group(1).decode().split(","):
                if needed:
                    load(needed)
            loaded[name] = data

        for name in names:
            load(name)
        return loaded


@functools.cache
def kernel(series):
    """The newest kernel of a series of Debian's, "6.1" or "6.12"."""
    return Kernel(package.unpacked(SERIES[series]()))


if __name__ == "__main__":
    for known in SERIES:
        print(known, kernel(known).package, kernel(known).release)
