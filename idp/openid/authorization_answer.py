"""Answering an authorization request once the person has signed in: a grant, and what the client receives at once."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from idp.domain.authorization import AuthorizationRequest, AuthorizationResponse, told_acr
from idp.domain.clients import Client
from idp.domain.errors import AuthorizationError, ProtocolError
from idp.domain.grants import Grant, Lifetimes
from idp.domain.keyed import random_id, random_token, token_hash
from idp.domain.sessions import SignIn
from idp.openid import responses
from idp.openid.access_token import AccessTokenKind, AccessTokenKinds
from idp.openid.core import AccountGone, Core, pyop_errors_translated
from idp.openid.encryption import NoRecipient
from idp.openid.grant_state import NewGrant
from idp.openid.grants import Grants


class AuthorizationAnswers:
    """Grants requests and tells errors, each in the response mode that was asked for and with ``iss`` (RFC 9207)."""

    def __init__(self, issuer: str, core: Core, grants: Grants, lifetimes: Lifetimes, kinds: AccessTokenKinds) -> None:
        self._issuer = issuer
        self._core = core
        self._grants = grants
        self._lifetimes = lifetimes
        self._kinds = kinds

    def grant(
        self,
        request: AuthorizationRequest,
        client: Client,
        account_id: str,
        subject: str,
        sign_in: SignIn,
        *,
        now: datetime,
        reference: str = "",
    ) -> AuthorizationResponse:
        """Keep the grant and give the client what the response_type names.

        Raises ``AuthorizationError`` (``login_required``) where the sign-in is not of the class that was insisted on.
        """
        # The client may have less now than when it asked.
        request = replace(request, scope=client.still(request.scope))
        acr = told_acr(request, sign_in)
        if acr is None:
            raise error_for(request, "login_required", "The sign-in is not of the class that was asked for")
        code = random_token()
        grant = self._new_grant(request, account_id, subject, replace(sign_in, acr=acr), code, now)
        grant = replace(grant, reference=reference)
        kind = self._kind(request, client, grant)
        state = NewGrant(
            grant=grant,
            client=client,
            now=now,
            code=code,
            access_token=kind.mint(grant, request.scope, now, now + self._lifetimes.access_token),
            lifetimes=self._lifetimes,
            scope=request.scope,
            kind=kind,
        )
        try:
            with pyop_errors_translated():
                core = self._core.bound(state)
                message = core.authorize(_for_pyop(request), account_id, core.sign_in_claims())
        except AccountGone:
            raise error_for(request, "access_denied", "The account is closed") from None
        except NoRecipient as error:
            raise error_for(request, error.error, error.description) from None
        answer = message.to_dict()
        # One write for the code and the token of the answer, after everything that may fail.
        self._grants.add(grant, state.access if "access_token" in answer else None)
        parameters = {name: str(value) for name, value in answer.items()}
        if "access_token" in answer:
            # RFC 6749 section 4.2.2: it may be less than what was asked for.
            parameters["scope"] = " ".join(request.scope)
        return responses.response(request.redirect_uri, request.response_mode, {**parameters, "iss": self._issuer})

    def error(self, error: AuthorizationError) -> AuthorizationResponse:
        """The error on its way to the client (RFC 6749 section 4.1.2.1, RFC 9207 section 2)."""
        parameters = {"error": error.error, "error_description": error.description}
        if error.state is not None:
            parameters["state"] = error.state
        return responses.response(error.redirect_uri, error.response_mode, {**parameters, "iss": self._issuer})

    def _kind(self, request: AuthorizationRequest, client: Client, grant: Grant) -> AccessTokenKind:
        """Of the access token in the answer, if one is: for the resources asked for (RFC 8707 section 2.1)."""
        if "token" not in request.response_type.split(" "):
            return AccessTokenKind()
        try:
            return self._kinds.choose(client, grant, (), None)
        except ProtocolError as error:
            raise error_for(request, error.error, error.description) from None

    def _new_grant(
        self, request: AuthorizationRequest, account_id: str, subject: str, sign_in: SignIn, code: str, now: datetime
    ) -> Grant:
        code_expires_at = now + self._lifetimes.code
        return Grant(
            id=random_id(),
            account_id=account_id,
            client_id=request.client_id or "",
            subject=subject,
            scope=request.scope,
            redirect_uri=request.redirect_uri,
            sign_in=sign_in,
            code_hash=token_hash(code),
            code_expires_at=code_expires_at,
            created_at=now,
            expires_at=self._lifetimes.family_ends(request.scope, code_expires_at, now=now),
            nonce=request.nonce,
            code_challenge=request.code_challenge,
            claims=request.claims,
            resources=request.resources,
            dpop_jkt=request.dpop_jkt,
        )


def error_for(request: AuthorizationRequest, error: str, description: str) -> AuthorizationError:
    """An error that answers this request, e.g. ``login_required``."""
    return AuthorizationError(
        error,
        description,
        redirect_uri=request.redirect_uri,
        state=request.state,
        response_mode=request.response_mode,
    )


def _for_pyop(request: AuthorizationRequest) -> dict[str, Any]:
    """What pyop reads of the request: a mapping will do, and its own message class would parse everything again."""
    message: dict[str, Any] = {
        "client_id": request.client_id,
        "redirect_uri": request.redirect_uri,
        "response_type": request.response_type.split(" "),
        "scope": list(request.scope),
        "claims": request.claims,
    }
    if request.nonce is not None:
        message["nonce"] = request.nonce
    if request.state is not None:
        message["state"] = request.state
    return message
