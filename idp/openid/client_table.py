"""A table of client metadata, read key by key: wrong values are noted, all of them, before anybody is told."""

from collections.abc import Mapping
from typing import Any

from idp.domain.near_names import meant


class Faults:
    """Collects what is wrong: one line per fault, naming the place, the value and what is accepted."""

    def __init__(self, place: str) -> None:
        self.lines: list[str] = []
        self.keys: list[str] = []
        self._place = place

    def add(self, key: str, value: object, accepted: str) -> None:
        """A wrong value of this key. accepted: what would be right, in words."""
        # A secret may stand under this key in clear.
        self._note(key, "…" if "secret" in key else repr(value), accepted)

    def unknown(self, key: str, accepted: tuple[str, ...]) -> None:
        """There is no such key; its value may be a secret all the same, under a mistyped name."""
        close = meant(key, accepted)
        self._note(key, "…", f"no such key; did you mean {close}?" if close else ", ".join(accepted))

    def _note(self, key: str, shown: str, accepted: str) -> None:
        self.keys.append(key)
        self.lines.append(f"{self._place}: {key} = {shown}; accepted: {accepted}")


class Table:
    """The keys of one table, read with their types; each wrong value is noted and replaced by the default."""

    def __init__(self, table: Mapping[str, Any], faults: Faults) -> None:
        self._table = table
        self.faults = faults

    def text(self, key: str, default: str = "") -> str:
        value = self._table.get(key, default)
        if isinstance(value, str):
            return value
        self.faults.add(key, value, "a text")
        return default

    def table(self, key: str) -> Mapping[str, Any]:
        value = self._table.get(key, {})
        if isinstance(value, Mapping):
            return value
        self.faults.add(key, value, "a table")
        return {}

    def one_of(self, key: str, accepted: tuple[str, ...], default: str) -> str:
        value = self.text(key, default)
        if value not in accepted:
            self.faults.add(key, value, " or ".join(accepted))
            return default
        return value

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        value = self._table.get(key, list(default))
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        self.faults.add(key, value, "a list of texts")
        return default

    def optional_texts(self, key: str) -> tuple[str, ...] | None:
        return self.texts(key) if key in self._table else None

    def some_of(self, key: str, accepted: tuple[str, ...], default: tuple[str, ...]) -> tuple[str, ...]:
        values = self.texts(key, default)
        if not values or not set(values) <= set(accepted):
            self.faults.add(key, list(values), "some of " + ", ".join(accepted))
            return default
        return values

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._table.get(key, default)
        if isinstance(value, bool):
            return value
        self.faults.add(key, value, "true or false")
        return default

    def seconds(self, key: str) -> int | None:
        value = self._table.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10**9):
            return value
        self.faults.add(key, value, "a number of seconds from 0 to 1000000000")
        return None

    def names(self, key: str) -> tuple[tuple[str, str], ...]:
        """Values by language, as ``client_name`` and ``client_name#fr`` (Dynamic Client Registration section 2.1)."""
        found = [name for name in self._table if name == key or name.startswith(key + "#")]
        return tuple((name.partition("#")[2].lower(), self.text(name)) for name in found)

    def unknown_keys(self, accepted: tuple[str, ...]) -> None:
        for key in self._table:
            if key.partition("#")[0] not in accepted or ("#" in key and not key.startswith("client_name#")):
                self.faults.unknown(key, accepted)
