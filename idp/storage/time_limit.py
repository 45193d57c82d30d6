"""How long one request waits for the database in all, however many operations it needs.

Measured on a replica set without a majority: eight threads that wait five seconds for each operation serve two requests
a second, and what needs no database (discovery, the keys, the liveness probe) stands in the queue behind them.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Protocol

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

# The driver's own limit on each operation is enough while at least this part of it is left.
_NEARLY_ALL = 0.9


class TimesOperations(Protocol):
    """Told of each operation during a request, with the seconds that the request waited for it. Never raises."""

    def __call__(self, seconds: float, *, ok: bool) -> None: ...


class Allowance:
    """The seconds that one request may still wait."""

    __slots__ = ("_each", "_timed", "left")

    def __init__(self, seconds: float, each: float, timed: TimesOperations | None) -> None:
        self.left, self._each, self._timed = seconds, each, timed

    @property
    def is_tighter(self) -> bool:
        """Whether the driver has to be told of it."""
        return self.left < _NEARLY_ALL * self._each

    def spend(self, seconds: float, *, ok: bool) -> None:
        self.left -= seconds
        if self._timed is not None:
            self._timed(seconds, ok=ok)


# Of the request in hand; None outside of requests.
_allowance: ContextVar[Allowance | None] = ContextVar("database_allowance", default=None)


@contextmanager
def limited(seconds: float, *, each: float = math.inf, timed: TimesOperations | None = None) -> Iterator[None]:
    """Everything in here waits for at most so long in all; 0: for nothing at all. Computing does not count.

    each: seconds to which the driver itself limits every operation. timed: told of each of them.
    """
    token = _allowance.set(Allowance(seconds, each, timed))
    try:
        yield
    finally:
        _allowance.reset(token)


class TimedOperation:
    """One operation: ServiceUnavailable when the request's time is used up, before it or in it.

    A class, not a generator: every operation enters it, several times a request.
    """

    __slots__ = ("_allowance", "_started", "_timeout")

    def __enter__(self) -> None:
        self._allowance = allowance = _allowance.get()
        if allowance is None:
            return
        if allowance.left <= 0:
            raise ServiceUnavailable("database", "the request's time for the database is used up")
        self._timeout = pymongo.timeout(allowance.left) if allowance.is_tighter else None
        self._started = time.monotonic()
        if self._timeout is not None:
            self._timeout.__enter__()

    def ended(self, raised: Raised, *, ok: bool) -> None:
        """ok: whether the database did what it was asked."""
        if self._allowance is not None:
            if self._timeout is not None:
                self._timeout.__exit__(*raised)
            self._allowance.spend(time.monotonic() - self._started, ok=ok)


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
