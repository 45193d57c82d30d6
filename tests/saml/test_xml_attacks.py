"""O-08, O-11 and O-13: markup inside values, things to be fetched, weak algorithms.

The responses that these attacks begin with are accepted unforged (``test_service_provider``).
"""

import base64
from collections.abc import Callable
from typing import Any

import pytest
import xmlsec
from lxml import etree

from idp.domain.proofing import Vouching
from tests.saml import identity_provider as university

Verify = Callable[[university.Element], Vouching]
Reason = Callable[[university.Element], str]

EVIL_MAIL = "attaquant@etu.univ-exemple.fr"
DS = university.DS


def _signed_assertion(key: university.Key) -> university.Element:
    return university.signed(university.Draft(), key)


def _signed_response(key: university.Key) -> university.Element:
    return university.signed(university.Draft(), key, response=True, assertion=False)


def _insert_in_mail(root: university.Element, what: bytes) -> bytes:
    xml: bytes = etree.tostring(root)
    return xml.replace(b"camille.durand@etu.univ-exemple.fr", b"camille.durand@etu.univ-exemple.fr" + what + b".evil")


@pytest.mark.parametrize("what", [b"<!-- -->", b"<![CDATA[]]>", b"<?x y?>"])
def test_o_08_markup_in_the_mail_address_is_refused(refusal: Reason, key: university.Key, what: bytes) -> None:
    draft = university.Draft(attributes={"mail": ("camille.durand@etu.univ-exemple.fr.evil",)})
    root = university.signed(draft, key)
    xml = etree.tostring(root).replace(b".fr.evil", b".fr" + what + b".evil")
    # Comments do not count for the signature: without the guard this one would still verify.
    assert refusal(xml) == "saml.markup"


@pytest.mark.parametrize("what", [b"<!-- -->", b"<?x y?>", b"<![CDATA[]]>"])
def test_o_08_markup_inside_the_cipher_text_is_refused(
    refusal: Reason, key: university.Key, sp_certificate: bytes, what: bytes
) -> None:
    root = etree.fromstring(_insert_in_mail(_signed_assertion(key), what), etree.XMLParser(strip_cdata=False))
    university.encrypt(root, sp_certificate)
    assert refusal(root) == "saml.markup"


def test_o_08_mail_address_with_elements_is_refused(refusal: Reason, key: university.Key) -> None:
    root = university.build(university.Draft())
    value = root.find(".//saml:AttributeValue", university.NS)
    del value.attrib["{http://www.w3.org/2001/XMLSchema-instance}type"]
    etree.SubElement(value, "part").tail = ".evil"
    university.sign(university.assertion_of(root), key)
    assert refusal(root) == "saml.attribute_values"


def test_o_11_retrieval_method_is_refused(refusal: Reason, key: university.Key) -> None:
    root = university.build(university.Draft())
    signature = university.sign(university.assertion_of(root), key, key_info=key)
    etree.SubElement(
        signature.find("ds:KeyInfo", university.NS), f"{{{DS}}}RetrievalMethod", URI="http://127.0.0.1:9/key"
    )
    assert refusal(root) == "saml.structure"


def test_o_11_external_reference_is_refused(refusal: Reason, key: university.Key) -> None:
    root = _signed_assertion(key)
    root.find(".//ds:Reference", university.NS).set("URI", "http://127.0.0.1:9/x")
    assert refusal(root) == "saml.structure"


def test_o_11_cipher_reference_is_refused(refusal: Reason, key: university.Key, sp_certificate: bytes) -> None:
    root = _signed_assertion(key)
    encrypted = university.encrypt(root, sp_certificate)
    data = encrypted.find("xenc:EncryptedData/xenc:CipherData", university.NS)
    data.remove(data[0])
    etree.SubElement(data, f"{{{university.XENC}}}CipherReference", URI="http://127.0.0.1:9/x")
    assert refusal(root) == "saml.structure"


@pytest.mark.parametrize(
    "algorithm",
    [
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "http://www.w3.org/2000/09/xmldsig#base64",
    ],
)
def test_o_11_other_transforms_are_refused(refusal: Reason, key: university.Key, algorithm: str) -> None:
    root = _signed_assertion(key)
    root.findall(".//ds:Transform", university.NS)[1].set("Algorithm", algorithm)
    assert refusal(root) == "saml.algorithm"


