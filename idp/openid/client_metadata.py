"""One ``[[client]]`` table into a Client: the names and rules of Dynamic Client Registration 1.0 section 2."""

import json
from collections.abc import Mapping
from typing import Any

from idp.domain.claims import SCOPES
from idp.domain.client_secrets import MINIMUM_LENGTH, hash_secret, is_verifier
from idp.domain.clients import Client
from idp.domain.sessions import ACR_VALUES
from idp.openid import client_authentication, client_keys, redirect_uris, responses
from idp.openid.client_keys import ALGORITHMS, ENCRYPTION_ALGORITHMS, UnusableJwk
from idp.openid.client_rules import RULES
from idp.openid.client_table import Faults, Table
from idp.openid.device_codes import GRANT_TYPE as DEVICE_CODE
from idp.openid.encryption import CONTENT_ALGORITHMS
from idp.openid.keys import ALGORITHM, ALWAYS

GRANT_TYPES = ("authorization_code", "refresh_token", DEVICE_CODE)
SUBJECT_TYPES = ("public", "pairwise")
ACCESS_TOKEN_FORMATS = ("opaque", "jwt")
APPLICATION_TYPES = ("web", "native")
CONSENT = ("none", "first time", "always")
_KEY_ENCRYPTION = ("", *ENCRYPTION_ALGORITHMS)
_CONTENT_ENCRYPTION = ("", *CONTENT_ALGORITHMS)


def grant_types(*, implicit: bool) -> tuple[str, ...]:
    """What may be registered; ``implicit`` only where it is switched on."""
    return (*GRANT_TYPES, "implicit") if implicit else GRANT_TYPES


def read_client(
    table: Mapping[str, Any], faults: Faults, *, algorithms: tuple[str, ...] = ALWAYS, implicit: bool = False
) -> Client:
    """The client of this table; what is wrong with it is added to ``faults``, and then it must not be used.

    algorithms: those that the provider has a key for. implicit: whether response types of the implicit and hybrid flows
    may be registered.
    """
    keys = Table(table, faults)
    keys.unknown_keys(KEYS)
    method = keys.one_of("token_endpoint_auth_method", client_authentication.METHODS, "client_secret_basic")
    grants = keys.some_of("grant_types", grant_types(implicit=implicit), GRANT_TYPES[:1])
    client = Client(
        client_id=keys.text("client_id"),
        redirect_uris=keys.texts("redirect_uris"),
        client_secrets=_secrets(keys),
        token_endpoint_auth_method=method,
        response_types=_response_types(keys, grants, implicit=implicit),
        grant_types=grants,
        post_logout_redirect_uris=keys.texts("post_logout_redirect_uris"),
        scopes=_scopes(keys),
        subject_type=keys.one_of("subject_type", SUBJECT_TYPES, "public"),
        sector_identifier=_sector(keys),
        name=keys.names("client_name"),
        client_uri=keys.text("client_uri"),
        default_max_age=keys.seconds("default_max_age"),
        default_acr_values=_acr_values(keys),
        require_auth_time=keys.flag("require_auth_time", default=False),
        require_pkce=keys.flag("require_pkce", default=True),
        application_type=keys.one_of("application_type", APPLICATION_TYPES, "web"),
        id_token_signed_response_alg=keys.one_of("id_token_signed_response_alg", algorithms, ALGORITHM),
        userinfo_signed_response_alg=keys.one_of("userinfo_signed_response_alg", ("", *algorithms), ""),
        id_token_encrypted_response_alg=keys.one_of("id_token_encrypted_response_alg", _KEY_ENCRYPTION, ""),
        id_token_encrypted_response_enc=keys.one_of("id_token_encrypted_response_enc", _CONTENT_ENCRYPTION, ""),
        userinfo_encrypted_response_alg=keys.one_of("userinfo_encrypted_response_alg", _KEY_ENCRYPTION, ""),
        userinfo_encrypted_response_enc=keys.one_of("userinfo_encrypted_response_enc", _CONTENT_ENCRYPTION, ""),
        require_pushed_authorization_requests=keys.flag("require_pushed_authorization_requests", default=False),
        require_signed_request_object=keys.flag("require_signed_request_object", default=False),
        request_object_signing_alg=keys.one_of("request_object_signing_alg", ("", *ALGORITHMS), ""),
        request_uris=keys.texts("request_uris"),
        jwks=_jwks(keys),
        jwks_uri=keys.text("jwks_uri"),
        token_endpoint_auth_signing_alg=keys.one_of("token_endpoint_auth_signing_alg", ("", *ALGORITHMS), ""),
        access_token_format=keys.one_of("access_token_format", ACCESS_TOKEN_FORMATS, "opaque"),
        resources=keys.texts("resources"),
        dpop_bound_access_tokens=keys.flag("dpop_bound_access_tokens", default=False),
        claims=_claims(keys),
        verified_claims=keys.flag("verified_claims", default=False),
        consent=keys.one_of("consent", CONSENT, "none"),
        sector_identifier_uri=keys.text("sector_identifier_uri"),
        backchannel_logout_uri=keys.text("backchannel_logout_uri"),
        backchannel_logout_session_required=keys.flag("backchannel_logout_session_required", default=False),
        frontchannel_logout_uri=keys.text("frontchannel_logout_uri"),
        frontchannel_logout_session_required=keys.flag("frontchannel_logout_session_required", default=False),
    )
    for rule in RULES:
        rule(client, faults)
    return client


