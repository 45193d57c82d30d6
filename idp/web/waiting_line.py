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


class WaitingLine(Generic[Waiting]):
    """turns: how many are served at a time. room: how many may wait. patience: how many seconds each of them waits."""

    def __init__(self, turns: int, room: int = ROOM, patience: float = PATIENCE_SECONDS) -> None:
        self._turns, self._room, self._patience = turns, room, patience
        self._line: deque[tuple[float, Waiting]] = deque()

    def take_turn(self) -> bool:
        """Whether the one who comes is served at once; ``pass_turn`` ends the turn."""
        if not self._turns:
            return False
        self._turns -= 1
        return True

    def join(self, waiting: Waiting, now: float) -> bool:
        """Whether there is room to wait. now: seconds of a clock that never goes back."""
        if len(self._line) >= self._room:
            return False
        self._line.append((now + self._patience, waiting))
        return True

    def pass_turn(self) -> Waiting | None:
        """Who has the turn of the one who is through; None where nobody waits."""
        if self._line:
            return self._line.popleft()[1]
        self._turns += 1
        return None

    def out_of_patience(self, now: float) -> Iterator[Waiting]:
        """Those who have waited as long as they may. They wait no longer, and have no turn."""
        while self._line and self._line[0][0] <= now:
            yield self._line.popleft()[1]
