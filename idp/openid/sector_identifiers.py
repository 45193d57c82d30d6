"""Whether a client belongs to the sector that it names (OpenID Connect Core section 8.1, Registration section 5)."""

import logging
from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Any

from idp.domain.clients import Client
from idp.domain.errors import NotFetched
from idp.openid.registration_metadata import UnfitMetadata

logger = logging.getLogger(__name__)

# Of clients that register themselves, in each process: a slow address holds a thread.
SECTORS_AT_ONCE = 4
ACCEPTED = "an https URL of a JSON array that holds every redirect_uri of the client"


class SectorIdentifiers:
    """Reads the documents of ``sector_identifier_uri``; what was found right once is not read again.

    fetch: the JSON value at an address that somebody else chose; raises ``NotFetched``.
    """

    def __init__(self, fetch: Callable[[str], Any]) -> None:
        self._fetch = fetch
        self._readings = BoundedSemaphore(SECTORS_AT_ONCE)
        # By client: a client that keeps changing its address must not fill our memory.
        self._right: dict[str, tuple[str, tuple[str, ...]]] = {}

    def fault(self, client: Client) -> str | None:
        """What is accepted instead, where the document does not name this client's redirect_uris; else None.

        Raises ``NotFetched`` where the document cannot be had now.
        """
        known = (client.sector_identifier_uri, client.redirect_uris)
        if not client.sector_identifier_uri or self._right.get(client.client_id) == known:
            return None
        document = self._fetch(client.sector_identifier_uri)
        # A client without redirect_uris (a device) always passes: there is none that the document could lack.
        if not isinstance(document, list) or any(uri not in document for uri in client.redirect_uris):
            return ACCEPTED
        self._right[client.client_id] = known
        return None

    def check(self, client: Client) -> None:
        """For a client that registers itself; raises ``UnfitMetadata``, also where too many do at this moment."""
        if not client.sector_identifier_uri:
            return
        if not self._readings.acquire(blocking=False):
            raise UnfitMetadata(("sector_identifier_uri",))
        try:
            if not self.vouched(client):
                raise UnfitMetadata(("sector_identifier_uri",))
        finally:
            self._readings.release()

    def vouched(self, client: Client) -> bool:
        """Whether the document can be had and names the client's redirect_uris; told to the log where it is not."""
        try:
            fault = self.fault(client)
        except NotFetched as problem:
            fault = str(problem)
        if fault is not None:
            fields = {"client_id": client.client_id, "uri": client.sector_identifier_uri, "problem": fault}
            logger.error("sector_identifier_refused", extra={"fields": fields})
        return fault is None
