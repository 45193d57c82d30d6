"""Everything that is derived from the one secret key of the installation.

Codes and links are derived from the key and the identifier of their record, so that neither the database nor the
outbox ever holds one; purposes keep the derivations apart.
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

# 32 bytes in base64url.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def random_token() -> str:
    """A fresh secret of 256 bits, URL-safe text without padding."""
    return secrets.token_urlsafe(32)


def random_id() -> str:
    """A fresh identifier of 128 bits, URL-safe text: unguessable, but not a credential by itself."""
    return secrets.token_urlsafe(16)


def may_be_token(text: str) -> bool:
    """Whether it has the shape of a random token, or of a keyed hash as text: every ``sub`` has it."""
    return _TOKEN.fullmatch(text) is not None


def token_hash(token: str) -> str:
    """How a random token is stored: SHA-256 in hex. Enough for 256 random bits; a password needs more."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def same(left: str, right: str) -> bool:
    """Compare two secrets without telling by the time taken where they differ."""
    return hmac.compare_digest(left.encode("utf-8", "surrogatepass"), right.encode("utf-8", "surrogatepass"))


def base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """What ``base64url`` wrote. Raises ValueError for what is none."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class SecretKey:
    """Derives codes, tokens and keyed hashes with HMAC-SHA256 from one key, a purpose and the parts given."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ValueError("the secret key needs at least 16 bytes")
        self._key = key

    def __repr__(self) -> str:
        return "SecretKey(…)"

    def derive(self, purpose: str, *parts: str) -> bytes:
        """32 bytes that only this key, purpose and these parts give."""
        message = b""
        for text in (purpose, *parts):
            part = text.encode("utf-8", "surrogatepass")
            # A length before each part keeps ("ab", "c") and ("a", "bc") apart.
            message += len(part).to_bytes(4, "big") + part
        return hmac.digest(self._key, message, "sha256")

    def token(self, purpose: str, *parts: str) -> str:
        """A URL-safe token of 256 bits."""
        return base64url(self.derive(purpose, *parts))

    def code(self, purpose: str, *parts: str) -> str:
        """Six decimal digits, each combination equally likely to within 2^-230."""
        return f"{int.from_bytes(self.derive(purpose, *parts), 'big') % 1_000_000:06d}"

    def hash(self, purpose: str, *parts: str) -> str:
        """A keyed hash in hex, for looking up what must not be readable in the database."""
        return self.derive(purpose, *parts).hex()
