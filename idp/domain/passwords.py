"""Passwords of any length and any script, stored with bcrypt."""

import unicodedata
from base64 import b64encode

import bcrypt

from idp.domain.keyed import SecretKey


class PasswordHasher:
    """Hashes and verifies passwords: NFC, then HMAC-SHA256 with the secret key, then bcrypt.

    bcrypt sees at most 72 bytes and refuses more and stops at NUL; the keyed hash before it takes any length and any
    byte, and makes a stolen database worthless without the key. NFC lets the same characters from two keyboards match.
    """

    def __init__(self, secret: SecretKey, cost: int) -> None:
        self._secret = secret
        self._cost = cost
        # What is verified where there is no account or no password: the same work, never a match.
        self._nobody = self.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """A bcrypt hash in its usual text form, ``$2b$<cost>$…``."""
        return bcrypt.hashpw(self._prepared(password), bcrypt.gensalt(self._cost)).decode("ascii")

    def verify(self, password: str, stored: str | None) -> bool:
        """Whether the password matches; takes the same time when there is nothing to match (``stored`` is None)."""
        matches = bcrypt.checkpw(self._prepared(password), (stored or self._nobody).encode("ascii"))
        return matches and stored is not None

    def needs_rehash(self, stored: str) -> bool:
        """Whether the hash was made at another cost than today's."""
        return not stored.startswith(f"$2b${self._cost:02d}$")

    def _prepared(self, password: str) -> bytes:
        return b64encode(self._secret.derive("password", unicodedata.normalize("NFC", password)))
