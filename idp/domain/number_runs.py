"""Whole numbers that come nearly in order, kept as the runs that they form."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator


class NumberRuns:
    """A set of whole numbers; a million in a row take no more room than one."""

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._lows: list[int] = []
        self._highs: list[int] = []
        for number in numbers:
            self.add(number)

    def __contains__(self, number: int) -> bool:
        before = bisect_right(self._lows, number)
        return before > 0 and number <= self._highs[before - 1]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """The first and last number of each run, in order."""
        return zip(self._lows, self._highs, strict=True)

    def add(self, number: int) -> bool:
        """Whether it was not there yet."""
        if number in self:
            return False
        at = bisect_right(self._lows, number)
        ends_before = at > 0 and self._highs[at - 1] == number - 1
        begins_after = at < len(self._lows) and self._lows[at] == number + 1
        if ends_before and begins_after:
            self._highs[at - 1] = self._highs.pop(at)
            del self._lows[at]
        elif ends_before:
            self._highs[at - 1] = number
        elif begins_after:
            self._lows[at] = number
        else:
            self._lows.insert(at, number)
            self._highs.insert(at, number)
        return True

    def absent(self, low: int, high: int) -> Iterator[int]:
        """Those from low to high that are not there."""
        for first, last in self:
            yield from range(low, min(first, high + 1))
            low = max(low, last + 1)
        yield from range(low, high + 1)