def _secrets(keys: Table) -> tuple[str, ...]:
    """Verifiers of ``client_secret`` and ``client_secrets``; those in clear are hashed here and never kept."""
    listed = [("client_secret", keys.text("client_secret"))] + [
        ("client_secrets", secret) for secret in keys.texts("client_secrets")
    ]
    for key, secret in listed:
        if secret and not is_verifier(secret) and len(secret) < MINIMUM_LENGTH:
            keys.faults.add(
                key, secret, f"what `idp client hash-secret` prints, or in clear at least {MINIMUM_LENGTH} characters"
            )
    return tuple(secret if is_verifier(secret) else hash_secret(secret) for _, secret in listed if secret)


def _jwks(keys: Table) -> str:
    """The key set as text; a private key in it is refused, because then it is not private any more."""
    jwks = keys.table("jwks")
    if not jwks:
        return ""
    try:
        client_keys.read_keys(jwks)
        if not all(isinstance(key, dict) and "d" not in key for key in jwks["keys"]):
            raise UnusableJwk
        return json.dumps(jwks)
    except (UnusableJwk, TypeError):  # TOML holds dates, JSON does not
        keys.faults.add("jwks", "…", "a JSON Web Key Set of public keys for " + ", ".join(ALGORITHMS))
        return ""


def _scopes(keys: Table) -> tuple[str, ...]:
    scopes = tuple(keys.text("scope", "openid profile email").split())
    if "openid" not in scopes or not set(scopes) <= set(SCOPES):
        keys.faults.add("scope", " ".join(scopes), "openid, and some of " + ", ".join(SCOPES))
    return scopes


def _acr_values(keys: Table) -> tuple[str, ...]:
    found = keys.texts("default_acr_values")
    if not set(found) <= set(ACR_VALUES):
        keys.faults.add("default_acr_values", list(found), "some of " + ", ".join(ACR_VALUES))
    return found


def _response_types(keys: Table, grants: tuple[str, ...], *, implicit: bool) -> tuple[str, ...]:
    """RFC 7591 section 2.1: none, where no grant type comes by way of the authorization endpoint."""
    accepted = responses.response_types(implicit=implicit)
    default = accepted[:1] if "authorization_code" in grants else ()
    asked = keys.texts("response_types", default)
    found = tuple(" ".join(sorted(value.split(" "))) for value in asked)
    may_be_none = {"authorization_code", "implicit"}.isdisjoint(grants)
    if not (found or may_be_none) or not set(found) <= set(accepted):
        keys.faults.add("response_types", list(asked), "some of " + ", ".join(accepted))
        return default
    return found


def _claims(keys: Table) -> tuple[str, ...] | None:
    found = keys.optional_texts("claims")
    known = {claim for claims in SCOPES.values() for claim in claims}
    if found is not None and not set(found) <= known:
        keys.faults.add("claims", list(found), "some of " + ", ".join(sorted(known)))
    return found


def _sector(keys: Table) -> str:
    uri = keys.text("sector_identifier_uri")
    if uri and not (uri.startswith("https://") and redirect_uris.host(uri)):
        keys.faults.add("sector_identifier_uri", uri, "an https URL")
    return redirect_uris.host(uri)


# Names of the specifications; a client that registers itself may say these, and no others.
REGISTRABLE = (
    "redirect_uris",
    "client_name",
    "client_uri",
    "post_logout_redirect_uris",
    "token_endpoint_auth_method",
    "token_endpoint_auth_signing_alg",
    "jwks",
    "jwks_uri",
    "application_type",
    "response_types",
    "grant_types",
    "scope",
    "subject_type",
    "sector_identifier_uri",
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "id_token_encrypted_response_alg",
    "id_token_encrypted_response_enc",
    "userinfo_encrypted_response_alg",
    "userinfo_encrypted_response_enc",
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "request_object_signing_alg",
    "request_uris",
    "default_max_age",
    "default_acr_values",
    "require_auth_time",
    "dpop_bound_access_tokens",
    "backchannel_logout_uri",
    "backchannel_logout_session_required",
    "frontchannel_logout_uri",
    "frontchannel_logout_session_required",
)
# Never said by a client itself: its identifier and its secrets, which we give it, and what is ours (PKCE, consent).
_ADMINISTRATORS = (
    "client_id",
    "client_secret",
    "client_secrets",
    "access_token_format",
    "resources",
    "require_pkce",
    "claims",
    "verified_claims",
    "consent",
)
KEYS = (*REGISTRABLE, *_ADMINISTRATORS)
