"""Keys of relying parties, and what they sign with them."""

import json
import secrets
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from tests.openid.world import ISSUER, NOW

PrivateKey = RSAKey | ECKey | OKPKey

# Made once for the run: RSA keys cost more than a test.
KEYS: dict[str, PrivateKey] = {
    "RS256": RSAKey.generate_key(2048, {"kid": "rsa"}),
    "ES256": ECKey.generate_key("P-256", {"kid": "ec"}),
    "EdDSA": OKPKey.generate_key("Ed25519", {"kid": "okp"}),
}
KEYS["PS256"] = KEYS["RS256"]
# The same key under the name that says its curve (RFC 9864).
KEYS["Ed25519"] = KEYS["EdDSA"]
STRANGERS_KEY = ECKey.generate_key("P-256", {"kid": "ec"})
JWKS = json.dumps({"keys": [KEYS[name].as_dict(private=False) for name in ("RS256", "ES256", "EdDSA")]})


def assertion_claims(client_id: str, **changes: Any) -> dict[str, Any]:
    """The claims of a good client assertion, changed, or left out where None."""
    claims: dict[str, Any] = {
        "iss": client_id,
        "sub": client_id,
        "aud": ISSUER,
        "exp": int(NOW.timestamp()) + 60,
        "iat": int(NOW.timestamp()),
        "jti": secrets.token_urlsafe(8),
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


class _Registry(JWSRegistry):
    """A key in the header makes it longer than the library's default."""

    max_header_length = 8192


def signed(claims: dict[str, Any], algorithm: str = "ES256", key: PrivateKey | None = None, **header: Any) -> str:
    """The claims as a compact JWS of one of these keys."""
    key = key or KEYS[algorithm]
    headers = {"alg": algorithm, "kid": key.kid} | header
    header = {name: value for name, value in headers.items() if value is not None}
    return jwt.encode(header, claims, key, registry=_Registry(algorithms=[algorithm], strict_check_header=False))
