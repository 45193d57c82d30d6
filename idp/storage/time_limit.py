"""How long one request waits for the database in all, however many operations it needs.

Measured on a replica set without a majority: eight threads that wait five seconds for each operation serve two requests
a second, and what needs no database (discovery, the keys, the liveness probe) stands in the queue behind them.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType

import pymongo
from pymongo.monitoring import (
    TopologyClosedEvent,
    TopologyDescriptionChangedEvent,
    TopologyListener,
    TopologyOpenedEvent,
)

from idp.domain.errors import ServiceUnavailable

# What ``__exit__`` is told.
Raised = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]

# Seconds that the request in hand may still wait; None outside of requests.
_left: ContextVar[float | None] = ContextVar("database_seconds_left", default=None)


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Everything in here waits for at most so long in all; 0: for nothing at all. Computing does not count."""
    token = _left.set(seconds)
    try:
        yield
    finally:
        _left.reset(token)


class Spent:
    """One operation: ServiceUnavailable when its time is used up, before it or in it.

    A class, not a generator: every operation enters it, several times a request.
    """

    __slots__ = ("_left", "_started", "_timeout")

    def __enter__(self) -> None:
        self._left = left = _left.get()
        if left is None:
            return
        if left <= 0:
            raise ServiceUnavailable("database", "the request's time for the database is used up")
        self._started = time.monotonic()
        self._timeout = pymongo.timeout(left)
        self._timeout.__enter__()

    def __exit__(self, *raised: *Raised) -> None:
        if self._left is not None:
            self._timeout.__exit__(*raised)
            _left.set(self._left - (time.monotonic() - self._started))


class Absence(TopologyListener):
    """Since when no server takes writes, as the driver's own watching tells it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: float | None = None

    @property
    def seconds(self) -> float:
        """0 while there is a server to write to, and before anybody looked for one."""
        since = self._since
        return 0.0 if since is None else self._clock() - since

    def description_changed(self, event: TopologyDescriptionChangedEvent) -> None:
        if any(server.is_writable for server in event.new_description.server_descriptions().values()):
            self._since = None
        elif self._since is None:
            self._since = self._clock()

    def opened(self, event: TopologyOpenedEvent) -> None:
        """Nothing is known yet."""

    def closed(self, event: TopologyClosedEvent) -> None:
        """Nobody asks any more."""
        self._since = None
