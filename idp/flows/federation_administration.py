"""What an administrator asks on the command line about universities and their metadata."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from idp.domain import addresses
from idp.domain.entity_details import EntityDetails
from idp.domain.errors import ServiceUnavailable
from idp.domain.federation import FileReport, IdentityProvider, MetadataFileStatus
from idp.domain.federation_health import AnswerCount, UniversityHealth, health_of
from idp.domain.helpdesk import Act
from idp.domain.pinned_keys import PinnedKey
from idp.domain.references import new_reference
from idp.domain.routing import LearnedDomain, Route, RoutesDomains, routes
from idp.saml.entity_details import entity_details
from idp.saml.federation import FederationFolder
from idp.saml.synthetic_aggregate import write_test_aggregate
from idp.storage.audit import AuditTrail
from idp.storage.learned_domains import LearnedDomains


@dataclass(frozen=True, slots=True)
class ProviderDetails:
    """One identity provider as it is in use. file: the metadata file that it comes from."""

    provider: IdentityProvider
    file: str
    published: EntityDetails


@dataclass(frozen=True, slots=True)
class Which:
    """Where an address leads. is_complete: False where the learned domains could not be read."""

    routes: tuple[Route, ...]
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class FederationAdministration:
    """Reads the federation folder as the provider does; what needs the database is made where a command needs it."""

    federation: FederationFolder
    routes: Callable[[], RoutesDomains]
    audit: Callable[[], AuditTrail]
    clock: Callable[[], datetime]
    learned: Callable[[], LearnedDomains]

    def files(self) -> tuple[MetadataFileStatus, ...]:
        """What became of each metadata file."""
        return self.federation.refresh()

    def pinned_keys(self) -> dict[str, tuple[PinnedKey, ...]]:
        """The keys that are trusted to sign each metadata file, by file name; as of the last look at the files."""
        return self.federation.pinned_keys()

    def faults(self) -> tuple[str, ...]:
        """One line for each thing to mend in the federation folder."""
        return tuple(problem for status in self.federation.refresh() for problem in status.problems)

    def providers(self, query: str) -> tuple[IdentityProvider, ...]:
        """The identity providers that a search finds, as a person would find them."""
        self.federation.refresh()
        return self.federation.current.search(query)

    def which(self, typed: str) -> Which:
        """The universities that this address leads to, and why; raises ``addresses.InvalidAddress``."""
        domain = addresses.domain_of(addresses.clean(typed))
        self.federation.refresh()
        try:
            return Which(self.routes()(domain))
        except ServiceUnavailable:
            return Which(routes(domain, self.federation.current.by_address_domain(domain)), is_complete=False)

    def refuse_domain(self, domain: str, entity_id: str, act: Act) -> bool:
        """Let what was learned of this mail domain lead to this university no longer, nor be learned again; False, and
        nothing changed, where it was not learned."""
        learned, refused = self.learned(), LearnedDomain(domain.strip().lower().rstrip("."), entity_id)
        now = self.clock()
        if refused not in learned.among((refused.domain,), now=now):
            return False
        learned.refuse(refused, now=now)
        self.audit().append(
            "federation.domain_refused",
            at=now,
            reference=new_reference(),
            entity_id=entity_id,
            domain=refused.domain,
            operator=act.operator,
            reason=act.reason,
        )
        return True

    def show(self, entity_id: str) -> ProviderDetails | None:
        """Everything about this identity provider, hidden ones included; None where the federation has none such."""
        self.federation.refresh()
        current = self.federation.current
        provider, metadata = current.provider(entity_id), current.metadata(entity_id)
        if provider is None or metadata is None:
            return None
        return ProviderDetails(provider, current.file_of(entity_id) or "", entity_details(metadata))

    def check(self, file: Path) -> FileReport:
        """What would become of this file in the folder; raises ConfigurationError for unreadable overrides."""
        self.federation.refresh()
        return self.federation.check(file)

    def health(self, period: timedelta) -> tuple[UniversityHealth, ...]:
        """How sign-in went in this period, the worst first; universities whose last answer is older are in it, too."""
        self.federation.refresh()
        by_entity: dict[str, list[AnswerCount]] = {}
        for counted in self.audit().university_answers(since=self.clock() - period):
            by_entity.setdefault(counted.entity_id, []).append(counted)
        found = [
            health_of(entity_id, self._name(entity_id), last, by_entity.get(entity_id, ()))
            for entity_id, last in self.audit().last_successes().items()
        ]
        return tuple(sorted(found, key=lambda health: (-health.failure_rate, health.name)))

    def write_test_aggregate(self, folder: Path, providers: int, made: Callable[[int], None]) -> list[Path]:
        """A signed aggregate of invented universities, for tests of an installation; the files written."""
        return write_test_aggregate(folder, providers, made, now=self.clock())

    def _name(self, entity_id: str) -> str:
        provider = self.federation.current.provider(entity_id)
        return provider.name("fr") if provider else entity_id
