"""The guard before pysaml2: what a received response must look like before anything is believed or verified.

Every rule of the list below is one function; the order is the order of the list. Nothing here trusts a key: the guard
makes sure that what a signature covers and what is read afterwards cannot be two things (SAML core section 5.4.2,
CVE-2021-21238), and that nothing is fetched from elsewhere.
"""

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from idp.domain.errors import Refusal
from idp.saml import xml_names as names
from idp.saml.safe_xml import Element, UnsafeXML, depth_of, parse_message
from idp.saml.signature_form import check_own_signature

MAX_BASE64_LENGTH: Final = 256 * 1024
MAX_DEPTH: Final = 32
# SAML's own elements have at most nine attributes; lxml looks each attribute up among all attributes of its element.
MAX_ATTRIBUTES: Final = 64

# Each of these leads a reader somewhere else than to the element that was signed, or carries content of its own.
_FORBIDDEN: Final = {
    f"{{{names.DS}}}RetrievalMethod": "a key to be fetched from elsewhere",
    f"{{{names.DS11}}}KeyInfoReference": "a key to be fetched from elsewhere",
    f"{{{names.XENC}}}CipherReference": "a cipher text to be fetched from elsewhere",
    f"{{{names.DS}}}Object": "content inside a signature",
    f"{{{names.DS}}}Manifest": "references that a signature does not check",
    f"{{{names.SAMLP}}}Extensions": "extensions",
    f"{{{names.SAML}}}Advice": "advice",
    f"{{{names.SAML}}}EncryptedID": "an encrypted name",
    f"{{{names.SAML}}}EncryptedAttribute": "an encrypted attribute",
}
_FORBIDDEN_NAMESPACES: Final = ("http://www.w3.org/1999/XSL/Transform", "http://www.w3.org/2001/XInclude")


@dataclass(frozen=True, slots=True)
class ReceivedResponse:
    """A response that passed the guard: its very bytes, and the one tree that was made of them.

    Well-formed and of the expected structure; nothing in it is believed yet.
    """

    xml: bytes
    root: Element

    @property
    def in_response_to(self) -> str:
        """The request that it claims to answer."""
        return self.root.get("InResponseTo") or ""


def read_response(saml_response: str) -> ReceivedResponse:
    """The form value of the HTTP-POST binding, guarded (SAML bindings section 3.5).

    Raises Refusal: ``saml.too_large``, ``saml.not_base64``, ``saml.not_xml``, ``saml.doctype``, ``saml.markup``,
    ``saml.structure``, ``saml.duplicate_id``, ``saml.signature_invalid``, ``saml.algorithm``.
    """
    received = _received(saml_response)
    for rule in RULES:
        rule(received.root)
    return received


def named_request_id(saml_response: str) -> str:
    """The request that a form value names whatever else is wrong with it; empty where it is no Response at all."""
    try:
        received = _received(saml_response)
        for rule in _BEFORE_ALL:
            rule(received.root)
    except Refusal:
        return ""
    return received.in_response_to


def parse_guarded(xml: bytes) -> Element:
    """The root of these bytes, or a Refusal."""
    try:
        return parse_message(xml)
    except UnsafeXML as error:
        raise Refusal(f"saml.{error.reason}", error.detail) from None


def check_decrypted(root: Element) -> None:
    """The rules for a received response once more, where the cipher text was replaced by its assertion.

    root: the Response whose EncryptedAssertion now holds an Assertion.
    """
    for rule in RULES_AFTER_DECRYPTION:
        rule(root)


def _received(saml_response: str) -> ReceivedResponse:
    if len(saml_response) > MAX_BASE64_LENGTH:
        raise Refusal("saml.too_large", f"{len(saml_response)} characters, at most {MAX_BASE64_LENGTH}", status=413)
    xml = _decode(saml_response)
    return ReceivedResponse(xml, parse_guarded(xml))


def _decode(saml_response: str) -> bytes:
    # Line breaks are usual in base64 of XML security; every other character outside the alphabet is refused.
    text = saml_response.translate({ord(space): None for space in "\r\n\t "})
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise Refusal("saml.not_base64") from None


def _depth_is_bounded(root: Element) -> None:
    if depth_of(root) > MAX_DEPTH:
        raise Refusal("saml.structure", f"elements nested deeper than {MAX_DEPTH}")


def _attributes_are_bounded(root: Element) -> None:
    if any(len(element.attrib) > MAX_ATTRIBUTES for element in root.iter()):
        raise Refusal("saml.structure", f"an element with more than {MAX_ATTRIBUTES} attributes")


def _root_is_response(root: Element) -> None:
    if root.tag != names.RESPONSE:
        raise Refusal("saml.structure", f"the root is {ascii(root.tag)[:100]}, not a Response")


def _one_assertion(root: Element) -> None:
    """Exactly one Assertion or EncryptedAssertion, right under the Response; none where the status is an error."""
    inside = list(root.iter("{*}Assertion", "{*}EncryptedAssertion", "{*}Response"))[1:]
    expected = 1 if _status_is_success(root) or inside else 0
    if len(inside) != expected:
        raise Refusal("saml.structure", f"{len(inside)} assertions or nested responses")
    for element in inside:
        if element.tag not in (names.ASSERTION, names.ENCRYPTED_ASSERTION) or element.getparent() is not root:
            raise Refusal("saml.structure", "the assertion is not a child of the response")


