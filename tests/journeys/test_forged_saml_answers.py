"""Forged answers of a university against the running provider: signatures, keys, encryption, markup (O-01 to O-04,
O-08, O-11, O-13), and the first five points of « consume only what was verified ».

Each begins with a real request of a browser; ``assert_refused`` also has that browser finish afterwards with the right
answer, so that a refusal is for the reason that the test names. tests/saml has the same rules in more variants.
"""

import base64
import socket
from collections.abc import Callable, Iterator

import pytest
import xmlsec
from lxml import etree

from tests.journeys.conftest import System
from tests.journeys.forged_answers import (
    RIVEMARINE,
    Asked,
    ask,
    assert_accepted,
    assert_refused,
    key_of,
    our_certificate,
)
from tests.saml import identity_provider as university
from tests.saml import wrapping
from tests.saml.identity_provider import DS, NS, SAML, SAMLP, XENC, Element

SHA1 = "http://www.w3.org/2000/09/xmldsig#sha1"
RSA_SHA1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
MD5 = "http://www.w3.org/2001/04/xmldsig-more#md5"
RSA_MD5 = "http://www.w3.org/2001/04/xmldsig-more#rsa-md5"
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"


@pytest.fixture
def asked(system: System) -> Asked:
    return ask(system)


@pytest.fixture(scope="module")
def certificate(system: System) -> bytes:
    return our_certificate(system)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server to which nothing shall connect."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        yield server
        with pytest.raises(TimeoutError):
            server.accept()


def address(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}/x"


def signature_of(root: Element) -> Element:
    return root.find(".//ds:Signature", NS)


@pytest.mark.parametrize("attack", wrapping.ATTACKS, ids=lambda attack: attack.__name__)
def test_o_01_a_wrapped_signature_is_refused(
    asked: Asked, attack: Callable[[university.Draft, university.Key], Element]
) -> None:
    assert_refused(asked, attack(asked.draft, asked.key), "saml.structure")


def test_o_01_one_id_on_two_elements_is_refused(asked: Asked) -> None:
    root = asked.right()
    root.set("ID", asked.draft.assertion_id)
    assert_refused(asked, root, "saml.duplicate_id")


def test_o_01_two_signatures_are_refused(asked: Asked) -> None:
    root = asked.right()
    university.sign(university.assertion_of(root), asked.key)
    assert_refused(asked, root, "saml.structure")


def test_o_02_an_unsigned_answer_is_refused(asked: Asked) -> None:
    assert_refused(asked, university.build(asked.draft), "saml.signature_missing")


def test_o_02_a_stripped_signature_is_refused(asked: Asked) -> None:
    root = wrapping.signed_response(asked.draft, asked.key)
    root.remove(signature_of(root))
    assert_refused(asked, root, "saml.signature_missing")


def test_o_02_a_half_signed_answer_is_refused(asked: Asked) -> None:
    root = asked.right()
    university.sign(root, key_of(asked.system, RIVEMARINE))
    assert_refused(asked, root, "saml.signature_invalid")


@pytest.mark.parametrize("make", [wrapping.signed_assertion, wrapping.signed_response])
def test_o_02_a_changed_value_is_refused(
    asked: Asked, make: Callable[[university.Draft, university.Key], Element]
) -> None:
    root = make(asked.draft, asked.key)
    root.find(".//saml:AttributeValue", NS).text = wrapping.EVIL_MAIL
    assert_refused(asked, root, "saml.signature_invalid")


@pytest.mark.parametrize("name", ["SignatureValue", "DigestValue"])
def test_o_02_an_empty_signature_value_is_refused(asked: Asked, name: str) -> None:
    root = asked.right()
    root.find(f".//ds:{name}", NS).text = ""
    assert_refused(asked, root, "saml.")


def test_o_03_a_key_that_stands_in_key_info_alone_is_refused(asked: Asked) -> None:
    own = university.new_key("attacker")
    root = university.build(asked.draft)
    university.sign(university.assertion_of(root), own, key_info=own)
    assert_refused(asked, root, "saml.signature_invalid")


def test_o_03_the_key_of_another_trusted_university_is_refused(asked: Asked) -> None:
    root = university.signed(asked.draft, key_of(asked.system, RIVEMARINE), response=True)
    assert_refused(asked, root, "saml.signature_invalid")


