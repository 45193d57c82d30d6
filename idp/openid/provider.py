"""The OpenID Connect provider as the flows see it: requests in, answers out, no HTTP."""

import hmac
from datetime import datetime
from typing import Any

from pyop.message import AuthorizationRequest as PyopAuthorizationRequest

from idp.domain.authorization import AuthorizationRequest
from idp.domain.clients import Client
from idp.domain.errors import AuthorizationError, Refusal
from idp.domain.grants import Grant, Lifetimes
from idp.domain.keyed import random_id, random_token, token_hash
from idp.domain.sessions import SignIn
from idp.openid import authorization_request, end_session
from idp.openid.claims_request import expected_subjects
from idp.openid.client_authentication import ClientLookup
from idp.openid.core import ClaimsOf, Core, checked_issuer, pyop_errors_translated
from idp.openid.discovery import discovery_document
from idp.openid.end_session import EndSessionRequest
from idp.openid.grant_state import NewGrant
from idp.openid.grants import GrantStore
from idp.openid.id_token import IdTokens
from idp.openid.keys import KeyStore, base64url
from idp.openid.parameters import Pairs
from idp.openid.redirect_uris import host, with_parameters
from idp.openid.token_request import TokenEndpoint
from idp.openid.userinfo import UserinfoEndpoint


