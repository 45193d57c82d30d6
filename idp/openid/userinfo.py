"""The userinfo endpoint (OpenID Connect Core section 5.3) and its bearer tokens (RFC 6750)."""

import re
from datetime import datetime
from typing import Any

from idp.domain.errors import ProtocolError
from idp.domain.keyed import token_hash
from idp.openid.client_authentication import ClientLookup
from idp.openid.core import AccountGone, Core, pyop_errors_translated
from idp.openid.grant_state import AccessTokenUse
from idp.openid.grants import GrantStore
from idp.openid.parameters import Pairs, single_form

_REALM = 'Bearer realm="userinfo"'
_B64TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,512}=*")


class UserinfoEndpoint:
    """A live access token in, the claims that its scope and the request allow out."""

    def __init__(self, core: Core, grants: GrantStore, find_client: ClientLookup) -> None:
        self._core = core
        self._grants = grants
        self._find_client = find_client

    def answer(self, authorization: str | None, form: Pairs, *, now: datetime) -> dict[str, Any]:
        """The claims, ``sub`` always among them; raises ``ProtocolError`` with ``WWW-Authenticate``."""
        value = bearer_token(authorization, form)
        token = self._grants.by_access_token(token_hash(value), now=now)
        client = self._find_client(token.grant.client_id) if token else None
        if token is None or client is None:
            raise invalid_token()
        use = AccessTokenUse(grant=token.grant, client=client, now=now, token=token)
        try:
            with pyop_errors_translated():
                response = self._core.bound(use).handle_userinfo_request("", {"Authorization": f"Bearer {value}"})
        except AccountGone:
            raise invalid_token() from None
        claims: dict[str, Any] = response.to_dict()
        return claims


def bearer_token(authorization: str | None, form: Pairs) -> str:
    """The one token of the request, from its header or its form body; never from an address (RFC 9700 section 4.3.2).

    Raises ``ProtocolError``: 400 where it stands twice, 401 without an error code where there is none
    (RFC 6750 section 3.1), else 401 ``invalid_token``.
    """
    try:
        in_form = single_form(form).get("access_token")
    except ProtocolError as error:
        raise _invalid_request(error.description) from None
    in_header = _in_header(authorization)
    if in_header is not None and in_form is not None:
        raise _invalid_request("The access token stands twice")
    value = in_form if in_header is None else in_header
    if value is None:
        raise ProtocolError(
            "invalid_token", "An access token is needed", status=401, headers={"WWW-Authenticate": _REALM}
        )
    if not _B64TOKEN.fullmatch(value):
        raise invalid_token()
    return value


def invalid_token() -> ProtocolError:
    """RFC 6750 section 3.1: expired, revoked, malformed or never issued; which of them is nobody's business."""
    return _bearer_error("invalid_token", "The access token is not valid", 401)


def _in_header(authorization: str | None) -> str | None:
    scheme, _, value = (authorization or "").partition(" ")
    return value.strip(" ") if scheme.lower() == "bearer" else None


def _invalid_request(description: str) -> ProtocolError:
    return _bearer_error("invalid_request", description, 400)


def _bearer_error(error: str, description: str, status: int) -> ProtocolError:
    challenge = f'{_REALM}, error="{error}", error_description="{description}"'
    return ProtocolError(error, description, status=status, headers={"WWW-Authenticate": challenge})
