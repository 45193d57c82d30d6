"""The token endpoint (RFC 6749 section 3.2): every check before pyop issues anything, in order."""

import hashlib
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from idp.domain.clients import Client
from idp.domain.errors import ProtocolError
from idp.domain.grants import Grant, Lifetimes, RefreshState
from idp.domain.keyed import same, token_hash
from idp.openid.client_authentication import ClientLookup, authenticate_client
from idp.openid.core import AccountGone, ClaimsOf, Core, pyop_errors_translated
from idp.openid.grant_state import (
    CodeExchange,
    Issue,
    RefreshExchange,
    TakenTwice,
    invalid_grant,
    new_refresh_token,
)
from idp.openid.grants import GrantStore
from idp.openid.keys import base64url
from idp.openid.parameters import Pairs, single_form

log = logging.getLogger(__name__)

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True)
class CodeUse:
    """A code that exists, and what is presented with it."""

    grant: Grant
    form: Mapping[str, str]
    now: datetime


def redirect_uri_is_the_same(use: CodeUse) -> None:
    """RFC 6749 section 4.1.3; every authorization request of ours had one."""
    if use.form.get("redirect_uri") != use.grant.redirect_uri:
        raise invalid_grant("redirect_uri differs from the authorization request")


def code_verifier_fits(use: CodeUse) -> None:
    """RFC 7636 sections 4.1 and 4.6; RFC 9700 section 4.8.2: no verifier without a challenge either."""
    verifier, challenge = use.form.get("code_verifier"), use.grant.code_challenge
    if verifier is None and challenge is None:
        return
    if verifier is None or challenge is None or not _VERIFIER.fullmatch(verifier):
        raise invalid_grant("code_verifier does not fit the authorization request")
    if not same(base64url(hashlib.sha256(verifier.encode("ascii")).digest()), challenge):
        raise invalid_grant("code_verifier does not fit the authorization request")


def code_is_fresh(use: CodeUse) -> None:
    """RFC 6749 section 4.1.2."""
    if use.grant.code_expires_at <= use.now:
        raise invalid_grant("The code has expired")


# None of them uses the code up: whoever merely saw it cannot take it from its client.
CODE_CHECKS: tuple[Callable[[CodeUse], None], ...] = (code_is_fresh, redirect_uri_is_the_same, code_verifier_fits)


class TokenEndpoint:
    """Codes and refresh tokens in, tokens out."""

    def __init__(
        self, core: Core, grants: GrantStore, find_client: ClientLookup, claims_of: ClaimsOf, lifetimes: Lifetimes
    ) -> None:
        self._core = core
        self._grants = grants
        self._find_client = find_client
        self._claims_of = claims_of
        self._lifetimes = lifetimes

    def answer(self, pairs: Pairs, authorization: str | None, *, now: datetime) -> dict[str, Any]:
        """The token response (RFC 6749 section 5.1); raises ``ProtocolError``."""
        form = single_form(pairs)
        client = authenticate_client(form, authorization, self._find_client)
        grant_type = form.get("grant_type")
        if grant_type is None:
            raise ProtocolError("invalid_request", "grant_type is missing")
        handle = {"authorization_code": self._exchange_code, "refresh_token": self._refresh}.get(grant_type)
        if handle is None:
            raise ProtocolError("unsupported_grant_type", "This grant_type is not supported")
        if grant_type not in client.grant_types:
            raise ProtocolError("unauthorized_client", "The client is not registered for this grant_type")
        return handle(form, client, now)

    def _exchange_code(self, form: Mapping[str, str], client: Client, now: datetime) -> dict[str, Any]:
        grant = self._grant_of_code(form, client)
        use = CodeUse(grant, form, now)
        for check in CODE_CHECKS:
            check(use)
        wants_refresh = "offline_access" in grant.scope and "refresh_token" in client.grant_types
        exchange = CodeExchange(
            grant=grant,
            client=client,
            now=now,
            store=self._grants,
            lifetimes=self._lifetimes,
            scope=grant.scope,
            refresh_token=new_refresh_token(grant) if wants_refresh else None,
        )
        return self._issue(exchange, form)

    def _grant_of_code(self, form: Mapping[str, str], client: Client) -> Grant:
        code = form.get("code")
        if code is None:
            raise ProtocolError("invalid_request", "code is missing")
        grant = self._grants.by_code(token_hash(code))
        if grant is None or grant.client_id != client.client_id:
            raise invalid_grant("The code is unknown")
        if grant.code_used_at is not None:
            self._end_family(grant, "authorization_code_reused")
            raise invalid_grant("The code was used before")
        return grant

    def _refresh(self, form: Mapping[str, str], client: Client, now: datetime) -> dict[str, Any]:
        state = self._live_refresh_token(form, client, now)
        asked = tuple(form["scope"].split()) if "scope" in form else state.grant.scope
        if not asked or not set(asked) <= set(state.grant.scope):
            raise ProtocolError("invalid_scope", "The scope exceeds what was granted")
        if self._claims_of(state.grant.account_id) is None:
            self._end_family(state.grant, "refresh_of_closed_account")
            raise invalid_grant("The account is closed")
        exchange = RefreshExchange(
            grant=state.grant,
            client=client,
            now=now,
            store=self._grants,
            lifetimes=self._lifetimes,
            scope=asked,
            old_hash=state.hash,
        )
        return self._issue(exchange, form)

    def _live_refresh_token(self, form: Mapping[str, str], client: Client, now: datetime) -> RefreshState:
        token = form.get("refresh_token")
        if token is None:
            raise ProtocolError("invalid_request", "refresh_token is missing")
        state = self._grants.refresh_state(token.partition(".")[0])
        if state is None or state.grant.client_id != client.client_id:
            raise invalid_grant("The refresh token is unknown")
        if not same(state.hash, token_hash(token)):
            # RFC 9700 section 4.14.2: it names the grant, so it is an old one, and one of its two users is a thief.
            self._end_family(state.grant, "refresh_token_reused")
            raise invalid_grant("The refresh token was used before")
        if state.expires_at <= now:
            raise invalid_grant("The refresh token has expired")
        return state

    def _issue(self, exchange: Issue, form: Mapping[str, str]) -> dict[str, Any]:
        request = {**form, "client_id": exchange.client.client_id}
        try:
            with pyop_errors_translated():
                response = self._core.bound(exchange).handle_token_request(
                    request, extra_id_token_claims=_sign_in_claims(exchange.grant)
                )
        except TakenTwice:
            self._end_family(exchange.grant, "used_at_the_same_time")
            raise invalid_grant("It was used before") from None
        except AccountGone:
            raise invalid_grant("The account is closed") from None
        return {**response.to_dict(), "scope": " ".join(exchange.scope)}

    def _end_family(self, grant: Grant, event: str) -> None:
        log.warning(event, extra={"fields": {"grant": grant.id, "client_id": grant.client_id}})
        self._grants.revoke(grant.id)


def _sign_in_claims(grant: Grant) -> dict[str, Any]:
    """OpenID Connect Core section 2 and RP-Initiated Logout: what the real sign-in was."""
    sign_in = grant.sign_in
    return {
        "auth_time": int(sign_in.at.timestamp()),
        "acr": sign_in.acr,
        "amr": list(sign_in.methods),
        "sid": sign_in.sid,
    }
