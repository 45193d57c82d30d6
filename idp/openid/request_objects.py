"""Signed request objects (RFC 9101, OpenID Connect Core section 6): the parameters that a client signed."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from idp.domain.client_slots import ClientSlots
from idp.domain.clients import Client
from idp.domain.errors import NotFetched, ProtocolError
from idp.openid.client_keys import ClientKeys
from idp.openid.parameters import UNDERSTOOD, Pairs, is_sane
from idp.openid.signed_statement import InvalidJwt, end, unverified, verify

# RFC 9101 section 10.8: a statement made for another purpose has another type. Many libraries write plain JWT.
_TYPES = frozenset({"oauth-authz-req+jwt", "jwt", ""})
# Parameters whose text is JSON, which a request object holds as it is (Core sections 6.1 and 7.2.1).
_OBJECTS = frozenset({"claims", "registration"})
_LONGEST_LIFE = timedelta(hours=1)
# Of one client, in each process: anybody may have its address read, and where that is slow, it holds a thread.
AT_ONCE = 4


class RequestObjects:
    """Verifies request objects. fetch: the bytes at an https address, or ``NotFetched``."""

    def __init__(self, issuer: str, keys: ClientKeys, fetch: Callable[[str], bytes]) -> None:
        self._issuer = issuer
        self._keys = keys
        self._fetch = fetch
        self._slots = ClientSlots(AT_ONCE)

    def by_reference(self, uri: str, client: Client, *, now: datetime) -> Pairs:
        """The parameters at an address that the client registered; raises ``ProtocolError``."""
        # Comparing first: nothing is fetched for whoever writes an address into a link (Core section 6.2, CWE-918).
        # A fragment only tells of which version the client speaks; it is read anew each time.
        address = uri.partition("#")[0]
        if address not in {registered.partition("#")[0] for registered in client.request_uris}:
            raise ProtocolError("invalid_request_uri", "The request_uri is not registered")
        return self.by_value(self._read(address, client), client, now=now, must_end=False)

    def _read(self, address: str, client: Client) -> str:
        if not self._slots.take(client.client_id):
            raise ProtocolError("temporarily_unavailable", "The client's request_uri is too slow")
        try:
            return self._fetch(address).decode("ascii").strip()
        except (NotFetched, UnicodeDecodeError) as error:
            raise ProtocolError("invalid_request_uri", "The request_uri cannot be read") from error
        finally:
            self._slots.give_back(client.client_id)

    def by_value(self, statement: str, client: Client, *, now: datetime, must_end: bool = True) -> Pairs:
        """The parameters in a request object of this client; raises ``ProtocolError`` (``invalid_request_object``).

        must_end: whether it needs ``exp``, which neither Core section 6.1 nor RFC 9101 section 4 asks for. Who found an
        object in an address could send it for ever; what lies at the client's own address ends when it takes it away.
        """
        try:
            header, claims = unverified(statement)
            if client.request_object_signing_alg not in ("", header["alg"]):
                raise InvalidJwt
            if str(header.get("typ", "")).lower().removeprefix("application/") not in _TYPES:
                raise InvalidJwt
            verify(statement, self._keys.find(client, header))
            self._check(claims, client, now, must_end=must_end)
            pairs = [pair for name, value in claims.items() for pair in _pairs(name, value)]
        except InvalidJwt:
            raise _invalid() from None
        if not is_sane(pairs):
            raise _invalid()
        return pairs

    def _check(self, claims: Mapping[str, Any], client: Client, now: datetime, *, must_end: bool) -> None:
        audience = claims.get("aud")
        if claims.get("iss") != client.client_id or claims.get("client_id") != client.client_id:
            raise InvalidJwt
        if self._issuer not in (audience if isinstance(audience, list) else [audience]):
            raise InvalidJwt
        # A client assertion names its client as subject; it must not do service as a request (RFC 9101 section 10.8).
        if "sub" in claims or "request" in claims or "request_uri" in claims:
            raise InvalidJwt
        expires = end(claims, beginnings=("nbf",), longest=_LONGEST_LIFE, now=now)
        if must_end and expires is None:
            raise InvalidJwt


def _pairs(name: str, value: Any) -> list[tuple[str, str]]:
    """A member of the object as request parameters (RFC 9101 section 4: texts, numbers, and a few as objects)."""
    if name not in UNDERSTOOD:
        # Those of the token itself, and of extensions, in whatever form.
        return []
    if name == "resource" and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [(name, item) for item in value]
    if isinstance(value, str):
        return [(name, value)]
    if isinstance(value, int) and not isinstance(value, bool):
        return [(name, str(value))]
    if isinstance(value, dict) and name in _OBJECTS:
        return [(name, json.dumps(value))]
    raise InvalidJwt


def _invalid() -> ProtocolError:
    return ProtocolError("invalid_request_object", "The request object is not a valid one of this client")
