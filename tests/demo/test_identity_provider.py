from pathlib import Path

import pytest
import xmlsec
from xmlsec import constants

from idp.demo import xml_security
from idp.demo.identity_provider import IdentityProvider
from idp.demo.keys import KeyPair
from idp.demo.people import EXEMPLE, RIVEMARINE, TROIS_VALLEES, University
from idp.demo.xml_security import ASSERTION, PROTOCOL, BadSignature, Element
from tests.demo.conftest import ACS_URL, ENTITY_ID, RequestingService

MAIL = "urn:oid:0.9.2342.19200300.100.1.3"


def provider_of(university: University, keys_folder: Path) -> IdentityProvider:
    return IdentityProvider(university, "http://localhost:5002", keys_folder)


def answer(university: University, service: RequestingService, keys_folder: Path) -> Element:
    provider = provider_of(university, keys_folder)
    return xml_security.parse(provider.response("_request", ACS_URL, university.people[0], service.known))


def only_assertion(response: Element) -> Element:
    (assertion,) = response.findall(f"{{{ASSERTION}}}Assertion")
    return assertion


def attributes(assertion: Element) -> dict[str, list[str]]:
    return {
        attribute.get("Name"): [value.text for value in attribute]
        for attribute in assertion.iter(f"{{{ASSERTION}}}Attribute")
    }


def test_the_assertion_is_signed_by_the_university(service: RequestingService, keys_folder: Path) -> None:
    assertion = only_assertion(answer(EXEMPLE, service, keys_folder))
    xml_security.verify(assertion, provider_of(EXEMPLE, keys_folder).keys.certificate)


def test_no_other_key_verifies_it(service: RequestingService, keys_folder: Path, stranger: KeyPair) -> None:
    with pytest.raises(BadSignature):
        xml_security.verify(only_assertion(answer(EXEMPLE, service, keys_folder)), stranger.certificate)


def test_the_assertion_answers_this_request_of_this_service(service: RequestingService, keys_folder: Path) -> None:
    response = answer(EXEMPLE, service, keys_folder)
    assertion = only_assertion(response)
    (data,) = assertion.iter(f"{{{ASSERTION}}}SubjectConfirmationData")
    (audience,) = assertion.iter(f"{{{ASSERTION}}}Audience")
    (name_id,) = assertion.iter(f"{{{ASSERTION}}}NameID")
    assert (response.get("InResponseTo"), response.get("Destination")) == ("_request", ACS_URL)
    assert (data.get("InResponseTo"), data.get("Recipient"), audience.text) == ("_request", ACS_URL, ENTITY_ID)
    assert name_id.get("Format").endswith(":transient")


def test_attributes_have_urn_oid_names_and_french_content(service: RequestingService, keys_folder: Path) -> None:
    released = attributes(only_assertion(answer(EXEMPLE, service, keys_folder)))
    assert released[MAIL] == ["camille.exemple@etu.univ-exemple.fr"]
    assert released["urn:oid:1.3.6.1.4.1.5923.1.1.1.6"] == ["cexemple@univ-exemple.fr"]
    assert released["urn:oid:1.3.6.1.4.1.7135.1.2.1.10"] == ["20260001"]
    assert all(name.startswith("urn:oid:") for name in released)


def test_one_university_releases_no_mail(service: RequestingService, keys_folder: Path) -> None:
    assert MAIL not in attributes(only_assertion(answer(TROIS_VALLEES, service, keys_folder)))


def test_an_encrypted_assertion_decrypts_to_one_that_still_verifies(
    service: RequestingService, keys_folder: Path
) -> None:
    response = answer(RIVEMARINE, service, keys_folder)
    assert response.find(f".//{{{ASSERTION}}}Assertion") is None
    assertion = decrypted(response, service.keys)
    xml_security.verify(assertion, provider_of(RIVEMARINE, keys_folder).keys.certificate)
    assert attributes(assertion)["urn:oasis:names:tc:SAML:attribute:subject-id"] == [
        "elavague-univ-rivemarine@univ-rivemarine.fr"
    ]


def test_encryption_is_gcm_with_oaep(service: RequestingService, keys_folder: Path) -> None:
    methods = answer(RIVEMARINE, service, keys_folder).iter("{http://www.w3.org/2001/04/xmlenc#}EncryptionMethod")
    assert [method.get("Algorithm").rpartition("#")[2] for method in methods] == ["aes256-gcm", "rsa-oaep-mgf1p"]


def test_what_a_test_edits_is_signed(service: RequestingService, keys_folder: Path) -> None:
    def foreign_audience(response: Element) -> None:
        response.find(f".//{{{ASSERTION}}}Audience").text = "https://elsewhere.example"

    provider = provider_of(EXEMPLE, keys_folder)
    person = EXEMPLE.people[0]
    message = provider.response("_request", ACS_URL, person, service.known, edit=foreign_audience)
    assertion = only_assertion(xml_security.parse(message))
    xml_security.verify(assertion, provider.keys.certificate)
    assert "https://elsewhere.example" in [audience.text for audience in assertion.iter(f"{{{ASSERTION}}}Audience")]


def test_a_refusal_is_signed_and_says_why(keys_folder: Path) -> None:
    provider = provider_of(EXEMPLE, keys_folder)
    response = xml_security.parse(provider.refusal("_request", ACS_URL, "urn:example:no", "no"))
    xml_security.verify(response, provider.keys.certificate)
    codes = [code.get("Value") for code in response.iter(f"{{{PROTOCOL}}}StatusCode")]
    assert codes == ["urn:oasis:names:tc:SAML:2.0:status:Responder", "urn:example:no"]


def decrypted(response: Element, keys: KeyPair) -> Element:
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(keys.key, constants.KeyDataFormatPem))
    data = response.find(f".//{{{ASSERTION}}}EncryptedAssertion")[0]
    return xml_security.parse(xml_security.serialise(xmlsec.EncryptionContext(manager).decrypt(data)))
