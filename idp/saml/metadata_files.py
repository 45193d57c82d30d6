"""One metadata file, from bytes to identity providers: nothing is read from it before its origin is sure.

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
from idp.saml.metadata import entity_bytes, identity_provider
from idp.saml.overrides import FILE_NAME, FileTrust
from idp.saml.response_checks import instant
from idp.saml.safe_xml import Element, UnsafeXML, parse_metadata
from idp.saml.signature_form import check_signature_form
from idp.saml.xml_signature import PublicKey, UnusableKey, public_key_of, verify

MAX_BYTES: Final = 128 * 1024 * 1024
MAX_VALIDITY: Final = timedelta(days=28)


class MetadataFault(Exception):
    """Why a metadata file is not used, in one line for the administrator, with what to do."""


@dataclass(frozen=True, slots=True)
class MetadataFile:
    """The identity providers of one file whose origin was verified.

    entities: each identity provider with its own EntityDescriptor as XML, in the order of the file.
    valid_until: None only for a file that is trusted by its fingerprint and names no end.
    """

    entities: tuple[tuple[IdentityProvider, bytes], ...]
    valid_until: datetime | None


def read_metadata_file(path: Path, trust: FileTrust | None, *, now: datetime) -> MetadataFile:
    """The file's identity providers. Raises MetadataFault, whose text does not repeat the file's name."""
    content = _content(path)
    if trust is None:
        raise MetadataFault(f'no trust is set for it; give [files."{path.name}"] signing_keys or sha256 in {FILE_NAME}')
    root = _root(content)
    _check_origin(content, root, path.parent, trust)
    valid_until = _valid_until(root, now, pinned=bool(trust.sha256))
    entities = tuple(_usable_entities(root, now))
    if not entities:
        raise MetadataFault("holds no identity provider with a sign-in endpoint and a signing key")
    return MetadataFile(entities, valid_until)


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


def _check_origin(content: bytes, root: Element, folder: Path, trust: FileTrust) -> None:
    """Fingerprint and signature: whatever the administrator has set must hold."""
    found = hashlib.sha256(content).hexdigest()
    if trust.sha256 and not hmac.compare_digest(found, trust.sha256):
        raise MetadataFault(f"has SHA-256 {found}, not the one in {FILE_NAME}; check the change, then set the new one")
    if trust.signing_keys:
        _check_signature(root, [_pinned_key(folder, name) for name in trust.signing_keys])


def _pinned_key(folder: Path, name: str) -> PublicKey:
    try:
        return public_key_of((folder / name).read_bytes())
    except OSError as error:
        raise MetadataFault(f"signing key {name}: {error.strerror}") from None
    except UnusableKey as error:
        raise MetadataFault(f"signing key {name}: {error}") from None


def _check_signature(root: Element, keys: list[PublicKey]) -> None:
    """A signature of the root over the whole document by one of the pinned keys (metadata section 3)."""
    signatures = root.findall(names.SIGNATURE)
    if len(signatures) != 1:
        raise MetadataFault("is not signed as a whole")
    identifier = root.get("ID")
    whole_document = frozenset({"", f"#{identifier}"} if identifier else {""})
    try:
        check_signature_form(signatures[0], whole_document)
    except Refusal as refusal:
        raise MetadataFault(f"has a signature of a form that is not accepted ({refusal.detail})") from None
    if not verify(root, keys):
        raise MetadataFault("is not signed by any of its signing_keys, or was changed after signing")


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


def _usable_entities(root: Element, now: datetime) -> Iterator[tuple[IdentityProvider, bytes]]:
    for entity in root.iter(names.ENTITY):
        provider = identity_provider(entity) if _is_still_valid(entity, root, now) else None
        if provider is not None:
            yield provider, entity_bytes(entity)


def _is_still_valid(entity: Element, root: Element, now: datetime) -> bool:
    """Whether neither the entity nor a group around it has expired by itself."""
    while entity is not root:
        try:
            until = instant(entity, "validUntil")
        except Refusal:
            return False
        if until is not None and until <= now:
            return False
        entity = entity.getparent()
    return True