class Provider:
    """One per process; safe to share between threads.

    clients: finds a client by its identifier. claims_of: every claim of an account by the account's id, None where
    it is closed. acr_values: what sign-ins can reach, for discovery.
    """

    def __init__(
        self,
        *,
        issuer: str,
        keys: KeyStore,
        clients: ClientLookup,
        grants: GrantStore,
        claims_of: ClaimsOf,
        lifetimes: Lifetimes,
        acr_values: tuple[str, ...] = (),
    ) -> None:
        self.issuer = checked_issuer(issuer)
        self._keys = keys
        self._clients = clients
        self._grants = grants
        self._lifetimes = lifetimes
        self._document = discovery_document(self.issuer, acr_values)
        self._id_tokens = IdTokens(self.issuer, keys)
        self._core = Core(self._document, self._id_tokens, claims_of, lifetimes)
        self._tokens = TokenEndpoint(self._core, grants, clients, claims_of, lifetimes)
        self._userinfo = UserinfoEndpoint(self._core, grants, clients)

    def discovery(self) -> dict[str, Any]:
        """The provider's metadata, for ``/.well-known/openid-configuration``."""
        return dict(self._document)

    def jwks(self) -> dict[str, Any]:
        """The public keys that verify our tokens."""
        return self._keys.jwks()

    def client(self, client_id: str) -> Client | None:
        """The relying party with this identifier."""
        return self._clients(client_id)

    def read_authorization_request(self, parameters: Pairs) -> AuthorizationRequest:
        """The checked request; raises ``Refusal`` (a page) or ``AuthorizationError`` (a redirect)."""
        return authorization_request.read_authorization_request(parameters, self._clients, self._id_tokens)

    def subject_for(self, client: Client, account_subject: str) -> str:
        """The ``sub`` that this client sees (OpenID Connect Core section 8).

        public: the account's own random subject. pairwise: base64url, without padding, of
        HMAC-SHA256(pairwise key, sector identifier + NUL + account subject), where the sector identifier is the host of
        ``sector_identifier_uri``, else of the redirect_uris. Computed, never stored: clients cannot disturb each other.
        """
        if client.subject_type == "public":
            return account_subject
        message = f"{_sector(client)}\0{account_subject}".encode()
        return base64url(hmac.digest(self._keys.pairwise_key, message, "sha256"))

    def is_about(self, request: AuthorizationRequest, account_subject: str) -> bool:
        """Whether this account may answer: an id_token_hint or a requested ``sub`` may name another person."""
        subject = self.subject_for(self._client_of(request), account_subject)
        return _expected(request) <= {subject}

    def authorize(
        self, request: AuthorizationRequest, account_id: str, account_subject: str, sign_in: SignIn, *, now: datetime
    ) -> str:
        """Grant the request; the address to send the browser to, with ``code``, ``state`` and ``iss``.

        Raises ``AuthorizationError`` (``login_required``) where the request is about another person
        (Core sections 3.1.2.2 and 5.5.1), ``Refusal`` where the client is gone.
        """
        client = self._client_of(request)
        if not self.is_about(request, account_subject):
            raise self.error(request, "login_required", "Another person is signed in")
        subject = self.subject_for(client, account_subject)
        code = random_token()
        grant = self._new_grant(request, account_id, subject, sign_in, code, now)
        state = NewGrant(grant=grant, client=client, now=now, code=code, store=self._grants)
        with pyop_errors_translated():
            response = self._core.bound(state).authorize(_for_pyop(request), account_id)
        return with_parameters(request.redirect_uri, {**response.to_dict(), "iss": self.issuer})

    def error(self, request: AuthorizationRequest, error: str, description: str) -> AuthorizationError:
        """An error that answers this request at its redirect_uri, e.g. ``login_required``."""
        return AuthorizationError(
            error,
            description,
            redirect_uri=request.redirect_uri,
            state=request.state,
            response_mode=request.response_mode,
        )

    def error_redirect(self, error: AuthorizationError) -> str:
        """Where to send the browser with this error (RFC 6749 section 4.1.2.1, RFC 9207 section 2)."""
        parameters = {"error": error.error, "error_description": error.description}
        if error.state is not None:
            parameters["state"] = error.state
        return with_parameters(error.redirect_uri, {**parameters, "iss": self.issuer})

    def token(self, form: Pairs, authorization: str | None, *, now: datetime) -> dict[str, Any]:
        """The token response; raises ``ProtocolError`` (RFC 6749 section 5.2).

        form: the POST body alone. authorization: the header as received.
        """
        return self._tokens.answer(form, authorization, now=now)

    def userinfo(self, authorization: str | None, form: Pairs = (), *, now: datetime) -> dict[str, Any]:
        """The claims for an access token; raises ``ProtocolError`` (RFC 6750 section 3).

        form: the body of a POST, never the query of an address.
        """
        return self._userinfo.answer(authorization, form, now=now)

    def read_end_session(self, parameters: Pairs) -> EndSessionRequest:
        """What can be believed of a logout request; never raises."""
        return end_session.read_end_session(parameters, self._clients, self._id_tokens)

    def _client_of(self, request: AuthorizationRequest) -> Client:
        client = self._clients(request.client_id or "")
        if client is None:
            raise Refusal("oauth.unknown_client", request.client_id or "")
        return client

    def _new_grant(
        self, request: AuthorizationRequest, account_id: str, subject: str, sign_in: SignIn, code: str, now: datetime
    ) -> Grant:
        lifetimes = self._lifetimes
        is_offline = "offline_access" in request.scope
        lasting = lifetimes.refresh_absolute if is_offline else lifetimes.code + lifetimes.access_token
        return Grant(
            id=random_id(),
            account_id=account_id,
            client_id=request.client_id or "",
            subject=subject,
            scope=request.scope,
            redirect_uri=request.redirect_uri,
            sign_in=sign_in,
            code_hash=token_hash(code),
            code_expires_at=now + lifetimes.code,
            created_at=now,
            expires_at=now + lasting,
            nonce=request.nonce,
            code_challenge=request.code_challenge,
            claims=request.claims,
        )


def _expected(request: AuthorizationRequest) -> frozenset[str | int]:
    hinted = frozenset({request.id_token_hint_subject} if request.id_token_hint_subject else ())
    return hinted | expected_subjects(request.claims)


def _sector(client: Client) -> str:
    return client.sector_identifier or host(client.redirect_uris[0])


def _for_pyop(request: AuthorizationRequest) -> PyopAuthorizationRequest:
    message = {
        "client_id": request.client_id,
        "redirect_uri": request.redirect_uri,
        "response_type": request.response_type,
        "scope": list(request.scope),
    }
    if request.state is not None:
        message["state"] = request.state
    return PyopAuthorizationRequest(**message)
