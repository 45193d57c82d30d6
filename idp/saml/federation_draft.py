"""The next index of the federation while an update writes it; what is not put in place is thrown away."""

import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias

from idp.domain.federation import IdentityProvider
from idp.saml.federation_index import INDEX_NAME, VERSION, IndexedFile, decoded, documents, encoded
from idp.saml.overrides import Overrides, ProviderOverride
from idp.saml.search import SearchText, search_text

_SCHEMA: Final = """
CREATE TABLE files (
    id INTEGER PRIMARY KEY, name TEXT UNIQUE, digest TEXT, valid_until TEXT, created TEXT, loaded_at TEXT, providers INT
);
CREATE TABLE providers (id INTEGER PRIMARY KEY, file INT, entity_id TEXT, digest TEXT, described TEXT);
CREATE TABLE documents (id INTEGER PRIMARY KEY, xml BLOB);
CREATE TABLE shown (provider INTEGER PRIMARY KEY, entity_id TEXT UNIQUE, file INT, described TEXT);
CREATE TABLE search (
    provider INTEGER PRIMARY KEY, file INT, names TEXT, name_words TEXT, domain_words TEXT, sort_key TEXT
);
CREATE TABLE domains (domain TEXT, named INT, provider INT, file INT, PRIMARY KEY (domain, named, provider))
    WITHOUT ROWID;
CREATE TABLE changes (id TEXT PRIMARY KEY, difference TEXT);
"""
# Documents are written once and never looked at: they go to the system early, which begins to store them.
_CACHED_KILOBYTES: Final = 256

# An identity provider as ``encoded``, as it is, and its words.
_Entry: TypeAlias = tuple[str, IdentityProvider, SearchText]


