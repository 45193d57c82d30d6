"""Relying parties wherever they are kept: the file first, then the database, with a short memory."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from idp.domain.clients import Client
from idp.domain.registrations import PREFIX, Registration
from idp.openid.client_authentication import ClientLookup
from idp.openid.registration_metadata import ClientMetadataReader, UnfitMetadata

logger = logging.getLogger(__name__)

_KEPT_SECONDS = 5.0
_MOST_KEPT = 1024


class Registrations(Protocol):
    """Keeps registered clients; ``app`` hands one in. Every method may raise ``ServiceUnavailable``."""

    def add(self, registration: Registration) -> None:
        """Keep a new client."""

    def find(self, client_id: str) -> Registration | None:
        """The client's registration."""

    def replace(self, registration: Registration) -> bool:
        """Take the new state over; False where the client was deleted meanwhile."""

    def delete(self, client_id: str) -> bool:
        """Whether it was there; of two deletions one is told so."""


@dataclass(frozen=True, slots=True)
class _Kept:
    client: Client | None
    looked_at: float


class RegisteredClients:
    """Finds clients; what the database says is believed for a few seconds.

    seconds: a clock that never goes back.
    """

    def __init__(
        self,
        in_file: ClientLookup,
        store: Registrations,
        reader: ClientMetadataReader,
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._in_file = in_file
        self._store = store
        self._reader = reader
        self._seconds = seconds
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def get(self, client_id: str) -> Client | None:
        """The client with this identifier; the database is asked only for what can be there."""
        found = self._in_file(client_id)
        # The identifier comes from strangers: half of a surrogate pair in it could not be sent to the database at all.
        if found is not None or not (client_id.startswith(PREFIX) and client_id.isascii()):
            return found
        kept = self._kept.get(client_id)
        if kept is None or self._seconds() - kept.looked_at >= _KEPT_SECONDS:
            kept = _Kept(self._read(client_id), self._seconds())
            self._keep(client_id, kept)
        return kept.client

    def forget(self, client_id: str) -> None:
        """Ask the database again: the client has just changed."""
        with self._lock:
            self._kept.pop(client_id, None)

    def _keep(self, client_id: str, kept: _Kept) -> None:
        with self._lock:
            self._kept[client_id] = kept
            # Whoever makes identifiers up must not fill our memory.
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)

    def _read(self, client_id: str) -> Client | None:
        registration = self._store.find(client_id)
        if registration is None:
            return None
        try:
            return self._reader.client(registration.metadata, client_id, registration.client_secret)
        except UnfitMetadata as fault:
            # What was accepted once may be too much since a setting changed: then the client is none of ours.
            logger.warning("registered_client_unfit", extra={"fields": {"client_id": client_id, "problem": str(fault)}})
            return None
