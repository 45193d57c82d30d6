"""The token endpoint (RFC 6749 section 3.2): who calls, for which grant type, and may that client use it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from idp.domain.clients import Client
from idp.domain.errors import ProtocolError
from idp.openid.client_authentication import ClientAuthentication
from idp.openid.dpop import DPoP, Proofs, invalid_proof
from idp.openid.issuing import TokenCall
from idp.openid.parameters import Pairs, every, single_form

GrantHandler = Callable[[TokenCall], dict[str, Any]]


class TokenEndpoint:
    """Codes and refresh tokens in, tokens out. url: its own address; handlers: by grant type."""

    def __init__(
        self, url: str, authenticate: ClientAuthentication, dpop: DPoP, handlers: Mapping[str, GrantHandler]
    ) -> None:
        self._url = url
        self._authenticate = authenticate
        self._dpop = dpop
        self._handlers = handlers

    def answer(self, pairs: Pairs, authorization: str | None, proofs: Proofs = (), *, now: datetime) -> dict[str, Any]:
        """The token response (RFC 6749 section 5.1); raises ``ProtocolError``. proofs: the DPoP headers."""
        form = single_form(pairs)
        client = self._authenticate(form, authorization, now)
        grant_type = form.get("grant_type")
        if grant_type is None:
            raise ProtocolError("invalid_request", "grant_type is missing")
        handle = self._handlers.get(grant_type)
        if handle is None:
            raise ProtocolError("unsupported_grant_type", "This grant_type is not supported")
        if grant_type not in client.grant_types:
            raise ProtocolError("unauthorized_client", "The client is not registered for this grant_type")
        return handle(TokenCall(form, client, now, every(pairs, "resource"), self._jkt(client, proofs, now)))

    def _jkt(self, client: Client, proofs: Proofs, now: datetime) -> str | None:
        """The key that the caller holds, None for bearer tokens (RFC 9449 section 5)."""
        if proofs:
            return self._dpop.thumbprint(proofs, "POST", self._url, now=now)
        if client.dpop_bound_access_tokens:
            raise invalid_proof("The client is registered for tokens that are bound to a key")
        return None
