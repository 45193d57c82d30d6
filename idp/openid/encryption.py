"""Encrypting what a client receives, for its own key (OpenID Connect Core section 10.2): first signed, then encrypted.

What may be registered is announced in discovery; the client's key comes from its ``jwks`` or ``jwks_uri``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwe
from joserfc.errors import JoseError

from idp.domain.clients import Client
from idp.domain.errors import ProtocolError
from idp.openid.client_keys import ClientKeys

# Dynamic Client Registration section 2 names the default; the other is what newer libraries prefer.
DEFAULT_CONTENT_ALGORITHM = "A128CBC-HS256"
CONTENT_ALGORITHMS = (DEFAULT_CONTENT_ALGORITHM, "A256GCM")


class NoRecipient(ProtocolError):
    """The client registered for encryption and has no key that it could be done with."""

    def __init__(self) -> None:
        super().__init__("invalid_request", "The client has no key to encrypt for")


@dataclass(frozen=True, slots=True)
class Encryption:
    """Each method raises ``NoRecipient``; for clients that did not ask for encryption nothing changes."""

    keys: ClientKeys

    def check_id_token(self, client: Client) -> None:
        """Whether an ID token could be made: asked before a code or refresh token is used up for it."""
        if client.id_token_encrypted_response_alg:
            self._recipient(client, client.id_token_encrypted_response_alg)

    def id_token(self, signed: str, client: Client) -> str:
        """The signed ID token as this client receives it."""
        algorithm = client.id_token_encrypted_response_alg
        if not algorithm:
            return signed
        return self._encrypted(signed.encode(), client, algorithm, client.id_token_encrypted_response_enc, cty="JWT")

    def userinfo(self, claims: Mapping[str, Any], signed: str | None, client: Client) -> str | None:
        """The userinfo response as a JWT, None where this client receives plain JSON (Core section 5.3.2)."""
        algorithm = client.userinfo_encrypted_response_alg
        if not algorithm:
            return signed
        method = client.userinfo_encrypted_response_enc
        if signed is None:
            return self._encrypted(json.dumps(claims).encode(), client, algorithm, method)
        return self._encrypted(signed.encode(), client, algorithm, method, cty="JWT")

    def _encrypted(self, content: bytes, client: Client, algorithm: str, method: str, **header: str) -> str:
        key = self._recipient(client, algorithm)
        protected = {"alg": algorithm, "enc": method or DEFAULT_CONTENT_ALGORITHM, **header}
        if key.kid:
            protected["kid"] = key.kid
        try:
            return jwe.encrypt_compact(protected, content, key, algorithms=[algorithm, protected["enc"]])
        except (JoseError, ValueError) as error:
            # E.g. a key whose key_ops do not hold this use.
            raise NoRecipient from error

    def _recipient(self, client: Client, algorithm: str) -> Any:
        key = self.keys.recipient(client, algorithm)
        if key is None:
            raise NoRecipient
        return key
