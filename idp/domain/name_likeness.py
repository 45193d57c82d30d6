"""Whether a typed address bears the name of somebody else than the person whom a university named.

Only what is as good as certain counts: an address made of two names, none of them like any of the person's. Logins,
initials and numbers (``cexemple``, ``c.exemple``, ``e21904532``) tell nothing, and names in other scripts are not
compared.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from idp.domain.folding import folded

_NAMES = ("displayName", "givenName", "sn")
# Shorter ones are initials, particles, or parts of any other word.
_SHORTEST = 3


def bears_other_name(typed: str, attributes: Mapping[str, Sequence[str]], mails: Iterable[str]) -> bool:
    """typed: a clean address. attributes: the person's, by friendly name. mails: theirs, as the university has them."""
    in_typed = _words(_local_part(typed))
    names = [folded(value.replace("’", "'")) for name in _NAMES for value in attributes.get(name, ())]
    if len(in_typed) < 2 or not names or not all(name.isascii() for name in names):
        return False
    known = {word for text in (*names, *map(_local_part, mails)) for word in _words(text)}
    return bool(known) and not any(_is_alike(word, other) for word in in_typed for other in known)


def _is_alike(word: str, other: str) -> bool:
    return word in other or other in word


def _words(text: str) -> set[str]:
    """text: folded."""
    return {word for word in re.split(r"[^a-z]+", text) if len(word) >= _SHORTEST}


def _local_part(address: str) -> str:
    return address.rpartition("@")[0]
