"""How many calls each client may have under way in one process: one that is slow must not hold every thread."""

from collections import Counter
from threading import Lock


class ClientSlots:
    """most: for each client. Any thread may ask."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._taken: Counter[str] = Counter()

    def take(self, client_id: str) -> bool:
        """Take one of the client's slots; False where it has none left. Whoever took one calls ``give_back``."""
        with self._lock:
            if self._taken[client_id] >= self._most:
                return False
            self._taken[client_id] += 1
            return True

    def give_back(self, client_id: str) -> None:
        """What the slot was taken for is over."""
        with self._lock:
            self._taken[client_id] -= 1
            # Clients come and go: those with nothing under way are forgotten.
            self._taken += Counter()

    def exhausted(self) -> list[str]:
        """The clients that have no slot left."""
        with self._lock:
            return [client_id for client_id, taken in self._taken.items() if taken >= self._most]
