"""What is told to whoever counts and times; the rules here work the same where nobody does."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from http import HTTPMethod
from typing import Protocol

# Seconds that the present request had to wait for its turn to be hashed before a thread took it: they count as waiting,
# too.
waited_before = ContextVar("waited_before", default=0.0)


class Hears(Protocol):
    """Told what happened, once it has: an event's name, dotted and stable, and its short fields. Never raises."""

    def __call__(self, event: str, fields: Mapping[str, str]) -> None: ...


class TimesHashing(Protocol):
    """Told how long the hashing of passwords takes, in seconds. Never raises."""

    def hashed(self, waited: float, seconds: float) -> None:
        """One hash that waited so long for its turn, and then took so long."""

    def turned_away(self) -> None:
        """One that was told to come again, because too many waited."""


class Times(TimesHashing, Protocol):
    """Told how long everything takes, in seconds. Never raises."""

    def answered(self, endpoint: str | None, method: str, status: int, seconds: float) -> None:
        """One answer. endpoint: the application's name of the page, None where there is no such page."""


class Traces(Times, Protocol):
    """The same, with the requests that the times belong to, and with every command of the database."""

    def commanded(self, command: str, seconds: float, *, ok: bool) -> None:
        """One command that the database answered, or failed."""

    def request(self) -> AbstractContextManager[None]:
        """What is done in here is one request."""


class EveryTimes:
    """Tells them all."""

    def __init__(self, *told: Times) -> None:
        self._told = told

    def hashed(self, waited: float, seconds: float) -> None:
        for times in self._told:
            times.hashed(waited, seconds)

    def turned_away(self) -> None:
        for times in self._told:
            times.turned_away()

    def answered(self, endpoint: str | None, method: str, status: int, seconds: float) -> None:
        for times in self._told:
            times.answered(endpoint, method, status, seconds)


def nobody(event: str, fields: Mapping[str, str]) -> None:
    """Hears nothing."""


def told_method(method: str) -> str:
    """The method of a request, for figures and the log: what a stranger invents is ``other``."""
    return method if method in HTTPMethod.__members__ else "other"
