"""One metadata file, from bytes to a document whose origin is sure: nothing of it is believed before.

Trust is in the pinned key or fingerprint alone: a KeyInfo is not looked at, and a certificate's dates say nothing about
its key (SAML metadata interoperability profile 1.0, section 2.6).
"""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from idp.domain.errors import Refusal
from idp.domain.federation import IdentityProvider
from idp.saml import xml_names as names
from idp.saml.metadata import usable_entity, within
from idp.saml.overrides import FILE_NAME, FileTrust
from idp.saml.response_checks import instant
from idp.saml.safe_xml import Element, UnsafeXML, parse_metadata
from idp.saml.signature_form import check_signature_form
from idp.saml.xml_signature import PublicKey, UnusableKey, public_key_of, verify

MAX_BYTES: Final = 200 * 1024 * 1024
MAX_VALIDITY: Final = timedelta(days=28)

_EXTENSIONS: Final = f"{{{names.MD}}}Extensions"
_PUBLICATION: Final = f"{{{names.MDRPI}}}PublicationInfo"


class MetadataFault(Exception):
    """Why a metadata file is not used, in one line for the administrator, with what to do."""


@dataclass(frozen=True, slots=True)
class Document:
    """A metadata file as it was read; ``keys`` is empty where its fingerprint alone is trusted, and was compared.

    digest: SHA-256 of the file in hex.
    """

    root: Element
    digest: str
    keys: tuple[PublicKey, ...]
    is_pinned: bool

    def check_signature(self) -> None:
        """Raises MetadataFault unless one of the keys signed the whole document (metadata section 3)."""
        if self.keys and not verify(self.root, self.keys):
            raise MetadataFault("is not signed by any of its signing_keys, or was changed after signing")


@dataclass(frozen=True, slots=True)
class Validity:
    """valid_until: None only for a file that is trusted by its fingerprint and names no end. created: where it says."""

    valid_until: datetime | None
    created: datetime | None


def read_document(path: Path, trust: FileTrust | None, *, keys: Path | None = None) -> Document:
    """The file, its form checked, its signature not yet.

    keys: the folder of the trust's keys, the file's own if None. Raises MetadataFault, whose text does not repeat the
    file's name.
    """
    content = _content(path)
    if trust is None or not (trust.sha256 or trust.signing_keys):
        raise MetadataFault(f'no trust is set for it; give [files."{path.name}"] signing_keys or sha256 in {FILE_NAME}')
    root = _root(content)
    digest = hashlib.sha256(content).hexdigest()
    if trust.sha256 and not hmac.compare_digest(digest, trust.sha256):
        raise MetadataFault(f"has SHA-256 {digest}, not the one in {FILE_NAME}; check the change, then set the new one")
    if trust.signing_keys:
        _check_form(root)
    pinned = tuple(_pinned_key(keys or path.parent, name) for name in trust.signing_keys)
    return Document(root, digest, pinned, is_pinned=bool(trust.sha256))


def check_validity(document: Document, before: Validity | None, *, now: datetime) -> Validity:
    """Its times: not over, not too far ahead, and not older than the copy in use. Raises MetadataFault."""
    valid_until = _valid_until(document.root, now, pinned=document.is_pinned)
    found = Validity(valid_until, _created(document.root))
    if before is not None and not document.is_pinned:
        _check_not_older(found, before)
    return found


def usable_entities(root: Element, now: datetime) -> Iterator[tuple[IdentityProvider, bytes]]:
    """Each identity provider with its own EntityDescriptor as XML, in the order of the file."""
    if root.tag == names.ENTITY:
        found = usable_entity(root)
        if found is not None:
            yield found
        return
    for child in root.iterchildren(names.ENTITY, names.ENTITIES):
        if _is_still_valid(child, now):
            yield from usable_entities(child, now)


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MetadataFault(f"larger than {MAX_BYTES // 1024 // 1024} MB")
        return path.read_bytes()
    except OSError as error:
        raise MetadataFault(f"cannot be read: {error.strerror}") from None


def _root(content: bytes) -> Element:
    if not content.strip():
        raise MetadataFault("is empty; was the download cut off?")
    try:
        root = parse_metadata(content)
    except UnsafeXML as error:
        raise MetadataFault(f"is not acceptable XML ({error.detail}); was the download cut off?") from None
    if root.tag not in (names.ENTITIES, names.ENTITY):
        raise MetadataFault(f"is no SAML metadata: its root element is {str(root.tag).rpartition('}')[2][:60]}")
    return root


def _pinned_key(folder: Path, name: str) -> PublicKey:
    try:
        return public_key_of((folder / name).read_bytes())
    except OSError as error:
        raise MetadataFault(f"signing key {name}: {error.strerror}") from None
    except UnusableKey as error:
        raise MetadataFault(f"signing key {name}: {error}") from None


def _check_form(root: Element) -> None:
    """One signature of the root, over the whole document."""
    signatures = root.findall(names.SIGNATURE)
    if len(signatures) != 1:
        raise MetadataFault("is not signed as a whole")
    identifier = root.get("ID")
    whole_document = frozenset({"", f"#{identifier}"} if identifier else {""})
    try:
        check_signature_form(signatures[0], whole_document)
    except Refusal as refusal:
        raise MetadataFault(f"has a signature of a form that is not accepted ({refusal.detail})") from None


def _valid_until(root: Element, now: datetime, *, pinned: bool) -> datetime | None:
    try:
        valid_until = instant(root, "validUntil")
    except Refusal:
        raise MetadataFault("has a validUntil that is not a time") from None
    if valid_until is None and not pinned:
        raise MetadataFault("has no validUntil, so an old copy could be passed off for ever")
    if valid_until is not None and valid_until <= now:
        raise MetadataFault(f"expired on {valid_until:%Y-%m-%d %H:%M} UTC; fetch the current one")
    if valid_until is not None and valid_until > now + MAX_VALIDITY and not pinned:
        raise MetadataFault(f"is valid until {valid_until:%Y-%m-%d}, more than {MAX_VALIDITY.days} days ahead")
    return valid_until


def _created(root: Element) -> datetime | None:
    """When it was published (metadata registration and publication information 1.0, section 2.2.1)."""
    try:
        for published in within(root, _EXTENSIONS, _PUBLICATION):
            return instant(published, "creationInstant")
    except Refusal:
        raise MetadataFault("has a creationInstant that is not a time") from None
    return None


def _check_not_older(found: Validity, before: Validity) -> None:
    """An old copy, validly signed, would bring back keys that were given up."""
    if found.created and before.created:
        new, old, name = found.created, before.created, "published"
    elif found.valid_until and before.valid_until:
        new, old, name = found.valid_until, before.valid_until, "valid until"
    else:
        return
    if new < old:
        raise MetadataFault(
            f"is older than the copy in use ({name} {new:%Y-%m-%d %H:%M} against {old:%Y-%m-%d %H:%M} UTC); "
            "to go back on purpose, take the file away for a minute first"
        )


def _is_still_valid(element: Element, now: datetime) -> bool:
    """Whether this entity or group within the document has not expired by itself."""
    try:
        until = instant(element, "validUntil")
    except Refusal:
        return False
    return until is None or until > now
