# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Builds of OVMF, by the name that a case calls them."""

import dataclasses
import functools
import pathlib
import subprocess

import package


@dataclasses.dataclass(frozen=True)
class Build:
    """Where the files come from, and what QEMU has to be told for them."""
    package: str = ""              # "": the machine's own, installed
    suite: str = ""                # "": the machine's own
    code: str = "OVMF_CODE_4M.fd"
    variables: str = "OVMF_VARS_4M.fd"
    smm: bool = False              # protects its variables by system management mode


SECBOOT = "OVMF_CODE_4M.secboot.fd"
STRICT = "OVMF_CODE_4M.secboot.strictnx.fd"
BUILDS = {
    "ovmf": Build(),
    # Secure Boot compiled in, and off.
    "secboot": Build(code=SECBOOT, smm=True),
    # Secure Boot on, with the keys whose private half Debian publishes for tests.
    "snakeoil": Build(code=SECBOOT, variables="OVMF_VARS_4M.snakeoil.fd", smm=True),
    "trixie": Build(package="ovmf", suite="trixie"),
    "trixie-secboot": Build(package="ovmf", suite="trixie", code=SECBOOT, smm=True),
    "sid": Build(package="ovmf-generic", suite="sid"),
    "sid-secboot": Build(package="ovmf-generic", suite="sid", code=SECBOOT, smm=True),
    # Enforce W^X on whatever they start; Secure Boot is compiled in, and off.
    "trixie-strict-nx": Build(package="ovmf", suite="trixie", code=STRICT, smm=True),
    "strict-nx": Build(package="ovmf-generic", suite="sid", code=STRICT, smm=True),
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


@functools.cache
def describe(name):
    """Version, and which of its builds."""
    build = BUILDS[name]
    if build.package:
        version = package.unpacked(build.package, build.suite).name.split("_")[1]
    else:
        version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "ovmf"],
                                 capture_output=True, text=True, check=True).stdout
    variant = build.code.removeprefix("OVMF_CODE_4M").removesuffix(".fd").replace(".", " ")
    keys = " with keys" if "snakeoil" in build.variables else ""
    return f"OVMF {version}{variant}{keys}"


def options(name):
    """Arguments of QEMU besides the two flash drives."""
    if not BUILDS[name].smm:
        return []
    return ["-machine", "smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on"]
