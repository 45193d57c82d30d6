"""What new copies of files change, until it has been told: kept in the index, so that an index and its changes appear
in one step.

The process that updates the index may end before anything is told. A small file beside the index says what was told;
the process that looks next tells the rest, which goes over into the next index until then.
"""

import json
import os
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from idp.domain.federation import FileDifference, ProviderChange
from idp.saml.federation_index import VERSION

TOLD_NAME: Final = f"told-{VERSION}.json"


@dataclass(frozen=True, slots=True)
class Change:
    """What a new copy of one file changed. id: drawn at random, to note that it was told."""

    id: str
    difference: FileDifference


def new(differences: Iterable[FileDifference]) -> tuple[Change, ...]:
    """These differences as changes of which nobody was told yet."""
    return tuple(Change(os.urandom(8).hex(), difference) for difference in differences)


def of(connection: sqlite3.Connection) -> tuple[Change, ...]:
    """The changes that are kept in this index, whether somebody was told of them or not."""
    try:
        rows = connection.execute("SELECT id, difference FROM changes ORDER BY rowid").fetchall()
    except sqlite3.OperationalError:  # made by a release that kept none
        return ()
    return tuple(Change(number, _difference(json.loads(text))) for number, text in rows)


def untold(state: Path, connection: sqlite3.Connection) -> tuple[Change, ...]:
    """The changes in this index of which nobody was told yet."""
    known = told(state)
    return tuple(change for change in of(connection) if change.id not in known)


def encoded(changes: Iterable[Change]) -> list[tuple[str, str]]:
    """Rows for the index: id, and the difference as JSON."""
    return [(change.id, json.dumps(asdict(change.difference), ensure_ascii=False)) for change in changes]


def told(state: Path) -> frozenset[str]:
    """The ids of the changes that were told. None where the file cannot be read: told twice is better than never."""
    try:
        return frozenset(map(str, json.loads((state / TOLD_NAME).read_text(encoding="utf-8"))))
    except (OSError, ValueError, TypeError):
        return frozenset()


def note_told(state: Path, names: Iterable[str]) -> None:
    """Replace the ids of the changes that were told."""
    draft = state / f".{TOLD_NAME}.{os.getpid()}.new"
    draft.write_text(json.dumps(sorted(names)), encoding="utf-8")
    draft.replace(state / TOLD_NAME)


def _difference(content: dict[str, Any]) -> FileDifference:
    changed = tuple(ProviderChange(each["entity_id"], tuple(each["details"])) for each in content["changed"])
    return FileDifference(content["file"], tuple(content["added"]), tuple(content["removed"]), changed)
