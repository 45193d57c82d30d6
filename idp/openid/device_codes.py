"""Codes of waiting devices (RFC 8628): the name of their grant type, and how they are looked up."""

from idp.domain.keyed import SecretKey, token_hash

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"


def device_code_hash(device_code: str) -> str:
    """Apart from the hashes of other codes: a device code is never exchanged as an authorization code."""
    return token_hash(f"device code\0{device_code}")


def user_code_hash(secret: SecretKey, user_code: str) -> str:
    """Keyed, because a code of 34 bits would be found from a plain hash."""
    return secret.hash("user code", user_code)
