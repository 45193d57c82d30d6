"""The OpenID Connect provider as the flows see it: requests in, answers out, no HTTP."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from idp.domain.authorization import AuthorizationRequest, AuthorizationResponse
from idp.domain.clients import Client
from idp.domain.errors import AuthorizationError, Refusal
from idp.domain.grants import Lifetimes
from idp.domain.keyed import SecretKey
from idp.domain.sessions import SignIn
from idp.openid import authorization_request, device_codes, end_session, responses
from idp.openid.access_token import AccessTokenKinds, AccessTokenSigner
from idp.openid.authorization_answer import AuthorizationAnswers, error_for
from idp.openid.claims_request import fits_requested_subject
from idp.openid.client_assertion import ClientAssertions, UsedOnce
from idp.openid.client_authentication import ClientAuthentication, ClientLookup
from idp.openid.client_keys import ClientKeys
from idp.openid.code_exchange import CodeGrant
from idp.openid.core import ClaimsOf, Core, checked_issuer
from idp.openid.device_grant import DeviceAnswers, DeviceAuthorizations, DeviceEndpoint, DeviceGrant
from idp.openid.discovery import DEVICE_PAGE_PATH, discovery_document, our_addresses
from idp.openid.dpop import DPoP, Proofs
from idp.openid.encryption import Encryption
from idp.openid.end_session import EndSessionRequest
from idp.openid.grants import Grants
from idp.openid.id_token import IdTokens
from idp.openid.issuing import Issuing
from idp.openid.keys import KeyStore
from idp.openid.parameters import Pairs
from idp.openid.pushing import PushingEndpoint
from idp.openid.redirect_uris import host, is_registered
from idp.openid.refresh import RefreshGrant
from idp.openid.release import VERIFIED_CLAIMS, asked_claims, every_claim, with_scoped_id
from idp.openid.request_objects import RequestObjects
from idp.openid.request_sources import PushedRequests, RequestSources, Source
from idp.openid.revocation import IntrospectionEndpoint, RevocationEndpoint
from idp.openid.service_description import service_description
from idp.openid.subjects import Subjects
from idp.openid.token_request import TokenEndpoint
from idp.openid.userinfo import PLAIN_GET, Userinfo, UserinfoCall, UserinfoEndpoint
from idp.openid.verified_claims import LatestProof, VerifiedClaims
from idp.openid.verified_claims import metadata as verified_claims_metadata


class Provider:
    """One per process; safe to share between threads.

    clients: finds a client by its identifier. claims_of: every claim of an account by the account's id, None where
    it is closed. secret: derives what must be told twice and is never stored. used_jtis: remembers what counts once.
    devices: those that wait for their person.
    acr_values: what sign-ins can reach, for discovery. dpop_nonce: whether a DPoP proof needs a nonce of
    ours. implicit: whether clients may register for the implicit and hybrid flows.
    latest_proof: how an account was proven last, for clients that may have ``verified_claims``; None: nobody may.
    """

    def __init__(
        self,
        *,
        issuer: str,
        keys: KeyStore,
        clients: ClientLookup,
        grants: Grants,
        claims_of: ClaimsOf,
        lifetimes: Lifetimes,
        secret: SecretKey,
        used_jtis: UsedOnce,
        devices: DeviceAuthorizations,
        pushed_requests: PushedRequests,
        fetch_json: Callable[[str], Any],
        fetch: Callable[[str], bytes],
        acr_values: tuple[str, ...] = (),
        implicit: bool = False,
        registration: bool = False,
        dpop_nonce: bool = False,
        latest_proof: LatestProof | None = None,
    ) -> None:
        self.issuer = checked_issuer(issuer)
        self._keys = keys
        self._clients = clients
        self._response_types = responses.response_types(implicit=implicit)
        self._document = discovery_document(
            self.issuer, acr_values, algorithms=keys.algorithms, implicit=implicit, registration=registration
        )
        verified_claims = None
        if latest_proof is not None:
            verified_claims = VerifiedClaims(self.issuer, latest_proof)
            self._document |= verified_claims_metadata()
        self._id_tokens = IdTokens(self.issuer, keys)
        client_keys = ClientKeys(fetch_json)
        encryption = Encryption(client_keys)
        self._subjects = Subjects(keys.pairwise_key)
        self._core = Core(
            self._document, self._id_tokens, encryption, claims_of, lifetimes, self._subjects, verified_claims
        )
        kinds = AccessTokenKinds(AccessTokenSigner(self.issuer, keys))
        self._answers = AuthorizationAnswers(self.issuer, self._core, grants, lifetimes, kinds)
        self.dpop = DPoP(secret, used_jtis, needs_nonce=dpop_nonce)
        issuing = Issuing(self._core, grants, kinds)
        audiences = our_addresses(self._document)
        authenticate = ClientAuthentication(clients, ClientAssertions(audiences, client_keys, used_jtis))
        objects = RequestObjects(self.issuer, client_keys, fetch)
        self._sources = RequestSources(clients, objects, pushed_requests)
        self.pushing = PushingEndpoint(
            self._document["pushed_authorization_request_endpoint"],
            authenticate,
            self.dpop,
            self._sources,
            self._read,
            pushed_requests,
        )
        self.revocation = RevocationEndpoint(authenticate, grants)
        self.introspection = IntrospectionEndpoint(authenticate, grants, self.issuer)
        verification = self.issuer + DEVICE_PAGE_PATH
        self.device_endpoint = DeviceEndpoint(authenticate, devices, secret, verification)
        self.device_answers = DeviceAnswers(clients, devices, grants, self._subjects, lifetimes, secret, verification)
        self._tokens = TokenEndpoint(
            self._document["token_endpoint"],
            authenticate,
            self.dpop,
            {
                "authorization_code": CodeGrant(issuing, grants, lifetimes).answer,
                "refresh_token": RefreshGrant(issuing, grants, lifetimes, secret).answer,
                device_codes.GRANT_TYPE: DeviceGrant(issuing, devices, grants, lifetimes).answer,
            },
        )
        self._userinfo = UserinfoEndpoint(
            self._document["userinfo_endpoint"], self._core, grants, clients, self.dpop, self._id_tokens, encryption
        )

    def discovery(self) -> dict[str, Any]:
        """The provider's metadata, for ``/.well-known/openid-configuration``."""
        return dict(self._document)

    def description(self) -> dict[str, Any]:
        """The endpoints for programs as an OpenAPI document."""
        return service_description(self._document)

    def jwks(self) -> dict[str, Any]:
        """The public keys that verify our tokens."""
        return self._keys.jwks()

    def client(self, client_id: str) -> Client | None:
        """The relying party with this identifier."""
        return self._clients(client_id)

    def client_name(self, client_id: str, language: str) -> str:
        """How people know the relying party; its identifier where it is registered no longer."""
        client = self._clients(client_id)
        return client.display_name(language) if client else client_id

    def read_authorization_request(self, parameters: Pairs, *, now: datetime) -> AuthorizationRequest:
        """The checked request; raises ``Refusal`` (a page) or ``AuthorizationError`` (a redirect)."""
        return self._read(authorization_request.resolve(parameters, self._sources, self._clients, now=now))

    def _read(self, source: Source) -> AuthorizationRequest:
        return authorization_request.read_authorization_request(
            source, self._clients, self._id_tokens, response_types=self._response_types
        )

    def subject_for(self, client: Client, account_subject: str) -> str:
        """The ``sub`` that this client sees (OpenID Connect Core section 8)."""
        return self._subjects.of(client, account_subject)

    def sid_for(self, client: Client, sid: str) -> str:
        """The ``sid`` by which this client knows this sign-in."""
        return self._subjects.sid_of(client, sid)

    def is_about(self, request: AuthorizationRequest, account_subject: str) -> bool:
        """Whether this account may answer: an id_token_hint or a requested ``sub`` may name another person."""
        subject = self.subject_for(self._client_of(request), account_subject)
        hint = request.id_token_hint_subject
        return (hint is None or hint == subject) and fits_requested_subject(request.claims, subject)

    def asked_claims(self, request: AuthorizationRequest) -> frozenset[str]:
        """The claims that the client receives by this request, ``sub`` apart, as far as the account has them."""
        return asked_claims(self._client_of(request), request.scope, request.claims)

    def preview(self, request: AuthorizationRequest, account_subject: str, claims: Mapping[str, Any]) -> dict[str, Any]:
        """What the client would receive of these claims of an account, in the order of the scopes."""
        subject = self.subject_for(self._client_of(request), account_subject)
        known, asked = with_scoped_id(claims, subject, host(self.issuer)), self.asked_claims(request)
        shown = {claim: known[claim] for claim in every_claim() if claim in asked and claim in known}
        return shown | ({VERIFIED_CLAIMS: True} if VERIFIED_CLAIMS in asked else {})

    def authorize(
        self,
        request: AuthorizationRequest,
        account_id: str,
        account_subject: str,
        sign_in: SignIn,
        *,
        now: datetime,
        reference: str = "",
    ) -> AuthorizationResponse:
        """Grant the request: what the browser carries to the client, ``state`` and ``iss`` among it.

        reference: of the journey, under which the grant's story goes on.

        Raises ``AuthorizationError`` (``login_required``) where the request is about another person or another kind of
        sign-in (Core sections 3.1.2.2 and 5.5.1), ``Refusal`` where nothing may travel to the redirect_uri any more.
        """
        client = self._recipient_of(request)
        if not self.is_about(request, account_subject):
            raise self.error(request, "login_required", "Another person is signed in")
        subject = self.subject_for(client, account_subject)
        return self._answers.grant(request, client, account_id, subject, sign_in, now=now, reference=reference)

    def error(self, request: AuthorizationRequest, error: str, description: str) -> AuthorizationError:
        """An error that answers this request at its redirect_uri, e.g. ``login_required``.

        Raises ``Refusal`` where nothing may travel there any more.
        """
        self._recipient_of(request)
        return error_for(request, error, description)

    def error_response(self, error: AuthorizationError) -> AuthorizationResponse:
        """What the browser carries to the client where the answer is this error."""
        return self._answers.error(error)

    def token(self, form: Pairs, authorization: str | None, proofs: Proofs = (), *, now: datetime) -> dict[str, Any]:
        """The token response; raises ``ProtocolError`` (RFC 6749 section 5.2).

        form: the POST body alone. authorization: the header as received. proofs: every DPoP header.
        """
        return self._tokens.answer(form, authorization, proofs, now=now)

    def userinfo(
        self, authorization: str | None, form: Pairs = (), call: UserinfoCall = PLAIN_GET, *, now: datetime
    ) -> Userinfo:
        """The claims for an access token; raises ``ProtocolError`` (RFC 6750 section 3).

        form: the body of a POST, never the query of an address. call: what a DPoP proof is about.
        """
        return self._userinfo.answer(authorization, form, call, now=now)

    def read_end_session(self, parameters: Pairs) -> EndSessionRequest:
        """What can be believed of a logout request; never raises."""
        return end_session.read_end_session(parameters, self._clients, self._id_tokens, self._subjects)

    def read_id_token(self, token: str) -> dict[str, Any] | None:
        """The claims of an ID token that we signed; None for everything else."""
        return self._id_tokens.read_hint(token)

    def _recipient_of(self, request: AuthorizationRequest) -> Client:
        """The client, whose the redirect_uri still is: hours may have passed since the request was read."""
        client = self._client_of(request)
        if not is_registered(client, request.redirect_uri):
            raise Refusal("oauth.invalid_redirect_uri", f"{client.client_id}: {request.redirect_uri[:200]}")
        return client

    def _client_of(self, request: AuthorizationRequest) -> Client:
        client = self._clients(request.client_id or "")
        if client is None:
            raise Refusal("oauth.unknown_client", request.client_id or "")
        return client
