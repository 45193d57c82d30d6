"""Applications that register themselves, and look after their registration (RFC 7591, RFC 7592)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from idp.openid.registration import RegistrationEndpoint
from idp.storage.grants import GrantStore


@dataclass(frozen=True, slots=True)
class RegistrationFlow:
    """Every refusal is a ``ProtocolError``."""

    endpoint: RegistrationEndpoint
    grants: GrantStore
    clock: Callable[[], datetime]

    def create(self, body: bytes, authorization: str | None) -> dict[str, Any]:
        """A new client."""
        return self.endpoint.create(body, authorization, now=self.clock())

    def read(self, client_id: str, authorization: str | None) -> dict[str, Any]:
        """The client as it is registered."""
        return self.endpoint.read(client_id, authorization)

    def update(self, client_id: str, body: bytes, authorization: str | None) -> dict[str, Any]:
        """The client with other metadata."""
        return self.endpoint.update(client_id, body, authorization)

    def delete(self, client_id: str, authorization: str | None) -> None:
        """The client is gone, and with it everything that it was granted (RFC 7592 section 2.3)."""
        self.endpoint.delete(client_id, authorization)
        self.grants.revoke_registered_client(client_id)
