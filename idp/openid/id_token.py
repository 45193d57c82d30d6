"""ID tokens: signing them, and reading our own ones when they come back as a hint."""

import hashlib
from collections.abc import Mapping
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError

from idp.domain.keyed import base64url
from idp.openid.keys import ALGORITHM, KeyStore
from idp.openid.signing import sign_jwt

_LONGEST_HINT = 8192
_TYPE = "JWT"


class IdTokens:
    """Signs and verifies ID tokens (OpenID Connect Core sections 2 and 3.1.3.6)."""

    def __init__(self, issuer: str, keys: KeyStore) -> None:
        self._issuer = issuer
        self._keys = keys

    def sign(self, claims: Mapping[str, Any], algorithm: str = ALGORITHM) -> str:
        """The claims with our ``iss``, as a compact JWS."""
        return sign_jwt({**claims, "iss": self._issuer}, self._keys.signing(algorithm), _TYPE)

    def sign_userinfo(self, claims: Mapping[str, Any], client_id: str, algorithm: str) -> str:
        """The claims as a signed userinfo response (Core section 5.3.2); its ``typ`` tells it from an ID token."""
        signed = {**claims, "iss": self._issuer, "aud": client_id}
        return sign_jwt(signed, self._keys.signing(algorithm), "userinfo+jwt")

    def read_hint(self, hint: str) -> dict[str, Any] | None:
        """The claims of an ID token that we signed ourselves, expired or not; None for everything else.

        Only our keys by their ``kid`` count, each with its one algorithm: ``none``, a MAC made with the public key and
        a token of another kind are all refused (RFC 8725 sections 3.1 and 3.11).
        """
        if len(hint) > _LONGEST_HINT:
            return None
        try:
            header = jws.extract_compact(hint.encode("ascii")).headers()
            signed = self._keys.find(str(header.get("kid"))) if isinstance(header, dict) else None
            if signed is None or header.get("typ") != _TYPE:
                return None
            claims = jwt.decode(hint, signed.key, algorithms=[signed.algorithm]).claims
        except (JoseError, ValueError, TypeError, RecursionError):
            return None
        return claims if _is_id_token(claims, self._issuer) else None


def audience(claims: Mapping[str, Any]) -> str | None:
    """The one client that an ID token of ours was made for."""
    value = claims.get("aud")
    return value if isinstance(value, str) else None


def left_half_hash(value: str, algorithm: str = ALGORITHM) -> str:
    """``at_hash`` and ``c_hash``: left half of the hash that the ID token's algorithm uses (Core section 3.1.3.6).

    Ed25519 hashes with SHA-512 (RFC 8032 section 5.1), which is what relying parties compute.
    """
    digest = hashlib.sha512 if algorithm == "EdDSA" else hashlib.sha256
    whole = digest(value.encode("ascii")).digest()
    return base64url(whole[: len(whole) // 2])


def _is_id_token(claims: Mapping[str, Any], issuer: str) -> bool:
    return claims.get("iss") == issuer and isinstance(claims.get("sub"), str) and audience(claims) is not None
