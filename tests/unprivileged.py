"""Folders that may not be entered, also where the tests run as root, who may enter every one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NOBODY = 65534


@contextmanager
def closed(folder: Path) -> Iterator[None]:
    """In here this folder may neither be read nor entered."""
    mode, user = folder.stat().st_mode, os.geteuid()
    folder.chmod(0o000)
    if user == 0:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
        folder.chmod(mode)
