"""The pinned keys of a metadata file as an administrator may look at them; no decision rests on what is read here."""

import hashlib
from pathlib import Path

from idp.domain.pinned_keys import PinnedKey
from idp.saml.overrides import FileTrust


def pinned_keys(folder: Path, trust: FileTrust) -> tuple[PinnedKey, ...]:
    """The ``signing_keys`` of this trust, in its order, as their files in the folder say."""
    return tuple(_pinned_key(folder, name) for name in trust.signing_keys)


def _pinned_key(folder: Path, name: str) -> PinnedKey:
    # Imported only for showing the keys: verifying with them must not wait for these libraries to load.
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization

    try:
        pem = (folder / name).read_bytes()
        if b"BEGIN CERTIFICATE" not in pem:
            form = serialization.PublicFormat.SubjectPublicKeyInfo
            der = serialization.load_pem_public_key(pem).public_bytes(serialization.Encoding.DER, form)
            return PinnedKey(name, hashlib.sha256(der).hexdigest())
        found = x509.load_pem_x509_certificate(pem)
    except (OSError, ValueError, UnsupportedAlgorithm):
        return PinnedKey(name)
    return PinnedKey(
        name, found.fingerprint(hashes.SHA256()).hex(), found.not_valid_before_utc, found.not_valid_after_utc
    )
