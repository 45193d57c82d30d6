"""Any change to a metadata file: refused, or the very same is read; any XML at all: read or refused, never a fault."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from idp.domain.federation import IdentityProvider
from idp.saml.metadata_files import verified
from idp.saml.metadata_reading import MalformedMetadata, MetadataReader
from idp.saml.metadata_trust import MetadataFault, MetadataFile
from idp.saml.overrides import FileTrust
from tests.fuzz_corpus import METADATA, beginning_with
from tests.saml import aggregates
from tests.saml import identity_provider as university
from tests.saml.test_arbitrary_changes import CHANGES

MANY = settings(max_examples=int(os.environ.get("FUZZ_EXAMPLES", "150")))
Read = Callable[[bytes], list[tuple[IdentityProvider, bytes]]]


@pytest.fixture
def read(tmp_path: Path, key: university.Key) -> Read:
    """What the product takes from a file that the pinned key must have signed.

    Raises MetadataFault or MalformedMetadata.
    """
    (tmp_path / "pinned.pem").write_bytes(key.certificate)
    trust = FileTrust(signing_keys=("pinned.pem",))

    def run(content: bytes) -> list[tuple[IdentityProvider, bytes]]:
        outline = verified(MetadataFile(content, trust, tmp_path), now=university.NOW).outline
        reader = MetadataReader(content, university.NOW)
        found = list(reader)
        if reader.outline() != outline:
            raise MetadataFault("two readers differ")
        return found

    return run


@pytest.fixture
def original(entities: list[bytes], key: university.Key) -> bytes:
    return aggregates.signed(aggregates.aggregate(entities), key)


def refused_or_the_same(read: Read, content: bytes, original: bytes) -> None:
    try:
        found = read(content)
    except (MetadataFault, MalformedMetadata):
        return
    assert [_told(provider) for provider, _ in found] == [_told(provider) for provider, _ in read(original)]


def _told(provider: IdentityProvider) -> tuple[Any, ...]:
    return provider.entity_id, provider.names, provider.scopes


def test_the_unchanged_file_is_read(read: Read, original: bytes) -> None:
    assert [provider.entity_id for provider, _ in read(original)] == [aggregates.LIMOGES, aggregates.ROUEN]


@MANY
@given(data=st.data())
def test_changed_bytes_are_refused_or_change_nothing(data: st.DataObject, read: Read, original: bytes) -> None:
    content = bytearray(original)
    position = data.draw(st.integers(0, len(content) - 1))
    content[position : position + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    refused_or_the_same(read, bytes(content), original)


@MANY
@given(data=st.data())
def test_rearranged_elements_are_refused_or_change_nothing(data: st.DataObject, read: Read, original: bytes) -> None:
    root = etree.fromstring(original)
    for _ in range(data.draw(st.integers(1, 3))):
        elements = list(root.iter())
        change = data.draw(st.sampled_from(CHANGES))
        change(data.draw(st.sampled_from(elements)), data.draw(st.sampled_from(elements)))
    refused_or_the_same(read, etree.tostring(root), original)


TAGS = st.sampled_from(
    [f"{{{university.MD}}}{name}" for name in ("EntitiesDescriptor", "EntityDescriptor", "IDPSSODescriptor")]
    + [f"{{{university.MD}}}{name}" for name in ("Extensions", "KeyDescriptor", "SingleSignOnService", "Organization")]
    + [f"{{{university.DS}}}{name}" for name in ("KeyInfo", "X509Data", "X509Certificate", "Signature")]
    + ["{urn:mace:shibboleth:metadata:1.0}Scope", "{urn:oasis:names:tc:SAML:metadata:ui}DisplayName", "{urn:x}y", "z"]
)
NAMES = st.sampled_from(["entityID", "validUntil", "ID", "use", "Binding", "Location", "regexp", "errorURL"])
TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), max_size=12) | st.sampled_from(
    ["https://idp.example/idp", "2016-02-30T00:00:00Z", "urn:oasis:names:tc:SAML:2.0:protocol", "MIIB", "true"]
)
TREES: st.SearchStrategy[Any] = st.recursive(
    st.builds(lambda tag, names, text: (tag, names, text, []), TAGS, st.dictionaries(NAMES, TEXTS, max_size=3), TEXTS),
    lambda inner: st.builds(
        lambda tag, names, text, children: (tag, names, text, children),
        TAGS,
        st.dictionaries(NAMES, TEXTS, max_size=3),
        TEXTS,
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)


def _tree(described: Any) -> university.Element:
    tag, attributes, text, children = described
    element = etree.Element(tag, attributes)
    element.text = text
    element.extend([_tree(child) for child in children])
    return element


@MANY
@given(described=TREES)
def test_any_document_of_metadata_s_own_words_is_read_or_refused(described: Any, key: university.Key) -> None:
    root = _tree(described)
    with_keys = etree.tostring(root).replace(b">MIIB<", b">" + _base64_of(key) + b"<")
    for provider, document in MetadataReader(with_keys, university.NOW):
        assert provider.entity_id
        assert etree.fromstring(document).get("entityID").strip() == provider.entity_id


def _base64_of(key: university.Key) -> bytes:
    return b"".join(key.certificate.splitlines()[1:-1])


@pytest.mark.parametrize("content", METADATA.values(), ids=METADATA.keys())
def test_what_is_at_the_edges_of_metadata_is_read_or_refused(content: bytes) -> None:
    with suppress(MalformedMetadata):
        assert [document for _, document in MetadataReader(content, university.NOW)] == []


@MANY
@beginning_with("content", METADATA)
@given(content=st.binary(max_size=200))
def test_any_bytes_are_no_metadata(content: bytes, read: Read) -> None:
    with pytest.raises((MetadataFault, MalformedMetadata)):
        read(content)