def test_o_11_stylesheet_in_a_transform_is_refused(refusal: Reason, key: university.Key) -> None:
    root = _signed_assertion(key)
    transform = root.findall(".//ds:Transform", university.NS)[1]
    etree.SubElement(transform, "{http://www.w3.org/1999/XSL/Transform}stylesheet", version="1.0")
    assert refusal(root) == "saml.structure"


@pytest.mark.parametrize(
    ("method", "digest"),
    [
        (xmlsec.constants.TransformRsaSha1, xmlsec.constants.TransformSha256),
        (xmlsec.constants.TransformRsaSha256, xmlsec.constants.TransformSha1),
        (xmlsec.constants.TransformRsaSha224, xmlsec.constants.TransformSha256),
        (xmlsec.constants.TransformRsaSha256, xmlsec.constants.TransformSha224),
    ],
)
def test_o_13_weak_signature_or_digest_is_refused(
    refusal: Reason, key: university.Key, method: Any, digest: Any
) -> None:
    root = university.build(university.Draft())
    university.sign(university.assertion_of(root), key, method=method, digest=digest)
    assert refusal(root) == "saml.algorithm"


@pytest.mark.parametrize("name", ["SignatureMethod", "DigestMethod"])
def test_o_13_md5_is_refused(refusal: Reason, key: university.Key, name: str) -> None:
    root = _signed_assertion(key)
    root.find(f".//ds:{name}", university.NS).set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#rsa-md5")
    assert refusal(root) == "saml.algorithm"


@pytest.mark.parametrize(
    ("method", "digest"),
    [
        (xmlsec.constants.TransformRsaSha384, xmlsec.constants.TransformSha384),
        (xmlsec.constants.TransformRsaSha512, xmlsec.constants.TransformSha512),
    ],
)
def test_o_13_stronger_digests_are_accepted(verify: Verify, key: university.Key, method: Any, digest: Any) -> None:
    root = university.build(university.Draft())
    university.sign(university.assertion_of(root), key, method=method, digest=digest)
    assert verify(root)


def test_o_13_rsa_1_5_key_transport_is_refused(refusal: Reason, key: university.Key, sp_certificate: bytes) -> None:
    root = _signed_assertion(key)
    university.encrypt(root, sp_certificate, transport=xmlsec.constants.TransformRsaPkcs1)
    university.sign(root, key)
    assert refusal(root) == "saml.algorithm"


@pytest.mark.parametrize("response_signed", [True, False])
def test_o_13_cbc_is_accepted_only_inside_a_signed_response(
    verify: Verify, refusal: Reason, key: university.Key, sp_certificate: bytes, response_signed: bool
) -> None:
    root = _signed_assertion(key)
    university.encrypt(root, sp_certificate, cipher=xmlsec.constants.TransformAes256Cbc)
    if response_signed:
        university.sign(root, key)
        assert verify(root)
    else:
        assert refusal(root) == "saml.algorithm"


def test_o_13_triple_des_is_refused(refusal: Reason, key: university.Key, sp_certificate: bytes) -> None:
    root = _signed_assertion(key)
    encrypted = university.encrypt(root, sp_certificate)
    method = encrypted.find("xenc:EncryptedData/xenc:EncryptionMethod", university.NS)
    method.set("Algorithm", f"{university.XENC}tripledes-cbc")
    university.sign(root, key)
    assert refusal(root) == "saml.algorithm"


def test_o_13_changed_cipher_text_is_refused(refusal: Reason, key: university.Key, sp_certificate: bytes) -> None:
    root = _signed_assertion(key)
    encrypted = university.encrypt(root, sp_certificate)
    value = encrypted.find("xenc:EncryptedData/xenc:CipherData/xenc:CipherValue", university.NS)
    content = bytearray(base64.b64decode(value.text))
    content[len(content) // 2] ^= 1
    value.text = base64.b64encode(bytes(content)).decode()
    assert refusal(root) == "saml.decryption"
