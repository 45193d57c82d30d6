"""The service provider with an honest university: requests, metadata, and every way of signing and encrypting."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xmlsec
from cryptography.hazmat.primitives import hashes
from lxml import etree

from idp.domain.errors import Refusal
from idp.domain.federation import IdentityProvider
from idp.domain.proofing import Vouching
from idp.saml.keys import KeyPair
from idp.saml.own_metadata import ServiceDescription
from idp.saml.service_provider import ServiceProvider
from tests.saml import identity_provider as university

Verify = Callable[[university.Element], Vouching]
SHA1 = hashes.SHA1()  # noqa: S303 -- inside OAEP it is no digest of a signature (names.KEY_TRANSPORTS)


@pytest.mark.parametrize(("response", "assertion"), [(True, False), (False, True), (True, True)])
def test_signed_response_or_signed_assertion_is_accepted(
    verify: Verify, key: university.Key, response: bool, assertion: bool
) -> None:
    vouching = verify(university.signed(university.Draft(), key, response=response, assertion=assertion))
    assert vouching.entity_id == university.ENTITY_ID
    assert vouching.mails == ("camille.durand@etu.univ-exemple.fr",)
    assert vouching.identifiers == (("eppn", "cdurand@univ-exemple.fr"),)
    assert vouching.attributes["displayName"] == ("Camille Durand",)
    assert (vouching.response_id, vouching.assertion_id) == ("_response-1", "_assertion-1")
    assert vouching.authn_instant == university.Draft().authn_instant


@pytest.mark.parametrize(
    ("cipher", "bits"),
    [
        (xmlsec.constants.TransformAes128Gcm, 128),
        (xmlsec.constants.TransformAes256Gcm, 256),
    ],
)
@pytest.mark.parametrize("response_signed", [True, False])
def test_encrypted_assertion_is_accepted(
    verify: Verify, key: university.Key, sp_certificate: bytes, cipher: Any, bits: int, response_signed: bool
) -> None:
    root = university.signed(university.Draft(), key)
    university.encrypt(root, sp_certificate, cipher=cipher, bits=bits)
    if response_signed:
        university.sign(root, key)
    assert verify(root).mails == ("camille.durand@etu.univ-exemple.fr",)


def test_assertion_encrypted_as_shibboleth_does_is_accepted(
    verify: Verify, key: university.Key, sp_certificate: bytes
) -> None:
    # RSA-OAEP with its SHA-1 spelled out, and the recipient's certificate beside the encrypted key.
    root = university.signed(university.Draft(), key)
    university.encrypt(root, sp_certificate, explicit_oaep_digest=True)
    method = root.find(".//xenc:EncryptedKey/xenc:EncryptionMethod", university.NS)
    assert [child.get("Algorithm") for child in method] == ["http://www.w3.org/2000/09/xmldsig#sha1"]
    assert verify(root).mails == ("camille.durand@etu.univ-exemple.fr",)


@pytest.mark.parametrize(
    ("digest", "mask"),
    [
        (SHA1, SHA1),
        (hashes.SHA256(), SHA1),  # SAML2Int 2.0, SDP-ALG01
        (hashes.SHA256(), hashes.SHA256()),
        (hashes.SHA512(), hashes.SHA512()),
    ],
)
def test_key_transport_that_tells_its_digest_and_mask_is_accepted(
    verify: Verify, key: university.Key, sp_certificate: bytes, digest: Any, mask: Any
) -> None:
    root = university.signed(university.Draft(), key)
    university.encrypt(root, sp_certificate, oaep=(digest, mask))
    assert verify(root).mails == ("camille.durand@etu.univ-exemple.fr",)


def test_each_of_our_keys_decrypts(verify: Verify, key: university.Key, sp_keys: list[KeyPair]) -> None:
    for _, certificate in sp_keys:
        root = university.signed(university.Draft(), key)
        university.encrypt(root, Path(certificate).read_bytes())
        assert verify(root)


def test_old_and_new_key_of_a_university_are_both_good(
    key: university.Key,
    other_key: university.Key,
    sp_keys: list[KeyPair],
    description: ServiceDescription,
    provider: IdentityProvider,
) -> None:
    metadata = university.entity_descriptor(university.ENTITY_ID, (key, other_key))
    service_provider = ServiceProvider(
        entity_id=university.SP_ENTITY_ID,
        acs_url=university.ACS_URL,
        keys=sp_keys,
        description=description,
        metadata_source={university.ENTITY_ID: metadata}.get,
    )
    for signer in (key, other_key):
        response = university.encode(university.signed(university.Draft(), signer, response=True))
        vouching = service_provider.verify(response, provider, university.REQUEST_ID, now=university.NOW)
        assert vouching.metadata_digest == hashlib.sha256(metadata).hexdigest()


def test_no_answer_is_lost_while_a_university_replaces_its_key(
    key: university.Key,
    other_key: university.Key,
    sp_keys: list[KeyPair],
    description: ServiceDescription,
    provider: IdentityProvider,
) -> None:
    published: dict[str, bytes] = {}
    service_provider = ServiceProvider(
        entity_id=university.SP_ENTITY_ID,
        acs_url=university.ACS_URL,
        keys=sp_keys,
        description=description,
        metadata_source=published.get,
    )

    def answer(signer: university.Key) -> str:
        response = university.encode(university.signed(university.Draft(), signer))
        try:
            service_provider.verify(response, provider, university.REQUEST_ID, now=university.NOW)
        except Refusal as refusal:
            return refusal.reason
        return "accepted"

    refused = "saml.signature_invalid"
    # One process sees the metadata change under it: one certificate, two, one again.
    for keys, expected in (
        ((key,), ("accepted", refused)),
        ((key, other_key), ("accepted", "accepted")),
        ((other_key,), (refused, "accepted")),
    ):
        published[university.ENTITY_ID] = university.entity_descriptor(university.ENTITY_ID, keys)
        assert (answer(key), answer(other_key)) == expected


def test_elliptic_curve_signature_is_accepted(
    sp_keys: list[KeyPair], description: ServiceDescription, provider: IdentityProvider
) -> None:
    key = university.new_key("ec", curve=True)
    service_provider = ServiceProvider(
        entity_id=university.SP_ENTITY_ID,
        acs_url=university.ACS_URL,
        keys=sp_keys,
        description=description,
        metadata_source={university.ENTITY_ID: university.entity_descriptor(university.ENTITY_ID, (key,))}.get,
    )
    root = university.build(university.Draft())
    university.sign(university.assertion_of(root), key, method=xmlsec.constants.TransformEcdsaSha256)
    assert service_provider.verify(university.encode(root), provider, university.REQUEST_ID, now=university.NOW)


def test_attribute_that_holds_xml_and_is_not_ours_is_ignored(verify: Verify, key: university.Key) -> None:
    root = university.build(university.Draft())
    statement = root.find(".//saml:AttributeStatement", university.NS)
    attribute = etree.SubElement(statement, f"{{{university.SAML}}}Attribute", Name="urn:oid:1.3.6.1.4.1.5923.1.1.1.7")
    value = etree.SubElement(attribute, f"{{{university.SAML}}}AttributeValue")
    etree.SubElement(value, f"{{{university.SAML}}}NameID").text = "opaque"
    university.sign(university.assertion_of(root), key)
    assert verify(root).mails


def test_times_with_fractions_are_read(verify: Verify, key: university.Key) -> None:
    root = university.build(university.Draft())
    for element in (root, university.assertion_of(root)):
        element.set("IssueInstant", "2026-03-02T09:30:00.1234567Z")
    university.sign(university.assertion_of(root), key)
    assert verify(root)
