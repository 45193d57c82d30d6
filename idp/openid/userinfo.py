"""The userinfo endpoint (OpenID Connect Core section 5.3) and its bearer tokens (RFC 6750)."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from idp.domain.errors import ProtocolError
from idp.domain.grants import AccessToken
from idp.domain.keyed import token_hash
from idp.domain.references import go_on_under
from idp.openid.client_authentication import ClientLookup
from idp.openid.core import AccountGone, Core, pyop_errors_translated
from idp.openid.dpop import DPoP, Proofs, challenge
from idp.openid.encryption import Encryption
from idp.openid.grant_state import AccessTokenUse
from idp.openid.grants import Grants
from idp.openid.id_token import IdTokens
from idp.openid.parameters import Pairs, single_form

_REALM = 'Bearer realm="userinfo"'
_B64TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,4096}=*")


@dataclass(frozen=True, slots=True)
class UserinfoCall:
    """The request as a DPoP proof is about it. proofs: every DPoP header."""

    method: str = "GET"
    proofs: Proofs = ()


@dataclass(frozen=True, slots=True)
class Userinfo:
    """The claims of a person, ``sub`` always among them.

    signed: the same as a JWT, signed, encrypted or both, where the client wants that.
    """

    claims: dict[str, Any]
    signed: str | None = None


PLAIN_GET = UserinfoCall()


class UserinfoEndpoint:
    """A live access token in, the claims that its scope and the request allow out."""

    def __init__(
        self,
        url: str,
        core: Core,
        grants: Grants,
        find_client: ClientLookup,
        dpop: DPoP,
        id_tokens: IdTokens,
        encryption: Encryption,
    ) -> None:
        self._url = url
        self._id_tokens = id_tokens
        self._encryption = encryption
        self._dpop = dpop
        self._core = core
        self._grants = grants
        self._find_client = find_client

    def answer(self, authorization: str | None, form: Pairs, call: UserinfoCall, *, now: datetime) -> Userinfo:
        """What the token's person is; raises ``ProtocolError`` with ``WWW-Authenticate``."""
        is_dpop = _scheme(authorization) == "dpop"
        value = presented_token(authorization, form)
        token = self._grants.by_access_token(token_hash(value), now=now)
        client = self._find_client(token.grant.client_id) if token else None
        if token:
            go_on_under(token.grant.reference)
        if token is None or client is None or not self._is_for_us(token):
            raise _dpop_error("invalid_token", "The access token is not valid") if is_dpop else invalid_token()
        if token.jkt is not None or is_dpop:
            self._check_key(token, value, call, is_dpop=is_dpop, now=now)
        if "openid" not in client.still(token.scope):
            raise _insufficient_scope(is_dpop=is_dpop)
        use = AccessTokenUse(grant=token.grant, client=client, now=now, token=token)
        try:
            with pyop_errors_translated():
                response = self._core.bound(use).handle_userinfo_request("", {"Authorization": f"Bearer {value}"})
        except AccountGone:
            raise invalid_token() from None
        claims: dict[str, Any] = response.to_dict()
        algorithm = client.userinfo_signed_response_alg
        signed = self._id_tokens.sign_userinfo(claims, client.client_id, algorithm) if algorithm else None
        return Userinfo(claims, self._encryption.userinfo(claims, signed, client))

    def _is_for_us(self, token: AccessToken) -> bool:
        """RFC 9068 section 4: who receives a token for a resource must not read the person's data with it."""
        return not token.resources or self._url in token.resources

    def _check_key(self, token: AccessToken, value: str, call: UserinfoCall, *, is_dpop: bool, now: datetime) -> None:
        """RFC 9449 section 7.1: a bound token with its key, and no other token as a bound one."""
        if token.jkt is None or not is_dpop:
            raise _dpop_error("invalid_token", "The access token does not fit the way in which it is used")
        try:
            jkt = self._dpop.thumbprint(call.proofs, call.method, self._url, now=now, access_token=value)
        except ProtocolError as error:
            raise _dpop_error(error.error, error.description, error.headers) from None
        if jkt != token.jkt:
            raise _dpop_error("invalid_token", "The access token is bound to another key")


def presented_token(authorization: str | None, form: Pairs) -> str:
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


def _insufficient_scope(*, is_dpop: bool) -> ProtocolError:
    """RFC 6750 section 3.1: a refresh left openid out, and with it what Core section 5.3 answers."""
    error, description = "insufficient_scope", "The access token has no scope openid"
    told = challenge(error, description) if is_dpop else _bearer_challenge(error, description)
    return ProtocolError(error, description, status=403, headers={"WWW-Authenticate": f'{told}, scope="openid"'})


def _in_header(authorization: str | None) -> str | None:
    scheme, _, value = (authorization or "").partition(" ")
    return value.strip(" ") if scheme.lower() in ("bearer", "dpop") else None


def _scheme(authorization: str | None) -> str:
    return (authorization or "").partition(" ")[0].lower()


def _dpop_error(error: str, description: str, headers: dict[str, str] | None = None) -> ProtocolError:
    told = {"WWW-Authenticate": challenge(error, description)} | (headers or {})
    return ProtocolError(error, description, status=401, headers=told)


def _invalid_request(description: str) -> ProtocolError:
    return _bearer_error("invalid_request", description, 400)


def _bearer_error(error: str, description: str, status: int) -> ProtocolError:
    told = {"WWW-Authenticate": _bearer_challenge(error, description)}
    return ProtocolError(error, description, status=status, headers=told)


def _bearer_challenge(error: str, description: str) -> str:
    return f'{_REALM}, error="{error}", error_description="{description}"'
