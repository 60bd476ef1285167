# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Debian packages, downloaded and unpacked into the cache; nothing is installed."""

import os
import re
import subprocess
import sys

import cache


class PackageError(Exception):
    pass


def _apt(*command):
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, LC_ALL="C"))
    return done.stdout if done.returncode == 0 else ""


_updated = False


def _update():
    """Fetches the lists of packages, once per run; needs root like apt itself."""
    global _updated
    if not _updated:
        print("packages: apt-get update", file=sys.stderr, flush=True)
        subprocess.run(["apt-get", "update"], stdout=subprocess.DEVNULL, check=False)
        _updated = True


def _field(name, field):
    found = re.search(rf"^{field}: (.*)$", _apt("apt-cache", "show", "--no-all-versions", name), re.M)
    return found.group(1) if found else None


def field(name, wanted):
    """One field of the candidate version of a package."""
    value = _field(name, wanted)
    if value is None:
        _update()
        value = _field(name, wanted)
    if value is None:
        raise PackageError(f"apt knows no package {name} with {wanted}")
    return value


def names(pattern):
    """All package names that match a regular expression."""
    found = [n for n in _apt("apt-cache", "pkgnames").split() if re.fullmatch(pattern, n)]
    if not found:
        _update()
        found = [n for n in _apt("apt-cache", "pkgnames").split() if re.fullmatch(pattern, n)]
    return found


def _download(name, into):
    command = ["apt-get", "download", "-q", name]
    if subprocess.run(command, cwd=into, stdout=subprocess.DEVNULL).returncode != 0:
        _update()
        subprocess.run(command, cwd=into, stdout=subprocess.DEVNULL, check=True)
    (deb,) = into.glob("*.deb")
    return deb


def unpacked(name):
    """The folder with the files of a package's candidate version; downloads it when needed."""
    version = field(name, "Version").replace(":", "%3a")
    path = cache.root() / "packages" / f"{name}_{version}"
    if path.exists():
        return path
    with cache.building(path) as scratch:
        if scratch:
            print(f"packages: downloading {name} {version}", file=sys.stderr, flush=True)
            os.chmod(scratch, 0o755)
            deb = _download(name, scratch)
            subprocess.run(["dpkg", "-x", deb, scratch], check=True)
            deb.unlink()
    return path
