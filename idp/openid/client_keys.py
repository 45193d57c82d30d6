"""Public keys of clients: as registered (``jwks``), or at their ``jwks_uri``, fetched safely and kept for a while."""

import contextlib
import json
import logging
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from idp.domain.clients import Client
from idp.domain.errors import NotFetched

logger = logging.getLogger(__name__)

PublicKey = RSAKey | ECKey | OKPKey
Keys = tuple[PublicKey, ...]

# What others may sign with (RFC 8725 section 3.1); ``none`` and everything with a shared secret are missing on purpose.
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
_KEY_TYPES = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP", "Ed25519": "OKP"}
# Two names of one algorithm, where the curve is that one (RFC 9864): keys of one sign under the other.
_SAME = ("EdDSA", "Ed25519")
# How what a client receives is encrypted for it; RSA1_5 is missing on purpose (RFC 8725 section 3.2).
ENCRYPTION_ALGORITHMS = ("RSA-OAEP-256", "ECDH-ES")
_ENCRYPTION_KEY_TYPES = {"RSA-OAEP-256": "RSA", "ECDH-ES": "EC"}
_KINDS: dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_CURVES = {"EC": "P-256", "OKP": "Ed25519"}
_LEAST_RSA_BITS = 2048
_MOST_RSA_BITS = 8192
_MOST_KEYS = 20
_KEPT_SECONDS = 600
# Nobody makes us fetch for keys that we do not know more often than this, whatever key identifiers they invent.
_PAUSE_SECONDS = 30
# An address that took longer than this is read by one request at a time.
_SLOW_SECONDS = 1


class UnusableJwk(ValueError):
    """Not a public key that any of our algorithms takes."""


@dataclass
class _Kept:
    """What was found at the address of one client, when that was last looked at, and whether it let us wait.

    searched_at: when a key that was not known last had us look there before the time.
    """

    uri: str = ""
    keys: tuple[PublicKey, ...] = ()
    looked_at: float | None = None
    searched_at: float | None = None
    is_slow: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class ClientKeys:
    """Finds the keys of a client: those that fit a signature's header, the one that we encrypt for.

    fetch: the JSON value at an https address, or ``NotFetched``. seconds: a clock that never goes back.
    """

    def __init__(self, fetch: Callable[[str], Any], *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._seconds = seconds
        self._kept: dict[str, _Kept] = {}

    def find(self, client: Client, header: Mapping[str, Any]) -> tuple[PublicKey, ...]:
        """The client's keys that may have made this signature (RFC 7515 section 6); none where ``alg`` is not ours."""
        return self._chosen(client, lambda keys: _fitting(keys, header))

    def recipient(self, client: Client, algorithm: str) -> PublicKey | None:
        """The key that answers to this client are encrypted for (OpenID Connect Core section 10.2); None without."""
        return next(iter(self._chosen(client, lambda keys: _receiving(keys, algorithm))), None)

    def _chosen(self, client: Client, choose: Callable[[Keys], Keys]) -> Keys:
        if client.jwks:
            return choose(_registered(client.jwks))
        if not client.jwks_uri:
            return ()
        # By client, not by address: a client that keeps changing its address must not fill our memory.
        kept = self._kept.setdefault(client.client_id, _Kept())
        if not kept.lock.acquire(blocking=not kept.is_slow):
            return choose(kept.keys) if kept.uri == client.jwks_uri else ()
        try:
            return self._current(client, kept, choose)
        finally:
            kept.lock.release()

    def _current(self, client: Client, kept: _Kept, choose: Callable[[Keys], Keys]) -> Keys:
        if kept.uri != client.jwks_uri:
            kept.keys, kept.looked_at, kept.searched_at = (), None, None
            kept.uri = client.jwks_uri
        if self._is_over(kept.looked_at, _KEPT_SECONDS):
            self._look(client, kept)
            return choose(kept.keys)
        found = choose(kept.keys)
        # A key that is not known yet may be a new one (OpenID Connect Core section 10.1.1), however lately we looked.
        if not found and self._is_over(kept.searched_at, _PAUSE_SECONDS):
            kept.searched_at = self._seconds()
            self._look(client, kept)
            found = choose(kept.keys)
        return found

    def _is_over(self, since: float | None, seconds: float) -> bool:
        return since is None or self._seconds() - since >= seconds

    def _look(self, client: Client, kept: _Kept) -> None:
        kept.looked_at = self._seconds()
        try:
            kept.keys = read_keys(self._fetch(client.jwks_uri))
        except (NotFetched, UnusableJwk) as problem:
            # The keys of the last time stay good: an outage there must not end sign-ins here.
            fields = {"client_id": client.client_id, "problem": str(problem)}
            logger.warning("client_keys_kept", extra={"fields": fields})
        kept.is_slow = self._is_over(kept.looked_at, _SLOW_SECONDS)


def read_keys(jwks: Any) -> tuple[PublicKey, ...]:
    """The keys of a JSON Web Key Set that we can use; ``UnusableJwk`` where it holds none."""
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list) or len(keys) > _MOST_KEYS:
        raise UnusableJwk("not a JSON Web Key Set")
    found = []
    for key in keys:
        # RFC 7517 section 5: what is not understood is left out.
        if isinstance(key, dict) and key.get("use", "sig") in ("sig", "enc"):
            with contextlib.suppress(UnusableJwk):
                found.append(read_public_key(key))
    if not found:
        raise UnusableJwk("no public key of a kind that we take")
    return tuple(found)


