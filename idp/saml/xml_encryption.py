"""Decryption of an encrypted assertion in this process, on xmlsec; the key comes from us, never from a KeyInfo."""

from collections.abc import Iterable
from copy import deepcopy

import xmlsec
from lxml import etree

from idp.domain.errors import Refusal
from idp.saml import xml_names as names
from idp.saml.guard import parse_guarded
from idp.saml.safe_xml import Element


def uses_cbc(root: Element) -> bool:
    """Whether the assertion is encrypted without authentication of the cipher text (O-13)."""
    method = root.find("saml:EncryptedAssertion/xenc:EncryptedData/xenc:EncryptionMethod", names.NS)
    return method is not None and method.get("Algorithm") in names.AES_CBC


def with_decrypted_assertion(root: Element, private_keys: Iterable[bytes]) -> bytes:
    """The Response as XML, its EncryptedAssertion now holding what the cipher text said.

    root: a guarded Response with an EncryptedAssertion; it is not changed. private_keys: PEM, tried in turn.
    Raises Refusal ``saml.decryption``, and those of the guard for the text that was encrypted.
    """
    response = deepcopy(root)
    encrypted = response.find(names.ENCRYPTED_ASSERTION)
    plain = _decrypt(encrypted, private_keys)
    assertion = _as_element(plain, encrypted)
    for child in list(encrypted):
        encrypted.remove(child)
    encrypted.text = None
    encrypted.append(assertion)
    result: bytes = etree.tostring(response, encoding="UTF-8")
    return result


def _decrypt(encrypted: Element, private_keys: Iterable[bytes]) -> bytes:
    for pem in private_keys:
        try:
            session_key = _session_key(next(encrypted.iter(names.ENCRYPTED_KEY)), pem)
            return _plain_text(encrypted.find(names.ENCRYPTED_DATA), session_key)
        except (xmlsec.Error, etree.LxmlError, ValueError, TypeError):
            continue
    # One answer for every failure: which step failed would help to guess the plain text.
    raise Refusal("saml.decryption", "no key of ours opens the assertion")


def _session_key(encrypted_key: Element, pem: bytes) -> bytes:
    context = xmlsec.EncryptionContext()
    context.key = xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatPem)
    return _as_bytes(context.decrypt(_detached(encrypted_key)))


def _plain_text(encrypted_data: Element, session_key: bytes) -> bytes:
    context = xmlsec.EncryptionContext()
    context.key = xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataAes, session_key)
    return _as_bytes(context.decrypt(_detached(encrypted_data)))


def _detached(element: Element) -> Element:
    copy = etree.fromstring(etree.tostring(element, with_tail=False))
    # Without its type the text comes back as bytes, so that our own parser reads it and not xmlsec's.
    copy.attrib.pop("Type", None)
    return copy


def _as_bytes(decrypted: object) -> bytes:
    if not isinstance(decrypted, bytes):
        raise TypeError("xmlsec returned no bytes")
    return decrypted


def _as_element(plain: bytes, place: Element) -> Element:
    """The one element in this text, read where the cipher text stood: with the namespaces in scope there."""
    wrapper = etree.Element("wrapper", nsmap=place.nsmap)
    begin = etree.tostring(wrapper).removesuffix(b"/>") + b">"
    inside = parse_guarded(begin + plain + b"</wrapper>")
    if len(inside) != 1 or (inside.text or "").strip() or (inside[0].tail or "").strip():
        raise Refusal("saml.structure", "the cipher text does not hold exactly one element")
    inside[0].tail = None
    return inside[0]
