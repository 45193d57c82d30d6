"""O-01: signature wrapping. What is read is exactly what was signed, wherever the signed element is moved.

Every attack begins with a response that is accepted as it is (the first test), so that a refusal is for the reason
that the test names.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from idp.domain.proofing import Vouching
from tests.saml import identity_provider as university
from tests.saml import wrapping

Verify = Callable[[university.Element], Vouching]
Reason = Callable[[university.Element], str]

DS = university.DS


@pytest.mark.parametrize("make", [wrapping.signed_assertion, wrapping.signed_response])
def test_o_01_response_is_accepted_unforged(verify: Verify, key: university.Key, make: Any) -> None:
    assert verify(make(university.Draft(), key)).mails == ("camille.durand@etu.univ-exemple.fr",)


@pytest.mark.parametrize("attack", wrapping.ATTACKS)
def test_o_01_wrapped_signature_is_refused(refusal: Reason, key: university.Key, attack: Any) -> None:
    assert refusal(attack(university.Draft(), key)) == "saml.structure"


def test_o_01_signature_over_another_element_is_refused(refusal: Reason, key: university.Key) -> None:
    root = wrapping.signed_response(university.Draft(), key)
    # The response's signature moved into the assertion: its reference leads to the response.
    signature = root.find(f"{{{DS}}}Signature")
    university.assertion_of(root).insert(1, signature)
    assert refusal(root) == "saml.structure"


def test_o_01_id_on_two_elements_is_refused(refusal: Reason, key: university.Key) -> None:
    root = wrapping.signed_assertion(university.Draft(), key)
    root.set("ID", "_assertion-1")
    assert refusal(root) == "saml.duplicate_id"


@pytest.mark.parametrize("name", ["Id", "id", "{http://www.w3.org/XML/1998/namespace}id"])
def test_o_01_id_by_another_name_is_refused(refusal: Reason, key: university.Key, name: str) -> None:
    root = wrapping.signed_assertion(university.Draft(), key)
    root.find("samlp:Status", university.NS).set(name, "_assertion-1")
    assert refusal(root) == "saml.duplicate_id"


def test_o_01_two_signatures_in_one_element_are_refused(refusal: Reason, key: university.Key) -> None:
    root = wrapping.signed_assertion(university.Draft(), key)
    signature = university.assertion_of(root).find(f"{{{DS}}}Signature")
    signature.addnext(deepcopy(signature))
    assert refusal(root) == "saml.structure"


def test_o_01_signature_away_from_the_issuer_is_refused(refusal: Reason, key: university.Key) -> None:
    root = wrapping.signed_assertion(university.Draft(), key)
    assertion = university.assertion_of(root)
    assertion.append(assertion.find(f"{{{DS}}}Signature"))
    assert refusal(root) == "saml.structure"


def test_o_01_two_references_are_refused(refusal: Reason, key: university.Key) -> None:
    root = wrapping.signed_assertion(university.Draft(), key)
    reference = root.find(".//ds:Reference", university.NS)
    reference.addnext(deepcopy(reference))
    assert refusal(root) == "saml.structure"


def test_o_01_empty_reference_is_refused(refusal: Reason, key: university.Key) -> None:
    root = wrapping.signed_assertion(university.Draft(), key)
    root.find(".//ds:Reference", university.NS).set("URI", "")
    assert refusal(root) == "saml.structure"


def test_o_01_wrapping_inside_the_cipher_text_is_refused(
    refusal: Reason, key: university.Key, sp_certificate: bytes
) -> None:
    root = wrapping.xsw_8(university.Draft(), key)
    university.encrypt(root, sp_certificate)
    assert refusal(root) == "saml.structure"
