"""Which events of one writer of the audit trail must be there.

A writer (a process) counts its events from 1 and says with each which earlier ones it knows nothing of: those that
other threads of it were just writing (``open``), and those whose write failed (``lost``). Whatever else is missing
between two events that are kept was taken away.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from idp.domain.number_runs import NumberRuns

Run = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Numbered:
    """What an event says of its place among those of its writer.

    lost: runs of numbers (first, last) whose write failed. open: numbers that were just being written.
    """

    number: int
    lost: Sequence[Run] = ()
    open: Collection[int] = ()


class AuditSequence:
    """What is there of one writer; events come in any order."""

    def __init__(self) -> None:
        self._there = NumberRuns()
        self._lost = NumberRuns()
        self._first: int | None = None
        self._newest = Numbered(0)

    def add(self, event: Numbered, *, stays: bool, is_settled: bool, is_whole: bool = False) -> bool:
        """False where the number was there already.

        stays: whether its retention ends so late that no later event can have been purged. is_settled: whether it
        was written so long ago that everything before it would have been read by now. is_whole: whether the event tells
        that the first of its writer stays as well, so that none can have been purged.
        """
        for first, last in event.lost:
            for number in range(first, last + 1):
                self._lost.add(number)
        if stays:
            first = 1 if is_whole else event.number
            self._first = first if self._first is None else min(self._first, first)
        if is_settled and event.number > self._newest.number:
            self._newest = event
        return self._there.add(event.number)

    def occupy(self, number: int) -> None:
        """Something is there that is no event of ours: wrong by itself, not missing as well."""
        self._there.add(number)

    def missing(self) -> tuple[Run, ...]:
        """Runs of numbers that were written and are not there.

        What the newest event saw in flight may never have arrived, its process killed. Each event between the two saw
        it in flight, too, so the newest one's word is enough.
        """
        if self._first is None:
            return ()
        absent = self._there.absent(self._first, self._newest.number)
        return tuple(NumberRuns(n for n in absent if n not in self._lost and n not in self._newest.open))
