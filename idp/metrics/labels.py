"""Labels in bounds: each value of a label is a series that is kept for as long as the server runs."""

import re
from threading import Lock

OTHER = "other"
NONE = "none"

_KEY = re.compile(r"[a-z][a-z0-9_.]{0,59}")


def key(value: str | None) -> str:
    """A name from the code (``password.wrong``) as it is; nothing else becomes a label."""
    return value if value and _KEY.fullmatch(value) else OTHER


class FirstComers:
    """The first ``most`` different values as they are, every later one as ``other``."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()
        self._lock = Lock()

    def __call__(self, value: str | None) -> str:
        if not value:
            return NONE
        if value in self._known:
            return value
        with self._lock:
            if len(self._known) >= self._most:
                return OTHER
            self._known.add(value)
        return value
