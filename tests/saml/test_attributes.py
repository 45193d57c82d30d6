"""Attributes as universities really send them: eduPersonTargetedID as XML, persistent names, names of SAML 1."""

from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

from idp.domain.proofing import Vouching
from tests.saml import identity_provider as university

Verify = Callable[[Any], Vouching]
Reason = Callable[[Any], str]

TARGETED_ID = "urn:oid:1.3.6.1.4.1.5923.1.1.1.10"
OLD_TARGETED_ID = "urn:mace:dir:attribute-def:eduPersonTargetedID"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
OURS = {"NameQualifier": university.ENTITY_ID, "SPNameQualifier": university.SP_ENTITY_ID}
WRITTEN = f"{university.ENTITY_ID}!{university.SP_ENTITY_ID}!Hj7k+Q=="
NO_IDENTIFIER = university.Draft().changed(attributes={"mail": ("camille.durand@univ-exemple.fr",)})


def _name_id(parent: university.Element, text: str = "Hj7k+Q==", **attributes: str) -> university.Element:
    element = etree.SubElement(parent, f"{{{university.SAML}}}NameID", **attributes)
    element.text = text
    return element


def _add_value(root: university.Element, name: str = TARGETED_ID) -> university.Element:
    statement = root.find(".//saml:AttributeStatement", university.NS)
    attribute = etree.SubElement(statement, f"{{{university.SAML}}}Attribute", Name=name)
    return etree.SubElement(attribute, f"{{{university.SAML}}}AttributeValue")


def _signed(root: university.Element, key: university.Key) -> university.Element:
    university.sign(university.assertion_of(root), key)
    return root


def _make_persistent(root: university.Element, text: str = "Hj7k+Q==", **attributes: str) -> None:
    name = root.find(".//saml:Subject/saml:NameID", university.NS)
    name.text = text
    name.attrib.update({"Format": PERSISTENT, **attributes})


@pytest.mark.parametrize("name", [TARGETED_ID, OLD_TARGETED_ID])
@pytest.mark.parametrize(
    "qualifiers",
    [OURS, {}, {"NameQualifier": university.ENTITY_ID}, {"SPNameQualifier": university.SP_ENTITY_ID}],
)
def test_targeted_id_is_read_with_its_qualifiers(
    verify: Verify, key: university.Key, name: str, qualifiers: dict[str, str]
) -> None:
    root = university.build(NO_IDENTIFIER)
    _name_id(_add_value(root, name), Format=PERSISTENT, **qualifiers)
    assert verify(_signed(root, key)).identifiers == (("targeted-id", WRITTEN),)


def test_targeted_id_is_read_from_an_encrypted_assertion(
    verify: Verify, key: university.Key, sp_certificate: bytes
) -> None:
    root = university.build(NO_IDENTIFIER)
    _name_id(_add_value(root), **OURS)
    university.encrypt(_signed(root, key), sp_certificate)
    assert verify(root).identifiers == (("targeted-id", WRITTEN),)


def test_targeted_id_is_the_last_of_the_identifiers(verify: Verify, key: university.Key) -> None:
    root = university.build(university.Draft())
    _name_id(_add_value(root), **OURS)
    assert [kind for kind, _ in verify(_signed(root, key)).identifiers] == ["eppn", "targeted-id"]