class IndexDraft:
    """The next index, until it is put in place; what is not put in place is thrown away."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f".{INDEX_NAME}.{os.getpid()}.new"
        self._path.unlink(missing_ok=True)
        self._connection = sqlite3.connect(self._path, isolation_level=None)
        for pragma in (
            "page_size = 32768",
            "journal_mode = MEMORY",
            "synchronous = OFF",
            f"cache_size = -{_CACHED_KILOBYTES}",
            f"user_version = {VERSION}",
        ):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.executescript(f"BEGIN; {_SCHEMA}")
        # What was read in this process, by number: made while the file is still being checked.
        self._read: dict[int, _Entry] = {}

    def keep(self, source: sqlite3.Connection, file: IndexedFile) -> None:
        """Take this file over from the index in use."""
        first = self._next_provider()
        rows = source.execute("SELECT id, entity_id, digest, described FROM providers WHERE file = ?", (file.id,))
        numbers = {}
        for number, (old, *columns) in enumerate(rows, first):
            numbers[old] = number
            self._connection.execute("INSERT INTO providers VALUES (?, ?, ?, ?, ?)", (number, file.id, *columns))
        query = "SELECT id, xml FROM documents JOIN providers USING (id) WHERE file = ?"
        texts = source.execute(query, (file.id,))
        self._connection.executemany("INSERT INTO documents VALUES (?, ?)", ((numbers[old], xml) for old, xml in texts))
        self._insert_file(file)

    def begin_file(self) -> None:
        """What is added from now on is one file; ``accept`` or ``take_back`` ends it."""
        self._connection.execute("SAVEPOINT file")

    def add(self, number: int, entities: Iterable[tuple[IdentityProvider, bytes]]) -> dict[str, str]:
        """Add identity providers of the file with this number; their digests by entity id.

        An entity id that comes twice counts once, the first time.
        """
        found: dict[str, str] = {}
        self._connection.executemany(
            "INSERT INTO documents VALUES (?, ?)", self._added(number, entities, found, self._next_provider())
        )
        self._begin_storing()
        return found

    def _added(
        self, file: int, entities: Iterable[tuple[IdentityProvider, bytes]], found: dict[str, str], first: int
    ) -> Iterator[tuple[int, bytes]]:
        rows = []
        for provider, xml in entities:
            if provider.entity_id not in found:
                number = first + len(found)
                found[provider.entity_id] = provider.metadata_digest
                described = encoded(provider)
                self._read[number] = described, provider, search_text(provider)
                rows.append((number, file, provider.entity_id, provider.metadata_digest, described))
                yield number, xml
        self._connection.executemany("INSERT INTO providers VALUES (?, ?, ?, ?, ?)", rows)

    def take_back(self) -> None:
        """Forget what was added last: it is not believed after all."""
        self._connection.execute("ROLLBACK TO file")
        self._connection.execute("RELEASE file")
        self._read.clear()

    def documents(self, number: int, entity_ids: Iterable[str]) -> dict[str, bytes]:
        """The EntityDescriptors of these providers in the file with this number."""
        return documents(self._connection, number, entity_ids)

    def unknown(self, entity_ids: Iterable[str]) -> list[str]:
        """Which of these entity ids no provider has."""
        query = "SELECT 1 FROM shown WHERE entity_id = ?"
        return [each for each in entity_ids if self._connection.execute(query, (each,)).fetchone() is None]

    def accept(self, file: IndexedFile) -> None:
        """Take what was added last as this file."""
        self._insert_file(file)
        self._connection.execute("RELEASE file")

    def show(self, overrides: Overrides) -> list[tuple[str, str, str]]:
        """Apply the overrides and make everything findable. Where two files name one provider, the later file counts.

        Returns the providers that two files name: entity id, file left aside, file in use.
        """
        names = dict(self._connection.execute("SELECT id, name FROM files"))
        winners: dict[str, tuple[int, int]] = {}
        replaced = []
        rows = self._connection.execute("SELECT id, file, entity_id FROM providers").fetchall()
        for number, file, entity_id in sorted(rows, key=lambda row: (names[row[1]], row[0])):
            if entity_id in winners:
                replaced.append((entity_id, names[winners[entity_id][1]], names[file]))
            winners[entity_id] = (number, file)
        self._show(winners, overrides.providers)
        return replaced

    def _show(self, winners: Mapping[str, tuple[int, int]], overrides: Mapping[str, ProviderOverride]) -> None:
        shown, searched, domains = [], [], []
        for entity_id, (number, file) in winners.items():
            described, provider, text = self._read.get(number) or self._entry(number)
            if override := overrides.get(entity_id):
                provider = override.applied_to(provider)
                described, text = encoded(provider), search_text(provider)
            shown.append((number, entity_id, file, described))
            if provider.hidden:
                continue
            searched.append((number, file, text.names, text.name_words, text.domain_words, text.sort_key))
            domains += [(domain, 1, number, file) for domain in provider.mail_domains]
            domains += [(domain, 0, number, file) for domain in (*provider.domain_hints, *provider.scopes)]
        self._connection.executemany("INSERT INTO shown VALUES (?, ?, ?, ?)", shown)
        self._connection.executemany("INSERT INTO search VALUES (?, ?, ?, ?, ?, ?)", searched)
        self._connection.executemany("INSERT OR IGNORE INTO domains VALUES (?, ?, ?, ?)", sorted(domains))

    def _entry(self, number: int) -> _Entry:
        (described,) = self._connection.execute("SELECT described FROM providers WHERE id = ?", (number,)).fetchone()
        provider = decoded(described)
        return described, provider, search_text(provider)

    def announce(self, changes: Iterable[tuple[str, str]]) -> None:
        """What nobody was told yet, as ``federation_changes`` writes it; told once this is the index."""
        self._connection.executemany("INSERT INTO changes VALUES (?, ?)", changes)

    def put_in_place(self) -> None:
        """Make this the index: from now on it is the one that is read."""
        self._connection.execute("COMMIT")
        self._connection.close()
        with self._path.open("rb") as written:
            os.fsync(written.fileno())
        self._path.replace(self._path.with_name(INDEX_NAME))

    def _begin_storing(self) -> None:
        """Have the system store what was written so far: ``put_in_place`` waits for what is left of it."""
        if sys.platform != "linux":
            return
        with suppress(OSError), self._path.open("rb") as written:
            # Told that pages are not needed any more, Linux begins to write them, and keeps each until it is written.
            os.posix_fadvise(written.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def discard(self) -> None:
        """Throw it away, unless it was put in place."""
        self._connection.close()
        self._path.unlink(missing_ok=True)

    def _insert_file(self, file: IndexedFile) -> None:
        moments = (file.valid_until, file.created, file.loaded_at)
        texts = (moment and moment.isoformat() for moment in moments)
        row = (file.id, file.name, file.digest, *texts, file.providers)
        self._connection.execute("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def _next_provider(self) -> int:
        (last,) = self._connection.execute("SELECT max(id) FROM providers").fetchone()
        return (last or 0) + 1
