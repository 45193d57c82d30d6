"""Dynamic registration and its management (RFC 7591, RFC 7592, OpenID Connect Dynamic Client Registration 1.0)."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from idp.domain.client_secrets import hash_secret, new_secret, verify_secret
from idp.domain.errors import ProtocolError
from idp.domain.keyed import random_id, random_token, same, token_hash
from idp.domain.registrations import PREFIX, Registration
from idp.openid.discovery import REGISTRATION_PATH
from idp.openid.registered_clients import RegisteredClients, Registrations
from idp.openid.registration_metadata import ClientMetadataReader, UnfitMetadata, needs_secret, sector_of

logger = logging.getLogger(__name__)

_LARGEST = 65_536
_LONGEST_TOKEN = 512
_REALM = 'Bearer realm="registration"'
# RFC 7592 section 2.2: these are ours to say.
_OURS = ("registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at")


class InitialTokens(Protocol):
    """Who may register; ``app`` hands one in. Every method may raise ``ServiceUnavailable``."""

    def is_good(self, token_hash: str, *, now: datetime) -> bool:
        """Whether the token could be used; uses nothing up."""

    def use(self, token_hash: str, *, now: datetime) -> bool:
        """Use the token once; of many at once no more win than it has uses."""


@dataclass(frozen=True, slots=True)
class RegistrationEndpoint:
    """Metadata in, a client out; every method raises ``ProtocolError``.

    authorization: the header as received, with an initial access token or the client's registration access token.
    """

    issuer: str
    store: Registrations
    tokens: InitialTokens
    clients: RegisteredClients
    reader: ClientMetadataReader

    def create(self, body: bytes, authorization: str | None, *, now: datetime) -> dict[str, Any]:
        """The client information response (RFC 7591 section 3.2.1)."""
        initial = token_hash(_bearer(authorization))
        if not self.tokens.is_good(initial, now=now):
            raise _invalid_token()
        metadata = self._accepted(_read(body))
        secret, management = new_secret() if needs_secret(metadata) else "", random_token()
        registration = Registration(
            client_id=PREFIX + random_id(),
            metadata=metadata,
            client_secret=hash_secret(secret) if secret else "",
            management_hash=token_hash(management),
            created_at=now,
        )
        # Last, so that a fault in the metadata costs no use.
        if not self.tokens.use(initial, now=now):
            raise _invalid_token()
        self.store.add(registration)
        logger.info("client_registered", extra={"fields": {"client_id": registration.client_id}})
        return self._information(registration, management, secret)

    def read(self, client_id: str, authorization: str | None) -> dict[str, Any]:
        """The client as it is registered (RFC 7592 section 2.1); its secret is not known to us any more."""
        return self._information(self._managed(client_id, authorization), _bearer(authorization))

    def update(self, client_id: str, body: bytes, authorization: str | None) -> dict[str, Any]:
        """The client with its metadata replaced (RFC 7592 section 2.2); what is left out goes back to its default."""
        present = self._managed(client_id, authorization)
        asked = _read(body)
        if asked.get("client_id") != client_id or any(name in asked for name in _OURS):
            raise ProtocolError("invalid_request", "client_id must be the client's, and what we say must be left out")
        if "client_secret" in asked and not _is_secret_of(present, asked["client_secret"]):
            raise ProtocolError("invalid_client_metadata", "client_secret is not the client's")
        metadata = self._accepted(asked)
        if sector_of(present.metadata) not in (None, sector_of(metadata)):
            # Its older grants go on telling the ``sub`` of the old sector: with both, it could connect people across
            # sectors.
            raise ProtocolError("invalid_client_metadata", "A pairwise client stays in its sector")
        secret = new_secret() if needs_secret(metadata) and not present.client_secret else ""
        kept = (hash_secret(secret) if secret else present.client_secret) if needs_secret(metadata) else ""
        changed = replace(present, metadata=metadata, client_secret=kept)
        if not self.store.replace(changed):
            raise _invalid_token()
        self.clients.forget(client_id)
        return self._information(changed, _bearer(authorization), secret)

    def delete(self, client_id: str, authorization: str | None) -> None:
        """The client is gone (RFC 7592 section 2.3); what it was granted is the caller's to revoke."""
        self._managed(client_id, authorization)
        self.store.delete(client_id)
        self.clients.forget(client_id)
        logger.info("client_deleted", extra={"fields": {"client_id": client_id}})

    def _managed(self, client_id: str, authorization: str | None) -> Registration:
        """RFC 7592 section 2: whether the client or the token is unknown, the answer is the same."""
        presented = token_hash(_bearer(authorization))
        found = self.store.find(client_id) if client_id.startswith(PREFIX) else None
        if found is None or not same(presented, found.management_hash):
            raise _invalid_token()
        return found

    def _accepted(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        if "software_statement" in metadata:
            raise ProtocolError("unapproved_software_statement", "Software statements are not accepted")
        try:
            return self.reader.accepted(metadata)
        except UnfitMetadata as fault:
            error = "invalid_redirect_uri" if fault.keys == ("redirect_uris",) else "invalid_client_metadata"
            raise ProtocolError(error, f"Not accepted: {fault}") from None

    def _information(self, registration: Registration, management: str, secret: str = "") -> dict[str, Any]:
        answer = {
            **registration.metadata,
            "client_id": registration.client_id,
            "client_id_issued_at": int(registration.created_at.timestamp()),
            "registration_access_token": management,
            "registration_client_uri": f"{self.issuer}{REGISTRATION_PATH}/{registration.client_id}",
        }
        return answer | {"client_secret": secret, "client_secret_expires_at": 0} if secret else answer


def _read(body: bytes) -> dict[str, Any]:
    try:
        metadata = json.loads(body) if len(body) <= _LARGEST else None
        # Half of a surrogate pair is JSON, but nothing that a database or a page can carry; nor is NaN.
        json.dumps(metadata, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        metadata = None
    if not isinstance(metadata, dict):
        raise ProtocolError("invalid_client_metadata", "The body must be a JSON object")
    return metadata


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        raise _unauthorized("An access token is needed", _REALM)
    if not 0 < len(token) <= _LONGEST_TOKEN:
        raise _invalid_token()
    return token


def _invalid_token() -> ProtocolError:
    return _unauthorized("The access token is not valid", f'{_REALM}, error="invalid_token"')


def _unauthorized(description: str, challenge: str) -> ProtocolError:
    """RFC 6750 section 3.1: the challenge has no error code where nothing was presented."""
    return ProtocolError("invalid_token", description, status=401, headers={"WWW-Authenticate": challenge})


def _is_secret_of(registration: Registration, secret: Any) -> bool:
    verifiers = (registration.client_secret,) if registration.client_secret else ()
    return isinstance(secret, str) and verify_secret(secret, verifiers)
