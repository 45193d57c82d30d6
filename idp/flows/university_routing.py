"""Which university an address leads to, and what accepted sign-ins teach about that."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from idp.domain import addresses
from idp.domain.accounts import Account
from idp.domain.errors import ServiceUnavailable
from idp.domain.keyed import SecretKey
from idp.domain.proofing import Proofing
from idp.domain.routing import LearnedDomain, Route, is_settled, routes, suffixes, teaches
from idp.saml.federation import FederationFolder
from idp.storage.authorizations import AuthorizationStore
from idp.storage.learned_domains import LearnedDomains

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UniversityRouting:
    """See ``domain.routing.RoutesDomains``; the database is asked only where it could change the answer."""

    federation: FederationFolder
    learned: LearnedDomains
    clock: Callable[[], datetime]

    def __call__(self, domain: str) -> tuple[Route, ...]:
        """The universities behind this mail domain, and why."""
        domain, current = domain.strip().lower().rstrip("."), self.federation.current
        named = current.by_address_domain(domain)
        said = routes(domain, named)
        if is_settled(domain, said):
            return said
        heard = self.learned.among(suffixes(domain), now=self.clock())
        known = [(entry.domain, provider) for entry in heard if (provider := current.provider(entry.entity_id))]
        return routes(domain, named, sorted(known, key=lambda pair: pair[1].name("fr")))


@dataclass(frozen=True, slots=True)
class DomainLearning:
    """See ``domain.routing.LearnsDomains``.

    Two domains count: the one of the mailbox just proven, and the one that the person typed at the start, which is how
    old names of a university and the addresses of a hospital are learned.
    """

    federation: FederationFolder
    learned: LearnedDomains
    authorizations: AuthorizationStore
    secret: SecretKey
    clock: Callable[[], datetime]

    def __call__(self, proofing: Proofing, account_id: str) -> None:
        """Take note of the domains; a database that fails here costs this note, never the sign-in."""
        try:
            for domain in self._domains(proofing):
                self._note(domain, proofing.entity_id, account_id)
        except ServiceUnavailable as problem:
            logger.warning("routing.not_learned", extra={"fields": {"detail": problem.detail}})

    def _domains(self, proofing: Proofing) -> tuple[str, ...]:
        pending = self.authorizations.find(proofing.authorization_id, proofing.browser, now=self.clock())
        typed = pending.address if pending else None
        return tuple({addresses.domain_of(address) for address in (proofing.address, typed) if address})

    def _note(self, domain: str, entity_id: str, account_id: str) -> None:
        current = self.federation.current
        provider = current.provider(entity_id)
        if provider is None or not teaches(domain, provider, routes(domain, current.by_address_domain(domain))):
            return
        account_hash = _account_hash(self.secret, domain, entity_id, account_id)
        self.learned.note(LearnedDomain(domain, entity_id), account_hash, now=self.clock())


@dataclass(frozen=True, slots=True)
class DomainForgetting:
    """The other way round: what the addresses of an account that is erased have taught."""

    learned: LearnedDomains
    secret: SecretKey

    def __call__(self, account: Account) -> None:
        domains = {addresses.domain_of(address) for address in account.addresses}
        for entity_id in {identity.entity_id for identity in account.identities}:
            for domain in domains:
                account_hash = _account_hash(self.secret, domain, entity_id, account.id)
                self.learned.forget(LearnedDomain(domain, entity_id), account_hash)


def _account_hash(secret: SecretKey, domain: str, entity_id: str, account_id: str) -> str:
    """One of its own for each domain: the collection does not tell which domains one person used."""
    return secret.hash("learned-domain", domain, entity_id, account_id)
