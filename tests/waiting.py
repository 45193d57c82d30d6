"""Waiting for what comes by itself."""

import time
from collections.abc import Callable

# For a machine that does something else meanwhile, or stands still for some seconds: whoever waits for what comes goes
# on as soon as it is there, so that patience costs nothing.
PATIENCE_SECONDS = 90.0
PATIENCE_MS = int(1000 * PATIENCE_SECONDS)


def wait_until(what: Callable[[], object], seconds: float = PATIENCE_SECONDS, *, every: float = 0.05) -> None:
    """Return as soon as it is true; AssertionError when it never becomes so."""
    ends = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ends, f"not within {seconds} s"
        time.sleep(every)
