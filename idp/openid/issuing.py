"""What every kind of token request ends with: tokens out, or the family's end."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from idp.domain.clients import Client
from idp.domain.errors import ProtocolError
from idp.domain.grants import Grant, Lifetimes
from idp.openid.access_token import AccessTokenKind, AccessTokenKinds
from idp.openid.core import AccountGone, Core, pyop_errors_translated
from idp.openid.grant_state import CodeExchange, Issue, invalid_grant, new_refresh_token
from idp.openid.grants import Grants

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TokenCall:
    """A call of the token endpoint by a client that proved who it is.

    resources: where it wants to use the access token (RFC 8707). jkt: the key that it proved to hold (RFC 9449).
    """

    form: Mapping[str, str]
    client: Client
    now: datetime
    resources: tuple[str, ...] = ()
    jkt: str | None = None

    def required(self, name: str) -> str:
        """The parameter; ``invalid_request`` where it is missing (RFC 6749 section 5.2)."""
        value = self.form.get(name)
        if value is None:
            raise ProtocolError("invalid_request", f"{name} is missing")
        return value


class Issuing:
    """Lets pyop answer from one grant, and kills families whose parts were stolen."""

    def __init__(self, core: Core, grants: Grants, kinds: AccessTokenKinds) -> None:
        self._kinds = kinds
        self._core = core
        self._grants = grants

    def issue(self, exchange: Issue, form: Mapping[str, str]) -> dict[str, Any]:
        """The token response; ``TakenTwice`` where somebody else was first, ``invalid_grant`` where nobody is left."""
        request = {**form, "client_id": exchange.client.client_id}
        try:
            with pyop_errors_translated():
                core = self._core.bound(exchange)
                response = core.handle_token_request(request, extra_id_token_claims=core.sign_in_claims())
        except AccountGone:
            raise invalid_grant("The account is closed") from None
        return {
            **response.to_dict(),
            "token_type": exchange.kind.token_type,
            "scope": " ".join(exchange.client.still(exchange.scope)),
        }

    def first_exchange(self, call: TokenCall, grant: Grant, lifetimes: Lifetimes) -> CodeExchange:
        """What a grant gives to whoever comes for it first, with its code or as its device.

        A refresh token is among it where the person agreed to that and the client may have one (Core section 11).
        """
        has_refresh = grant.is_offline and call.client.may_refresh
        return CodeExchange(
            grant=grant,
            client=call.client,
            now=call.now,
            store=self._grants,
            lifetimes=lifetimes,
            scope=grant.scope,
            kind=self.kind(call, grant),
            refresh_token=new_refresh_token(grant) if has_refresh else None,
        )

    def kind(self, call: TokenCall, grant: Grant) -> AccessTokenKind:
        """What kind of access token this call gives; ``invalid_target`` where its resource is not possible."""
        return self._kinds.choose(call.client, grant, call.resources, call.jkt)

    def id_token(self, exchange: Issue, access_token: str) -> str:
        """The ID token of a grant that gave one before (OpenID Connect Core section 12.2)."""
        try:
            return self._core.bound(exchange).id_token_again(access_token)
        except AccountGone:
            raise invalid_grant("The account is closed") from None

    def end_family(self, grant: Grant, event: str) -> None:
        """Kill everything that came from this grant (RFC 9700 section 4.14.2)."""
        logger.warning(event, extra={"fields": {"grant": grant.id, "client_id": grant.client_id}})
        self._grants.revoke(grant.id)
