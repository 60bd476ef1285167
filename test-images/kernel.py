# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Debian's kernels: the image, and its modules with everything they depend on."""

import functools
import lzma
import pathlib
import re

import package


def _newest(names):
    return max(names, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])


def _meta(suite):
    """The image package that a suite's own metapackage stands for."""
    depends = package.field("linux-image-amd64", "Depends", suite)
    return re.search(r"linux-image-\d\S*-amd64", depends).group(0)


def _series(pattern, suite=""):
    found = package.names(rf"linux-image-{pattern}-amd64", suite)
    if not found:
        raise package.SuiteError(f"{suite or 'the archive'} has no linux-image-{pattern}-amd64")
    return _newest(found)


# As the cases name it -> (the suite, "" for the machine's own; the name of the newest package there).
KERNELS = {
    "5.10": ("bullseye", lambda suite: _series(r"5\.10\.0-\d+", suite)),
    "6.1": ("", _meta),
    "6.12": ("", lambda suite: _series(r"6\.12\.\d+\+deb12", suite)),
    "6.12-trixie": ("trixie", _meta),
    "6.18": ("trixie-backports", lambda suite: _series(r"6\.18\.\d+\+deb13", suite)),
    "trixie-backports": ("trixie-backports", _meta),
    "sid": ("sid", _meta),
}
# From 7.2 on Debian divides a kernel into these besides linux-image, which is nearly empty.
DIVIDED = ("linux-binary", "linux-modules", "linux-base")


class Kernel:
    """One unpacked kernel: its packages' folders, that of linux-image first."""

    def __init__(self, *folders):
        self.folders = [pathlib.Path(folder) for folder in folders]
        self.package = self.folders[0].name
        self.release = self.package.removeprefix("linux-image-").split("_")[0]
        self.vmlinuz = self._file(f"boot/vmlinuz-{self.release}",
                                  f"usr/lib/modules/{self.release}/vmlinuz")

    def _file(self, *names):
        """The first of these paths that one of the packages has."""
        for name in names:
            for folder in self.folders:
                if (folder / name).exists():
                    return folder / name
        raise package.PackageError(f"{self.package} has no {names[-1]}")

    def _modules(self, name):
        """What is called so in the folder of the modules, which moved below usr with trixie."""
        return self._file(f"lib/modules/{self.release}/{name}",
                          f"usr/lib/modules/{self.release}/{name}")

    @functools.cached_property
    def _files(self):
        """Module name -> file, with - and _ taken as the same, as modprobe does."""
        return {p.name.split(".ko")[0].replace("-", "_"): p
                for p in sorted(self._modules("kernel").rglob("*.ko*"))}

    @property
    def names(self):
        """All modules that are files."""
        return self._files.keys()

    @functools.cached_property
    def _builtin(self):
        text = self._modules("modules.builtin").read_text()
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
def kernel(name):
    """One of KERNELS, unpacked."""
    suite, find = KERNELS[name]
    image = find(suite)
    folders = [package.unpacked(image, suite)]
    if "linux-binary" in package.field(image, "Depends", suite):
        folders += [package.unpacked(image.replace("linux-image", part), suite) for part in DIVIDED]
    return Kernel(*folders)


if __name__ == "__main__":
    for known in KERNELS:
        print(known, kernel(known).package, kernel(known).release)
