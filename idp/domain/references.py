"""Short references that stand on a page and in the log."""

import secrets

# Without letters and digits that are mistaken for one another on the telephone.
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def new_reference() -> str:
    """Eight characters in two groups, e.g. ``K7QM-2XWD``: 40 random bits, unique enough for a log."""
    text = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    return f"{text[:4]}-{text[4:]}"
