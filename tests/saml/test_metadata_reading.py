"""A whole metadata file in one pass: what is handed out is what stands there, whatever looks like it elsewhere."""

import pytest
from lxml import etree

from idp.saml.federation import FederationFolder
from idp.saml.metadata_reading import MalformedMetadata, MetadataReader
from tests.saml import aggregates
from tests.saml import identity_provider as university
from tests.saml.aggregates import LIMOGES, ROUEN, MakeFolder

DECOY = '<md:EntityDescriptor entityID="https://evil.example/idp"><md:IDPSSODescriptor/></md:EntityDescriptor>'
PLACES = {
    "comment": f"<!-- {DECOY} -->",
    "instruction": f"<?x {DECOY}?>",
    "text": f"<md:Extensions><![CDATA[{DECOY}]]></md:Extensions>",
    "element of an extension": f"<md:Extensions>{DECOY}</md:Extensions>",
}


def _with(decoy: str, entities: list[bytes]) -> bytes:
    first, second = (entity.decode() for entity in entities)
    return (
        f'<md:EntitiesDescriptor xmlns:md="{university.MD}">{decoy}{first}{decoy}{second}{decoy}'
        "</md:EntitiesDescriptor>"
    ).encode()


@pytest.mark.parametrize("place", PLACES)
def test_what_only_looks_like_an_entity_is_none(entities: list[bytes], place: str) -> None:
    found = {provider.entity_id: document for provider, document in MetadataReader(_with(PLACES[place], entities))}
    assert list(found) == [LIMOGES, ROUEN]
    for entity_id, document in found.items():
        assert etree.fromstring(document).get("entityID") == entity_id
        assert b"evil" not in document


@pytest.mark.parametrize("place", PLACES)
def test_a_signed_file_with_decoys_hands_out_the_entities_that_were_verified(
    make_folder: MakeFolder, key: university.Key, entities: list[bytes], place: str
) -> None:
    root = etree.fromstring(_with(PLACES[place], entities))
    root.set("validUntil", university.when(university.NOW.replace(day=9)))
    root.set("ID", "_aggregate")
    folder: FederationFolder = make_folder(aggregates.signed(root, key))
    [status] = folder.refresh()
    assert (status.problem, status.providers) == (None, 2)
    assert b"evil" not in (folder.current.metadata(LIMOGES) or b"evil")


def test_namespaces_declared_around_an_entity_go_with_it(entities: list[bytes]) -> None:
    root = aggregates.aggregate([etree.tostring(aggregates.aggregate(entities, identifier=None))])
    root.append(etree.Element("{urn:a&b}x", nsmap={"odd": "urn:a&b"}))
    for _, document in MetadataReader(etree.tostring(root)):
        assert etree.fromstring(document).tag == f"{{{university.MD}}}EntityDescriptor"


def test_the_same_bytes_have_the_same_digest_and_others_another(entities: list[bytes]) -> None:
    first, second = (
        [provider.metadata_digest for provider, _ in MetadataReader(_with("", some))]
        for some in (entities, [entities[0], entities[1].replace(b"/sso/HTTP-POST", b"/other/HTTP-POST")])
    )
    assert first[0] == second[0]
    assert first[1] != second[1]


@pytest.mark.parametrize("content", [b"<!DOCTYPE a><a/>", b"<a>", b"<a>\xff</a>", b"<a>\x00</a>", b""])
def test_what_is_not_xml_as_we_accept_it_is_unreadable(content: bytes) -> None:
    with pytest.raises(MalformedMetadata):
        list(MetadataReader(content))


def test_an_outline_tells_another_order_and_more_elements(entities: list[bytes]) -> None:
    outlines = []
    for content in (_with("", entities), _with("", entities[::-1]), _with("<md:Extensions/>", entities)):
        reader = MetadataReader(content)
        list(reader)
        outlines.append(reader.outline())
    assert len(set(outlines)) == 3


@pytest.mark.parametrize("blank", ["&#xa0;", "&#x2003;", "&#x85;", "&#x1680;", " ", "&#10;", "&#x200b;", "&#xfeff;"])
@pytest.mark.parametrize("form", ["{id}{blank}", "{blank}{id}"])
def test_an_entity_id_with_blanks_around_another_s_does_not_take_its_place(
    make_folder: MakeFolder, key: university.Key, entities: list[bytes], blank: str, form: str
) -> None:
    pirate = university.entity_descriptor(
        form.format(id=LIMOGES, blank=blank), (key,), scopes=("pirate.fr",), names={"fr": "Pirate"}
    )
    folder = make_folder(aggregates.signed(aggregates.aggregate([pirate, *entities]), key))
    [status] = folder.refresh()
    found = folder.current.provider(LIMOGES)
    assert found is not None
    assert (status.problem, status.providers, found.scopes) == (None, 2, ("unilim.fr",))
    assert b"pirate" not in (folder.current.metadata(LIMOGES) or b"pirate")
