"""What the parties remember while they run: the newest entries, never more than fit."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Memory(Generic[Value]):
    """Keeps the newest ``size`` values by key; safe for threads. Everything is forgotten at a restart."""

    def __init__(self, size: int = 1000) -> None:
        self._size = size
        self._values: OrderedDict[str, Value] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, key: str, value: Value) -> None:
        """Remembers the value; the oldest one goes when there are too many."""
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._size:
                self._values.popitem(last=False)

    def get(self, key: str) -> Value | None:
        """The value, or None."""
        with self._lock:
            return self._values.get(key)

    def take(self, key: str) -> Value | None:
        """The value, forgotten from now on, or None."""
        with self._lock:
            return self._values.pop(key, None)

    def drop(self, unwanted: Callable[[Value], bool]) -> int:
        """Forgets every value of which this is true; how many."""
        with self._lock:
            keys = [key for key, value in self._values.items() if unwanted(value)]
            for key in keys:
                del self._values[key]
        return len(keys)
