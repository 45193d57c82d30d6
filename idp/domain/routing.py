"""From a mail domain to the university behind it.

This routes only: nobody is believed because an address led somewhere. What a university may vouch for is decided on its
answer (``domain.identity``).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from idp.domain.federation import IdentityProvider, within
from idp.domain.mail_providers import is_public, resembles_public
from idp.domain.proofing import Proofing

# How many people of one university must have come from a domain before that university is proposed to the next one.
ENOUGH_ACCOUNTS = 3


class RoutedBy(StrEnum):
    """Who says that a domain belongs to a university."""

    ADMINISTRATOR = "administrator"
    DOMAIN_HINT = "domain_hint"
    SCOPE = "scope"
    LEARNED = "learned"


@dataclass(frozen=True, slots=True)
class Route:
    """One university for a mail domain. suffix: the part of the domain, on a label boundary, that led there."""

    provider: IdentityProvider
    by: RoutedBy
    suffix: str


@dataclass(frozen=True, slots=True)
class LearnedDomain:
    """A domain from which enough people were accepted by this identity provider."""

    domain: str
    entity_id: str


class RoutesDomains(Protocol):
    """Finds the universities behind a mail domain."""

    def __call__(self, domain: str) -> tuple[Route, ...]:
        """None, one, or several to choose from; hidden ones never."""


class LearnsDomains(Protocol):
    """Takes note of where the people of a university come from."""

    def __call__(self, proofing: Proofing, account_id: str) -> None:
        """Called once the mailbox is proven and the account stands; never fails."""


def suffixes(domain: str) -> tuple[str, ...]:
    """The domain and what is above it, longest first, without the top-level domain alone."""
    labels = domain.strip().lower().rstrip(".").split(".")
    return tuple(".".join(labels[start:]) for start in range(len(labels) - 1))


def routes(
    domain: str, named: Iterable[IdentityProvider], learned: Iterable[tuple[str, IdentityProvider]] = ()
) -> tuple[Route, ...]:
    """The universities that this mail domain points to.

    named: those whose metadata or override may name it. learned: domains with the university that people came from.

    The longest suffix decides; at the same one the administrator's table goes before domain hints and scopes, and those
    before what was learned. What was learned outside a university's own domains counts only where nobody else is named
    at all: what people type must not lead the members of another university astray. In a domain where anybody may have
    an address, the administrator's table alone counts.
    """
    said = [route for provider in named for route in _said(domain, provider)]
    heard = [
        Route(provider, RoutedBy.LEARNED, suffix)
        for suffix, provider in learned
        if suffix in suffixes(domain)
        and not is_public(suffix)
        and not provider.hidden
        and (not said or _vouches_in(suffix, provider))
    ]
    best = max((_weight(route) for route in (*said, *heard)), default=None)
    return tuple(route for route in (*said, *heard) if _weight(route) == best)


def is_settled(domain: str, found: tuple[Route, ...]) -> bool:
    """Whether nothing learned could change these routes: the whole domain is named, or says nothing about anybody."""
    return is_public(domain) or any(route.suffix == domain for route in found)


def teaches(domain: str, provider: IdentityProvider, found: tuple[Route, ...]) -> bool:
    """Whether an accepted sign-in of this university tells something about a domain that leads to ``found`` so far."""
    if len(suffixes(domain)) == 0 or resembles_public(domain) or is_settled(domain, found):
        return False
    return not found or _vouches_in(domain, provider)


def _said(domain: str, provider: IdentityProvider) -> Iterator[Route]:
    """Its own best suffix of the domain, if it has one."""
    sources = (
        (RoutedBy.ADMINISTRATOR, provider.mail_domains),
        (RoutedBy.DOMAIN_HINT, provider.domain_hints),
        (RoutedBy.SCOPE, provider.scopes),
    )
    for suffix in () if provider.hidden else suffixes(domain):
        for by, domains in sources:
            if suffix in domains and (by is RoutedBy.ADMINISTRATOR or not is_public(suffix)):
                yield Route(provider, by, suffix)
                return


def _vouches_in(domain: str, provider: IdentityProvider) -> bool:
    return within(domain, provider.scopes + provider.mail_domains)


def _weight(route: Route) -> tuple[int, int]:
    by_authority = {RoutedBy.ADMINISTRATOR: 2, RoutedBy.LEARNED: 0}
    return len(route.suffix), by_authority.get(route.by, 1)
