"""Access tokens beyond their scope: for which resources, bound to which key, opaque or signed (RFC 9068)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from idp.domain.clients import Client
from idp.domain.errors import ProtocolError
from idp.domain.grants import Grant
from idp.domain.keyed import random_id, random_token
from idp.openid.keys import ALGORITHM, KeyStore
from idp.openid.signing import sign_jwt

_TYPE = "at+jwt"


class AccessTokenSigner:
    """Signs access tokens that a resource server can read by itself (RFC 9068 section 2)."""

    def __init__(self, issuer: str, keys: KeyStore) -> None:
        self._issuer = issuer
        self._keys = keys

    def sign(self, claims: Mapping[str, Any]) -> str:
        """The claims with our ``iss`` and a fresh ``jti``, as a compact JWS."""
        return sign_jwt({**claims, "iss": self._issuer, "jti": random_id()}, self._keys.signing(ALGORITHM), _TYPE)


@dataclass(frozen=True, slots=True)
class AccessTokenKind:
    """What kind of access token a request gives.

    resources: where it may be used (RFC 8707); empty: here alone. jkt: thumbprint of the key that it is bound to
    (RFC 9449), None for a bearer token. signer: signs it; None for an opaque one.
    """

    resources: tuple[str, ...] = ()
    jkt: str | None = None
    signer: AccessTokenSigner | None = None

    @property
    def token_type(self) -> str:
        """RFC 6749 section 7.1, RFC 9449 section 5."""
        return "DPoP" if self.jkt else "Bearer"

    def mint(self, grant: Grant, scope: tuple[str, ...], now: datetime, expires_at: datetime) -> str:
        """A new token; it is stored as a hash either way, so that it can be revoked."""
        if self.signer is None:
            return random_token()
        claims = {
            "sub": grant.subject,
            "aud": one_or_many(self.resources),
            "client_id": grant.client_id,
            "scope": " ".join(scope),
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
            "auth_time": int(grant.sign_in.proven_at.timestamp()),
            "acr": grant.sign_in.acr,
        }
        return self.signer.sign(claims | confirmation(self.jkt))


class AccessTokenKinds:
    """Decides the kind from the client's registration, the grant and the request."""

    def __init__(self, signer: AccessTokenSigner) -> None:
        self._signer = signer

    def choose(self, client: Client, grant: Grant, asked: tuple[str, ...], jkt: str | None) -> AccessTokenKind:
        """asked: the resources of the token request, none: those of the grant. ``invalid_target`` (RFC 8707)."""
        resources = asked or grant.resources
        if fault := resource_fault(client, resources):
            raise ProtocolError("invalid_target", fault)
        if grant.resources and not set(resources) <= set(grant.resources):
            raise ProtocolError("invalid_target", "The resource was not part of the authorization request")
        is_signed = bool(resources) and client.access_token_format == "jwt"
        return AccessTokenKind(resources, jkt, self._signer if is_signed else None)


def resource_fault(client: Client, resources: tuple[str, ...]) -> str | None:
    """Why this client may not ask for these resources, None where it may (RFC 8707 section 2)."""
    return None if set(resources) <= set(client.resources) else "The resource is unknown or not for this client"


def confirmation(jkt: str | None) -> dict[str, Any]:
    """The key that a token is bound to, as it stands in tokens and introspection (RFC 9449 section 6)."""
    return {"cnf": {"jkt": jkt}} if jkt else {}


def one_or_many(values: tuple[str, ...]) -> str | list[str]:
    """An audience (RFC 7519 section 4.1.3)."""
    return values[0] if len(values) == 1 else list(values)
