"""Measuring sides in alternation, so that what else the machine does falls on all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

Side = TypeVar("Side")


@dataclass(frozen=True)
class Usage:
    """What one side used in one round: seconds of CPU of the server's processes and of mongod, commands to mongod."""

    operations: int
    server_seconds: float
    mongod_seconds: float
    commands: float


@dataclass(frozen=True)
class Figures:
    """The rounds of one side."""

    rounds: Sequence[Usage]

    @property
    def rate(self) -> float:
        """Operations per CPU-second of the server's processes: the median of the rounds."""
        return median(self.rates)

    @property
    def rates(self) -> list[float]:
        return [usage.operations / max(usage.server_seconds, 0.01) for usage in self.rounds]

    @property
    def rate_with_mongod(self) -> float:
        """The same with mongod's CPU added."""
        seconds = [max(usage.server_seconds + usage.mongod_seconds, 0.01) for usage in self.rounds]
        return median(usage.operations / total for usage, total in zip(self.rounds, seconds, strict=True))

    @property
    def commands(self) -> float:
        """Commands to mongod per operation."""
        return median(usage.commands / usage.operations for usage in self.rounds)


def alternate(sides: Sequence[Side], rounds: int, measure: Callable[[Side], Usage]) -> list[Figures]:
    """A B, A B, …: the figures of each side."""
    measured: list[list[Usage]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, usages in zip(sides, measured, strict=True):
            usages.append(measure(side))
    return [Figures(usages) for usages in measured]


def spread(left: Figures, right: Figures) -> tuple[float, float]:
    """The lowest and the highest ratio that any one round gave."""
    ratios = [one / other for one, other in zip(left.rates, right.rates, strict=True)]
    return min(ratios), max(ratios)
