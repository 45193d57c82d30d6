"""``private_key_jwt``: a client proves itself with a statement signed by its own key (RFC 7523, Core section 9)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from idp.domain.clients import Client
from idp.domain.keyed import token_hash
from idp.openid.client_keys import ClientKeys
from idp.openid.signed_statement import LONGEST_JTI, InvalidJwt, end, unverified, verify

METHOD = "private_key_jwt"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

# The lifetimes that libraries choose by default reach from one minute to an hour (pyoidc ten minutes, Authlib the
# hour). RFC 7523 section 3 leaves the limit to us, and each assertion counts once, however long it lives.
_LONGEST_LIFE = timedelta(hours=1)


class UsedOnce(Protocol):
    """Remembers what counts once; ``app`` hands one in."""

    def use(self, key: str, *, until: datetime) -> bool:
        """Whether this is the first use; may raise ``ServiceUnavailable``."""


class ClientAssertions:
    """Verifies client assertions. audiences: the issuer and the addresses of our endpoints."""

    def __init__(self, audiences: frozenset[str], keys: ClientKeys, used: UsedOnce) -> None:
        self._audiences = audiences
        self._keys = keys
        self._used = used

    def verify(self, assertion: str, client: Client, *, now: datetime) -> None:
        """Returns where this client made the assertion for us, now, and uses it for the first time.

        Raises ``InvalidJwt``, or ``ServiceUnavailable`` where it is not known whether it was used before.
        """
        header, claims = unverified(assertion)
        if client.token_endpoint_auth_signing_alg not in ("", header["alg"]):
            raise InvalidJwt
        verify(assertion, self._keys.find(client, header))
        # RFC 7523 section 3: issuer and subject are the client itself.
        if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
            raise InvalidJwt
        if not _are_ours(claims.get("aud"), self._audiences):
            raise InvalidJwt
        until = _checked_times(claims, now)
        self._use(claims.get("jti"), client, until)

    def _use(self, jti: Any, client: Client, until: datetime) -> None:
        """Last, so that nothing is stored for a statement that fails for another reason."""
        if not isinstance(jti, str) or not 1 <= len(jti) <= LONGEST_JTI:
            raise InvalidJwt
        if not self._used.use(token_hash(f"client assertion\0{client.client_id}\0{jti}"), until=until):
            raise InvalidJwt


def claimed_client_id(assertion: str) -> str:
    """Who the assertion says it is from, not verified; ``InvalidJwt``."""
    _, claims = unverified(assertion)
    if not isinstance(claims.get("sub"), str):
        raise InvalidJwt
    return str(claims["sub"])


def _are_ours(audience: Any, ours: frozenset[str]) -> bool:
    """Every audience is ours: an assertion that is good elsewhere could have been taken from there."""
    values = audience if isinstance(audience, list) else [audience]
    return bool(values) and all(isinstance(value, str) and value in ours for value in values)


def _checked_times(claims: Mapping[str, Any], now: datetime) -> datetime:
    """When the assertion ends; it must not have ended, nor last longer than an hour."""
    expires = end(claims, beginnings=("nbf", "iat"), longest=_LONGEST_LIFE, now=now)
    if expires is None:
        raise InvalidJwt
    return datetime.fromtimestamp(expires, UTC)
