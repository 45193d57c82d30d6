"""XML signatures and encryption for the universities, in process with python-xmlsec (no ``xmlsec1`` program).

RSA-SHA256 over exclusive canonical XML (SAML Core 5.4), AES-256-GCM with RSA-OAEP (XML Encryption 1.1).
"""

import base64
from typing import TypeAlias
from urllib.parse import parse_qsl, unquote_plus

import xmlsec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree
from xmlsec import constants

from idp.demo.keys import KeyPair

ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"

Element: TypeAlias = etree._Element


class BadSignature(Exception):
    """A message that is not signed, not well, or not by the one whose key was given."""


def parse(document: bytes | str) -> Element:
    """The root element; no DTD, no entities, nothing fetched."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=False)
    data = document.encode() if isinstance(document, str) else document
    root = etree.fromstring(data, parser)
    if root.getroottree().docinfo.doctype:
        raise etree.XMLSyntaxError("document type declarations are refused", 0, 0, 0)
    return root


def serialise(element: Element) -> bytes:
    """The element as UTF-8 XML with every namespace it needs, so that it can stand alone."""
    return bytes(etree.tostring(element, encoding="UTF-8", with_tail=False))


def sign(element: Element, keys: KeyPair, position: int) -> None:
    """Signs the element by its ``ID``, enveloped; the Signature becomes its child at this position."""
    signature = xmlsec.template.create(element, constants.TransformExclC14N, constants.TransformRsaSha256, ns="ds")
    element.insert(position, signature)
    reference = xmlsec.template.add_reference(signature, constants.TransformSha256, uri=f"#{element.get('ID')}")
    xmlsec.template.add_transform(reference, constants.TransformEnveloped)
    xmlsec.template.add_transform(reference, constants.TransformExclC14N)
    xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(signature))
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(keys.key, constants.KeyDataFormatPem)
    context.key.load_cert_from_memory(keys.certificate, constants.KeyDataFormatPem)
    context.register_id(element, "ID")
    context.sign(signature)


def verify(element: Element, certificate: bytes) -> None:
    """Checks that the element itself carries one RSA-SHA256 signature over itself, made with this certificate's key."""
    signatures = element.findall(f"{{{DS}}}Signature")
    if len(signatures) != 1:
        raise BadSignature("the message is not signed")
    references = signatures[0].findall(f"{{{DS}}}SignedInfo/{{{DS}}}Reference")
    if [reference.get("URI") for reference in references] != [f"#{element.get('ID')}"]:
        raise BadSignature("the signature is about something else")
    method, digest = (signatures[0].find(f".//{{{DS}}}{name}") for name in ("SignatureMethod", "DigestMethod"))
    if method is None or digest is None or (method.get("Algorithm"), digest.get("Algorithm")) != (RSA_SHA256, SHA256):
        raise BadSignature("the signature is not RSA with SHA-256")
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(certificate, constants.KeyDataFormatCertPem)
    context.register_id(element, "ID")
    try:
        context.verify(signatures[0])
    except xmlsec.Error as error:
        raise BadSignature("the signature is wrong") from error


def verify_query(query: str, certificate: bytes) -> None:
    """Checks the signature of an HTTP-Redirect query over its octets as received (SAML Bindings 3.4.4.1)."""
    raw = dict(part.partition("=")[::2] for part in query.split("&"))
    if unquote_plus(raw.get("SigAlg", "")) != RSA_SHA256:
        raise BadSignature("the request is not signed with RSA and SHA-256")
    signed = "&".join(f"{name}={raw[name]}" for name in ("SAMLRequest", "RelayState", "SigAlg") if name in raw)
    key = x509.load_pem_x509_certificate(certificate).public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise BadSignature("the certificate holds no RSA key")
    try:
        value = base64.b64decode(dict(parse_qsl(query)).get("Signature", ""), validate=True)
        key.verify(value, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, InvalidSignature) as error:
        raise BadSignature("the signature is wrong") from error


def encrypt(element: Element, certificate: bytes) -> None:
    """Puts an ``EncryptedAssertion`` in the element's place (SAML Core 2.3.4), for the holder of the certificate."""
    wrapper = etree.Element(f"{{{ASSERTION}}}EncryptedAssertion", nsmap={"saml": ASSERTION})
    data = xmlsec.template.encrypted_data_create(
        wrapper, constants.TransformAes256Gcm, type=constants.TypeEncElement, ns="xenc"
    )
    xmlsec.template.encrypted_data_ensure_cipher_value(data)
    key_info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="ds")
    encrypted_key = xmlsec.template.add_encrypted_key(key_info, constants.TransformRsaOaep)
    xmlsec.template.encrypted_data_ensure_cipher_value(encrypted_key)
    wrapper.append(data)
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(certificate, constants.KeyDataFormatCertPem))
    context = xmlsec.EncryptionContext(manager)
    context.key = xmlsec.Key.generate(constants.KeyDataAes, 256, constants.KeyDataTypeSession)
    context.encrypt_binary(data, serialise(element))
    element.getparent().replace(element, wrapper)