def read_public_key(key: Mapping[str, Any]) -> PublicKey:
    """A public key: RSA of 2048 to 8192 bits, EC on P-256 or OKP on Ed25519; ``UnusableJwk`` otherwise."""
    kind = _KINDS.get(str(key.get("kty")))
    if kind is None or any(private in key for private in ("d", "p", "q", "oth")):
        raise UnusableJwk("not a public key")
    if "k" in key or key.get("crv") != _CURVES.get(str(key["kty"])):
        raise UnusableJwk("not a curve of ours")
    try:
        with warnings.catch_warnings():
            # Short keys are refused below.
            warnings.simplefilter("ignore")
            read: PublicKey = kind.import_key(_without_name(key))
            number = read.raw_value
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise UnusableJwk("not a well-formed key") from error
    if isinstance(number, RSAPublicKey) and not _LEAST_RSA_BITS <= number.key_size <= _MOST_RSA_BITS:
        raise UnusableJwk("too short or too long")
    return read


def _without_name(key: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in key.items() if name != "alg" or value not in _SAME}


@lru_cache(maxsize=256)
def _registered(jwks: str) -> tuple[PublicKey, ...]:
    return read_keys(json.loads(jwks))


def fits_algorithm(key: PublicKey, algorithm: str) -> bool:
    """Whether the key can have made a signature with this algorithm of ours."""
    return key.key_type == _KEY_TYPES.get(algorithm)


def can_verify(jwks: str) -> bool:
    """Whether a registered key set has a key for signatures."""
    return any(key.get("use") != "enc" for key in _registered(jwks))


def can_receive(jwks: str, algorithm: str) -> bool:
    """Whether a registered key set has a key to encrypt for with this algorithm of ours."""
    return bool(_receiving(_registered(jwks), algorithm))


def _fitting(keys: tuple[PublicKey, ...], header: Mapping[str, Any]) -> tuple[PublicKey, ...]:
    algorithm, kid = str(header.get("alg")), header.get("kid")
    verifying = [key for key in keys if key.get("use") != "enc" and fits_algorithm(key, algorithm)]
    return tuple(key for key in verifying if kid is None or key.kid in (kid, None))


def _receiving(keys: Keys, algorithm: str) -> Keys:
    """Those to encrypt for, one that is there for nothing else first (RFC 7517 sections 4.2 and 4.4)."""
    kind = _ENCRYPTION_KEY_TYPES.get(algorithm)
    found = [key for key in keys if key.key_type == kind and key.get("use") != "sig"]
    fitting = [key for key in found if key.get("alg") in (None, algorithm)]
    return tuple(sorted(fitting, key=lambda key: key.get("use") != "enc"))
