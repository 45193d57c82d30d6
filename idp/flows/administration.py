"""What an administrator asks on the command line about clients and the federation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from idp.domain import addresses
from idp.domain.clients import Client
from idp.domain.errors import ConfigurationError
from idp.domain.federation import IdentityProvider, MetadataFileStatus
from idp.openid.clients import ClientsFile
from idp.saml.federation import FederationFolder


@dataclass(frozen=True, slots=True)
class Administration:
    """Reads the files an administrator edits, as the provider would read them; changes nothing."""

    clients_file: Callable[[], ClientsFile]
    federation: FederationFolder

    def clients(self) -> tuple[Client, ...]:
        """Every relying party of the file; raises ConfigurationError."""
        return self.clients_file().every()

    def faults(self) -> Iterator[str]:
        """One line for each thing to mend in the clients file and the federation folder."""
        try:
            self.clients()
        except ConfigurationError as error:
            yield from error.faults
        for status in self.federation.refresh():
            if status.problem:
                yield status.problem

    def files(self) -> tuple[MetadataFileStatus, ...]:
        """What became of each metadata file."""
        return self.federation.refresh()

    def providers(self, query: str) -> tuple[IdentityProvider, ...]:
        """The identity providers that a search finds, as a person would find them."""
        self.federation.refresh()
        return self.federation.current.search(query)

    def which(self, typed: str) -> tuple[IdentityProvider, ...]:
        """The universities that this address leads to; raises ``addresses.InvalidAddress``."""
        self.federation.refresh()
        return self.federation.current.by_address_domain(addresses.domain_of(addresses.clean(typed)))
