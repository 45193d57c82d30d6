"""O-02 to O-04: missing, broken and foreign signatures; only the key from the metadata of the asked university counts.

The responses that these attacks begin with are accepted unforged (``test_service_provider``).
"""

from collections.abc import Callable
from typing import Any

import pytest
import xmlsec

from idp.domain.errors import Refusal
from idp.domain.federation import IdentityProvider
from idp.domain.proofing import Vouching
from idp.saml.service_provider import ServiceProvider
from tests.saml import identity_provider as university
from tests.saml.conftest import OTHER_ENTITY_ID

Verify = Callable[[university.Element], Vouching]
Reason = Callable[[university.Element], str]

EVIL_MAIL = "attaquant@etu.univ-exemple.fr"
DS = university.DS


def _signed_assertion(key: university.Key) -> university.Element:
    return university.signed(university.Draft(), key)


def _signed_response(key: university.Key) -> university.Element:
    return university.signed(university.Draft(), key, response=True, assertion=False)


def test_o_02_unsigned_response_is_refused(refusal: Reason) -> None:
    assert refusal(university.build(university.Draft())) == "saml.signature_missing"


def test_o_02_stripped_signature_is_refused(refusal: Reason, key: university.Key) -> None:
    root = _signed_response(key)
    root.remove(root.find(f"{{{DS}}}Signature"))
    assert refusal(root) == "saml.signature_missing"


def test_o_02_half_signed_response_is_refused(refusal: Reason, key: university.Key, other_key: university.Key) -> None:
    # One good signature does not make up for a bad one.
    root = _signed_assertion(key)
    university.sign(root, other_key)
    assert refusal(root) == "saml.signature_invalid"


@pytest.mark.parametrize("make", [_signed_assertion, _signed_response])
def test_o_02_tampered_response_is_refused(refusal: Reason, key: university.Key, make: Any) -> None:
    root = make(key)
    root.find(".//saml:AttributeValue", university.NS).text = EVIL_MAIL
    assert refusal(root) == "saml.signature_invalid"


@pytest.mark.parametrize("name", ["SignatureValue", "DigestValue"])
def test_o_02_empty_signature_value_is_refused(refusal: Reason, key: university.Key, name: str) -> None:
    root = _signed_assertion(key)
    root.find(f".//ds:{name}", university.NS).text = ""
    assert refusal(root) == "saml.signature_invalid"


def test_o_02_signature_without_reference_is_refused(refusal: Reason, key: university.Key) -> None:
    root = _signed_assertion(key)
    reference = root.find(".//ds:Reference", university.NS)
    reference.getparent().remove(reference)
    assert refusal(root) == "saml.structure"


def test_o_03_known_key_with_foreign_key_info_is_accepted(
    verify: Verify, key: university.Key, other_key: university.Key
) -> None:
    # The positive control: KeyInfo is not looked at, neither for good nor for bad.
    root = university.build(university.Draft())
    university.sign(university.assertion_of(root), key, key_info=other_key)
    assert verify(root)


def test_o_03_key_that_stands_only_in_key_info_is_refused(refusal: Reason) -> None:
    own = university.new_key("attacker")
    root = university.build(university.Draft())
    university.sign(university.assertion_of(root), own, key_info=own)
    assert refusal(root) == "saml.signature_invalid"


def test_o_03_hmac_with_the_certificate_as_secret_is_refused(refusal: Reason, key: university.Key) -> None:
    root = university.build(university.Draft())
    assertion = university.assertion_of(root)
    signature = university.sign(assertion, key)
    method = signature.find(".//ds:SignatureMethod", university.NS)
    method.set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
    context = xmlsec.SignatureContext()
    context.register_id(assertion, "ID")
    context.key = xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataHmac, key.certificate)
    context.sign(signature)
    assert refusal(root) == "saml.algorithm"


def test_o_03_other_identity_provider_signing_as_this_one_is_refused(
    refusal: Reason, other_key: university.Key
) -> None:
    assert refusal(university.signed(university.Draft(), other_key)) == "saml.signature_invalid"


def test_o_03_issuer_that_was_not_asked_is_refused(
    refusal: Reason, key: university.Key, other_key: university.Key
) -> None:
    draft = university.Draft(issuer=OTHER_ENTITY_ID)
    assert refusal(university.signed(draft, key, response=True)) == "saml.issuer"
    assert refusal(university.signed(draft, other_key, response=True)) == "saml.signature_invalid"


def test_o_03_response_issuer_other_than_assertion_issuer_is_refused(refusal: Reason, key: university.Key) -> None:
    root = _signed_assertion(key)
    root.find("saml:Issuer", university.NS).text = OTHER_ENTITY_ID
    assert refusal(root) == "saml.issuer"


def test_o_03_unknown_identity_provider_is_refused(service_provider: ServiceProvider, key: university.Key) -> None:
    unknown = IdentityProvider("https://idp.inconnue.fr/idp", ())
    draft = university.Draft(issuer=unknown.entity_id)
    response = university.encode(university.signed(draft, key))
    with pytest.raises(Refusal) as caught:
        service_provider.verify(response, unknown, university.REQUEST_ID, now=university.NOW)
    assert caught.value.reason == "saml.unknown_provider"


@pytest.mark.parametrize("response_signed", [True, False])
def test_o_04_unsigned_assertion_encrypted_to_us_needs_a_signed_response(
    verify: Verify, refusal: Reason, key: university.Key, sp_certificate: bytes, response_signed: bool
) -> None:
    root = university.build(university.Draft())
    university.encrypt(root, sp_certificate)
    if response_signed:
        university.sign(root, key)
        assert verify(root)
    else:
        assert refusal(root) == "saml.signature_missing"


def test_o_04_assertion_encrypted_and_signed_by_a_stranger_is_refused(
    refusal: Reason, other_key: university.Key, sp_certificate: bytes
) -> None:
    root = university.signed(university.Draft(), other_key)
    university.encrypt(root, sp_certificate)
    assert refusal(root) == "saml.signature_invalid"


def test_assertion_encrypted_to_another_service_is_refused(
    refusal: Reason, key: university.Key, other_key: university.Key
) -> None:
    root = _signed_assertion(key)
    university.encrypt(root, other_key.certificate)
    assert refusal(root) == "saml.decryption"
