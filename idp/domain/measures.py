"""What is told to whoever counts and times; the rules here work the same where nobody does."""

from collections.abc import Mapping
from typing import Protocol


class Hears(Protocol):
    """Told what happened, once it has: an event's name, dotted and stable, and its short fields. Never raises."""

    def __call__(self, event: str, fields: Mapping[str, str]) -> None: ...


class TimesHashing(Protocol):
    """Told how long the hashing of passwords takes, in seconds. Never raises."""

    def hashed(self, waited: float, seconds: float) -> None:
        """One hash that waited so long for its turn, and then took so long."""

    def turned_away(self) -> None:
        """One that was told to come again, because too many waited."""


def nobody(event: str, fields: Mapping[str, str]) -> None:
    """Hears nothing."""
