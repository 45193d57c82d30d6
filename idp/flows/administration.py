"""What an administrator asks on the command line about clients, keys and the federation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain import addresses
from idp.domain.clients import Client
from idp.domain.errors import ConfigurationError
from idp.domain.federation import IdentityProvider, MetadataFileStatus
from idp.domain.keyed import random_token, token_hash
from idp.domain.registrations import InitialToken
from idp.domain.signing_keys import KeyState
from idp.openid.clients import ClientsFile
from idp.openid.key_files import SigningKey
from idp.openid.keys import KeyStore
from idp.saml.federation import FederationFolder
from idp.storage.clients import InitialTokenStore


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One signing key as it is told to the administrator. signs_from: when its turn begins or began."""

    kid: str
    algorithm: str
    state: str
    signs_from: datetime
    file: str


@dataclass(frozen=True, slots=True)
class Administration:
    """Reads the files an administrator edits, as the provider would read them; makes keys and tokens."""

    clients_file: Callable[[], ClientsFile]
    federation: FederationFolder
    key_store: Callable[[], KeyStore]
    initial_tokens: Callable[[], InitialTokenStore]

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

    def initial_token(self, *, uses: int, days: int, now: datetime) -> str:
        """A token with which so many applications may register within so many days; told here and never again."""
        token = random_token()
        self.initial_tokens().add(InitialToken(token_hash(token), uses, now + timedelta(days=days)))
        return token

    def keys(self) -> tuple[KeyLine, ...]:
        """The signing keys and their states, oldest first."""
        return tuple(_line(key, state) for key, state in self.key_store().every())

    def rotate(self, algorithm: str, *, at_once: bool) -> KeyLine:
        """Make the key that signs next; raises ConfigurationError where one waits already.

        at_once: it signs immediately, for when the present key is known to others.
        """
        store = self.key_store()
        if algorithm not in store.algorithms:
            raise ConfigurationError(f"{algorithm} is not in use; accepted: {', '.join(store.algorithms)}")
        waiting = [key.kid for key, state in store.every() if (key.algorithm, state) == (algorithm, KeyState.NEXT)]
        if waiting and not at_once:
            raise ConfigurationError(f"{waiting[0]} waits for its turn already")
        made = store.rotate(algorithm, at_once=at_once)
        return next(_line(key, state) for key, state in store.every() if key.kid == made.kid)

    def retire(self, name: str | None, *, force: bool) -> tuple[KeyLine, ...]:
        """Remove keys: this one, by identifier or file, or where none is named all whose tokens have ended; which.

        Raises ConfigurationError for a key that signs, and unless forced for one that relying parties still need.
        """
        store = self.key_store()
        every = [(key, state) for key, state in store.every() if name in (None, key.kid, key.path.name)]
        if name is not None and not every:
            raise ConfigurationError(f"no key {name}")
        gone = [(key, state) for key, state in every if state is KeyState.RETIRED or (name and force)]
        for key, state in every if name else ():
            if state is KeyState.SIGNING:
                raise ConfigurationError(f"{key.kid} signs: rotate first")
            if (key, state) not in gone:
                raise ConfigurationError(f"{key.kid} is {state}: relying parties still need it; --force if it is lost")
        for key, _ in gone:
            store.remove(key.kid)
        return tuple(_line(key, state) for key, state in gone)


def _line(key: SigningKey, state: KeyState) -> KeyLine:
    return KeyLine(key.kid, key.algorithm, state, key.signs_from, key.path.name)
