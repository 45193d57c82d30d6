"""The provider's metadata (OpenID Connect Discovery 1.0 section 3, RFC 8414): only what really works is announced."""

from typing import Any

from idp.domain.claims import SCOPES
from idp.openid.client_authentication import METHODS
from idp.openid.client_metadata import GRANT_TYPES, RESPONSE_TYPES, SUBJECT_TYPES
from idp.openid.keys import ALGORITHM

AUTHORIZATION_PATH = "/authorize"
TOKEN_PATH = "/token"
USERINFO_PATH = "/userinfo"
JWKS_PATH = "/jwks"
END_SESSION_PATH = "/end-session"

_PROTOCOL_CLAIMS = ("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash")


def discovery_document(issuer: str, acr_values: tuple[str, ...]) -> dict[str, Any]:
    """The document for this issuer, which is also the base of every address in it."""
    released = [claim for claims in SCOPES.values() for claim in claims]
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZATION_PATH,
        "token_endpoint": issuer + TOKEN_PATH,
        "userinfo_endpoint": issuer + USERINFO_PATH,
        "jwks_uri": issuer + JWKS_PATH,
        "end_session_endpoint": issuer + END_SESSION_PATH,
        "scopes_supported": list(SCOPES),
        "claims_supported": list(dict.fromkeys([*_PROTOCOL_CLAIMS, *released])),
        "claim_types_supported": ["normal"],
        "claims_parameter_supported": True,
        "response_types_supported": list(RESPONSE_TYPES),
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANT_TYPES),
        "subject_types_supported": list(SUBJECT_TYPES),
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": list(METHODS),
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "select_account"],
        "acr_values_supported": list(acr_values),
        "ui_locales_supported": ["fr", "en"],
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
