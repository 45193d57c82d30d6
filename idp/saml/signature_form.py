"""The form of an XML signature as SAML allows it, before any key is tried (SAML core section 5.4, RFC 9231)."""

from collections.abc import Container
from typing import Final

from idp.domain.errors import Refusal
from idp.saml import xml_names as names
from idp.saml.safe_xml import Element, whole_text

_INCLUSIVE_NAMESPACES: Final = f"{{{names.EXC_C14N}}}InclusiveNamespaces"
_SIGNATURE_CHILDREN: Final = [
    [f"{{{names.DS}}}{name}" for name in children]
    for children in (("SignedInfo", "SignatureValue"), ("SignedInfo", "SignatureValue", "KeyInfo"))
]
_SIGNED_INFO_CHILDREN: Final = [
    f"{{{names.DS}}}{name}" for name in ("CanonicalizationMethod", "SignatureMethod", "Reference")
]
_REFERENCE_CHILDREN: Final = [f"{{{names.DS}}}{name}" for name in ("Transforms", "DigestMethod", "DigestValue")]


def check_own_signature(element: Element, signature: Element) -> None:
    """One reference, to the very element that the signature stands in (SAML core section 5.4.2). Raises Refusal."""
    identifier = element.get("ID")
    if not identifier:
        raise Refusal("saml.structure", "what is signed has no id")
    check_signature_form(signature, frozenset({f"#{identifier}"}))


def check_signature_form(signature: Element, references: frozenset[str]) -> None:
    """The inner form of one Signature: its one reference is one of these, every algorithm is one that we accept.

    Raises Refusal.
    """
    if [child.tag for child in signature] not in _SIGNATURE_CHILDREN:
        raise Refusal("saml.structure", "unexpected content of a signature")
    info = signature[0]
    if [child.tag for child in info] != _SIGNED_INFO_CHILDREN:
        raise Refusal("saml.structure", "a signature needs exactly one reference")
    canonicalization, method, reference = info
    if reference.get("URI") not in references:
        raise Refusal("saml.structure", "a signature that does not cover its parent")
    _accept(canonicalization, names.CANONICALIZATIONS)
    _accept(method, names.SIGNATURE_ALGORITHMS)
    _check_reference(reference)
    if not whole_text(signature[1]):
        raise Refusal("saml.signature_invalid", "empty signature value")


def _check_reference(reference: Element) -> None:
    if [child.tag for child in reference] != _REFERENCE_CHILDREN:
        raise Refusal("saml.structure", "unexpected content of a reference")
    transforms, digest_method, digest = reference
    algorithms = [transform.get("Algorithm") for transform in transforms]
    known = len(algorithms) in (1, 2) and algorithms[0] == names.ENVELOPED
    if not known or not names.CANONICALIZATIONS.issuperset(algorithms[1:]):
        raise Refusal("saml.algorithm", f"transforms {ascii(algorithms)[:200]}")
    if any(child.tag != _INCLUSIVE_NAMESPACES for transform in transforms for child in transform):
        raise Refusal("saml.structure", "a transform with content of its own")
    _accept(digest_method, names.DIGEST_ALGORITHMS)
    if not whole_text(digest):
        raise Refusal("saml.signature_invalid", "empty digest value")


def _accept(method: Element, accepted: Container[str | None]) -> None:
    algorithm = method.get("Algorithm")
    if algorithm not in accepted or len([child for child in method if child.tag != _INCLUSIVE_NAMESPACES]):
        raise Refusal("saml.algorithm", ascii(algorithm)[:200])
