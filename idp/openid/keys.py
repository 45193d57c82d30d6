"""The provider's own keys: files in one folder, made at the first start, readable by the provider alone."""

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from idp.domain.errors import ConfigurationError

ALGORITHM = "RS256"
_SIGNING = "openid-*.pem"
_FIRST_SIGNING = "openid-0001.pem"
_PAIRWISE = "openid-pairwise.key"
_PAIRWISE_BYTES = 32


class KeyStore:
    """Every ``openid-*.pem`` of the folder verifies, the last one by name signs.

    Raises ``ConfigurationError`` naming the file where one cannot be used.
    """

    def __init__(self, directory: Path) -> None:
        _make_folder(directory)
        if not any(directory.glob(_SIGNING)):
            _create_once(directory / _FIRST_SIGNING, _new_signing_key)
        keys = [_load_signing_key(path) for path in sorted(directory.glob(_SIGNING))]
        _create_once(directory / _PAIRWISE, lambda: secrets.token_bytes(_PAIRWISE_BYTES))
        self._keys = {_kid(key): key for key in keys}
        self._signing_key = keys[-1]
        self.signing_kid = _kid(keys[-1])
        self.pairwise_key = _load_pairwise_key(directory / _PAIRWISE)

    @property
    def signing_key(self) -> RSAKey:
        """The private key that signs now."""
        return self._signing_key

    def find(self, kid: str) -> RSAKey | None:
        """The key with this identifier, for verifying what was signed earlier."""
        return self._keys.get(kid)

    def jwks(self) -> dict[str, Any]:
        """The public keys as a JSON Web Key Set (RFC 7517 section 5)."""
        return {"keys": [_public(kid, key) for kid, key in self._keys.items()]}


def _make_folder(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{directory}: cannot be made: {error.strerror}; accepted: a folder") from error


def _create_once(path: Path, content: Callable[[], bytes]) -> None:
    """Write the file unless it is there; of two workers that start together one wins and both read its file."""
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content())
            os.fsync(file.fileno())
        # A link appears whole or not at all, and never replaces the file of somebody who was faster.
        os.link(draft, path)
    except FileExistsError:
        pass
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written: {error.strerror}; accepted: a writable folder") from error
    finally:
        draft.unlink(missing_ok=True)


def _new_signing_key() -> bytes:
    return RSAKey.generate_key(2048, auto_kid=False).as_pem(private=True)


def _load_signing_key(path: Path) -> RSAKey:
    accepted = "accepted: an RSA private key of at least 2048 bits, PEM, without passphrase"
    try:
        key = RSAKey.import_key(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}; {accepted}") from error
    except (JoseError, ValueError, TypeError) as error:
        raise ConfigurationError(f"{path}: not a usable key; {accepted}") from error
    if not key.is_private or key.raw_value.key_size < 2048:
        raise ConfigurationError(f"{path}: not a usable key; {accepted}")
    return key


def _load_pairwise_key(path: Path) -> bytes:
    try:
        key = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    if len(key) != _PAIRWISE_BYTES:
        raise ConfigurationError(f"{path}: {len(key)} bytes; accepted: {_PAIRWISE_BYTES} random bytes")
    return key


def _kid(key: RSAKey) -> str:
    """RFC 7638 thumbprint: the same key has the same identifier everywhere."""
    return key.thumbprint()


def _public(kid: str, key: RSAKey) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": ALGORITHM}


def base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
