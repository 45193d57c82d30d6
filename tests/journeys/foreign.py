"""Programs of others that journeys run: children of the test, each on a port of its own."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.waiting import PATIENCE_SECONDS


@contextmanager
def running(
    command: list[str],
    url: str,
    *,
    output: Path,
    environment: Mapping[str, str] | None = None,
    log: Callable[[], str],
) -> Iterator[None]:
    """The command, from when it answers at the url until the end of the block.

    output: the file for what it prints; it runs in that one's folder. environment: beside our own. log: what is told
    where it does not start.
    """
    with (
        output.open("wb") as file,
        subprocess.Popen(
            command, cwd=output.parent, env=os.environ | dict(environment or {}), stdout=file, stderr=file
        ) as process,
    ):
        try:
            _wait(url, process, log)
            yield
        finally:
            process.terminate()


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            requests.get(url, timeout=10)
        except requests.RequestException:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"{process.args!r} did not start: {log() or process.poll()}")
