"""Finding people by name whatever accents and ligatures it is written with, in a database that knows neither."""

import re
import unicodedata

from idp.storage.database import Document

# The attributes that hold names.
NAMES = ("displayName", "givenName", "sn")


def beginning_of_a_word(word: str) -> Document:
    """A condition on a text: one of its words begins with this one, which is folded (``domain.folding``)."""
    letters = re.sub("oe|ae|ss|.", lambda found: _written(found[0]), word)
    return {"$regex": rf"(^|[\s'’-]){letters}", "$options": "i"}


def _written(letters: str) -> str:
    """However a letter of a folded name (``domain.folding``) may stand in one, its accent apart from it or not."""
    each = (f"[{letter}{_ACCENTED.get(letter, '')}][\u0300-\u036f]*" for letter in letters)
    ligature = _LIGATURES.get(letters)
    return f"(?:{''.join(each)}|{ligature})" if ligature else "".join(each)


def _accented() -> dict[str, str]:
    found: dict[str, str] = {}
    for char in map(chr, range(0xC0, 0x180)):
        plain = unicodedata.normalize("NFKD", char.lower())[0]
        if plain.isascii() and plain.isalpha():
            found[plain] = found.get(plain, "") + char
    return found


_LIGATURES = {"oe": "[œŒ]", "ae": "[æÆ]", "ss": "ß"}
_ACCENTED = _accented()
