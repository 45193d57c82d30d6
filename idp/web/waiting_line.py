"""Requests of one kind that wait for their turn, in the order in which they came.

What somebody waits for here is not a thread: a thread that waits serves nobody else, and whoever is told to come again
does so, which costs everybody more than the waiting.
"""

from collections import deque
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

Waiting = TypeVar("Waiting")

# Within the patience of people, and of proxies (nginx and Apache give up after 60 s).
PATIENCE_SECONDS: Final = 15.0
# So many connections of a worker at most: strangers must not take them all.
ROOM: Final = 100


class Turns:
    """How many are served at a time, from whichever line they come. number: of those that are free."""

    def __init__(self, number: int) -> None:
        self.number = number


class WaitingLine(Generic[Waiting]):
    """One of the lines to the same turns.

    most: so many of them at a time, so that the others get some whatever happens here. room: how many may wait.
    patience: how many seconds each of them waits.
    """

    def __init__(self, turns: Turns, most: int, room: int = ROOM, patience: float = PATIENCE_SECONDS) -> None:
        self._turns, self._most, self._room, self._patience = turns, most, room, patience
        self._line: deque[tuple[float, Waiting]] = deque()

    def take_turn(self) -> bool:
        """Whether the one who comes is served at once; ``end_turn`` ends the turn."""
        if not (self._most and self._turns.number):
            return False
        self._most -= 1
        self._turns.number -= 1
        return True

    def end_turn(self) -> None:
        """Somebody is through; whose turn it is then, the lines say one after the other."""
        self._most += 1
        self._turns.number += 1

    def next_turn(self) -> Waiting | None:
        """Who has a turn now, and had to wait for it; None where there is none, or nobody waits."""
        if not self._line or not self.take_turn():
            return None
        return self._line.popleft()[1]

    def join(self, waiting: Waiting, now: float) -> bool:
        """Whether there is room to wait. now: seconds of a clock that never goes back."""
        if len(self._line) >= self._room:
            return False
        self._line.append((now + self._patience, waiting))
        return True

    def out_of_patience(self, now: float) -> Iterator[Waiting]:
        """Those who have waited as long as they may. They wait no longer, and have no turn."""
        while self._line and self._line[0][0] <= now:
            yield self._line.popleft()[1]
