"""XML signatures in this process, on xmlsec: a key that was given beforehand, and the exact element that was signed.

Keys come from metadata or from the administrator (``verification_keys``), never from a KeyInfo.
"""

from collections.abc import Iterable
from typing import Final

import xmlsec
from lxml import etree

from idp.saml import xml_names as names
from idp.saml.safe_xml import Element

_Transform = xmlsec.constants
_SIGNATURE_TRANSFORMS: Final = (
    _Transform.TransformExclC14N,
    _Transform.TransformExclC14NWithComments,
    _Transform.TransformRsaSha256,
    _Transform.TransformRsaSha384,
    _Transform.TransformRsaSha512,
    _Transform.TransformEcdsaSha256,
    _Transform.TransformEcdsaSha384,
    _Transform.TransformEcdsaSha512,
)
_REFERENCE_TRANSFORMS: Final = (
    _Transform.TransformEnveloped,
    _Transform.TransformExclC14N,
    _Transform.TransformExclC14NWithComments,
    # Implied where a reference names no canonicalization (XML Signature section 4.4.3.2).
    _Transform.TransformInclC14N,
    _Transform.TransformSha256,
    _Transform.TransformSha384,
    _Transform.TransformSha512,
)


def is_signed(element: Element) -> bool:
    """Whether the element itself carries a signature; nothing is said about its worth."""
    return element.find(names.SIGNATURE) is not None


def verify(element: Element, keys: Iterable[xmlsec.Key]) -> bool:
    """Whether the signature right inside this element covers it and was made with one of these keys.

    element: its form was checked before (``signature_form``): one reference, to this very element.
    """
    signature = element.find(names.SIGNATURE)
    return signature is not None and any(_verifies(element, signature, key) for key in keys)


def sign(root: Element, element_id: str, private_key_pem: bytes) -> None:
    """Fill in the signature template that stands inside the element with this ID, anywhere in the tree.

    Raises ValueError where there is no such element or template.
    """
    found = [element for element in root.iter() if element.get("ID") == element_id]
    signature = found[0].find(names.SIGNATURE) if len(found) == 1 else None
    if signature is None:
        raise ValueError("nothing to sign")
    context = xmlsec.SignatureContext()
    context.register_id(found[0], "ID")
    context.key = xmlsec.Key.from_memory(private_key_pem, xmlsec.constants.KeyDataFormatPem)
    context.sign(signature)


def _verifies(element: Element, signature: Element, key: xmlsec.Key) -> bool:
    context = xmlsec.SignatureContext()
    for transform in _SIGNATURE_TRANSFORMS:
        context.enable_signature_transform(transform)
    for transform in _REFERENCE_TRANSFORMS:
        context.enable_reference_transform(transform)
    context.key = key
    try:
        # Only this element answers to an id, so a reference can lead nowhere else; an id taken already is an error.
        if element.get("ID"):
            context.register_id(element, "ID")
        context.verify(signature)
    except (xmlsec.Error, etree.LxmlError, ValueError):
        return False
    return True
