"""Loading a program: nothing of it is garbage, and to look for some all the while takes a sixth of the time."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Nobody looks for garbage in here."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
