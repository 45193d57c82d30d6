"""What was meant by a name that nobody knows: one rule for settings and for the keys of clients."""

import difflib
from collections.abc import Iterable

# Alike enough for a slip of the hand; what is less alike is another word.
_ALIKE = 0.75


def meant(name: str, known: Iterable[str]) -> str | None:
    """The one of the known names that this one was likely meant to be."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=_ALIKE)
    return close[0] if close else None
