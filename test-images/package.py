# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Debian packages, downloaded and unpacked into the cache; nothing is installed. Another suite than
the machine's own is looked up in a set of apt lists of its own, also in the cache."""

import functools
import os
import re
import subprocess
import sys

import cache

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class PackageError(Exception):
    pass


class SuiteError(PackageError):
    """Another suite than the machine's own does not have it, or cannot be reached."""


@functools.cache
def archive():
    """Where the machine itself gets Debian from."""
    found = _run(["apt-get", "indextargets", "--format", "$(ORIGIN) $(RELEASE) $(REPO_URI)",
                  "Created-By: Packages"])
    places = re.findall(r"^Debian [a-z]+ (\S+)$", found, re.M)
    if not places:
        raise PackageError("apt has no Debian archive in its lists")
    return places[0]


@functools.cache
def _options(suite):
    """What makes apt use the lists of that suite and leave the machine's, and what is installed on
    it, alone."""
    if not suite:
        return []
    folder = cache.folder("suites", suite)
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    sources = folder / "sources.list"
    sources.write_text(f"deb [signed-by={KEYRING}] {archive()} {suite} main\n")
    settings = {"Dir::Etc::SourceList": sources, "Dir::Etc::SourceParts": "-",
                "Dir::State::Lists": folder / "lists", "Dir::Cache": folder / "cache",
                "Dir::State::status": "/dev/null", "APT::Default-Release": suite}
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def _run(command):
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, LC_ALL="C"))
    return done.stdout if done.returncode == 0 else ""


def _apt(suite, program, *words):
    return _run([program, *_options(suite), *words])


@functools.cache
def _update(suite):
    """Fetches the lists of packages, once per run; needs root like apt itself."""
    print(f"packages: apt-get update {suite}".rstrip(), file=sys.stderr, flush=True)
    subprocess.run(["apt-get", *_options(suite), "update"], stdout=subprocess.DEVNULL, check=False)


def _field(name, field, suite):
    shown = _apt(suite, "apt-cache", "show", "--no-all-versions", name)
    found = re.search(rf"^{field}: (.*)$", shown, re.M)
    return found.group(1) if found else None


def field(name, wanted, suite=""):
    """One field of the candidate version of a package."""
    value = _field(name, wanted, suite)
    if value is None:
        _update(suite)
        value = _field(name, wanted, suite)
    if value is None:
        if suite:
            raise SuiteError(f"{suite} has no package {name}, or cannot be reached")
        raise PackageError(f"apt knows no package {name} with {wanted}")
    return value


def names(pattern, suite=""):
    """All package names that match a regular expression."""
    def matching():
        return [n for n in _apt(suite, "apt-cache", "pkgnames").split() if re.fullmatch(pattern, n)]

    found = matching()
    if not found:
        _update(suite)
        found = matching()
    return found


def depends(name):
    """All packages that a package depends on, itself first, the nearest first."""
    listed = _apt("", "apt-cache", "depends", "--recurse", "--important", name)
    return re.findall(r"^([a-z0-9][a-z0-9+.-]*)$", listed, re.M)


def _download(name, suite, into):
    command = ["apt-get", *_options(suite), "download", "-q", name]
    if subprocess.run(command, cwd=into, stdout=subprocess.DEVNULL).returncode != 0:
        _update(suite)
        subprocess.run(command, cwd=into, stdout=subprocess.DEVNULL, check=True)
    (deb,) = into.glob("*.deb")
    return deb


@functools.cache
def unpacked(name, suite=""):
    """The folder with the files of a package's candidate version; downloads it when needed."""
    version = field(name, "Version", suite).replace(":", "%3a")
    path = cache.root() / "packages" / f"{name}_{version}"
    if path.exists():
        return path
    with cache.building(path) as scratch:
        if scratch:
            print(f"packages: downloading {name} {version}", file=sys.stderr, flush=True)
            os.chmod(scratch, 0o755)
            deb = _download(name, suite, scratch)
            subprocess.run(["dpkg", "-x", deb, scratch], check=True)
            deb.unlink()
    return path
