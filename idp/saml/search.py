"""Finding a university by what a person types: accents and case folded, beginnings of words, never guesses.

Edit distance is left out on purpose: Toulon and Toulouse, Limoges and Nîmes lie too close to one another.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from idp.domain.federation import IdentityProvider

# Small words that people add or leave out.
_SMALL_WORDS: Final = frozenset(["a", "d", "de", "des", "du", "et", "l", "la", "le", "les", "of", "the"])


class SearchIndex:
    """The words of every identity provider that may be shown, ready to be searched."""

    def __init__(self, providers: Iterable[IdentityProvider]) -> None:
        self._entries = tuple(_Entry.of(provider) for provider in providers)

    def search(self, query: str, limit: int) -> tuple[IdentityProvider, ...]:
        """Those of which every word of the query begins some word, the best first; none for an empty query."""
        wanted = _query_words(query)
        if not wanted:
            return ()
        ranked = [(entry.rank(wanted), entry) for entry in self._entries if entry.matches(wanted)]
        ranked.sort(key=lambda pair: (pair[0], pair[1].sort_key))
        return tuple(entry.provider for _, entry in ranked[:limit])


@dataclass(frozen=True, slots=True)
class _Entry:
    provider: IdentityProvider
    names: frozenset[str]
    name_words: frozenset[str]
    other_words: frozenset[str]
    sort_key: tuple[bool, str]

    @classmethod
    def of(cls, provider: IdentityProvider) -> "_Entry":
        names = [*(name for _, name in provider.names), *provider.aliases]
        domains = (*provider.scopes, *provider.mail_domains, *provider.domain_hints)
        return cls(
            provider,
            frozenset(" ".join(_words(name)) for name in names),
            frozenset(word for name in names for word in _words(name)),
            frozenset(word for domain in domains for word in (*_words(domain), domain)),
            _sort_key(provider.name("fr")),
        )

    def matches(self, wanted: list[str]) -> bool:
        words = self.name_words | self.other_words
        return all(_begins_any(word, words) for word in wanted)

    def rank(self, wanted: list[str]) -> int:
        """0: the very name or alias; 1: whole words of the name; 2: their beginnings; 3: only with the domain."""
        if " ".join(wanted) in self.names:
            return 0
        if self.name_words.issuperset(wanted):
            return 1
        return 2 if all(_begins_any(word, self.name_words) for word in wanted) else 3


def _sort_key(name: str) -> tuple[bool, str]:
    words = _words(name)
    # Students look for universities; student services and regional bodies of the same town come after them.
    return not any(word.startswith("universit") for word in words), " ".join(words)


def folded(text: str) -> str:
    """Without accents, case and typography: ``Nîmes`` and ``NIMES`` are the same."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe").replace("æ", "ae"))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def _words(text: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in folded(text)).split()


def _query_words(query: str) -> list[str]:
    words = _words(query[:200])[:12]
    return [word for word in words if word not in _SMALL_WORDS] or words


def _begins_any(beginning: str, words: Iterable[str]) -> bool:
    return any(word.startswith(beginning) for word in words)
