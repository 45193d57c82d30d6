"""pyop behind our checks: its message parsing, code exchange, refresh, claims selection and userinfo.

pyop keeps codes, tokens and subjects in dictionaries of its own; here each request binds it to one grant instead
(``grant_state``), so that it neither stores nor searches anything.
"""

import copy
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self
from urllib.parse import urlsplit

from pyop.exceptions import OAuthError
from pyop.provider import Provider as PyopProvider
from pyop.userinfo import Userinfo

from idp.domain.claims import SCOPES
from idp.domain.errors import ConfigurationError, ProtocolError
from idp.domain.grants import Lifetimes
from idp.domain.loopback import is_loopback
from idp.openid.encryption import Encryption
from idp.openid.grant_state import GrantState, Issue
from idp.openid.id_token import IdTokens, left_half_hash
from idp.openid.redirect_uris import host
from idp.openid.release import VERIFIED_CLAIMS, fits, with_former_subs, with_scoped_id
from idp.openid.subjects import Subjects
from idp.openid.verified_claims import VerifiedClaims

ClaimsOf = Callable[[str], Mapping[str, Any] | None]


class AccountGone(Exception):
    """The account was closed or disabled after it gave the grant."""


class AccountClaims(Userinfo):  # type: ignore[misc]
    """pyop's view of the accounts for one request: read only when there is something to release.

    Everything that leaves by an ID token or by userinfo passes here, and here the client's registration is enforced.
    """

    def __init__(
        self,
        claims_of: ClaimsOf,
        state: GrantState,
        domain: str,
        subjects: Subjects,
        verified_claims: VerifiedClaims | None = None,
    ) -> None:
        super().__init__({})
        self._subjects = subjects
        self._verified_claims = verified_claims
        self._claims_of = claims_of
        self._state = state
        self._domain = domain

    def __getitem__(self, account_id: str) -> dict[str, Any]:
        # pyop asks for the whole record only to look for a `sub` of its own; ours comes from the grant.
        return {}

    def get_claims_for(
        self, user_id: str, requested_claims: Mapping[str, Any], userinfo: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Those of the requested claims that the account has, as requested; raises ``AccountGone``."""
        # Decided at the time of release, since the client's registration may have become narrower.
        releasable = self._state.releasable
        wishes = {claim: wish for claim, wish in requested_claims.items() if claim in releasable}
        verified = requested_claims.get(VERIFIED_CLAIMS) if self._state.client.verified_claims else None
        if not wishes and not verified:
            return {}
        claims = self._claims_of(user_id)
        if claims is None:
            raise AccountGone
        known = with_scoped_id(claims, self._state.subject, self._domain)
        known = with_former_subs(known, self._state.client, self._subjects)
        selected: dict[str, Any] = super().get_claims_for(user_id, wishes, known)
        # Who the person is for this client stands in the grant, whatever the account says.
        selected.pop("sub", None)
        released = {claim: value for claim, value in selected.items() if fits(value, wishes[claim])}
        if verified and self._verified_claims is not None:
            element = self._verified_claims.of(verified, self._state.grant, self._state.client, known)
            released |= {VERIFIED_CLAIMS: element} if element else {}
        return released


class Core(PyopProvider):  # type: ignore[misc]
    """One pyop provider for the process; ``bound`` gives the one that serves a request."""

    authz_state: GrantState

    def __init__(
        self,
        document: Mapping[str, Any],
        id_tokens: IdTokens,
        encryption: Encryption,
        claims_of: ClaimsOf,
        lifetimes: Lifetimes,
        subjects: Subjects,
        verified_claims: VerifiedClaims | None = None,
    ) -> None:
        silence_libraries()
        super().__init__(
            signing_key=None,
            configuration_information=_as_https(document),
            authz_state=None,
            clients={},
            userinfo=Userinfo({}),
            id_token_lifetime=int(lifetimes.id_token.total_seconds()),
            extra_scopes={scope: list(claims) for scope, claims in SCOPES.items()},
        )
        self.configuration_information["issuer"] = document["issuer"]
        self._id_tokens = id_tokens
        self._encryption = encryption
        self._claims_of = claims_of
        self._subjects = subjects
        self._verified_claims = verified_claims
        self._domain = host(document["issuer"])

    def bound(self, state: GrantState) -> Self:
        """This provider for one request: a shallow copy that shares everything but the state.

        Raises ``NoRecipient`` before anything is used up for tokens that could not be made.
        """
        if isinstance(state, Issue):
            self._encryption.check_id_token(state.client)
        bound = copy.copy(self)
        bound.authz_state = state
        bound.userinfo = AccountClaims(self._claims_of, state, self._domain, self._subjects, self._verified_claims)
        return bound

    def sign_in_claims(self) -> dict[str, Any]:
        """OpenID Connect Core section 2 and RP-Initiated Logout: what the real sign-in was."""
        sign_in = self.authz_state.grant.sign_in
        return {
            "auth_time": int(sign_in.proven_at.timestamp()),
            "acr": sign_in.acr,
            "amr": list(sign_in.methods),
            "sid": self._subjects.sid_of(self.authz_state.client, sign_in.sid),
        }

    def id_token_again(self, access_token: str) -> str:
        """An ID token for a grant that gave one before; pyop has none on refresh (Core section 12.2: no nonce)."""
        grant = self.authz_state.grant
        requested = self._get_requested_claims_in({"claims": grant.claims}, "id_token")
        user_claims = self.userinfo.get_claims_for(grant.account_id, requested)
        return self._create_signed_id_token(
            grant.client_id, grant.subject, user_claims, None, None, access_token, self.sign_in_claims()
        )

    def _verify_client_authentication(
        self, request_body: Mapping[str, str], http_headers: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        # Done before (client_authentication), in constant time and on hashes: what arrives here was checked.
        return dict(request_body)

    def _create_subject_identifier(self, user_id: str, client_id: str, redirect_uri: str) -> str:
        return self.authz_state.subject

    def _check_subject_identifier_matches_requested(self, authentication_request: Any, sub: str) -> None:
        # Done before (Provider.authorize): pyop compares the subject with the whole member {"value": …}.
        return

    def _create_signed_id_token(
        self,
        client_id: str,
        sub: str,
        user_claims: Mapping[str, Any] | None = None,
        nonce: str | None = None,
        authorization_code: str | None = None,
        access_token_value: str | None = None,
        extra_id_token_claims: Mapping[str, Any] | None = None,
    ) -> str:
        """OpenID Connect Core section 2, with what the grant knows of the sign-in; pyop's own lost it."""
        issued_at = int(self.authz_state.now.timestamp())
        algorithm = self.authz_state.client.id_token_signed_response_alg
        claims = {
            **(user_claims or {}),
            **(extra_id_token_claims or {}),
            "sub": sub,
            "aud": client_id,
            "iat": issued_at,
            "exp": issued_at + self.id_token_lifetime,
        }
        if nonce is not None:
            claims["nonce"] = nonce
        if access_token_value is not None:
            claims["at_hash"] = left_half_hash(access_token_value, algorithm)
        if authorization_code is not None:
            claims["c_hash"] = left_half_hash(authorization_code, algorithm)
        return self._encryption.id_token(self._id_tokens.sign(claims, algorithm), self.authz_state.client)


@contextmanager
def pyop_errors_translated() -> Iterator[None]:
    """pyop's refusals as ours; its texts are dropped, because they quote codes and tokens."""
    try:
        yield
    except OAuthError as error:
        raise ProtocolError(error.oauth_error or "invalid_request", "The request was refused") from None


def checked_issuer(issuer: str) -> str:
    """The issuer, where it is https, or http on a loopback address (OpenID Connect Discovery section 3)."""
    try:
        parts = urlsplit(issuer)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        is_whole = bool(parts.hostname) and not parts.query and not parts.fragment and not issuer.endswith("/")
    except ValueError:
        is_safe = is_whole = False
    if not (is_safe and is_whole):
        raise ConfigurationError(
            f"issuer = {issuer!r}; accepted: an https URL, or http on a loopback address, without query, fragment"
            " and final slash"
        )
    return issuer


def _as_https(document: Mapping[str, Any]) -> dict[str, Any]:
    # pyop refuses every http issuer at its start; ours was checked (``Provider``), and stands in its place afterwards.
    # A deep copy, because pyop adds to the lists.
    return {**copy.deepcopy(dict(document)), "issuer": "https:" + document["issuer"].partition(":")[2]}


def silence_libraries() -> None:
    """Keep pyop and the libraries below it from logging at all: at several levels they write codes and tokens."""
    for name in ("pyop", "oic", "jwkest"):
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False
        logger.setLevel(logging.CRITICAL + 1)
