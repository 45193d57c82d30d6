"""Debian packages that some journeys need, installed where that is possible."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path


def missing(packages: tuple[str, ...], is_there: Callable[[], bool]) -> str | None:
    """Why these packages' programs cannot be run here, once it was tried to install them; None where they can."""
    if not is_there() and os.geteuid() == 0 and shutil.which("apt-get"):
        # Workers of one run must not meet at the package database's locks.
        with (Path(tempfile.gettempdir()) / "journeys-apt-get.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not is_there():
                _install(packages)
    return None if is_there() else f"missing: {' and '.join(packages)} (Debian)"


def _install(packages: tuple[str, ...]) -> None:
    # One after the other: a package that is there already settles which of several the next one takes.
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], *(["install", "-y", "--no-install-recommends", package] for package in packages)):
        subprocess.run(["apt-get", "-q", *command], capture_output=True, timeout=600, env=environment)
