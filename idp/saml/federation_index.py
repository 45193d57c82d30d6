"""The federation as one SQLite file, which every process of this machine reads and none changes.

An update writes a new file beside it (``federation_draft``) and puts it in its place as a whole: a reader sees the old
federation or the new one, and a crash leaves the old one. SQLite keeps little of it in memory; the system's file cache
is shared by all.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from idp.domain.federation import IdentityProvider

# Of the tables (``federation_draft``) and the words in them, and of the small files beside the index. It stands in the
# names: while servers of two releases run on the same folder, each has files of its own and takes nothing away.
VERSION: Final = 7
INDEX_NAME: Final = f"federation-{VERSION}.sqlite"
_CACHED_KILOBYTES: Final = 128


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """One metadata file whose identity providers are in the index.

    digest: SHA-256 of the file. loaded_at: when this copy was taken over.
    """

    id: int
    name: str
    digest: str
    valid_until: datetime | None
    created: datetime | None
    loaded_at: datetime
    providers: int


def connect(path: Path) -> sqlite3.Connection:
    """The index for reading. Raises sqlite3.Error where there is none, or none of this version."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)
    connection.execute(f"PRAGMA cache_size = -{_CACHED_KILOBYTES}")
    if connection.execute("PRAGMA user_version").fetchone() != (VERSION,):
        connection.close()
        raise sqlite3.DatabaseError("another version")
    return connection


def indexed_files(connection: sqlite3.Connection) -> tuple[IndexedFile, ...]:
    """The files in the index, by name."""
    rows = connection.execute(
        "SELECT id, name, digest, valid_until, created, loaded_at, providers FROM files ORDER BY name"
    )
    return tuple(
        IndexedFile(number, name, digest, _moment(until), _moment(created), datetime.fromisoformat(loaded), providers)
        for number, name, digest, until, created, loaded, providers in rows
    )


def digests(connection: sqlite3.Connection, file: IndexedFile) -> dict[str, str]:
    """The digest of each provider's metadata in this file, by entity id."""
    return dict(connection.execute("SELECT entity_id, digest FROM providers WHERE file = ?", (file.id,)))


def documents(connection: sqlite3.Connection, file: int, entity_ids: Iterable[str]) -> dict[str, bytes]:
    """The EntityDescriptors of these providers as the file with this number has them."""
    query = "SELECT entity_id, xml FROM providers JOIN documents USING (id) WHERE file = ? AND entity_id IN ({})"
    wanted, found = list(entity_ids), dict[str, bytes]()
    for start in range(0, len(wanted), 500):
        some = wanted[start : start + 500]
        found.update(connection.execute(query.format(",".join("?" * len(some))), (file, *some)))
    return found


_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_values: Final = attrgetter(*(field.name for field in fields(IdentityProvider)))


def encoded(provider: IdentityProvider) -> str:
    """The identity provider as JSON: its fields in their order."""
    return _JSON.encode(_values(provider))


def decoded(text: str) -> IdentityProvider:
    """The identity provider that ``encoded`` wrote."""
    return IdentityProvider(*(_with_tuples(value) for value in json.loads(text)))


def _with_tuples(value: Any) -> Any:
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def opened(folder: Path) -> sqlite3.Connection | None:
    """The index of this folder for reading, or None where there is none that can be used."""
    try:
        return connect(folder / INDEX_NAME)
    except sqlite3.Error:
        return None
