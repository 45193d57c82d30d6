"""What each event of the audit trail carries from the moment it is appended: its place, and a proof of its content."""

import hmac
import threading
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import bson

from idp.domain.keyed import SecretKey, random_id
from idp.domain.number_runs import NumberRuns
from idp.storage.database import Document

# How many characters of a seal's value an event repeats: enough that nobody finds another seal that has them.
SEAL_CHARACTERS = 16
# A seal's mark comes later, and the database may choose the identifier.
_NOT_PROVEN = ("_id", "seal", "mac")


def proof_key(secret: SecretKey) -> bytes:
    """The key of every event's proof; the database does not hold it."""
    return secret.derive("audit event")


def proof_of(key: bytes, event: Document) -> str:
    """HMAC-SHA256 over the BSON of everything that the event holds, in the order of the names.

    In base64: workers of the release before show people their events as JSON, and would stumble over bytes.
    """
    content = {name: event[name] for name in sorted(event) if name not in _NOT_PROVEN}
    return b64encode(hmac.digest(key, bson.encode(content), "sha256")).decode("ascii")


@dataclass(frozen=True, slots=True)
class Place:
    """The place of one event. lost: the numbers that it declares."""

    number: int
    lost: frozenset[int]
    document: dict[str, Any] = field(compare=False)


class AuditWriter:
    """One process that appends; its name is drawn at random. For any number of threads, never across a fork.

    Documents: ``writer``, ``number`` from 1, ``since``: the moment of number 1 in seconds since 1970, ``open`` and
    ``lost`` (see ``domain.audit_sequence``), ``sealed``: number and beginning of the value of the newest seal that it
    knew.
    """

    def __init__(self, secret: SecretKey) -> None:
        self._key = proof_key(secret)
        self._id = random_id()
        self._lock = threading.Lock()
        self._last = 0
        self._since: int | None = None
        self._open: set[int] = set()
        self._lost: set[int] = set()
        self._sealed: list[int | str] = []

    def saw_seal(self, number: int, mac: str) -> None:
        """Every event from now on tells of this seal: who takes it away has to take them, too."""
        self._sealed = [number, mac[:SEAL_CHARACTERS]]

    def begin(self, at: datetime) -> Place:
        """The next number, for an event of that moment; ``kept`` or ``gave_up`` must follow."""
        with self._lock:
            self._last += 1
            if self._since is None:
                self._since = int(at.timestamp())
            lost = frozenset(self._lost)
            document: dict[str, Any] = {"writer": self._id, "number": self._last, "since": self._since}
            if self._open:
                document["open"] = sorted(self._open)
            if lost:
                document["lost"] = [list(run) for run in NumberRuns(sorted(lost))]
            if self._sealed:
                document["sealed"] = self._sealed
            self._open.add(self._last)
            return Place(self._last, lost, document)

    def kept(self, place: Place) -> None:
        """The event is there; so is what it declared."""
        with self._lock:
            self._open.discard(place.number)
            self._lost -= place.lost

    def gave_up(self, place: Place) -> None:
        """Nobody knows whether the event arrived: the next one says so."""
        with self._lock:
            self._open.discard(place.number)
            self._lost.add(place.number)

    def proven(self, event: Document, place: Place) -> Document:
        """The event at its place, with the proof of both."""
        placed = event | {"proof": place.document}
        return placed | {"mac": proof_of(self._key, placed)}