def test_o_03_hmac_with_the_certificate_as_its_secret_is_refused(asked: Asked) -> None:
    root = asked.right()
    method = root.find(".//ds:SignatureMethod", NS)
    method.set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
    context = xmlsec.SignatureContext()
    context.register_id(university.assertion_of(root), "ID")
    context.key = xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataHmac, asked.key.certificate)
    context.sign(signature_of(root))
    assert_refused(asked, root, "saml.algorithm")


def test_o_03_an_unknown_issuer_is_refused(asked: Asked) -> None:
    assert_refused(asked, asked.right(issuer="https://idp.inconnue.example/idp"), "saml.issuer")


@pytest.mark.parametrize("signed_by_a_stranger", [False, True])
def test_o_04_an_assertion_encrypted_to_us_proves_nothing(
    asked: Asked, certificate: bytes, signed_by_a_stranger: bool
) -> None:
    root = university.build(asked.draft)
    if signed_by_a_stranger:
        university.sign(university.assertion_of(root), university.new_key("attacker"))
    university.encrypt(root, certificate)
    assert_refused(asked, root, "saml.signature_")


@pytest.mark.parametrize("where", ["mail", "NameID"])
@pytest.mark.parametrize("what", [b"<!-- -->", b"<![CDATA[]]>", b"<?x y?>"])
def test_o_08_markup_inside_a_value_is_refused(asked: Asked, where: str, what: bytes) -> None:
    mail = (f"{asked.mail}.evil.example",)
    root = asked.right(attributes={**asked.draft.attributes, "mail": mail})
    good, bad = (asked.mail.encode(), b".evil") if where == "mail" else (b"_trans", b"ient")
    xml = etree.tostring(root)
    assert good + bad in xml
    # Comments do not count for the signature: a reader that stops at one would see the good half, well signed.
    assert_refused(asked, xml.replace(good + bad, good + what + bad), "saml.markup")


def test_o_11_a_cipher_text_elsewhere_is_refused_and_not_fetched(
    asked: Asked, certificate: bytes, listener: socket.socket
) -> None:
    root = asked.right()
    data = university.encrypt(root, certificate).find("xenc:EncryptedData/xenc:CipherData", NS)
    data.remove(data[0])
    etree.SubElement(data, f"{{{XENC}}}CipherReference", URI=address(listener))
    assert_refused(asked, root, "saml.structure")


def test_o_11_a_key_elsewhere_is_refused_and_not_fetched(asked: Asked, listener: socket.socket) -> None:
    root = university.build(asked.draft)
    signature = university.sign(university.assertion_of(root), asked.key, key_info=asked.key)
    etree.SubElement(signature.find("ds:KeyInfo", NS), f"{{{DS}}}RetrievalMethod", URI=address(listener))
    assert_refused(asked, root, "saml.structure")


def test_o_11_a_reference_elsewhere_is_refused_and_not_fetched(asked: Asked, listener: socket.socket) -> None:
    root = asked.right()
    root.find(".//ds:Reference", NS).set("URI", address(listener))
    assert_refused(asked, root, "saml.structure")


def test_o_11_a_stylesheet_is_refused_and_fetches_nothing(asked: Asked, listener: socket.socket) -> None:
    root = asked.right()
    transform = root.findall(".//ds:Transform", NS)[1]
    transform.set("Algorithm", XSLT)
    xsl = "http://www.w3.org/1999/XSL/Transform"
    sheet = etree.SubElement(transform, f"{{{xsl}}}stylesheet", version="1.0")
    etree.SubElement(sheet, f"{{{xsl}}}value-of", select=f"document('{address(listener)}')")
    assert_refused(asked, root, "saml.structure")


def test_o_11_a_schema_or_document_type_elsewhere_is_not_fetched(asked: Asked, listener: socket.socket) -> None:
    xml = etree.tostring(asked.right())
    assert_refused(asked, b'<!DOCTYPE a SYSTEM "' + address(listener).encode() + b'">' + xml, "saml.doctype")


@pytest.mark.parametrize(
    ("method", "digest"),
    [
        (xmlsec.constants.TransformRsaSha1, xmlsec.constants.TransformSha256),
        (xmlsec.constants.TransformRsaSha256, xmlsec.constants.TransformSha1),
    ],
    ids=["signature", "digest"],
)
def test_o_13_sha_1_is_refused(asked: Asked, method: object, digest: object) -> None:
    root = university.build(asked.draft)
    university.sign(university.assertion_of(root), asked.key, method=method, digest=digest)
    assert_refused(asked, root, "saml.algorithm")


