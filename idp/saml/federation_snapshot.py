"""The federation as it is asked: which universities there are, and to which of them a domain or a search leads."""

import sqlite3
import weakref
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from threading import Lock
from typing import Any, Final

from idp.domain.federation import IdentityProvider
from idp.domain.mail_providers import is_public
from idp.saml import federation_index as index
from idp.saml import search

# Strangers may ask for any entity id: what is remembered of them, known or not, is bounded.
_REMEMBERED: Final = 512
_LONGEST_ENTITY_ID: Final = 1024
_MOST_LABELS: Final = 20


class FederationSnapshot:
    """The identity providers of all files together, as one snapshot that never changes; read as it is asked.

    connection: to an index; None for a federation of nobody. Copies that have expired are left out at any time.
    """

    def __init__(self, connection: sqlite3.Connection | None, clock: Callable[[], datetime]) -> None:
        self._connection = connection or sqlite3.connect(":memory:", check_same_thread=False)
        self.is_real = connection is not None
        self._clock = clock
        self._lock = Lock()
        weakref.finalize(self, self._connection.close)
        self.files = index.indexed_files(connection) if connection else ()
        self._found = lru_cache(maxsize=_REMEMBERED)(self._find)
        self._domains = lru_cache(maxsize=1)(self._known_domains)

    def __len__(self) -> int:
        return sum(count for (count,) in self._rows(f"SELECT count(*) FROM shown WHERE {self._in_time()}"))  # noqa: S608

    def provider(self, entity_id: str) -> IdentityProvider | None:
        """The identity provider with this entity id, hidden ones included."""
        found = self._known(entity_id)
        return found[0] if found and found[2] not in self._expired() else None

    def metadata(self, entity_id: str) -> bytes | None:
        """Its EntityDescriptor as XML, from a verified file."""
        found = self._known(entity_id)
        if found is None or found[2] in self._expired():
            return None
        rows: list[tuple[bytes]] = self._rows("SELECT xml FROM documents WHERE id = :id", {"id": found[1]})
        return rows[0][0]

    def file_of(self, entity_id: str) -> str | None:
        """The name of the metadata file that it comes from."""
        found = self._known(entity_id)
        return next((file.name for file in self.files if found and file.id == found[2]), None)

    def by_address_domain(self, domain: str) -> tuple[IdentityProvider, ...]:
        """The providers that may be the university of this mail domain: they have its longest suffix, on label
        boundaries.

        Where the administrator has named providers for that suffix, no other provider. In the order of a search. For
        routing only, never for trust.
        """
        labels = domain.strip().lower().rstrip(".").split(".")[-_MOST_LABELS:]
        # The last label alone would be a top-level domain.
        suffixes = {f"d{start}": ".".join(labels[start:]) for start in range(len(labels) - 1)}
        if not suffixes:
            return ()
        wanted = ", ".join(f":{name}" for name in suffixes)
        rows = self._rows(
            "SELECT domain, named, described FROM domains JOIN shown USING (provider) "  # noqa: S608 -- names of ours
            "JOIN search USING (provider) "
            f"WHERE domain IN ({wanted}) AND {self._in_time('domains.')} ORDER BY sort_key, provider",
            suffixes,
        )
        # A hint or scope that claims the domain of a public mail provider must not win over the administrator's table
        # either.
        rows = [row for row in rows if row[1] or not is_public(row[0])]
        best = max(((len(row[0]), row[1]) for row in rows), default=None)
        return tuple(index.decoded(text) for suffix, named, text in rows if (len(suffix), named) == best)

    def search(self, query: str, *, limit: int = 20) -> tuple[IdentityProvider, ...]:
        """Shown identity providers that match every word of the query, the best first; none for an empty query.

        Where the query is an address or a domain, the providers to which that leads come before all others.
        """
        named = self.by_address_domain(search.domain_in(query))
        return tuple(dict.fromkeys((*named, *self._by_words(query, limit))))[:limit]

    def _by_words(self, query: str, limit: int) -> tuple[IdentityProvider, ...]:
        asked = search.conditions(query)
        if asked is None:
            return ()
        matches, rank, parameters = asked
        rows = self._rows(
            f"SELECT described FROM (SELECT provider, {rank} AS rank, sort_key FROM search "  # noqa: S608
            f"WHERE {matches} AND {self._in_time()} ORDER BY rank, sort_key, provider LIMIT :limit) "
            "JOIN shown USING (provider) ORDER BY rank, sort_key, provider",
            parameters | {"limit": limit},
        )
        return tuple(index.decoded(text) for (text,) in rows)

    def known_domains(self) -> frozenset[str]:
        """Every domain that leads to a university that is shown: what a slip of the pen may have meant."""
        return self._domains(self._expired())

    def has_expired_files(self) -> bool:
        """Whether the end of some file has come since the index was made."""
        return bool(self._expired())

    def _known_domains(self, _: frozenset[int]) -> frozenset[str]:
        rows = self._rows(f"SELECT DISTINCT domain FROM domains WHERE {self._in_time()}")  # noqa: S608
        return frozenset(domain for (domain,) in rows)

    def _known(self, entity_id: str) -> tuple[IdentityProvider, int, int] | None:
        """The identity provider, its number and its file's, whether the file has expired or not."""
        return self._found(entity_id) if len(entity_id) <= _LONGEST_ENTITY_ID else None

    def _find(self, entity_id: str) -> tuple[IdentityProvider, int, int] | None:
        rows = self._rows("SELECT described, provider, file FROM shown WHERE entity_id = :id", {"id": entity_id})
        return next(((index.decoded(described), number, file) for described, number, file in rows), None)

    def _expired(self) -> frozenset[int]:
        now = self._clock()
        return frozenset(file.id for file in self.files if file.valid_until and file.valid_until <= now)

    def _in_time(self, table: str = "") -> str:
        return f"{table}file NOT IN ({', '.join(map(str, self._expired()))})"

    def _rows(self, query: str, parameters: Mapping[str, str | int] | None = None) -> list[tuple[Any, ...]]:
        if not self.is_real:
            return []
        with self._lock:
            return self._connection.execute(query, parameters or {}).fetchall()
