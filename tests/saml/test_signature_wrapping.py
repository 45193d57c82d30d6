"""O-01: signature wrapping. What is read is exactly what was signed, wherever the signed element is moved.

Every attack begins with a response that is accepted as it is (the first test), so that a refusal is for the reason
that the test names.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
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


def _evil(element: university.Element, identifier: str | None = None) -> university.Element:
    """A copy that says something else and carries no signature of its own."""
    copy = deepcopy(element)
    for signature in copy.findall(f".//{{{DS}}}Signature"):
        signature.getparent().remove(signature)
    for value in copy.iterfind(".//saml:AttributeValue", university.NS):
        if value.text.startswith("camille"):
            value.text = EVIL_MAIL
    if identifier is not None:
        copy.set("ID", identifier)
    return copy


def _without_signature(element: university.Element) -> university.Element:
    copy = deepcopy(element)
    copy.remove(copy.find(f"{{{DS}}}Signature"))
    return copy


@pytest.mark.parametrize("make", [_signed_assertion, _signed_response])
def test_o_01_response_is_accepted_unforged(verify: Verify, key: university.Key, make: Any) -> None:
    assert verify(make(key)).mails == ("camille.durand@etu.univ-exemple.fr",)


def _xsw_1(key: university.Key) -> university.Element:
    """The signed response inside the signature of an evil one."""
    original = _signed_response(key)
    evil = _evil(original, "_evil")
    signature = deepcopy(original.find(f"{{{DS}}}Signature"))
    signature.append(_without_signature(original))
    evil.insert(1, signature)
    return evil


def _xsw_2(key: university.Key) -> university.Element:
    """The signed response before the detached signature of an evil one."""
    original = _signed_response(key)
    evil = _evil(original, "_evil")
    evil.insert(1, _without_signature(original))
    evil.insert(2, deepcopy(original.find(f"{{{DS}}}Signature")))
    return evil


def _xsw_3(key: university.Key) -> university.Element:
    """An evil assertion before the signed one."""
    root = _signed_assertion(key)
    assertion = university.assertion_of(root)
    assertion.addprevious(_evil(assertion, "_evil"))
    return root


def _xsw_4(key: university.Key) -> university.Element:
    """An evil assertion around the signed one."""
    root = _signed_assertion(key)
    assertion = university.assertion_of(root)
    evil = _evil(assertion, "_evil")
    root.replace(assertion, evil)
    evil.append(assertion)
    return root


def _xsw_5(key: university.Key) -> university.Element:
    """An evil assertion with the signature, the signed one after it without."""
    root = _signed_assertion(key)
    assertion = university.assertion_of(root)
    evil = _evil(assertion, "_evil")
    evil.insert(1, deepcopy(assertion.find(f"{{{DS}}}Signature")))
    root.replace(assertion, evil)
    root.append(_without_signature(assertion))
    return root


def _xsw_5b(key: university.Key) -> university.Element:
    """As 5, but the evil assertion has the signed one's id."""
    root = _signed_assertion(key)
    assertion = university.assertion_of(root)
    evil = _evil(assertion)
    evil.insert(1, deepcopy(assertion.find(f"{{{DS}}}Signature")))
    root.replace(assertion, evil)
    root.append(_without_signature(assertion))
    return root


def _xsw_6(key: university.Key) -> university.Element:
    """An evil assertion whose signature holds the signed one."""
    root = _signed_assertion(key)
    assertion = university.assertion_of(root)
    evil = _evil(assertion, "_evil")
    signature = deepcopy(assertion.find(f"{{{DS}}}Signature"))
    signature.append(_without_signature(assertion))
    evil.insert(1, signature)
    root.replace(assertion, evil)
    return root


def _xsw_7(key: university.Key, identifier: str | None = "_evil") -> university.Element:
    """An evil assertion inside Extensions, before the signed one."""
    root = _signed_assertion(key)
    assertion = university.assertion_of(root)
    extensions = etree.Element(f"{{{university.SAMLP}}}Extensions")
    extensions.append(_evil(assertion, identifier))
    root.insert(1, extensions)
    return root


