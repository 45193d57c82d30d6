"""Federation aggregates for tests: some identity providers, signed as a whole."""

import os
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from lxml import etree

from idp.saml.federation import FederationFolder
from tests.saml import identity_provider as university

TRUSTED = '[files."fer.xml"]\nsigning_keys = ["keys/old.pem", "keys/new.pem"]\n'
LIMOGES = "https://idp.unilim.fr/idp"
ROUEN = "https://idp.univ-rouen.fr/idp"

# Writes a federation folder: content of fer.xml, overrides, more files by name.
MakeFolder = Callable[..., FederationFolder]


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = university.NOW

    def __call__(self) -> datetime:
        return self.now


def aggregate(
    entities: Iterable[bytes],
    *,
    valid_until: datetime | None = university.NOW + timedelta(days=9),
    identifier: str | None = "_aggregate",
    created: datetime | None = None,
) -> university.Element:
    """An unsigned EntitiesDescriptor."""
    root = etree.Element(f"{{{university.MD}}}EntitiesDescriptor", nsmap={"md": university.MD, "ds": university.DS})
    if valid_until is not None:
        root.set("validUntil", university.when(valid_until))
    if identifier is not None:
        root.set("ID", identifier)
    if created is not None:
        extensions = etree.SubElement(root, f"{{{university.MD}}}Extensions")
        published = etree.SubElement(extensions, "{urn:oasis:names:tc:SAML:metadata:rpi}PublicationInfo")
        published.set("creationInstant", university.when(created))
    root.extend([etree.fromstring(entity) for entity in entities])
    return root


def signed(root: university.Element, key: university.Key, **arguments: Any) -> bytes:
    """The document, its root signed; the signature stands first, as metadata wants it."""
    signature = university.sign(root, key, **arguments)
    root.insert(0, signature)
    xml: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return xml


def write_folder(folder: Path, files: dict[str, bytes], overrides: str, keys: dict[str, bytes]) -> Path:
    """A federation folder with these metadata files, overrides and key files."""
    (folder / "keys").mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    for name, content in keys.items():
        (folder / "keys" / name).write_bytes(content)
    (folder / "overrides.toml").write_text(overrides, encoding="utf-8")
    return folder


def rewrite(path: Path, content: bytes) -> None:
    """Write a file so that its change shows."""
    path.write_bytes(content)
    # Two writes within one tick of the file system's clock must still be two.
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 1_000_000_000))
