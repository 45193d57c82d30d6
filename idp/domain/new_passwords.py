"""What a new password must be: long, of some variety, and not to be guessed.

Any character is allowed. The measure of variety is the CNIL's (deliberation 2022-100 of 21 July 2022: 50 bits where
tries are limited, as they are here); whether it can be guessed is zxcvbn's to say, which is told French words and what
others may know of this person.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from threading import Lock
from typing import Final

from zxcvbn import matching, zxcvbn

MINIMUM_BITS: Final = 50
# 10^8 guesses are what zxcvbn calls safe where tries are limited.
_GUESSES_LOG10: Final = 8.0
# zxcvbn's time grows steeply with the length: so many characters of the beginning, or of the end, have to suffice.
_LOOKED_AT: Final = 24
# What leaked lists show the French to choose, beyond single words.
_OFTEN_CHOSEN: Final = (
    "motdepasse",
    "azerty",
    "azertyuiop",
    "qwertz",
    "doudou",
    "loulou",
    "jetaime",
    "chouchou",
    "nono",
)
# Sizes of the sets that the CNIL's reckoning counts with; whatever is no ASCII letter or digit counts as a symbol.
_SETS: Final = ((re.compile("[0-9]"), 10), (re.compile("[a-z]"), 26), (re.compile("[A-Z]"), 26))
_SYMBOL: Final = re.compile("[^0-9a-zA-Z]")
_SYMBOLS: Final = 37
_NAMES: Final = ("displayName", "givenName", "sn", "cn")
# zxcvbn keeps the person's own words in a table of the whole process: one call at a time.
_one_at_a_time = Lock()


@dataclass(frozen=True, slots=True)
class PasswordProblem:
    """Why a new password is not taken; ``key`` selects the sentence, ``values`` are its numbers."""

    key: str
    values: tuple[tuple[str, object], ...] = ()


def problem_with(
    password: str, *, address: str, minimum_length: int, known: Sequence[str] = ()
) -> PasswordProblem | None:
    """What keeps this from being a good new password, or None.

    address: the person's. known: what else somebody who guesses would try: names, university, year.
    """
    text = unicodedata.normalize("NFC", password)
    if len(text) < minimum_length:
        return PasswordProblem("password.too_short", (("minimum", minimum_length),))
    if _is_mostly_address(text.casefold(), address, minimum_length):
        return PasswordProblem("password.contains_address")
    if bits(text) < MINIMUM_BITS:
        return PasswordProblem("password.too_uniform")
    known = (address, *known)
    if _is_mostly_known(text.casefold(), known, minimum_length) or guesses_log10(text, known) < _GUESSES_LOG10:
        return PasswordProblem("password.too_simple")
    return None


def known_of(attributes: Mapping[str, Sequence[str]], *others: str) -> tuple[str, ...]:
    """What others know of a person: the names among the attributes, and these texts."""
    return (*(value for name in _NAMES for value in attributes.get(name, ())), *others)


def name_words(attributes: Mapping[str, Sequence[str]]) -> list[str]:
    """The person's names as a page looks for them in what is typed: in small letters, the longest first."""
    return _longest_first(known_of(attributes))


def bits(password: str) -> float:
    """The size of the space that the password is taken from, by the CNIL's reckoning: length times log2 of its sets."""
    size = sum(count for characters, count in _SETS if characters.search(password))
    size += _SYMBOLS if _SYMBOL.search(password) else 0
    return len(password) * math.log2(size) if size else 0.0


def guesses_log10(password: str, known: Iterable[str] = ()) -> float:
    """How many tries somebody needs who knows words, names, keyboards, dates and these texts; decimal logarithm."""
    _teach_french()
    ends = dict.fromkeys((password[:_LOOKED_AT], password[-_LOOKED_AT:]))
    inputs = _parts(known)
    return max(_judged(end, inputs) for end in ends)


def _judged(password: str, inputs: list[str]) -> float:
    with _one_at_a_time:
        return float(zxcvbn(password, user_inputs=inputs)["guesses_log10"])


def _is_mostly_address(folded: str, address: str, minimum_length: int) -> bool:
    local_part = address.partition("@")[0]
    return _is_little_beside(folded, (address, local_part) if len(local_part) >= 4 else (address,), minimum_length)


def _is_mostly_known(folded: str, known: Iterable[str], minimum_length: int) -> bool:
    """zxcvbn takes three pieces for safe, however well known each is: a name, a hyphen and the year."""
    return _is_little_beside(folded, _longest_first(known), minimum_length)


def _is_little_beside(folded: str, parts: Iterable[str], minimum_length: int) -> bool:
    """Whether less than half of what a password has to be is left when these are taken out, one after the other."""
    rest = folded
    for part in parts:
        rest = rest.replace(part, "")
    return len(rest) < minimum_length / 2


def _longest_first(known: Iterable[str]) -> list[str]:
    return sorted(_parts(known), key=len, reverse=True)


def _parts(known: Iterable[str]) -> list[str]:
    """Each text and its words, with accents and without: they are typed both ways."""
    parts = [part for text in known for part in (text, *re.split(r"[\W_]+", text)) if len(part) > 2]
    return list(dict.fromkeys(spelling.lower() for part in parts for spelling in (part, _plain(part))))


def _plain(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))


@cache
def _teach_french() -> None:
    """zxcvbn itself knows English. The list: see ``words/NOTICE.md``."""
    words = (files("idp.domain") / "words" / "french.txt").read_text("utf-8").split()
    spellings = dict.fromkeys(spelling for word in (*_OFTEN_CHOSEN, *words) for spelling in (word, _plain(word)))
    matching.add_frequency_lists({"french": list(spellings)})
