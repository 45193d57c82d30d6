"""One metadata file, from bytes to a document whose origin is sure: nothing of it is believed before.

Trust is in the pinned key or fingerprint alone: a KeyInfo is not looked at, and a certificate's dates say nothing about
its key (SAML metadata interoperability profile 1.0, section 2.6).
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import xmlsec
from lxml import etree

from idp.domain.errors import Refusal
from idp.saml import xml_names as names
from idp.saml.metadata import within
from idp.saml.metadata_trust import MetadataFault, MetadataFile, Outline, Validity, VerifiedMetadata
from idp.saml.plain_values import moment
from idp.saml.safe_xml import Element, UnsafeXML, parse_metadata
from idp.saml.signature_form import check_signature_form
from idp.saml.verification_keys import UnusablePem, key_of_pem
from idp.saml.xml_signature import verify

MAX_VALIDITY: Final = timedelta(days=28)

# What a download brings instead; a parser's complaint about it would help nobody.
_NO_METADATA: Final = (
    (re.compile(rb"\x1f\x8b"), "is compressed (gzip); unpack it"),
    (
        re.compile(rb"(?i)(?:\xef\xbb\xbf)?\s*(?:<!doctype\s+html|<html)\b"),
        "is a web page, no metadata; what does its address show in a browser?",
    ),
)
_MARKUP: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<")
_EXTENSIONS: Final = f"{{{names.MD}}}Extensions"
_PUBLICATION: Final = f"{{{names.MDRPI}}}PublicationInfo"


def verified(file: MetadataFile, *, now: datetime) -> VerifiedMetadata:
    """The file, if its origin is sure and its time has not run out. Raises MetadataFault.

    Its age against the copy in use is not looked at (``metadata_trust.check_not_older``).
    """
    return verified_root(parsed(file), file, now=now)


def parsed(file: MetadataFile) -> Element:
    """The root of the file, of which nothing may be believed yet. Raises MetadataFault."""
    for beginning, problem in _NO_METADATA:
        if beginning.match(file.content):
            raise MetadataFault(problem)
    try:
        root = parse_metadata(file.content)
    except UnsafeXML as error:
        is_cut_off = error.reason == "not_xml" and _MARKUP.match(file.content)
        hint = "; was the download cut off?" if is_cut_off else ""
        raise MetadataFault(f"is not acceptable XML ({error.detail}){hint}") from None
    if root.tag not in (names.ENTITIES, names.ENTITY):
        raise MetadataFault(f"is no SAML metadata: its root element is {str(root.tag).rpartition('}')[2][:60]}")
    return root


def verified_root(root: Element, file: MetadataFile, *, now: datetime) -> VerifiedMetadata:
    """``verified``, of the file with this root. Raises MetadataFault."""
    digest = file.checked_digest()
    if file.trust.signing_keys:
        _check_signature(root, tuple(_pinned_key(file.keys, name) for name in file.trust.signing_keys))
    validity = Validity(_valid_until(root, now, pinned=bool(file.trust.sha256)), _created(root))
    elements = etree.XPath("count(//*)")(root)
    return VerifiedMetadata(digest, validity, Outline.of(int(elements), list(_entity_ids(root))))


def _check_signature(root: Element, keys: tuple[xmlsec.Key, ...]) -> None:
    """One of the keys signed the whole document (metadata section 3)."""
    _check_form(root)
    if not verify(root, keys):
        raise MetadataFault("is not signed by any of its signing_keys, or was changed after signing")


def _entity_ids(element: Element) -> Iterator[str]:
    if element.tag == names.ENTITY:
        yield element.get("entityID") or ""
        return
    for child in element.iterchildren(names.ENTITY, names.ENTITIES):
        yield from _entity_ids(child)


def _pinned_key(folder: Path, name: str) -> xmlsec.Key:
    try:
        return key_of_pem((folder / name).read_bytes())
    except OSError as error:
        raise MetadataFault(f"signing key {name}: {error.strerror}") from None
    except UnusablePem as error:
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
        valid_until = _instant(root, "validUntil")
    except ValueError:
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
            return _instant(published, "creationInstant")
    except ValueError:
        raise MetadataFault("has a creationInstant that is not a time") from None
    return None


def _instant(element: Element, attribute: str) -> datetime | None:
    text = element.get(attribute)
    return None if text is None else moment(text)