@pytest.mark.parametrize(("name", "algorithm"), [("SignatureMethod", RSA_MD5), ("DigestMethod", MD5)])
def test_o_13_md5_is_refused(asked: Asked, name: str, algorithm: str) -> None:
    root = asked.right()
    root.find(f".//ds:{name}", NS).set("Algorithm", algorithm)
    assert_refused(asked, root, "saml.algorithm")


def test_o_13_rsa_1_5_key_transport_is_refused(asked: Asked, certificate: bytes) -> None:
    root = asked.right()
    university.encrypt(root, certificate, transport=xmlsec.constants.TransformRsaPkcs1)
    university.sign(root, asked.key)
    assert_refused(asked, root, "saml.algorithm")


def test_o_13_aes_cbc_is_accepted_in_a_signed_response_alone(asked: Asked, certificate: bytes) -> None:
    root = asked.right()
    university.encrypt(root, certificate, cipher=xmlsec.constants.TransformAes256Cbc)
    assert_refused(asked, root, "saml.algorithm")
    again = ask(asked.system, walker=asked.walker)
    root = again.right()
    university.encrypt(root, certificate, cipher=xmlsec.constants.TransformAes256Cbc)
    university.sign(root, again.key)
    assert_accepted(again, root)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("A" * (256 * 1024 + 4), "saml.too_large"),
        ("<xml>", "saml.not_base64"),
        ("YQ", "saml.not_base64"),
        (base64.b64encode("<a>é</a>".encode("latin-1")).decode(), "saml.not_xml"),
        (base64.b64encode("<a/>".encode("utf-16")).decode(), "saml.not_xml"),
    ],
    ids=["size", "not base64", "no padding", "not UTF-8", "UTF-16"],
)
def test_verified_1_what_is_no_text_of_a_message_is_refused(asked: Asked, value: str, reason: str) -> None:
    assert_refused(asked, value, reason)


def test_verified_2_another_root_is_refused(asked: Asked) -> None:
    assert_refused(asked, university.assertion_of(asked.right()), "saml.structure")


def test_verified_2_a_success_without_assertion_is_refused(asked: Asked) -> None:
    root = university.build(asked.draft)
    root.remove(university.assertion_of(root))
    university.sign(root, asked.key)
    assert_refused(asked, root, "saml.structure")


@pytest.mark.parametrize("name", ["Extensions", "Advice"])
def test_verified_2_extensions_and_advice_are_refused(asked: Asked, name: str) -> None:
    root = university.build(asked.draft)
    if name == "Extensions":
        root.insert(1, etree.Element(f"{{{SAMLP}}}Extensions"))
    else:
        root.find(".//saml:Conditions", NS).addnext(etree.Element(f"{{{SAML}}}Advice"))
    university.sign(root, asked.key)
    assert_refused(asked, root, "saml.structure")


def test_verified_3_a_signature_away_from_the_issuer_is_refused(asked: Asked) -> None:
    root = asked.right()
    university.assertion_of(root).append(signature_of(root))
    assert_refused(asked, root, "saml.structure")


def test_verified_3_a_signature_of_two_references_or_of_another_element_is_refused(asked: Asked) -> None:
    root = asked.right()
    reference = root.find(".//ds:Reference", NS)
    reference.set("URI", f"#{asked.draft.response_id}")
    assert_refused(asked, root, "saml.structure")


def test_verified_4_what_is_against_the_schema_is_refused(asked: Asked) -> None:
    root = university.build(asked.draft)
    university.assertion_of(root).set("Surprise", "1")
    university.sign(root, asked.key)
    assert_refused(asked, root, "saml.schema")


def test_verified_5_a_forgery_inside_the_cipher_text_is_refused(asked: Asked, certificate: bytes) -> None:
    root = wrapping.xsw_8(asked.draft, asked.key)
    university.encrypt(root, certificate)
    assert_refused(asked, root, "saml.structure")


def test_verified_5_a_response_inside_the_cipher_text_is_refused(asked: Asked, certificate: bytes) -> None:
    root = asked.right()
    university.assertion_of(root).find(".//saml:AttributeValue", NS).append(asked.right())
    university.encrypt(root, certificate)
    university.sign(root, asked.key)
    assert_refused(asked, root, "saml.structure")
