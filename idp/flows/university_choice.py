"""Choosing a university: what the address names, what a search finds, and an outside discovery service."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from idp.domain import addresses
from idp.domain.authorization import PendingAuthorization
from idp.domain.federation import IdentityProvider
from idp.domain.mail_providers import is_public
from idp.domain.routing import RoutesDomains
from idp.saml.federation import FederationFolder
from idp.storage.audit import AuditTrail


@dataclass(frozen=True, slots=True)
class OutsideDiscovery:
    """A service that lets people choose instead of our own page.

    url: its address. entity_id: ours. return_url: where it sends people back, as our metadata has it.
    """

    url: str
    entity_id: str
    return_url: str

    def request(self, authorization_id: str) -> str:
        """The address to send a browser to (SAML Identity Provider Discovery Service Protocol).

        The journey travels in the query: without it, the address must be the one that our metadata names.
        """
        query = {
            "entityID": self.entity_id,
            "return": f"{self.return_url}?{urlencode({'journey': authorization_id})}",
            "returnIDParam": "entityID",
        }
        return f"{self.url}{'&' if '?' in self.url else '?'}{urlencode(query)}"


@dataclass(frozen=True, slots=True)
class UniversityChoice:
    federation: FederationFolder
    routes: RoutesDomains
    audit: AuditTrail
    clock: Callable[[], datetime]
    outside: OutsideDiscovery | None = None

    def of_address(self, pending: PendingAuthorization) -> tuple[IdentityProvider, ...]:
        """Those that the address's domain names."""
        domain = addresses.domain_of(pending.address or "")
        return tuple(route.provider for route in self.routes(domain)) if domain else ()

    def is_personal(self, pending: PendingAuthorization) -> bool:
        """Whether the address is one that anybody may have, and so says nothing about a university."""
        return is_public(addresses.domain_of(pending.address or ""))

    def search(self, query: str, *, limit: int) -> tuple[IdentityProvider, ...]:
        """Those that match every word, the best first."""
        return self.federation.current.search(query, limit=limit)

    def note_refused(self, pending: PendingAuthorization, problem: str) -> None:
        """The person was told that nothing was found, or chosen. What they searched for may be anything: not noted."""
        self.audit.append(
            "proofing.no_university",
            at=self.clock(),
            reference=pending.reference,
            client_id=pending.for_whom,
            problem=problem,
        )

    def shown(self, entity_id: str) -> IdentityProvider | None:
        """The identity provider, if the federation still holds and shows it."""
        found = self.federation.current.provider(entity_id) if entity_id else None
        return None if found is None or found.hidden else found

    @property
    def has_outside_service(self) -> bool:
        return self.outside is not None

    def outside_url(self, pending: PendingAuthorization) -> str | None:
        """Where this person chooses, if not on our own page."""
        return self.outside.request(pending.id) if self.outside else None
