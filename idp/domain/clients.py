"""Relying parties, with the metadata names of OpenID Connect Dynamic Client Registration 1.0 section 2."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from idp.domain.claims import OFFLINE_ACCESS


@dataclass(frozen=True, slots=True)
class Client:
    """One relying party.

    client_secrets: verifiers as ``domain.client_secrets`` writes them; empty for a public client; two during rotation.
    scopes: the scopes that this client may be granted.
    require_pkce: PKCE S256 demanded (RFC 7636); always for public clients.
    application_type: ``native`` where it runs on the person's device (loopback ports are free, RFC 8252), else ``web``.
    name: by language; ``""`` is the name without a language.
    jwks: public keys of the client, a JSON Web Key Set as text; jwks_uri: where they are instead; at most one of both.
    token_endpoint_auth_signing_alg: the one algorithm of its client assertions; empty: any of ours.
    access_token_format: ``opaque``, or ``jwt`` for tokens that its resource servers read by themselves (RFC 9068).
    resources: where its access tokens may be used (RFC 8707). dpop_bound_access_tokens: none without DPoP (RFC 9449).
    userinfo_signed_response_alg: how userinfo is signed; empty: it is plain JSON.
    id_token_encrypted_response_alg, userinfo_encrypted_response_alg: how the key is encrypted for the client's own key;
        empty: nothing is. …_enc: how the content is; empty: the default of the specification.
    claims: the only claims that may be released to it, besides those of the sign-in; None: all that its scopes hold.
    default_max_age, default_acr_values: hold for requests that do not say otherwise.
    verified_claims: whether it may ask how the person was proven (OpenID Connect for Identity Assurance 1.0).
    consent: whether the person is asked before data goes there: ``none`` (our own application), ``first time`` or
        ``always``.
    sector_identifier_uri: lists the redirect_uris of the clients that share a pairwise ``sub`` (Core section 8.1).
    backchannel_logout_uri, frontchannel_logout_uri: where it is told that a sign-in ended, by us (Back-Channel Logout
        1.0 section 2.2) or by the person's browser (Front-Channel Logout 1.0 section 2); empty where it is not.
    backchannel_logout_session_required, frontchannel_logout_session_required: it needs ``sid``; it gets it in any case.
    """

    client_id: str
    redirect_uris: tuple[str, ...]
    client_secrets: tuple[str, ...] = field(default=(), repr=False)
    token_endpoint_auth_method: str = "client_secret_basic"
    response_types: tuple[str, ...] = ("code",)
    grant_types: tuple[str, ...] = ("authorization_code",)
    post_logout_redirect_uris: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    subject_type: str = "public"
    sector_identifier: str = ""
    name: tuple[tuple[str, str], ...] = ()
    client_uri: str = ""
    default_max_age: int | None = None
    default_acr_values: tuple[str, ...] = ()
    require_auth_time: bool = False
    require_pkce: bool = True
    application_type: str = "web"
    id_token_signed_response_alg: str = "RS256"
    userinfo_signed_response_alg: str = ""
    id_token_encrypted_response_alg: str = ""
    id_token_encrypted_response_enc: str = ""
    userinfo_encrypted_response_alg: str = ""
    userinfo_encrypted_response_enc: str = ""
    require_pushed_authorization_requests: bool = False
    require_signed_request_object: bool = False
    request_object_signing_alg: str = ""
    request_uris: tuple[str, ...] = ()
    jwks: str = ""
    jwks_uri: str = ""
    token_endpoint_auth_signing_alg: str = ""
    access_token_format: str = "opaque"
    resources: tuple[str, ...] = ()
    dpop_bound_access_tokens: bool = False
    claims: tuple[str, ...] | None = None
    verified_claims: bool = False
    consent: str = "none"
    sector_identifier_uri: str = ""
    backchannel_logout_uri: str = ""
    backchannel_logout_session_required: bool = False
    frontchannel_logout_uri: str = ""
    frontchannel_logout_session_required: bool = False

    @property
    def is_public(self) -> bool:
        """Whether the client cannot keep a secret (RFC 6749 section 2.1)."""
        return self.token_endpoint_auth_method == "none"

    @property
    def may_refresh(self) -> bool:
        """Whether it gets refresh tokens, and may use them: it needs both the scope and the grant type for that."""
        return OFFLINE_ACCESS in self.scopes and "refresh_token" in self.grant_types

    def still(self, scope: Iterable[str]) -> tuple[str, ...]:
        """Of a scope that was granted, what the client may have now: what was taken from it since is worth nothing."""
        return tuple(name for name in scope if name in self.scopes)

    def display_name(self, language: str) -> str:
        """The name in this language, else without language, else the client's identifier."""
        names = dict(self.name)
        return names.get(language) or names.get("") or next(iter(names.values()), self.client_id)
