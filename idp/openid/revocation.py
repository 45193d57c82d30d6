"""Token revocation (RFC 7009) and introspection (RFC 7662): each client learns and ends only what is its own.

What kind a token is can be seen from its form, so that ``token_type_hint`` is never needed: a refresh token is the
grant's identifier, one dot and a secret; an access token has no dot, or two where it is a JWT.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from idp.domain.clients import Client
from idp.domain.errors import ProtocolError
from idp.domain.grants import AccessToken, RefreshState
from idp.domain.keyed import same, token_hash
from idp.domain.references import go_on_under
from idp.openid.access_token import confirmation, one_or_many
from idp.openid.client_authentication import ClientAuthentication, invalid_client
from idp.openid.grants import Grants
from idp.openid.parameters import Pairs, single_form

_INACTIVE: dict[str, Any] = {"active": False}


@dataclass(frozen=True)
class RevocationEndpoint:
    """RFC 7009: a refresh token ends its whole family, an access token itself alone."""

    authenticate: ClientAuthentication
    grants: Grants

    def answer(self, pairs: Pairs, authorization: str | None, *, now: datetime) -> None:
        """Returns when the token is of no use any more, or never was this client's (RFC 7009 section 2.2)."""
        form = single_form(pairs)
        client = self.authenticate(form, authorization, now)
        token = _token(form)
        if not _is_refresh_token(token):
            self.grants.revoke_access(token_hash(token), client.client_id)
            return
        state = self.grants.refresh_state(_grant_id(token))
        # An old one names the same family, which its client does not want any more.
        if state is not None and state.grant.client_id == client.client_id:
            self.grants.revoke(state.grant.id)


@dataclass(frozen=True)
class IntrospectionEndpoint:
    """RFC 7662, for clients that can prove who they are."""

    authenticate: ClientAuthentication
    grants: Grants
    issuer: str

    def answer(self, pairs: Pairs, authorization: str | None, *, now: datetime) -> dict[str, Any]:
        """What the token is; ``active`` false for everything that is not alive and this client's (section 2.2)."""
        form = single_form(pairs)
        client = self.authenticate(form, authorization, now)
        if client.is_public:
            # Section 2.1: whoever asks must be authorized, or tokens could be tried out here.
            raise invalid_client(f"{client.client_id}: without a secret")
        token = _token(form)
        if _is_refresh_token(token):
            return self._refresh_token(token, client, now)
        return self._access_token(token, client, now)

    def _refresh_token(self, token: str, client: Client, now: datetime) -> dict[str, Any]:
        if not client.may_refresh:
            return _INACTIVE
        state = self.grants.refresh_state(_grant_id(token))
        if state is None or state.grant.client_id != client.client_id or state.expires_at <= now:
            return _INACTIVE
        if not same(state.hash, token_hash(token)):
            return _INACTIVE
        go_on_under(state.grant.reference)
        return self._about(state, state.grant.scope, client) | confirmation(state.jkt)

    def _access_token(self, token: str, client: Client, now: datetime) -> dict[str, Any]:
        found = self.grants.by_access_token(token_hash(token), now=now)
        if found is None or found.grant.client_id != client.client_id:
            return _INACTIVE
        go_on_under(found.grant.reference)
        described = self._about(found, found.scope, client) | confirmation(found.jkt)
        if found.resources:
            described["aud"] = one_or_many(found.resources)
        return {**described, "token_type": "DPoP" if found.jkt else "Bearer"}

    def _about(self, token: AccessToken | RefreshState, scope: tuple[str, ...], client: Client) -> dict[str, Any]:
        grant = token.grant
        return {
            "active": True,
            "scope": " ".join(client.still(scope)),
            "client_id": grant.client_id,
            "sub": grant.subject,
            "iss": self.issuer,
            "exp": int(token.expires_at.timestamp()),
            "auth_time": int(grant.sign_in.proven_at.timestamp()),
            "acr": grant.sign_in.acr,
        }


def _token(form: Mapping[str, str]) -> str:
    if "token" not in form:
        raise ProtocolError("invalid_request", "token is missing")
    return form["token"]


def _is_refresh_token(token: str) -> bool:
    return token.count(".") == 1


def _grant_id(token: str) -> str:
    return token.partition(".")[0]
