"""What an administrator asks on the command line about relying parties."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.clients import Client
from idp.domain.errors import ConfigurationError
from idp.domain.keyed import random_token, token_hash
from idp.domain.registrations import InitialToken
from idp.openid.clients import ClientsFile
from idp.storage.clients import InitialTokenStore


@dataclass(frozen=True, slots=True)
class ClientAdministration:
    """Reads the clients file as the provider would read it; makes tokens for registration.

    registers: whether applications may register themselves now.
    """

    clients_file: Callable[[], ClientsFile]
    initial_tokens: Callable[[], InitialTokenStore]
    registers: bool

    def clients(self) -> tuple[Client, ...]:
        """Every relying party of the file; raises ConfigurationError."""
        return self.clients_file().every()

    def faults(self) -> tuple[str, ...]:
        """One line for each thing to mend in the clients file."""
        try:
            self.clients()
        except ConfigurationError as error:
            return error.faults
        return ()

    def initial_token(self, *, uses: int, days: int, now: datetime) -> str:
        """A token with which so many applications may register within so many days; told here and never again."""
        token = random_token()
        self.initial_tokens().add(InitialToken(token_hash(token), uses, now + timedelta(days=days)))
        return token
