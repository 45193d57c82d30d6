"""What an administrator asks on the command line about the keys that sign tokens."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from idp.domain.errors import ConfigurationError
from idp.domain.signing_keys import KeyState
from idp.openid.key_files import SigningKey, folder_problem
from idp.openid.keys import KeyStore


def folder_faults(directory: Path) -> tuple[str, ...]:
    """One line for each thing to mend about the keys' folder itself; nothing is made there."""
    problem = folder_problem(directory)
    return (problem,) if problem else ()


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One signing key as it is told to the administrator. signs_from: when its turn begins or began."""

    kid: str
    algorithm: str
    state: str
    signs_from: datetime
    file: str


@dataclass(frozen=True, slots=True)
class KeyAdministration:
    """Lists, makes and removes keys."""

    store: KeyStore

    def keys(self) -> tuple[KeyLine, ...]:
        """The signing keys and their states, oldest first."""
        return tuple(_line(key, state) for key, state in self.store.every())

    def rotate(self, algorithm: str, *, at_once: bool) -> KeyLine:
        """Make the key that signs next; raises ConfigurationError where one waits already.

        at_once: it signs immediately, for when the present key is known to others.
        """
        store = self.store
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
        store = self.store
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
