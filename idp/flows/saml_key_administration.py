"""What an administrator does to replace our SAML keys, one step at a time, so that no sign-in fails."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from idp.domain.errors import ConfigurationError
from idp.saml.keys import SamlKey, add_key, ensure_keys, every_key, mark_old, remove_key

# Federations publish once a day and their members read once a day or two; copies are good for up to two weeks.
PUBLISHED_FIRST = timedelta(days=3)
KEPT_AFTERWARDS = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class SamlKeyLine:
    """One pair. state: ``signing``, ``next`` (published, and signs later) or ``old`` (only decrypts)."""

    name: str
    state: str
    since: datetime
    fingerprint: str
    certificate: str


@dataclass(frozen=True, slots=True)
class SamlKeyAdministration:
    """add → switch → remove, with a wait before each; a running provider sees what is done within a minute."""

    directory: Path
    entity_id: str
    clock: Callable[[], datetime]

    def keys(self) -> tuple[SamlKeyLine, ...]:
        """Every pair, oldest first. Raises ConfigurationError."""
        ensure_keys(self.directory, self.entity_id, now=self.clock())
        published = self._published()
        return tuple(_line(key, published) for key in every_key(self.directory))

    def add(self) -> SamlKeyLine:
        """Make a pair, published beside the one that signs; raises ConfigurationError where one waits already."""
        ensure_keys(self.directory, self.entity_id, now=self.clock())
        if len(self._published()) > 1:
            raise ConfigurationError(f"{self._published()[-1].name} waits for its turn already")
        made = add_key(self.directory, self.entity_id, now=self.clock())
        return _line(made, self._published())

    def switch(self, *, force: bool = False) -> tuple[SamlKeyLine, ...]:
        """Let the pair that waits sign, and the one that signed only decrypt.

        Raises ConfigurationError where none waits, and unless forced where it was published too short a time.
        """
        published = self._published()
        if len(published) < 2:
            raise ConfigurationError("no pair waits for its turn: add one first")
        ready = published[1].since + PUBLISHED_FIRST
        if ready > self.clock() and not force:
            raise ConfigurationError(f"universities may not know {published[1].name} before {ready:%Y-%m-%d}; --force")
        mark_old(published[0], now=self.clock())
        return self.keys()

    def remove(self, *, force: bool = False) -> tuple[SamlKeyLine, ...]:
        """Delete the pairs to which nobody encrypts any more, forced: all old ones; which.

        Raises ConfigurationError where there is none yet.
        """
        published, ends = self._published(), self._ends()
        gone = [key for key, end in ends if force or end <= self.clock()]
        if not ends:
            raise ConfigurationError("no pair is old: switch to another one first")
        if not gone:
            key, end = ends[0]
            raise ConfigurationError(f"universities may encrypt to {key.name} until {end:%Y-%m-%d}; --force")
        for key in gone:
            remove_key(key)
        return tuple(_line(key, published) for key in gone)

    def _ends(self) -> list[tuple[SamlKey, datetime]]:
        """The old pairs, and until when somebody may encrypt to them; the first to end first."""
        old = [(key, key.old_since + KEPT_AFTERWARDS) for key in every_key(self.directory) if key.old_since]
        return sorted(old, key=lambda found: found[1])

    def _published(self) -> list[SamlKey]:
        return [key for key in every_key(self.directory) if key.old_since is None]


def _line(key: SamlKey, published: list[SamlKey]) -> SamlKeyLine:
    state = "old" if key.old_since else "signing" if key.name == published[0].name else "next"
    return SamlKeyLine(key.name, state, key.old_since or key.since, key.fingerprint, str(key.pair[1]))
