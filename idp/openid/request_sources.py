"""Where the parameters of an authorization request stand: in the address, in a signed object, or pushed before."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from idp.domain.clients import Client
from idp.domain.errors import ProtocolError
from idp.domain.keyed import token_hash
from idp.domain.pushed_requests import PushedRequest
from idp.openid.client_authentication import ClientLookup
from idp.openid.parameters import Pairs, given, is_sane, repeated
from idp.openid.request_objects import RequestObjects

PUSHED_PREFIX = "urn:ietf:params:oauth:request_uri:"


class PushedRequests(Protocol):
    """Keeps pushed requests; ``app`` hands one in. Every method may raise ``ServiceUnavailable``."""

    def add(self, pushed: PushedRequest) -> None:
        """Keep the request."""

    def take(self, handle_hash: str, client_id: str, *, now: datetime) -> PushedRequest | None:
        """Remove and return this client's live request: of two uses of one handle one is given."""


@dataclass(frozen=True, slots=True)
class Source:
    """The parameters that count, and how they came."""

    pairs: Pairs
    is_pushed: bool = False
    is_signed: bool = False


class RequestSources:
    """Finds the parameters that count; those that stand beside them are not looked at (RFC 9101 section 6.3)."""

    def __init__(self, find_client: ClientLookup, objects: RequestObjects, pushed: PushedRequests) -> None:
        self._find_client = find_client
        self._objects = objects
        self._pushed = pushed

    def resolve(self, pairs: Pairs, *, now: datetime) -> Source:
        """The parameters behind ``request`` or ``request_uri``, else these themselves; raises ``ProtocolError``."""
        parameters = given(pairs) if is_sane(pairs) else {}
        request, request_uri = parameters.get("request"), parameters.get("request_uri")
        client = self._find_client(parameters.get("client_id", "")) if request or request_uri else None
        if client is None:
            return Source(pairs)
        if repeated(pairs) & {"client_id", "request", "request_uri"} or (request and request_uri):
            raise ProtocolError("invalid_request", "Only one of request and request_uri may stand, once")
        if request:
            if not (client.jwks or client.jwks_uri):
                raise ProtocolError("request_not_supported", "The client has no registered key to sign requests with")
            return Source(self._objects.by_value(request, client, now=now), is_signed=True)
        return self._by_reference(request_uri or "", client, now)

    def _by_reference(self, request_uri: str, client: Client, now: datetime) -> Source:
        if not request_uri.startswith(PUSHED_PREFIX):
            if not client.request_uris:
                raise ProtocolError("request_uri_not_supported", "The client has no registered request_uri")
            return Source(self._objects.by_reference(request_uri, client, now=now), is_signed=True)
        handle = request_uri.removeprefix(PUSHED_PREFIX)
        pushed = self._pushed.take(token_hash(handle), client.client_id, now=now)
        if pushed is None:
            # RFC 9126 section 4: unknown, used, expired or of another client; which of them is nobody's business.
            raise ProtocolError("invalid_request_uri", "The request_uri is not valid any more")
        return Source(pushed.parameters, is_pushed=True, is_signed=pushed.is_signed)
