"""Our own SAML keys: made at the first start, kept in a folder, several at a time during a rollover.

``saml-1/key.pem`` and ``saml-1/cert.pem`` are one pair, ``saml-2/`` the next; the first one signs, all of them decrypt
and stand in our metadata. A rollover is: add ``saml-2``, wait until the federation knows it, remove ``saml-1``.
"""

import tempfile
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


def ensure_keys(directory: Path, entity_id: str, *, now: datetime) -> list[KeyPair]:
    """Paths of our (private key, certificate) PEM pairs, oldest first; one is made where there is none.

    Safe when several workers start at once: a pair appears in one rename, and who comes second takes the first's.
    Raises ConfigurationError where a pair is incomplete.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _pairs(directory):
        _create(directory / "saml-1", entity_id, now)
    pairs = _pairs(directory)
    missing = [str(path) for pair in pairs for path in pair if not path.is_file()]
    if missing:
        raise ConfigurationError(*(f"{path}: missing; a pair of SAML keys is key.pem and cert.pem" for path in missing))
    return pairs


def _pairs(directory: Path) -> list[KeyPair]:
    folders = [path for path in directory.glob("saml-*") if path.is_dir() and path.name[5:].isdigit()]
    return [(path / "key.pem", path / "cert.pem") for path in sorted(folders, key=lambda path: int(path.name[5:]))]


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
        .not_valid_before(now - timedelta(days=1))
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