def _one_decrypted_assertion(root: Element) -> None:
    inside = [element.tag for element in root.iter("{*}Assertion", "{*}EncryptedAssertion", "{*}Response")][1:]
    at_its_place = root.findall(f"{names.ENCRYPTED_ASSERTION}/{names.ASSERTION}")
    if inside != [names.ENCRYPTED_ASSERTION, names.ASSERTION] or len(at_its_place) != 1:
        raise Refusal("saml.structure", "the cipher text does not hold exactly one assertion")


def _nothing_forbidden(root: Element) -> None:
    for element in root.iter():
        tag = str(element.tag)
        if tag in _FORBIDDEN:
            raise Refusal("saml.structure", _FORBIDDEN[tag])
        if tag.startswith(tuple(f"{{{namespace}}}" for namespace in _FORBIDDEN_NAMESPACES)):
            raise Refusal("saml.structure", "instructions for a processor")


def _ids_are_unique(root: Element) -> None:
    # Whatever a reader may take for an id: ID, Id, id, xml:id, wsu:Id.
    values = [
        value
        for element in root.iter()
        for name, value in element.attrib.items()
        if name.rpartition("}")[2].lower() == "id"
    ]
    if len(values) != len(set(values)):
        raise Refusal("saml.duplicate_id", "one id on two elements")


def _references_stay_inside(root: Element) -> None:
    for element in root.iter(f"{{{names.DS}}}Reference", f"{{{names.XENC}}}DataReference"):
        if not (element.get("URI") or "").startswith("#"):
            raise Refusal("saml.structure", "a reference to something outside the message")


def _signatures_are_in_place(root: Element) -> None:
    """Right after the Issuer of the Response or of the Assertion, one each (SAML core section 5.4, schema order)."""
    for signature in root.iter("{*}Signature"):
        parent, before = signature.getparent(), signature.getprevious()
        if signature.tag != names.SIGNATURE or parent is None or parent.tag not in (names.RESPONSE, names.ASSERTION):
            raise Refusal("saml.structure", "a signature that belongs neither to the response nor to the assertion")
        if before is None or before.tag != names.ISSUER or before.getprevious() is not None:
            raise Refusal("saml.structure", "a signature that does not stand right after the issuer")


def _signatures_cover_their_parent(root: Element) -> None:
    for signature in root.iter(names.SIGNATURE):
        check_own_signature(signature.getparent(), signature)


def _encryption_is_acceptable(root: Element) -> None:
    """One EncryptedData with one EncryptedKey, in their places, with algorithms that we accept (XML Encryption 1.1)."""
    for encrypted in root.iter(names.ENCRYPTED_ASSERTION):
        data = encrypted.findall(names.ENCRYPTED_DATA)
        keys = list(encrypted.iter(names.ENCRYPTED_KEY))
        if len(data) != 1 or len(keys) != 1 or len(list(root.iter(names.ENCRYPTED_DATA))) != 1:
            raise Refusal("saml.structure", "an encrypted assertion needs one cipher text and one key")
        if data[0].get("Type") not in (None, names.XENC + "Element"):
            raise Refusal("saml.structure", "the cipher text does not hold an element")
        for method, accepted in _encryption_methods(data[0], keys[0]):
            if method is None or method.get("Algorithm") not in accepted:
                raise Refusal("saml.algorithm", ascii(None if method is None else method.get("Algorithm"))[:200])


def _encryption_methods(data: Element, key: Element) -> Iterator[tuple[Element | None, frozenset[str]]]:
    yield data.find("xenc:EncryptionMethod", names.NS), names.AES_GCM | names.AES_CBC
    yield key.find("xenc:EncryptionMethod", names.NS), names.KEY_TRANSPORTS


def _nothing_encrypted_elsewhere(root: Element) -> None:
    if root.find(names.ENCRYPTED_ASSERTION) is None and root.find(f".//{names.ENCRYPTED_DATA}") is not None:
        raise Refusal("saml.structure", "a cipher text outside an encrypted assertion")


def _nothing_encrypted_left(root: Element) -> None:
    if root.find(f".//{names.ENCRYPTED_DATA}") is not None or root.find(f".//{names.ENCRYPTED_KEY}") is not None:
        raise Refusal("saml.structure", "a cipher text inside a cipher text")


def _status_is_success(root: Element) -> bool:
    code = root.find("samlp:Status/samlp:StatusCode", names.NS)
    return code is not None and code.get("Value") == names.STATUS_SUCCESS


Rule = Callable[[Element], None]

_BEFORE_ALL: tuple[Rule, ...] = (_depth_is_bounded, _attributes_are_bounded, _root_is_response)
_EVERYWHERE: tuple[Rule, ...] = (
    _nothing_forbidden,
    _ids_are_unique,
    _references_stay_inside,
    _signatures_are_in_place,
    _signatures_cover_their_parent,
)
RULES: tuple[Rule, ...] = (
    *_BEFORE_ALL,
    _one_assertion,
    *_EVERYWHERE,
    _encryption_is_acceptable,
    _nothing_encrypted_elsewhere,
)
RULES_AFTER_DECRYPTION: tuple[Rule, ...] = (
    *_BEFORE_ALL,
    _one_decrypted_assertion,
    *_EVERYWHERE,
    _nothing_encrypted_left,
)
