"""Client secrets at rest.

They are random, so a salted keyed SHA-256 is enough; a password hash would cost a tenth of a second at every token
request and add nothing.
"""

import hashlib
import hmac
import re
import secrets

MINIMUM_LENGTH = 16
# What everybody reads in this project: the demo's, and the tutorial's.
_PUBLIC = ("portail-secret-de-developpement", "second-secret-de-developpement", "change-me-at-once")
_VERIFIER = re.compile(r"sha256\$[0-9a-f]{32}\$[0-9a-f]{64}")


def new_secret() -> str:
    """A fresh client secret of 256 bits, URL-safe: unchanged by the form-encoding of RFC 6749 section 2.3.1."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """What to keep instead of the secret: ``sha256$<salt>$<HMAC-SHA256 of the secret under the salt>``, in hex."""
    salt = secrets.token_hex(16)
    return f"sha256${salt}${_digest(salt, secret)}"


def is_verifier(text: str) -> bool:
    """Whether the text is what ``hash_secret`` writes, rather than a secret in clear."""
    return _VERIFIER.fullmatch(text) is not None


def verify_secret(secret: str, verifiers: tuple[str, ...]) -> bool:
    """Whether the secret belongs to one of the verifiers; takes the same time whatever the answer.

    No verifier at all costs as much as one, so that an unknown client is not told apart.
    """
    found = False
    for verifier in verifiers or (_NOBODY,):
        _, salt, digest = verifier.split("$")
        # No short cut: every verifier is compared, in constant time.
        found |= hmac.compare_digest(_digest(salt, secret), digest)
    return found and bool(verifiers)


def is_public(verifiers: tuple[str, ...]) -> bool:
    """Whether one of these secrets stands in this project's own files."""
    return any(verify_secret(secret, verifiers) for secret in _PUBLIC)


def _digest(salt: str, secret: str) -> str:
    return hmac.new(salt.encode("ascii"), secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


_NOBODY = hash_secret(new_secret())
