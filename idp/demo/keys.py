"""The universities' keys: RSA-2048 with self-signed certificates, made at first use."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key and its certificate, both PEM files."""

    key_file: Path
    certificate_file: Path

    @property
    def key(self) -> bytes:
        """The private key, PEM."""
        return self.key_file.read_bytes()

    @property
    def certificate(self) -> bytes:
        """The certificate, PEM."""
        return self.certificate_file.read_bytes()


def key_pair(folder: Path, name: str) -> KeyPair:
    """The pair ``<name>.key`` and ``<name>.pem`` of this folder; made when one of them is missing."""
    pair = KeyPair(folder / f"{name}.key", folder / f"{name}.pem")
    if not pair.key_file.is_file() or not pair.certificate_file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        _create(pair, name)
    return pair


def _create(pair: KeyPair, name: str) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with open(os.open(pair.key_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
    pair.certificate_file.write_bytes(_certificate(key, name).public_bytes(serialization.Encoding.PEM))


def _certificate(key: rsa.RSAPrivateKey, name: str) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} (demo)")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
