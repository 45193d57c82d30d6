"""The folder in which the workers of one server count together; what the server's master process does for it.

Folders of several servers may share a parent, also from several containers. Does not import prometheus_client:
that looks for the variable when it is imported, and workers inherit what it found.
"""

import fcntl
import os
import secrets
import shutil
import sys
from contextlib import suppress
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

_LOCK = "lock"
# Files as prometheus_client names them, and more than all series in their bounds take.
_FILES = ("counter", "histogram")
_BYTES = 2 * 1024 * 1024


def make(parent: Path) -> Path:
    """A new folder for the workers that this process starts from now on; those of servers that live no more go."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / f"{os.getpid()}-{secrets.token_hex(4)}"
    unnamed = parent / f".{folder.name}"
    unnamed.mkdir(mode=0o700)
    # Held by this process and its workers until the last of them ends, however it ends.
    _locked(unnamed)
    unnamed.rename(folder)
    os.environ[VARIABLE] = str(folder)
    for other in parent.glob("[!.]*"):
        _forget_abandoned(other)
    return folder


def ensure(parent: Path) -> None:
    """The same folder as before for one more worker, or a new one where somebody has cleared it away.

    Where none can be made either (a disk without room, or taken away), the worker says so and counts for itself: an
    error here would end the server.
    """
    if not Path(os.environ.get(VARIABLE, parent / "none")).is_dir():
        with suppress(OSError):
            make(parent)


def reserve(folder: Path, pid: int) -> None:
    """Have the disk hold all that this worker will ever write; OSError where it has no room.

    The files are mapped into memory: on a full disk, writing into a part that was not given yet kills the process.
    """
    for kind in _FILES:
        with open(folder / f"{kind}_{pid}.db", "ab") as file:
            if sys.platform == "linux":
                os.posix_fallocate(file.fileno(), 0, _BYTES)


def forget() -> None:
    """Delete the folder, for the server ends."""
    if folder := os.environ.pop(VARIABLE, None):
        shutil.rmtree(folder, ignore_errors=True)


def _forget_abandoned(folder: Path) -> None:
    with suppress(OSError):
        os.close(_locked(folder, create=False))
        shutil.rmtree(folder, ignore_errors=True)


def _locked(folder: Path, *, create: bool = True) -> int:
    """The folder's lock, taken, until it is closed; OSError where another process holds it, or there is none."""
    descriptor = os.open(folder / _LOCK, os.O_RDWR | (os.O_CREAT if create else 0), 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
