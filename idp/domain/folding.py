"""Names as they compare, however they are written."""

import re
import unicodedata
from typing import Final

_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]")


def folded(text: str) -> str:
    """Without accents, case and typography: ``Nîmes`` and ``NIMES`` are the same."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe").replace("æ", "ae"))
    return _BEYOND_ASCII.sub(_base_letter, decomposed)


def _base_letter(found: re.Match[str]) -> str:
    char = found.group()
    return "" if unicodedata.combining(char) else char
