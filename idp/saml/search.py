"""Finding a university by what a person types: accents and case folded, beginnings of words, never guesses.

Edit distance is left out on purpose: Toulon and Toulouse, Limoges and Nîmes lie too close to one another. The words lie
in a table of the federation's index; a look at 10,000 rows of it takes two milliseconds, and needs no memory of ours.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from idp.domain.federation import IdentityProvider
from idp.domain.folding import folded

_UNIVERSITY: Final = re.compile(r"\buniversit(?!air)")
_WORD: Final = re.compile(r"[^\W_]+")
# A space in place of every ASCII character that is in no word.
_SPACES: Final = "".join(char if char.isalnum() else " " for char in map(chr, range(128)))
# Small words that people add or leave out.
_SMALL_WORDS: Final = frozenset(["a", "d", "de", "des", "du", "et", "l", "la", "le", "les", "of", "the"])
# Written either way, and found by either way and its beginnings: « sain » is nearly « saint », « st » also Strasbourg.
_OTHERWISE: Final = {"saint": "st", "st": "saint", "sainte": "ste", "ste": "sainte"}


@dataclass(frozen=True, slots=True)
class SearchText:
    """How one identity provider is found.

    names: whole names and aliases, each between bars. name_words: their words, each between spaces, also as they may be
    written otherwise. domain_words: of its domains, likewise. sort_key: order among equals.
    """

    names: str
    name_words: str
    domain_words: str
    sort_key: str


def search_text(provider: IdentityProvider) -> SearchText:
    """The words of this identity provider."""
    # Folded together, as each call takes longer than the few letters in it.
    together = "\n".join(dict.fromkeys([provider.name("fr"), *[name for _, name in provider.names], *provider.aliases]))
    names = [" ".join(_words(name)) for name in folded(together).split("\n")]
    domains = " ".join(provider.scopes + provider.mail_domains + provider.domain_hints)
    return SearchText(
        names=f"|{'|'.join(names)}|",
        name_words=_between_spaces(" ".join(names).split()),
        domain_words=_between_spaces(_words(folded(domains))),
        sort_key=_sort_key(names[0]),
    )


def conditions(query: str) -> tuple[str, str, dict[str, str]] | None:
    """SQL for a table with the columns of SearchText: what matches, its rank, and the parameters of both.

    A match has for each word of the query one that begins with it. Ranks: 0 the very name or alias, 1 whole words of
    the name, 2 their beginnings, 3 only with the domain. None for a query without words.
    """
    wanted = _query_words(query)
    if not wanted:
        return None
    begins = {f"w{number}": f" {word}" for number, word in enumerate(wanted)}
    in_name = " AND ".join(f"instr(name_words, :{name})" for name in begins)
    whole = " AND ".join(f"instr(name_words, :{name} || ' ')" for name in begins)
    matches = " AND ".join(f"(instr(name_words, :{name}) OR instr(domain_words, :{name}))" for name in begins)
    rank = f"CASE WHEN instr(names, :name) THEN 0 WHEN {whole} THEN 1 WHEN {in_name} THEN 2 ELSE 3 END"
    return matches, rank, begins | {"name": f"|{' '.join(wanted)}|"}


def domain_in(query: str) -> str:
    """The domain that a query names as an address, or as a domain with a dot; empty where it is words."""
    typed = query.strip()
    is_one = typed.split() == [typed] and ("@" in typed or "." in typed)
    return typed.rpartition("@")[2] if is_one else ""


def _sort_key(words: str) -> str:
    # Students look for universities; hospitals (« centre hospitalier universitaire »), libraries, student services and
    # regional bodies of the same town come after them.
    is_university = _UNIVERSITY.search(words) is not None
    return f"{'0' if is_university else '1'} {words}"


def _between_spaces(words: Sequence[str]) -> str:
    # Asked in one call, as nearly all have none.
    if not _OTHERWISE.keys().isdisjoint(words):
        words = [*words, *(_OTHERWISE[word] for word in words if word in _OTHERWISE)]
    return f" {' '.join(dict.fromkeys(words))} "


def _words(text: str) -> list[str]:
    """The words of a text that was folded before; nearly all are ASCII then, which Python takes apart by a table."""
    return text.translate(_SPACES).split() if text.isascii() else _WORD.findall(text)


def _query_words(query: str) -> Sequence[str]:
    words = _words(folded(query[:200]))[:12]
    return [word for word in words if word not in _SMALL_WORDS] or words
