"""What pyop takes for its store of codes and tokens: one grant, for one request, with our rules.

pyop calls a handful of methods of its ``AuthorizationState``, by name; each class here has those that one kind of
request needs. Every token is written in the same atomic update that uses up what it was bought with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pyop.access_token import AccessToken as PyopAccessToken

from idp.domain.clients import Client
from idp.domain.errors import ProtocolError
from idp.domain.grants import AccessToken, Grant, IssuedToken, Lifetimes
from idp.domain.keyed import random_token, token_hash
from idp.openid.access_token import AccessTokenKind
from idp.openid.grants import Grants
from idp.openid.release import releasable


class TakenTwice(Exception):
    """What may be used once was used again, or by two at the same time."""


@dataclass(frozen=True)
class GrantState:
    """What every kind of request knows: the grant, the client as it is registered now, and the time."""

    grant: Grant
    client: Client
    now: datetime

    @property
    def subject(self) -> str:
        return self.grant.subject

    @property
    def releasable(self) -> frozenset[str]:
        """Claims that this client may receive at all."""
        return releasable(self.client)

    def get_user_id_for_subject_identifier(self, subject_identifier: str) -> str:
        return self.grant.account_id


@dataclass(frozen=True)
class NewGrant(GrantState):
    """The authorization endpoint: hands out a code, an access token, or both (Core sections 3.1 to 3.3)."""

    code: str
    access_token: str
    lifetimes: Lifetimes
    scope: tuple[str, ...]
    kind: AccessTokenKind

    @property
    def access(self) -> IssuedToken:
        """The access token as it is stored."""
        expires_at = self.now + self.lifetimes.access_token
        return IssuedToken(token_hash(self.access_token), self.scope, expires_at, self.kind.resources)

    def create_authorization_code(self, authorization_request: Any, subject_identifier: str, **_unused: Any) -> str:
        return self.code

    def create_access_token(
        self, authorization_request: Any, subject_identifier: str, **_unused: Any
    ) -> PyopAccessToken:
        return PyopAccessToken(self.access_token, int(self.lifetimes.access_token.total_seconds()))


@dataclass(frozen=True)
class Issue(GrantState):
    """The token endpoint: mints an access token, and a refresh token where the grant allows one."""

    store: Grants
    lifetimes: Lifetimes
    scope: tuple[str, ...]
    kind: AccessTokenKind

    def _mint(self) -> str:
        scope, expires_at = self.client.still(self.scope), self.now + self.lifetimes.access_token
        return self.kind.mint(self.grant, scope, self.now, expires_at)

    def _access(self, value: str) -> IssuedToken:
        expires_at = self.now + self.lifetimes.access_token
        return IssuedToken(token_hash(value), self.scope, expires_at, self.kind.resources, self.kind.jkt)

    def _refresh(self, value: str) -> IssuedToken:
        expires_at = min(self.now + self.lifetimes.refresh_idle, self.grant.expires_at)
        # RFC 9449 section 5: a client with credentials of its own may change its key, one without is its key.
        jkt = self.kind.jkt if self.client.is_public else None
        return IssuedToken(token_hash(value), self.grant.scope, expires_at, jkt=jkt)

    def _for_pyop(self, value: str) -> PyopAccessToken:
        return PyopAccessToken(value, int(self.lifetimes.access_token.total_seconds()))


@dataclass(frozen=True)
class CodeExchange(Issue):
    """A code for tokens (RFC 6749 section 4.1.3)."""

    refresh_token: str | None = None

    def get_authorization_request_for_code(self, authorization_code: str) -> Mapping[str, Any]:
        return _authorization_request(self.grant)

    def get_subject_identifier_for_code(self, authorization_code: str) -> str:
        return self.grant.subject

    def exchange_code_for_token(self, authorization_code: str) -> PyopAccessToken:
        value = self._mint()
        refresh = self._refresh(self.refresh_token) if self.refresh_token else None
        if not self.store.take_code(self.grant, self._access(value), refresh, now=self.now):
            raise TakenTwice
        return self._for_pyop(value)

    def create_refresh_token(self, access_token_value: str) -> str | None:
        return self.refresh_token


@dataclass(frozen=True)
class RefreshExchange(Issue):
    """A refresh token for its successor and a new access token (RFC 6749 section 6, RFC 9700 section 4.14.2).

    live_hash: of the token that ends; successor: the one that takes its place.
    """

    live_hash: str
    successor: str

    def use_refresh_token(self, refresh_token: str, scope: Any = None) -> tuple[PyopAccessToken, str]:
        value = self._mint()
        tokens = self._access(value), self._refresh(self.successor)
        if not self.store.rotate_refresh(self.grant.id, self.live_hash, *tokens, now=self.now):
            raise TakenTwice
        return self._for_pyop(value), self.successor


@dataclass(frozen=True)
class RefreshDone(RefreshExchange):
    """The rotation is stored already: ``access_token`` and the successor."""

    access_token: str

    def use_refresh_token(self, refresh_token: str, scope: Any = None) -> tuple[PyopAccessToken, str]:
        return self._for_pyop(self.access_token), self.successor


@dataclass(frozen=True)
class RefreshAgain(RefreshExchange):
    """The reply to a rotation got lost: a new access token, and the successor that is live already."""

    def use_refresh_token(self, refresh_token: str, scope: Any = None) -> tuple[PyopAccessToken, str]:
        value = self._mint()
        is_live = token_hash(self.successor) == self.live_hash
        if not is_live or not self.store.add_access(self.grant.id, self.live_hash, self._access(value), now=self.now):
            raise TakenTwice
        return self._for_pyop(value), self.successor


@dataclass(frozen=True)
class AccessTokenUse(GrantState):
    """The userinfo endpoint: a live access token that was found by its hash."""

    token: AccessToken

    def introspect_access_token(self, access_token_value: str) -> dict[str, Any]:
        # A claim of a scope that the client may not have any more is kept back at its release (``releasable``).
        return {"active": True, "scope": " ".join(self.token.scope), "sub": self.grant.subject}

    def get_authorization_request_for_access_token(self, access_token_value: str) -> Mapping[str, Any]:
        return _authorization_request(self.grant)


def new_refresh_token(grant: Grant) -> str:
    """A refresh token names its grant, so that an old one is recognised although only the live one is stored."""
    return f"{grant.id}.{random_token()}"


def invalid_grant(description: str) -> ProtocolError:
    """RFC 6749 section 5.2."""
    return ProtocolError("invalid_grant", description)


def _authorization_request(grant: Grant) -> Mapping[str, Any]:
    request: dict[str, Any] = {"client_id": grant.client_id, "redirect_uri": grant.redirect_uri}
    if grant.claims:
        request["claims"] = grant.claims
    if grant.nonce is not None:
        request["nonce"] = grant.nonce
    if grant.code_challenge is not None:
        request |= {"code_challenge": grant.code_challenge, "code_challenge_method": "S256"}
    return request
