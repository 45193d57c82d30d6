"""Signature wrapping, one function for each way: a signed message, rearranged so that a careless reader finds another.

Each takes what the university says and its key; the mail address of that begins with « camille » and becomes EVIL_MAIL
in the copy that nobody signed.
"""

from copy import deepcopy

from lxml import etree

from tests.saml import identity_provider as university

EVIL_MAIL = "attaquant@etu.univ-exemple.fr"
DS = university.DS


def signed_assertion(draft: university.Draft, key: university.Key) -> university.Element:
    return university.signed(draft, key)


def signed_response(draft: university.Draft, key: university.Key) -> university.Element:
    return university.signed(draft, key, response=True, assertion=False)


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


def xsw_1(draft: university.Draft, key: university.Key) -> university.Element:
    """The signed response inside the signature of an evil one."""
    original = signed_response(draft, key)
    evil = _evil(original, "_evil")
    signature = deepcopy(original.find(f"{{{DS}}}Signature"))
    signature.append(_without_signature(original))
    evil.insert(1, signature)
    return evil


def xsw_2(draft: university.Draft, key: university.Key) -> university.Element:
    """The signed response before the detached signature of an evil one."""
    original = signed_response(draft, key)
    evil = _evil(original, "_evil")
    evil.insert(1, _without_signature(original))
    evil.insert(2, deepcopy(original.find(f"{{{DS}}}Signature")))
    return evil


def xsw_3(draft: university.Draft, key: university.Key) -> university.Element:
    """An evil assertion before the signed one."""
    root = signed_assertion(draft, key)
    assertion = university.assertion_of(root)
    assertion.addprevious(_evil(assertion, "_evil"))
    return root


def xsw_4(draft: university.Draft, key: university.Key) -> university.Element:
    """An evil assertion around the signed one."""
    root = signed_assertion(draft, key)
    assertion = university.assertion_of(root)
    evil = _evil(assertion, "_evil")
    root.replace(assertion, evil)
    evil.append(assertion)
    return root


def xsw_5(draft: university.Draft, key: university.Key) -> university.Element:
    """An evil assertion with the signature, the signed one after it without."""
    root = signed_assertion(draft, key)
    assertion = university.assertion_of(root)
    evil = _evil(assertion, "_evil")
    evil.insert(1, deepcopy(assertion.find(f"{{{DS}}}Signature")))
    root.replace(assertion, evil)
    root.append(_without_signature(assertion))
    return root


def xsw_5b(draft: university.Draft, key: university.Key) -> university.Element:
    """As 5, but the evil assertion has the signed one's id."""
    root = signed_assertion(draft, key)
    assertion = university.assertion_of(root)
    evil = _evil(assertion)
    evil.insert(1, deepcopy(assertion.find(f"{{{DS}}}Signature")))
    root.replace(assertion, evil)
    root.append(_without_signature(assertion))
    return root


def xsw_6(draft: university.Draft, key: university.Key) -> university.Element:
    """An evil assertion whose signature holds the signed one."""
    root = signed_assertion(draft, key)
    assertion = university.assertion_of(root)
    evil = _evil(assertion, "_evil")
    signature = deepcopy(assertion.find(f"{{{DS}}}Signature"))
    signature.append(_without_signature(assertion))
    evil.insert(1, signature)
    root.replace(assertion, evil)
    return root


def xsw_7(draft: university.Draft, key: university.Key, identifier: str | None = "_evil") -> university.Element:
    """An evil assertion inside Extensions, before the signed one."""
    root = signed_assertion(draft, key)
    assertion = university.assertion_of(root)
    extensions = etree.Element(f"{{{university.SAMLP}}}Extensions")
    extensions.append(_evil(assertion, identifier))
    root.insert(1, extensions)
    return root


def xsw_7b(draft: university.Draft, key: university.Key) -> university.Element:
    """As 7, with the signed one's id."""
    return xsw_7(draft, key, None)


def xsw_8(draft: university.Draft, key: university.Key) -> university.Element:
    """The signed assertion in an Object of the evil one's signature."""
    root = signed_assertion(draft, key)
    assertion = university.assertion_of(root)
    evil = _evil(assertion, "_evil")
    signature = deepcopy(assertion.find(f"{{{DS}}}Signature"))
    etree.SubElement(signature, f"{{{DS}}}Object").append(_without_signature(assertion))
    evil.insert(1, signature)
    root.replace(assertion, evil)
    return root


def evil_after(draft: university.Draft, key: university.Key) -> university.Element:
    root = signed_assertion(draft, key)
    root.append(_evil(university.assertion_of(root), "_evil"))
    return root


def evil_in_attribute_value(draft: university.Draft, key: university.Key) -> university.Element:
    root = signed_assertion(draft, key)
    assertion = university.assertion_of(root)
    evil = _evil(assertion, "_evil")
    evil.insert(1, deepcopy(assertion.find(f"{{{DS}}}Signature")))
    evil.find(".//saml:AttributeValue", university.NS).append(_without_signature(assertion))
    root.replace(assertion, evil)
    return root


ATTACKS = (
    xsw_1,
    xsw_2,
    xsw_3,
    xsw_4,
    xsw_5,
    xsw_5b,
    xsw_6,
    xsw_7,
    xsw_7b,
    xsw_8,
    evil_after,
    evil_in_attribute_value,
)
