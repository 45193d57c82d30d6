"""Every JWT that leaves this provider: one compact JWS, with the key's identifier and a type of its own."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from joserfc import jws

from idp.openid.key_files import SigningKey

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def sign_jwt(claims: Mapping[str, Any], signing: SigningKey, token_type: str) -> str:
    """The claims, signed (RFC 7519 section 7.1). token_type: the ``typ`` that keeps kinds apart (RFC 8725 3.11)."""
    header = {"alg": signing.algorithm, "kid": signing.kid, "typ": token_type}
    # Our claims are plain JSON: jwt.encode would look at each of them first.
    return jws.serialize_compact(header, _encode(claims).encode(), signing.key, registry=_registry(signing.algorithm))


@cache
def _registry(algorithm: str) -> jws.JWSRegistry:
    # Our own headers need no search for members that nobody knows.
    return jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
