"""The provider's own keys: made at the first start, current within a second of a change in their folder."""

import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

from idp.domain.errors import ConfigurationError
from idp.domain.signing_keys import PUBLISHED_BEFORE, KeyState, states
from idp.openid import key_files
from idp.openid.key_files import SigningKey

logger = logging.getLogger(__name__)

ALGORITHM = "RS256"
# What every installation signs with; EdDSA only where it is switched on.
ALWAYS = (ALGORITHM, "ES256")
_FIRST = {ALGORITHM: "openid-0001.pem", "ES256": "openid-es256.pem", "EdDSA": "openid-eddsa.pem"}
_PAIRWISE = "openid-pairwise.key"
_PAIRWISE_BYTES = 32
_LOOK_EVERY = timedelta(seconds=1)


def _utc_now() -> datetime:
    return datetime.now(UTC)


def made_algorithms(*, eddsa: bool) -> tuple[str, ...]:
    """The algorithms that every installation makes keys for, EdDSA where it is switched on."""
    return tuple(_FIRST) if eddsa else ALWAYS


def algorithms_of(directory: Path, made: tuple[str, ...]) -> tuple[str, ...]:
    """The algorithms that a KeyStore on this folder would sign with; changes nothing. made: those it makes keys for."""
    present = {key.algorithm for key in key_files.read_keys(directory)}
    return tuple(algorithm for algorithm in _FIRST if algorithm in made or algorithm in present)


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """Everything that requests look at, worked out once and swapped whole."""

    keys: dict[str, SigningKey]
    states: dict[str, KeyState]
    signing: dict[str, SigningKey]
    published: tuple[dict[str, Any], ...]

    @classmethod
    def at(cls, keys: tuple[SigningKey, ...], now: datetime) -> "_Snapshot":
        of = states((key.term for key in keys), now)
        return cls(
            keys={key.kid: key for key in keys},
            states=of,
            signing={key.algorithm: key for key in keys if of[key.kid] is KeyState.SIGNING},
            published=tuple(_public(key) for key in keys if of[key.kid] is not KeyState.RETIRED),
        )


class KeyStore:
    """The signing keys of a folder, in the states that ``domain.signing_keys`` gives them, and the pairwise key.

    A key of each of ``algorithms`` is made where there is none; a folder that cannot be written (a mounted secret) must
    hold RS256 at least, and what else it holds is offered. Raises ``ConfigurationError`` naming the file where one
    cannot be used; later on, a bad file is told in the log and the last good state stays in use.
    """

    def __init__(
        self, directory: Path, *, clock: Callable[[], datetime] = _utc_now, algorithms: tuple[str, ...] = ALWAYS
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._lock = threading.Lock()
        key_files.make_folder(directory)
        key_files.create_once(directory / _PAIRWISE, lambda: secrets.token_bytes(_PAIRWISE_BYTES))
        self.pairwise_key = _load_pairwise_key(directory / _PAIRWISE)
        self._stamp, keys = key_files.stamp(directory), key_files.read_keys(directory)
        if self._create_missing(algorithms, {key.algorithm for key in keys}):
            self._stamp, keys = key_files.stamp(directory), key_files.read_keys(directory)
        self._take(keys, clock())

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The algorithms that there is a key for, RS256 first."""
        return tuple(algorithm for algorithm in _FIRST if algorithm in self._present.signing)

    def signing(self, algorithm: str = ALGORITHM) -> SigningKey:
        """The key that signs now with this algorithm; ``ConfigurationError`` where there is none."""
        self._refresh()
        found = self._present.signing.get(algorithm)
        if found is None:
            raise ConfigurationError(f"{self._directory}: no key for {algorithm}")
        return found

    def find(self, kid: str) -> SigningKey | None:
        """The key with this identifier, also a retired one, for recognising what we signed ourselves."""
        self._refresh()
        return self._present.keys.get(kid)

    def jwks(self) -> dict[str, Any]:
        """The public keys as a JSON Web Key Set (RFC 7517 section 5): next, signing and old ones."""
        self._refresh()
        return {"keys": [dict(key) for key in self._present.published]}

    def every(self) -> tuple[tuple[SigningKey, KeyState], ...]:
        """All keys with their states, oldest first."""
        self._refresh()
        present = self._present
        ordered = sorted(present.keys.values(), key=lambda key: (key.signs_from, key.algorithm))
        return tuple((key, present.states[key.kid]) for key in ordered)

    def rotate(self, algorithm: str, *, at_once: bool = False) -> SigningKey:
        """Make the next key of this algorithm: published now, signing once every relying party can know it.

        at_once: signs immediately, for when the present one is lost or known to others.
        """
        now = self._clock()
        # Names hold whole seconds: rounded up, it does not come before a key that was made in the same second.
        signs_from = now if at_once else datetime.fromtimestamp(ceil(now.timestamp()), UTC) + PUBLISHED_BEFORE
        path = key_files.path_of_new_key(self._directory, algorithm, signs_from)
        key_files.create_once(path, lambda: key_files.new_key(algorithm))
        self._look(now)
        return next(key for key in self._present.keys.values() if key.path == path)

    def remove(self, kid: str) -> None:
        """Take the key's file away: nothing that it signed is recognised any more."""
        key_files.remove(self._present.keys[kid].path)
        self._look(self._clock())

    def _create_missing(self, algorithms: tuple[str, ...], present: set[str]) -> bool:
        """Whether there may be others now than these."""
        missing = [algorithm for algorithm in algorithms if algorithm not in present]
        for algorithm in missing:
            try:
                path = self._directory / _FIRST[algorithm]
                key_files.create_once(path, lambda made=algorithm: key_files.new_key(made))  # type: ignore[misc]
            except ConfigurationError:
                if algorithm == ALGORITHM or ALGORITHM not in present:
                    raise
                logger.warning("key_not_made", extra={"fields": {"file": str(path)}})
        return bool(missing)

    def _refresh(self) -> None:
        now = self._clock()
        if abs(now - self._looked_at) < _LOOK_EVERY or not self._lock.acquire(blocking=False):
            return
        try:
            self._look(now)
        finally:
            self._lock.release()

    def _look(self, now: datetime) -> None:
        keys = tuple(self._present.keys.values())
        self._looked_at = now
        try:
            stamp = key_files.stamp(self._directory)
            if stamp != self._stamp:
                self._stamp = stamp
                keys = key_files.read_keys(self._directory)
                logger.info("keys_loaded", extra={"fields": {"kids": " ".join(key.kid for key in keys)}})
        except (ConfigurationError, OSError) as error:
            logger.error("keys_kept", extra={"fields": {"problem": str(error)}})
        if any(key.algorithm == ALGORITHM for key in keys):
            self._take(keys, now)
        else:
            logger.error("keys_kept", extra={"fields": {"problem": f"{self._directory}: no key for {ALGORITHM}"}})

    def _take(self, keys: tuple[SigningKey, ...], now: datetime) -> None:
        self._looked_at = now
        self._present: _Snapshot = _Snapshot.at(keys, now)


def _load_pairwise_key(path: Path) -> bytes:
    try:
        key = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    if len(key) != _PAIRWISE_BYTES:
        raise ConfigurationError(f"{path}: {len(key)} bytes; accepted: {_PAIRWISE_BYTES} random bytes")
    return key


def _public(key: SigningKey) -> dict[str, Any]:
    return {**key.key.as_dict(private=False), "kid": key.kid, "use": "sig", "alg": key.algorithm}
