"""Short references that stand on a page and in the log."""

import hashlib
import secrets

# Without letters and digits that are mistaken for one another on the telephone.
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def new_reference() -> str:
    """Eight characters in two groups, e.g. ``K7QM-2XWD``: 40 random bits, unique enough for a log."""
    text = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    return f"{text[:4]}-{text[4:]}"


def reference_of(record_id: str) -> str:
    """The same reference every time for one record, e.g. a code that is mailed again."""
    text = "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in hashlib.sha256(record_id.encode()).digest()[:8])
    return f"{text[:4]}-{text[4:]}"


def typed_reference(text: str) -> str | None:
    """The reference that a person copied or dictated; None where this is none."""
    plain = "".join(text.upper().split()).replace("-", "")
    is_one = len(plain) == 8 and all(char in _ALPHABET for char in plain)
    return f"{plain[:4]}-{plain[4:]}" if is_one else None
