"""Signing keys as files of one folder: reading them, making them, taking one away.

``openid-<algorithm>-<time>.pem`` signs from the time in its name (UTC, ``20261123T200000Z``). Any other
``openid-*.pem`` signs once it has been there for as long as a new key has to be published; the first one of its
algorithm waits for nobody.
"""

import errno
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from idp.domain.errors import ConfigurationError
from idp.domain.signing_keys import PUBLISHED_BEFORE, KeyTerm
from idp.written_once import write_once

PATTERN = "openid-*.pem"
_TIME = "%Y%m%dT%H%M%SZ"
_TIME_IN_NAME = re.compile(r"-([0-9]{8}T[0-9]{6}Z)\.pem$")
_ACCEPTED = "accepted: a private key in PEM without passphrase: RSA of at least 2048 bits, EC P-256 or Ed25519"

AnyKey = RSAKey | ECKey | OKPKey
Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One private key with the one algorithm that it is used for.

    kid: RFC 7638 thumbprint, so that the same key has the same identifier everywhere. signs_from: see ``KeyTerm``.
    """

    kid: str
    algorithm: str
    key: AnyKey = field(repr=False)
    signs_from: datetime
    path: Path

    @property
    def term(self) -> KeyTerm:
        return KeyTerm(self.kid, self.algorithm, self.signs_from)


def stamp(directory: Path) -> Stamp:
    """Changes whenever a key file comes, goes or is written again; raises as ``read_keys`` does."""
    found = []
    try:
        for path in _key_paths(directory):
            status = path.stat()
            found.append((path.name, status.st_mtime_ns, status.st_size, status.st_ino))
    except OSError as error:
        raise ConfigurationError(_not_read(directory, error.strerror)) from error
    return tuple(found)


def read_keys(directory: Path) -> tuple[SigningKey, ...]:
    """Every signing key of the folder; ``ConfigurationError`` names the file, or the folder, that cannot be used."""
    keys = [_read_key(path) for path in _key_paths(directory)]
    latest_first = sorted(keys, key=lambda key: key.term.order, reverse=True)
    firsts = {key.algorithm: key.path for key in latest_first}
    return tuple(_without_waiting(key) if key.path == firsts[key.algorithm] else key for key in keys)


def _without_waiting(first: SigningKey) -> SigningKey:
    """Nobody signs before it: it has signed since its file was there."""
    if _TIME_IN_NAME.search(first.path.name):
        return first
    return replace(first, signs_from=first.signs_from - PUBLISHED_BEFORE)


def _key_paths(directory: Path) -> list[Path]:
    """None where there is no such folder."""
    try:
        # ``glob`` would take a folder that may not be read for an empty one.
        return sorted(directory / name for name in os.listdir(directory) if fnmatchcase(name, PATTERN))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ConfigurationError(_not_read(directory, error.strerror)) from error


def make_folder(directory: Path) -> None:
    """Make the folder of keys where there is none; ConfigurationError where that is not possible."""
    if problem := folder_problem(directory):
        raise ConfigurationError(problem)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(_not_made(directory, error.strerror)) from error


def folder_problem(directory: Path) -> str | None:
    """Why the folder cannot be read, or made where there is none, or None; nothing is made."""
    try:
        _key_paths(directory)
    except ConfigurationError as error:
        return str(error)
    nearest = next(path for path in (directory, *directory.parents) if os.path.exists(path))
    if not nearest.is_dir():
        return _not_made(directory, os.strerror(errno.ENOTDIR))
    if nearest != directory and not os.access(nearest, os.W_OK | os.X_OK):
        return _not_made(directory, os.strerror(errno.EACCES))
    return None


def _not_read(directory: Path, reason: str | None) -> str:
    accepted = "accepted: a folder of the provider's user (IDP_KEYS_DIR)"
    return f"keys.dir = {str(directory)!r}: cannot be read: {reason}; {accepted}"


def _not_made(directory: Path, reason: str | None) -> str:
    return f"keys.dir = {str(directory)!r}: cannot be made: {reason}; accepted: a folder (IDP_KEYS_DIR)"


def new_key(algorithm: str) -> bytes:
    """A fresh private key for this algorithm, as PEM."""
    if algorithm == "RS256":
        return RSAKey.generate_key(2048, auto_kid=False).as_pem(private=True)
    if algorithm == "ES256":
        return ECKey.generate_key("P-256", auto_kid=False).as_pem(private=True)
    return OKPKey.generate_key("Ed25519", auto_kid=False).as_pem(private=True)


def path_of_new_key(directory: Path, algorithm: str, signs_from: datetime) -> Path:
    """The file of a key that is to sign from then on: the name tells both."""
    return directory / f"openid-{algorithm.lower()}-{signs_from.astimezone(UTC).strftime(_TIME)}.pem"


def create_once(path: Path, content: Callable[[], bytes]) -> None:
    """Write the file unless it is there; of two workers that start together one wins and both read its file."""
    try:
        if not path.exists():
            write_once(path, content())
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written: {error.strerror}; accepted: a writable folder") from error


def remove(path: Path) -> None:
    """Delete the file of a key; ConfigurationError where that is not possible."""
    try:
        path.unlink()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be removed: {error.strerror}") from error


def _read_key(path: Path) -> SigningKey:
    try:
        content = path.read_bytes()
        algorithm, key = _import(content)
        return SigningKey(key.thumbprint(), algorithm, key, _signs_from(path), path)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}; {_ACCEPTED}") from error
    except (JoseError, ValueError, TypeError) as error:
        raise ConfigurationError(f"{path}: not a usable key; {_ACCEPTED}") from error


def _import(content: bytes) -> tuple[str, AnyKey]:
    # The type is looked at first: the library would take any of them for any algorithm of its family. Loaded once: that
    # an RSA key is sound takes longer to find out than to sign with it ten times.
    private = load_pem_private_key(content, password=None)
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size >= 2048:
        return "RS256", RSAKey(private, content)
    if isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(private.curve, ec.SECP256R1):
        return "ES256", ECKey(private, content)
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "EdDSA", OKPKey(private, content)
    raise ValueError("another type of key")


def _signs_from(path: Path) -> datetime:
    if found := _TIME_IN_NAME.search(path.name):
        return datetime.strptime(found[1], _TIME).replace(tzinfo=UTC)
    return datetime.fromtimestamp(path.stat().st_mtime, UTC) + PUBLISHED_BEFORE