def _xsw_7b(key: university.Key) -> university.Element:
    """As 7, with the signed one's id."""
    return _xsw_7(key, None)


def _xsw_8(key: university.Key) -> university.Element:
    """The signed assertion in an Object of the evil one's signature."""
    root = _signed_assertion(key)
    assertion = university.assertion_of(root)
    evil = _evil(assertion, "_evil")
    signature = deepcopy(assertion.find(f"{{{DS}}}Signature"))
    etree.SubElement(signature, f"{{{DS}}}Object").append(_without_signature(assertion))
    evil.insert(1, signature)
    root.replace(assertion, evil)
    return root


def _evil_after(key: university.Key) -> university.Element:
    root = _signed_assertion(key)
    root.append(_evil(university.assertion_of(root), "_evil"))
    return root


def _evil_in_attribute_value(key: university.Key) -> university.Element:
    root = _signed_assertion(key)
    assertion = university.assertion_of(root)
    evil = _evil(assertion, "_evil")
    evil.insert(1, deepcopy(assertion.find(f"{{{DS}}}Signature")))
    evil.find(".//saml:AttributeValue", university.NS).append(_without_signature(assertion))
    root.replace(assertion, evil)
    return root


@pytest.mark.parametrize(
    "attack",
    [
        _xsw_1,
        _xsw_2,
        _xsw_3,
        _xsw_4,
        _xsw_5,
        _xsw_5b,
        _xsw_6,
        _xsw_7,
        _xsw_7b,
        _xsw_8,
        _evil_after,
        _evil_in_attribute_value,
    ],
)
def test_o_01_wrapped_signature_is_refused(refusal: Reason, key: university.Key, attack: Any) -> None:
    assert refusal(attack(key)) == "saml.structure"


def test_o_01_signature_over_another_element_is_refused(refusal: Reason, key: university.Key) -> None:
    root = _signed_response(key)
    # The response's signature moved into the assertion: its reference leads to the response.
    signature = root.find(f"{{{DS}}}Signature")
    university.assertion_of(root).insert(1, signature)
    assert refusal(root) == "saml.structure"


def test_o_01_id_on_two_elements_is_refused(refusal: Reason, key: university.Key) -> None:
    root = _signed_assertion(key)
    root.set("ID", "_assertion-1")
    assert refusal(root) == "saml.duplicate_id"


@pytest.mark.parametrize("name", ["Id", "id", "{http://www.w3.org/XML/1998/namespace}id"])
def test_o_01_id_by_another_name_is_refused(refusal: Reason, key: university.Key, name: str) -> None:
    root = _signed_assertion(key)
    root.find("samlp:Status", university.NS).set(name, "_assertion-1")
    assert refusal(root) == "saml.duplicate_id"


def test_o_01_two_signatures_in_one_element_are_refused(refusal: Reason, key: university.Key) -> None:
    root = _signed_assertion(key)
    signature = university.assertion_of(root).find(f"{{{DS}}}Signature")
    signature.addnext(deepcopy(signature))
    assert refusal(root) == "saml.structure"


def test_o_01_signature_away_from_the_issuer_is_refused(refusal: Reason, key: university.Key) -> None:
    root = _signed_assertion(key)
    assertion = university.assertion_of(root)
    assertion.append(assertion.find(f"{{{DS}}}Signature"))
    assert refusal(root) == "saml.structure"


def test_o_01_two_references_are_refused(refusal: Reason, key: university.Key) -> None:
    root = _signed_assertion(key)
    reference = root.find(".//ds:Reference", university.NS)
    reference.addnext(deepcopy(reference))
    assert refusal(root) == "saml.structure"


def test_o_01_empty_reference_is_refused(refusal: Reason, key: university.Key) -> None:
    root = _signed_assertion(key)
    root.find(".//ds:Reference", university.NS).set("URI", "")
    assert refusal(root) == "saml.structure"


def test_o_01_wrapping_inside_the_cipher_text_is_refused(
    refusal: Reason, key: university.Key, sp_certificate: bytes
) -> None:
    root = _xsw_8(key)
    university.encrypt(root, sp_certificate)
    assert refusal(root) == "saml.structure"