@pytest.mark.parametrize(
    "changes",
    [
        {"NameQualifier": "https://idp.autre.fr/idp"},
        {"SPNameQualifier": "https://autre-service.fr/sp"},
        {"Format": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"},
        {"Format": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"},
    ],
)
def test_o_07_name_of_another_provider_or_for_another_service_is_nobody_for_us(
    verify: Verify, key: university.Key, changes: dict[str, str]
) -> None:
    root = university.build(NO_IDENTIFIER)
    _name_id(_add_value(root), **(OURS | changes))
    assert verify(_signed(root, key)).identifiers == ()


def test_targeted_id_as_text_alone_is_ignored(verify: Verify, key: university.Key) -> None:
    root = university.build(NO_IDENTIFIER)
    _add_value(root).text = WRITTEN
    assert verify(_signed(root, key)).identifiers == ()


def test_o_07_two_targeted_ids_for_us_are_refused(refusal: Reason, key: university.Key) -> None:
    root = university.build(NO_IDENTIFIER)
    for text in ("one", "two"):
        _name_id(_add_value(root), text, **OURS)
    assert refusal(_signed(root, key)) == "proofing.identifier_ambiguous"


def test_the_same_targeted_id_under_both_names_is_one(verify: Verify, key: university.Key) -> None:
    root = university.build(NO_IDENTIFIER)
    for name in (TARGETED_ID, OLD_TARGETED_ID):
        _name_id(_add_value(root, name), **OURS)
    assert verify(_signed(root, key)).identifiers == (("targeted-id", WRITTEN),)


def _two_names(value: university.Element) -> None:
    _name_id(value, "one", **OURS)
    _name_id(value, "two", **OURS)


def _text_beside(value: university.Element) -> None:
    _name_id(value, **OURS).tail = "x"


def _another_element(value: university.Element) -> None:
    etree.SubElement(value, "{urn:exemple}NameID").text = "x"


def _element_inside(value: university.Element) -> None:
    etree.SubElement(_name_id(value, **OURS), f"{{{university.SAML}}}NameID").text = "x"


@pytest.mark.parametrize("spoil", [_two_names, _text_beside, _another_element, _element_inside])
def test_o_08_targeted_id_is_read_whole_or_not_at_all(
    refusal: Reason, key: university.Key, spoil: Callable[[university.Element], None]
) -> None:
    root = university.build(NO_IDENTIFIER)
    spoil(_add_value(root))
    assert refusal(_signed(root, key)) in ("saml.attribute_values", "saml.schema")


@pytest.mark.parametrize("text", ["a\tb", "a b", "x" * 257, "a\u202eb"])
def test_targeted_id_with_odd_text_is_refused(refusal: Reason, key: university.Key, text: str) -> None:
    root = university.build(NO_IDENTIFIER)
    _name_id(_add_value(root), text, **OURS)
    assert refusal(_signed(root, key)) == "saml.attribute_values"


@pytest.mark.parametrize(
    ("inside", "reason"),
    [("Hj7k<!-- x -->+Q==", "saml.markup"), ("<![CDATA[Hj7k+Q==]]>", "saml.markup"), ("Hj7k<?x?>+Q==", "saml.markup")],
)
def test_o_08_markup_inside_a_targeted_id_is_refused(
    refusal: Reason, key: university.Key, inside: str, reason: str
) -> None:
    root = university.build(NO_IDENTIFIER)
    _name_id(_add_value(root), **OURS)
    xml = etree.tostring(_signed(root, key))
    assert refusal(xml.replace(b"Hj7k+Q==", inside.encode(), 1)) == reason


@pytest.mark.parametrize("qualifiers", [OURS, {}])
def test_persistent_name_of_the_subject_stands_in(
    verify: Verify, key: university.Key, qualifiers: dict[str, str]
) -> None:
    root = university.build(NO_IDENTIFIER)
    _make_persistent(root, **qualifiers)
    assert verify(_signed(root, key)).identifiers == (("targeted-id", WRITTEN),)


def test_attribute_comes_before_the_persistent_name_of_the_subject(verify: Verify, key: university.Key) -> None:
    root = university.build(NO_IDENTIFIER)
    _name_id(_add_value(root), **OURS)
    _make_persistent(root, "another", **OURS)
    assert verify(_signed(root, key)).identifiers == (("targeted-id", WRITTEN),)


def test_persistent_name_of_another_provider_is_nobody_for_us(verify: Verify, key: university.Key) -> None:
    root = university.build(NO_IDENTIFIER)
    _make_persistent(root, NameQualifier="https://idp.autre.fr/idp")
    assert verify(_signed(root, key)).identifiers == ()


def test_transient_name_is_no_identifier(verify: Verify, key: university.Key) -> None:
    assert verify(_signed(university.build(NO_IDENTIFIER), key)).identifiers == ()


OLD = "urn:mace:dir:attribute-def:"


def test_names_of_saml_1_say_the_same(verify: Verify, key: university.Key) -> None:
    attributes = {
        f"{OLD}mail": ("camille.durand@univ-exemple.fr",),
        f"{OLD}eduPersonPrincipalName": ("cdurand@univ-exemple.fr",),
        f"{OLD}displayName": ("Camille Durand",),
        f"{OLD}eduPersonAffiliation": ("student",),
        "urn:mace:terena.org:attribute-def:schacHomeOrganization": ("univ-exemple.fr",),
    }
    vouching = verify(university.signed(university.Draft().changed(attributes=attributes), key))
    assert vouching.mails == ("camille.durand@univ-exemple.fr",)
    assert vouching.identifiers == (("eppn", "cdurand@univ-exemple.fr"),)
    assert vouching.attributes == {
        "displayName": ("Camille Durand",),
        "eduPersonAffiliation": ("student",),
        "schacHomeOrganization": ("univ-exemple.fr",),
    }


def test_values_under_the_old_and_the_new_name_are_put_together(verify: Verify, key: university.Key) -> None:
    attributes = {
        f"{OLD}eduPersonScopedAffiliation": ("student@univ-exemple.fr", "member@univ-exemple.fr"),
        "affiliation": ("member@univ-exemple.fr", "staff@univ-exemple.fr"),
        f"{OLD}eduPersonPrincipalName": ("cdurand@univ-exemple.fr",),
        "eppn": ("cdurand@univ-exemple.fr",),
    }
    vouching = verify(university.signed(university.Draft().changed(attributes=attributes), key))
    assert vouching.identifiers == (("eppn", "cdurand@univ-exemple.fr"),)
    assert vouching.attributes["eduPersonScopedAffiliation"] == (
        "student@univ-exemple.fr",
        "member@univ-exemple.fr",
        "staff@univ-exemple.fr",
    )


def test_o_07_other_identifier_under_the_old_name_is_refused(refusal: Reason, key: university.Key) -> None:
    attributes = {f"{OLD}eduPersonPrincipalName": ("a@univ-exemple.fr",), "eppn": ("b@univ-exemple.fr",)}
    draft = university.Draft().changed(attributes=attributes)
    assert refusal(university.signed(draft, key)) == "proofing.identifier_ambiguous"


@pytest.mark.parametrize("split", [1, 3])
def test_an_attribute_has_no_more_values_in_several_elements_than_in_one(
    refusal: Reason, key: university.Key, split: int
) -> None:
    root = university.build(university.Draft())
    statement = root.find(".//saml:AttributeStatement", university.NS)
    for part in range(split):
        attribute = etree.SubElement(statement, f"{{{university.SAML}}}Attribute", Name="urn:oid:2.5.4.4")
        for number in range(201 // split):
            etree.SubElement(attribute, f"{{{university.SAML}}}AttributeValue").text = f"Durand {part} {number}"
    assert refusal(_signed(root, key)) == "saml.attribute_values"
