# SPDX-License-Identifier: BSD-2-Clause-Patent
"""Where things are kept: downloaded packages, unpacked kernels and hibernated disks outlive the
tree; logs and scratch copies do not."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent / "build"
LOGS = BUILD / "test-logs"


def root():
    """The cache: $THAW_CACHE, or thaw/ in the user's cache folder."""
    base = os.environ.get("THAW_CACHE")
    if not base:
        home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        base = os.path.join(home, "thaw")
    path = pathlib.Path(base)
    path.mkdir(parents=True, exist_ok=True)
    return path


def folder(*parts):
    path = root().joinpath(*parts)
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def building(path):
    """Yields a scratch folder beside `path` that becomes `path` when the block ends well. Two
    programs that want the same entry take turns; the second finds it made and gets None."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.parent / f".{path.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            yield None
            return
        scratch = pathlib.Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            yield scratch
            os.chmod(scratch, 0o755)
            os.rename(scratch, path)
        finally:
            if scratch.exists():
                shutil.rmtree(scratch)
