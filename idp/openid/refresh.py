"""Refresh tokens (RFC 6749 section 6): each use replaces the token, and an old one that comes back ends the family.

A reply may get lost. For a short time the same old token gives its client the same successor again, as long as nobody
has used that successor. The successor is derived from the secret key and the old token, so that it can be told twice
although only hashes are stored, and nobody without the old token can work it out.

Whether the account may still be used is not asked here, which would cost every refresh one more read: whoever closes or
disables it revokes its grants, and plans before that it does (``storage.sweeps``), so that it is done within about a
minute even by a process that is killed in between. Where an ID token tells something of the account it is read anyway,
and a closed one refused.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from idp.domain.errors import ProtocolError
from idp.domain.grants import Lifetimes, RefreshState, Rotation
from idp.domain.keyed import SecretKey, random_token, same, token_hash
from idp.domain.references import go_on_under
from idp.openid.access_token import AccessTokenKind
from idp.openid.grant_state import Issue, RefreshAgain, RefreshDone, RefreshExchange, TakenTwice, invalid_grant
from idp.openid.grants import Grants
from idp.openid.issuing import Issuing, TokenCall


@dataclass(frozen=True)
class RefreshGrant:
    """The grant type ``refresh_token``."""

    issuing: Issuing
    grants: Grants
    lifetimes: Lifetimes
    secret: SecretKey

    def answer(self, call: TokenCall) -> dict[str, Any]:
        """The token response; raises ``ProtocolError``."""
        token = call.required("refresh_token")
        if not call.client.may_refresh:
            raise invalid_grant("The client may not have offline_access any more")
        return self._at_once(token, call) or self._step_by_step(token, call)

    def _at_once(self, token: str, call: TokenCall) -> dict[str, Any] | None:
        """The plain case in one write, whose conditions are those of ``_state``; None: look closer."""
        client, asks_nothing_more = call.client, call.jkt is None and not call.resources and "scope" not in call.form
        # Signed access tokens and encryption may turn out impossible with what the client registered; that must be
        # found before the token is used up.
        is_simple = client.access_token_format == "opaque" and not client.id_token_encrypted_response_alg
        if not (asks_nothing_more and is_simple):
            return None
        grant_id, lifetimes = token.partition(".")[0], self.lifetimes
        access_token, successor = random_token(), self._successor(grant_id, token)
        grant = self.grants.rotate_at_once(
            grant_id,
            client.client_id,
            Rotation(token_hash(token), token_hash(successor), call.now + lifetimes.refresh_idle),
            token_hash(access_token),
            call.now + lifetimes.access_token,
            now=call.now,
        )
        if grant is None:
            return None
        go_on_under(grant.reference)
        done = RefreshDone(
            grant=grant,
            client=client,
            now=call.now,
            store=self.grants,
            lifetimes=lifetimes,
            scope=grant.scope,
            kind=AccessTokenKind(),
            live_hash=token_hash(token),
            successor=successor,
            access_token=access_token,
        )
        return self._response(done, call)

    def _step_by_step(self, token: str, call: TokenCall) -> dict[str, Any]:
        state = self._state(token, call)
        scope = _scope(state, call)
        try:
            return self._issue(state, token, scope, call)
        except TakenTwice:
            # Another request of the same client was first: its reply may be the lost one.
            state = self._state(token, call)
        try:
            return self._issue(state, token, scope, call)
        except TakenTwice:
            self.issuing.end_family(state.grant, "used_at_the_same_time")
            raise invalid_grant("The refresh token was used before") from None

    def _state(self, token: str, call: TokenCall) -> RefreshState:
        """The grant's chain, where this token is its live one or the one before within the grace."""
        state = self.grants.refresh_state(token.partition(".")[0])
        if state is None or state.grant.client_id != call.client.client_id:
            raise invalid_grant("The refresh token is unknown")
        go_on_under(state.grant.reference)
        if not same(state.hash, token_hash(token)) and not self._is_lost_reply(state, token, call.now):
            # RFC 9700 section 4.14.2: the token names this grant, so it was its live token once. Two parties have used
            # it, and one of them is a thief.
            self.issuing.end_family(state.grant, "refresh_token_reused")
            raise invalid_grant("The refresh token was used before")
        if state.expires_at <= call.now:
            # Refused once is refused for good, even by a clock that goes back.
            self.issuing.end_family(state.grant, "refresh_token_expired")
            raise invalid_grant("The refresh token has expired")
        if state.jkt is not None and state.jkt != call.jkt:
            # RFC 9449 section 5.
            raise invalid_grant("The refresh token is bound to another key")
        return state

    def _is_lost_reply(self, state: RefreshState, token: str, now: datetime) -> bool:
        if state.previous_hash is None or state.rotated_at is None:
            return False
        return same(state.previous_hash, token_hash(token)) and now < state.rotated_at + self.lifetimes.refresh_grace

    def _issue(self, state: RefreshState, token: str, scope: tuple[str, ...], call: TokenCall) -> dict[str, Any]:
        kind = RefreshExchange if same(state.hash, token_hash(token)) else RefreshAgain
        exchange: Issue = kind(
            grant=state.grant,
            client=call.client,
            now=call.now,
            store=self.grants,
            lifetimes=self.lifetimes,
            scope=scope,
            kind=self.issuing.kind(call, state.grant),
            live_hash=state.hash,
            successor=self._successor(state.grant.id, token),
        )
        return self._response(exchange, call)

    def _response(self, exchange: Issue, call: TokenCall) -> dict[str, Any]:
        response = self.issuing.issue(exchange, call.form)
        if "openid" in exchange.scope:
            response["id_token"] = self.issuing.id_token(exchange, response["access_token"])
        return response

    def _successor(self, grant_id: str, token: str) -> str:
        return f"{grant_id}.{self.secret.token('refresh token', grant_id, token)}"


def _scope(state: RefreshState, call: TokenCall) -> tuple[str, ...]:
    """RFC 6749 section 6: what was granted, or less."""
    asked = tuple(call.form["scope"].split()) if "scope" in call.form else state.grant.scope
    if not asked or not set(asked) <= set(state.grant.scope):
        raise ProtocolError("invalid_scope", "The scope exceeds what was granted")
    return asked
