"""What an administrator asks on the command line about relying parties."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.clients import Client
from idp.domain.errors import ConfigurationError
from idp.domain.keyed import random_token, token_hash
from idp.domain.registrations import InitialToken, Registration
from idp.openid.clients import ClientsFile
from idp.storage.clients import ClientStore, InitialTokenStore
from idp.storage.grants import GrantStore


@dataclass(frozen=True, slots=True)
class ClientAdministration:
    """Reads the clients file as the provider would read it; makes tokens for registration, and ends registrations.

    registers: whether applications may register themselves now.
    """

    clients_file: Callable[[], ClientsFile]
    initial_tokens: Callable[[], InitialTokenStore]
    registrations: Callable[[], ClientStore]
    grants: Callable[[], GrantStore]
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

    def registered(self) -> tuple[Registration, ...]:
        """Every relying party that registered itself, the oldest first; they stay when registration is switched off."""
        return self.registrations().every()

    def remove(self, client_id: str) -> bool:
        """End a registration, and everything that the client was granted; False where there is no such registration.

        Workers that have just served the client may know it for a few seconds more, but none of its grants is there.
        """
        is_done = self.registrations().delete(client_id)
        # Also where the client was gone already: somebody who was cut off in between begins again.
        self.grants().revoke_registered_client(client_id)
        return is_done
