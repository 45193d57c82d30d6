"""A metadata file around its XML: whether it may be believed at all, and whether it may follow the copy in use.

Reads no XML: an update of the federation does that in two processes at once.
"""

import hashlib
import hmac
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from idp.saml.overrides import FILE_NAME, FileTrust

MAX_BYTES: Final = 200 * 1024 * 1024


class MetadataFault(Exception):
    """Why a metadata file is not used, in one line for the administrator, with what to do."""


@dataclass(frozen=True, slots=True)
class Validity:
    """valid_until: None only for a file that is trusted by its fingerprint and names no end. created: where the file
    says it."""

    valid_until: datetime | None
    created: datetime | None


@dataclass(frozen=True, slots=True)
class Outline:
    """What two readers of one document must agree upon.

    elements: how many there are. entity_ids: SHA-256 in hex of all of them, in the order of the document.
    """

    elements: int
    entity_ids: str

    @classmethod
    def of(cls, elements: int, entity_ids: list[str]) -> "Outline":
        """The outline of a document with so many elements and these entity ids."""
        return cls(elements, hashlib.sha256("\n".join(entity_ids).encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class VerifiedMetadata:
    """What is known of a file whose origin is sure.

    digest: its SHA-256 in hex. outline: what any reader of it must have seen.
    """

    digest: str
    validity: Validity
    outline: Outline


@dataclass(frozen=True, slots=True)
class MetadataFile:
    """A metadata file as it was read from disk, with the reason to believe it; nothing was checked yet.

    keys: the folder of the trust's keys.
    """

    content: bytes
    trust: FileTrust
    keys: Path

    def digest(self) -> str:
        """SHA-256 of the file in hex."""
        return hashlib.sha256(self.content).hexdigest()

    def checked_digest(self) -> str:
        """Its digest. Raises MetadataFault where the file is trusted by its fingerprint and has another one."""
        digest = self.digest()
        if self.trust.sha256 and not hmac.compare_digest(digest, self.trust.sha256):
            raise MetadataFault(
                f"has SHA-256 {digest}, not the one in {FILE_NAME}; check the change, then set the new one"
            )
        return digest


def read_file(path: Path, trust: FileTrust | None, *, keys: Path | None = None) -> MetadataFile:
    """The file. keys: the folder of the trust's keys, the file's own if None.

    Raises MetadataFault, whose text does not repeat the file's name.
    """
    content = _content(path)
    if trust is None or not (trust.sha256 or trust.signing_keys):
        raise MetadataFault(f'no trust is set for it; give [files."{path.name}"] signing_keys or sha256 in {FILE_NAME}')
    if not content.strip():
        raise MetadataFault("is empty; was the download cut off?")
    return MetadataFile(content, trust, keys or path.parent)


def check_not_older(found: Validity, before: Validity | None, trust: FileTrust) -> None:
    """An old copy, validly signed, would bring back keys that were given up. Raises MetadataFault.

    The creation decides, where both copies tell it and it differs; else the end of validity.
    """
    if before is None or trust.sha256:
        return
    pairs = (("published", found.created, before.created), ("valid until", found.valid_until, before.valid_until))
    differing = [(name, new, old) for name, new, old in pairs if new and old and new != old]
    for name, new, old in differing[:1]:
        if new < old:
            raise MetadataFault(
                f"is older than the copy in use ({name} {new:%Y-%m-%d %H:%M} against {old:%Y-%m-%d %H:%M} UTC); "
                "to go back on purpose, take the file away for a minute first"
            )


def _content(path: Path) -> bytes:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            # A pipe would be waited for, a device has no end.
            raise MetadataFault("is a folder, a pipe or a device, not a file")
        if found.st_size > MAX_BYTES:
            raise MetadataFault(f"larger than {MAX_BYTES // 1024 // 1024} MB")
        return path.read_bytes()
    except OSError as error:
        raise MetadataFault(f"cannot be read: {error.strerror}") from None
