"""A command as a process runs it, from its arguments and environment to its exit code, without the time to load it."""

import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from subprocess import CompletedProcess
from unittest.mock import patch

from benchmarks.servers import surroundings
from idp.__main__ import main


def idp(*arguments: str, **environment: str) -> "CompletedProcess[str]":
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, surroundings() | environment, clear=True),
        patch.object(sys, "argv", ["idp", *arguments]),
        redirect_stdout(out),
        redirect_stderr(err),
        _same_logging(),
    ):
        code = _exit_code()
    return CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def _exit_code() -> int:
    """As Python ends for ``sys.exit``: words go to standard error."""
    try:
        main()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    return 0


@contextmanager
def _same_logging() -> Iterator[None]:
    logger = logging.getLogger("idp")
    level = logger.level
    try:
        yield
    finally:
        logger.setLevel(level)
