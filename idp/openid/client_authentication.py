"""Who is calling the token endpoint (RFC 6749 section 2.3, OpenID Connect Core section 9)."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote_plus

from idp.domain.client_secrets import verify_secret
from idp.domain.clients import Client
from idp.domain.errors import ProtocolError
from idp.openid import client_assertion
from idp.openid.client_assertion import ClientAssertions
from idp.openid.signed_statement import InvalidJwt

ClientLookup = Callable[[str], Client | None]

SECRET_METHODS = ("client_secret_basic", "client_secret_post")
METHODS = (*SECRET_METHODS, client_assertion.METHOD, "none")
# Of the endpoints that answer nobody without a secret.
CONFIDENTIAL_METHODS = tuple(method for method in METHODS if method != "none")
_LONGEST_CREDENTIALS = 4096
_UNREADABLE = "unreadable credentials in the header"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request presents: which client it says it is, how it proves that, and with what."""

    method: str
    client_id: str
    secret: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.method}, {self.client_id})"


@dataclass(frozen=True, slots=True)
class ClientAuthentication:
    """Authentication as every endpoint for applications uses it."""

    find_client: ClientLookup
    assertions: ClientAssertions

    def __call__(self, form: Mapping[str, str], authorization: str | None, now: datetime) -> Client:
        """The client that proved who it is; see ``authenticate_client``."""
        if "client_assertion" in form or "client_assertion_type" in form:
            return self._by_assertion(form, authorization, now)
        return authenticate_client(form, authorization, self.find_client)

    def _by_assertion(self, form: Mapping[str, str], authorization: str | None, now: datetime) -> Client:
        """RFC 7521 section 4.2, RFC 7523 section 2.2."""
        if authorization is not None or "client_secret" in form:
            raise ProtocolError("invalid_request", "More than one client authentication method")
        if form.get("client_assertion_type") != client_assertion.TYPE:
            raise invalid_client("another client_assertion_type")
        assertion = form.get("client_assertion", "")
        try:
            client_id = client_assertion.claimed_client_id(assertion)
        except InvalidJwt:
            raise invalid_client("unreadable assertion") from None
        client = _registered(self.find_client(client_id), client_assertion.METHOD)
        if form.get("client_id", client_id) != client_id:
            raise invalid_client(f"{client_id}: another client_id beside its assertion")
        try:
            self.assertions.verify(assertion, client, now=now)
        except InvalidJwt:
            raise invalid_client(f"{client_id}: assertion not accepted") from None
        return client


def authenticate_client(form: Mapping[str, str], authorization: str | None, find_client: ClientLookup) -> Client:
    """The client that proved who it is, with the one method that it is registered for.

    Raises ``ProtocolError``: ``invalid_request`` (400) where two methods are used at once, else ``invalid_client``
    (401 with ``WWW-Authenticate``). An unknown client costs the same as a wrong secret.
    """
    presented = _presented(form, authorization)
    found = find_client(presented.client_id)
    is_right = verify_secret(presented.secret, found.client_secrets if found else ())
    client = _registered(found, presented.method)
    if not client.is_public and not is_right:
        raise invalid_client(f"{client.client_id}: wrong secret")
    return client


def invalid_client(why: str) -> ProtocolError:
    """The one answer to every failed authentication (RFC 6749 section 5.2).

    why: for the log alone. It names clients that are known, never what was sent: that may be a secret in a wrong place.
    """
    error = ProtocolError(
        "invalid_client",
        "Client authentication failed",
        status=401,
        headers={"WWW-Authenticate": 'Basic realm="token", charset="UTF-8"'},
    )
    error.detail = f"{error.description}: {why}"
    return error


def _registered(client: Client | None, method: str) -> Client:
    """The client, where it is one and registered for this method."""
    if client is None:
        raise invalid_client("unknown client")
    if method != client.token_endpoint_auth_method:
        raise invalid_client(f"{client.client_id}: {method} sent, {client.token_endpoint_auth_method} registered")
    return client


def _presented(form: Mapping[str, str], authorization: str | None) -> Credentials:
    if authorization is not None:
        basic = _basic(authorization)
        # RFC 6749 section 2.3: never more than one method in a request.
        if "client_secret" in form or form.get("client_id", basic.client_id) != basic.client_id:
            raise ProtocolError("invalid_request", "More than one client authentication method")
        return basic
    client_id = form.get("client_id")
    if client_id is None:
        raise invalid_client("no client_id")
    if "client_secret" in form:
        return Credentials("client_secret_post", client_id, form["client_secret"])
    return Credentials("none", client_id)


def _basic(authorization: str) -> Credentials:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic" or len(encoded) > _LONGEST_CREDENTIALS:
        raise invalid_client(_UNREADABLE)
    try:
        text = base64.b64decode(encoded.strip(" "), validate=True).decode("utf-8")
        client_id, colon, secret = text.partition(":")
        # RFC 6749 section 2.3.1: both halves are form-encoded before they are joined.
        decoded = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, ValueError) as error:
        raise invalid_client(_UNREADABLE) from error
    if not colon:
        raise invalid_client(_UNREADABLE)
    return Credentials("client_secret_basic", *decoded)
