# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Builds of OVMF, by the name that a case calls them."""

import dataclasses
import functools
import pathlib

import package


@dataclasses.dataclass(frozen=True)
class Build:
    """Where the files come from, and what QEMU has to be told for them."""
    package: str = ""              # "": the machine's own, installed
    suite: str = ""                # "": the machine's own
    code: str = "OVMF_CODE_4M.fd"
    variables: str = "OVMF_VARS_4M.fd"
    smm: bool = False              # protects its variables by system management mode


BUILDS = {
    "ovmf": Build(),
    # Secure Boot on, with the keys whose private half Debian publishes for tests.
    "snakeoil": Build(code="OVMF_CODE_4M.secboot.fd", variables="OVMF_VARS_4M.snakeoil.fd", smm=True),
    "sid": Build(package="ovmf-generic", suite="sid"),
    # Enforces W^X on whatever it starts; Secure Boot is compiled in, and off.
    "strict-nx": Build(package="ovmf-generic", suite="sid",
                       code="OVMF_CODE_4M.secboot.strictnx.fd", smm=True),
}


@functools.cache
def _folder(name):
    build = BUILDS[name]
    root = package.unpacked(build.package, build.suite) if build.package else pathlib.Path("/")
    return root / "usr/share/OVMF"


def code(name):
    return _folder(name) / BUILDS[name].code


def variables(name):
    return _folder(name) / BUILDS[name].variables


def options(name):
    """Arguments of QEMU besides the two flash drives."""
    if not BUILDS[name].smm:
        return []
    return ["-machine", "smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on"]
