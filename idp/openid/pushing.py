"""The pushed authorization request endpoint (RFC 9126): all checks of the request before the browser is involved."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from idp.domain.authorization import AuthorizationRequest
from idp.domain.errors import ProtocolError, Refusal
from idp.domain.keyed import random_token, token_hash
from idp.domain.pushed_requests import LIFETIME, PushedRequest
from idp.openid.client_authentication import ClientAuthentication
from idp.openid.dpop import DPoP, Proofs, invalid_proof
from idp.openid.parameters import LARGEST_REQUEST, Pairs, given, is_sane, single_form
from idp.openid.request_sources import PUSHED_PREFIX, PushedRequests, RequestSources, Source

_OF_THE_CLIENT = frozenset({"client_secret", "client_assertion", "client_assertion_type"})

ReadRequest = Callable[[Source], AuthorizationRequest]


class PushingEndpoint:
    """A good authorization request in, a handle for the browser out. url: its own address."""

    def __init__(
        self,
        url: str,
        authenticate: ClientAuthentication,
        dpop: DPoP,
        sources: RequestSources,
        read_request: ReadRequest,
        pushed: PushedRequests,
    ) -> None:
        self._url = url
        self._authenticate = authenticate
        self._dpop = dpop
        self._sources = sources
        self._read_request = read_request
        self._pushed = pushed

    def answer(self, form: Pairs, authorization: str | None, proofs: Proofs = (), *, now: datetime) -> dict[str, Any]:
        """``request_uri`` and ``expires_in`` (RFC 9126 section 2.2); raises ``ProtocolError``.

        proofs: the DPoP headers; their key is the only one that the code can be used with.
        """
        parameters = single_form(form)
        client = self._authenticate(parameters, authorization, now)
        if "request_uri" in parameters:
            raise ProtocolError("invalid_request", "A pushed request has no request_uri")
        pairs = [(name, value) for name, value in form if name not in _OF_THE_CLIENT and name != "client_id"]
        pairs.append(("client_id", client.client_id))
        if not is_sane(pairs, largest=LARGEST_REQUEST):
            raise ProtocolError("invalid_request", "The request is too large", status=413)
        source = replace(self._sources.resolve(pairs, now=now), is_pushed=True)
        if proofs:
            source = self._bound(source, self._dpop.thumbprint(proofs, "POST", self._url, now=now))
        self._check(source)
        handle = random_token()
        self._pushed.add(
            PushedRequest(
                handle_hash=token_hash(handle),
                client_id=client.client_id,
                parameters=tuple(source.pairs),
                is_signed=source.is_signed,
                expires_at=now + LIFETIME,
            )
        )
        return {"request_uri": PUSHED_PREFIX + handle, "expires_in": int(LIFETIME.total_seconds())}

    def _bound(self, source: Source, jkt: str) -> Source:
        """RFC 9449 section 10.1: the proof does what ``dpop_jkt`` does, and must not contradict it."""
        named = given(source.pairs).get("dpop_jkt")
        if named not in (None, jkt):
            raise invalid_proof("dpop_jkt names another key")
        return source if named else replace(source, pairs=[*source.pairs, ("dpop_jkt", jkt)])

    def _check(self, source: Source) -> None:
        """RFC 9126 section 2.3: what would be told at the redirect_uri, or on a page, is told here."""
        try:
            self._read_request(source)
        except ProtocolError as error:
            raise ProtocolError(error.error, error.description) from None
        except Refusal as refusal:
            raise ProtocolError("invalid_request", "The client or its redirect_uri is not registered") from refusal
