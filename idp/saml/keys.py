"""Our own SAML keys: made at the first start, kept in a folder, several at a time during a rollover.

``saml-1/key.pem`` and ``saml-1/cert.pem`` are one pair, ``saml-2/`` the next. The first one signs; all of them decrypt,
and stand in our metadata. A pair whose folder holds the file ``old`` only decrypts: universities that still have our
metadata of yesterday encrypt to it. So a rollover costs no sign-in: add ``saml-2``, wait until every university knows
it, mark ``saml-1`` as old, wait until none encrypts to it any more, remove it.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from idp.domain.errors import ConfigurationError

KeyPair = tuple[Path, Path]

_BITS: Final = 3072
# Identity providers pin the certificate from our metadata, so its end is only a date that somebody would have to watch.
_LIFETIME: Final = timedelta(days=20 * 365)
# A certificate is valid a day before it is made, for clocks that are slow.
_BACKDATED: Final = timedelta(days=1)
_OLD: Final = "old"


@dataclass(frozen=True, slots=True)
class SamlKey:
    """One pair of the folder.

    since: from when it has been published; old_since: from when on it only decrypts, None while it is published.
    fingerprint: SHA-256 of the certificate, hex.
    """

    folder: Path
    since: datetime
    old_since: datetime | None
    fingerprint: str

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def pair(self) -> KeyPair:
        """Paths of (private key, certificate), PEM."""
        return _pair(self.folder)


def ensure_keys(directory: Path, entity_id: str, *, now: datetime) -> list[KeyPair]:
    """Paths of our published (private key, certificate) PEM pairs, oldest first; one is made where there is none.

    Safe when several workers start at once: a pair appears in one rename, and the worker that comes second takes the
    pair of the first. Raises ConfigurationError where a pair is incomplete, as every function here does for what the
    system refuses.
    """
    with _refusals_told(directory):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _folders(directory):
            _create(directory / "saml-1", entity_id, now)
        folders = _folders(directory)
        _check_complete(folders)
        published = [_pair(folder) for folder in folders if not (folder / _OLD).exists()]
    if not published:
        raise ConfigurationError(f"{directory}: every pair of SAML keys is old; one has to sign")
    return published


def old_keys(directory: Path) -> list[KeyPair]:
    """Paths of the pairs that only decrypt; raises ConfigurationError where one is incomplete."""
    with _refusals_told(directory):
        folders = [folder for folder in _folders(directory) if (folder / _OLD).exists()]
        _check_complete(folders)
    return [_pair(folder) for folder in folders]


def every_key(directory: Path) -> list[SamlKey]:
    """All pairs, oldest first; the first one that is not old signs. Raises ConfigurationError for a broken pair."""
    with _refusals_told(directory):
        folders = _folders(directory)
        _check_complete(folders)
        return [_described(folder) for folder in folders]


def add_key(directory: Path, entity_id: str, *, now: datetime) -> SamlKey:
    """Make the next pair: it is published once the provider has seen it, and signs when its elders are old."""
    with _refusals_told(directory):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        numbers = [int(folder.name[5:]) for folder in _folders(directory)]
        folder = directory / f"saml-{max(numbers, default=0) + 1}"
        _create(folder, entity_id, now)
        return _described(folder)


def mark_old(key: SamlKey, *, now: datetime) -> None:
    """Once the provider has seen it, this pair is not published and does not sign; it still decrypts."""
    draft = key.folder / f".{_OLD}"
    with _refusals_told(key.folder):
        draft.write_text(now.strftime("%Y-%m-%dT%H:%M:%SZ") + "\n")
        draft.replace(key.folder / _OLD)


def remove_key(key: SamlKey) -> None:
    """Delete the pair; its name goes first, so that no start ever sees half of it."""
    doomed = key.folder.with_name(f".removed-{key.name}")
    with _refusals_told(key.folder):
        key.folder.rename(doomed)
        shutil.rmtree(doomed)


@contextmanager
def _refusals_told(folder: Path) -> Iterator[None]:
    """What the system refuses becomes one line for the administrator."""
    try:
        yield
    except OSError as problem:
        raise ConfigurationError(
            f"{folder}: cannot be read or written: {problem.strerror}: {problem.filename}; "
            "accepted: a folder of the provider's user (IDP_KEYS_DIR)"
        ) from problem


def _folders(directory: Path) -> list[Path]:
    # ``glob`` would take a folder that may not be read for an empty one.
    named = [path for path in directory.iterdir() if path.name.startswith("saml-")]
    folders = [path for path in named if path.name[5:].isdigit() and path.is_dir()]
    return sorted(folders, key=lambda path: int(path.name[5:]))


def _pair(folder: Path) -> KeyPair:
    return folder / "key.pem", folder / "cert.pem"


def _check_complete(folders: list[Path]) -> None:
    missing = [str(path) for folder in folders for path in _pair(folder) if not path.is_file()]
    if missing:
        raise ConfigurationError(*(f"{path}: missing; a pair of SAML keys is key.pem and cert.pem" for path in missing))
    for folder in folders:
        for path in _pair(folder):
            path.read_bytes()  # the libraries would say less of what cannot be read


def _described(folder: Path) -> SamlKey:
    path = _pair(folder)[1]
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        old = folder / _OLD
        old_since = datetime.strptime(old.read_text().strip(), "%Y-%m-%dT%H:%M:%S%z") if old.exists() else None
    except ValueError:
        raise ConfigurationError(f"{folder}: neither a certificate nor the time since which it is old") from None
    since = certificate.not_valid_before_utc + _BACKDATED
    return SamlKey(folder, since, old_since, certificate.fingerprint(hashes.SHA256()).hex())


def _create(folder: Path, entity_id: str, now: datetime) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    certificate = _certificate(key, entity_id, now)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".saml-new-") as name:
        fresh = Path(name) / "pair"
        fresh.mkdir(mode=0o700)
        _write(fresh / "key.pem", _pem(key))
        _write(fresh / "cert.pem", certificate.public_bytes(serialization.Encoding.PEM))
        try:
            fresh.rename(folder)
        except OSError:
            # The folder is there and not empty: another worker was faster.
            if not folder.is_dir():
                raise


def _certificate(key: rsa.RSAPrivateKey, entity_id: str, now: datetime) -> x509.Certificate:
    # An entity id may be longer than the 64 characters of a common name (RFC 5280 appendix A.1).
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, entity_id.split("://")[-1][:64])])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _LIFETIME)
        .sign(key, hashes.SHA256())
    )


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
