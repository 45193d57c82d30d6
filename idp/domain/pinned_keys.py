"""The keys that the administrator trusts to sign metadata files, for people to look at."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PinnedKey:
    """One of a file's ``signing_keys``. file: its name in the federation folder.

    fingerprint: SHA-256 in hex of the certificate, as federations publish it, or of the public key where the file holds
    no certificate (its SubjectPublicKeyInfo); empty where neither can be read. The dates, of a certificate, are only
    shown: the key counts as long as it is pinned (SAML metadata interoperability profile 1.0, section 2.6).
    """

    file: str
    fingerprint: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None
