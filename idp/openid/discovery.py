"""The provider's metadata (OpenID Connect Discovery 1.0 section 3, RFC 8414): only what really works is announced."""

from collections.abc import Mapping
from typing import Any

from idp.domain.claims import SCOPES
from idp.domain.languages import LANGUAGES
from idp.openid.authorization_checks import PROMPTS
from idp.openid.client_authentication import CONFIDENTIAL_METHODS, METHODS
from idp.openid.client_keys import ALGORITHMS, ENCRYPTION_ALGORITHMS
from idp.openid.client_metadata import SUBJECT_TYPES, grant_types
from idp.openid.encryption import CONTENT_ALGORITHMS
from idp.openid.keys import ALWAYS
from idp.openid.responses import MODES, response_types

AUTHORIZATION_PATH = "/authorize"
TOKEN_PATH = "/token"
USERINFO_PATH = "/userinfo"
JWKS_PATH = "/jwks"
REVOCATION_PATH = "/revoke"
INTROSPECTION_PATH = "/introspect"
DEVICE_AUTHORIZATION_PATH = "/device-authorization"
DEVICE_PAGE_PATH = "/device"
END_SESSION_PATH = "/end-session"
PUSHED_REQUEST_PATH = "/par"
REGISTRATION_PATH = "/register"

_PROTOCOL_CLAIMS = ("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash", "c_hash")


def discovery_document(
    issuer: str,
    acr_values: tuple[str, ...],
    *,
    algorithms: tuple[str, ...] = ALWAYS,
    implicit: bool = False,
    registration: bool = False,
) -> dict[str, Any]:
    """The document for this issuer, which is also the base of every address in it."""
    released = [claim for claims in SCOPES.values() for claim in claims]
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZATION_PATH,
        "token_endpoint": issuer + TOKEN_PATH,
        "userinfo_endpoint": issuer + USERINFO_PATH,
        "jwks_uri": issuer + JWKS_PATH,
        "end_session_endpoint": issuer + END_SESSION_PATH,
        "device_authorization_endpoint": issuer + DEVICE_AUTHORIZATION_PATH,
        "revocation_endpoint": issuer + REVOCATION_PATH,
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "revocation_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "introspection_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": list(METHODS),
        "introspection_endpoint": issuer + INTROSPECTION_PATH,
        "introspection_endpoint_auth_methods_supported": list(CONFIDENTIAL_METHODS),
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "scopes_supported": list(SCOPES),
        "claims_supported": list(dict.fromkeys([*_PROTOCOL_CLAIMS, *released])),
        "claim_types_supported": ["normal"],
        "claims_parameter_supported": True,
        "response_types_supported": list(response_types(implicit=implicit)),
        "response_modes_supported": list(MODES),
        "grant_types_supported": list(grant_types(implicit=implicit)),
        "subject_types_supported": list(SUBJECT_TYPES),
        "id_token_signing_alg_values_supported": list(algorithms),
        "userinfo_signing_alg_values_supported": list(algorithms),
        "id_token_encryption_alg_values_supported": list(ENCRYPTION_ALGORITHMS),
        "id_token_encryption_enc_values_supported": list(CONTENT_ALGORITHMS),
        "userinfo_encryption_alg_values_supported": list(ENCRYPTION_ALGORITHMS),
        "userinfo_encryption_enc_values_supported": list(CONTENT_ALGORITHMS),
        "token_endpoint_auth_methods_supported": list(METHODS),
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": list(PROMPTS),
        "acr_values_supported": list(acr_values),
        "ui_locales_supported": list(LANGUAGES),
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
        "pushed_authorization_request_endpoint": issuer + PUSHED_REQUEST_PATH,
        "request_parameter_supported": True,
        "request_uri_parameter_supported": True,
        "require_request_uri_registration": True,
        **({"registration_endpoint": issuer + REGISTRATION_PATH} if registration else {}),
        "request_object_signing_alg_values_supported": list(ALGORITHMS),
    }


def our_addresses(document: Mapping[str, Any]) -> frozenset[str]:
    """The issuer and the endpoints of this document: whom a statement made for us may name as its audience."""
    endpoints = [value for name, value in document.items() if name.endswith("_endpoint")]
    return frozenset([document["issuer"], *endpoints])
