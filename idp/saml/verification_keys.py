"""The keys that signatures are verified with: of a kind and size that we accept, whatever else their certificate says.

Certificates only carry keys, their dates mean nothing here (SAML metadata interoperability profile 1.0, section 2.6).
"""

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any, Final

import xmlsec

from idp.saml.ordinary_key import is_ordinary

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
MIN_EC_BITS: Final = 256

_PEM_CERTIFICATE: Final = re.compile(rb"\s*-----BEGIN CERTIFICATE-----([\sA-Za-z0-9+/=]+)-----END CERTIFICATE-----\s*")


class UnusablePem(Exception):
    """Neither a certificate nor a public key of a kind and size that we accept; the text says why."""


def key_of_pem(pem: bytes) -> xmlsec.Key:
    """The key in a PEM certificate or PEM public key: RSA of 2048 to 8192 bits, or EC of 256 bits or more.

    pem: of the administrator or of this process, as a certificate with an ordinary key is not looked at more closely.
    Raises UnusablePem.
    """
    certificate = _PEM_CERTIFICATE.fullmatch(pem)
    if certificate and is_ordinary(certificate[1]):
        return _loaded(pem, xmlsec.constants.KeyDataFormatCertPem)
    # Imported for the few that need it: an update of the federation is over before these libraries are loaded.
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    try:
        if b"BEGIN CERTIFICATE" in pem:
            return _acceptable(x509.load_pem_x509_certificate(pem).public_key())
        return _acceptable(serialization.load_pem_public_key(pem))
    except ValueError:
        raise UnusablePem("neither a PEM certificate nor a PEM public key") from None


def certified_key(certificate: str | None) -> xmlsec.Key | None:
    """The key in an X509Certificate's text, or None where there is none that we accept."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        der = base64.b64decode("".join((certificate or "").split()), validate=True)
        return _acceptable(x509.load_der_x509_certificate(der).public_key())
    except (ValueError, binascii.Error, UnusablePem, UnsupportedAlgorithm):
        return None


def _acceptable(key: "PublicKeyTypes") -> xmlsec.Key:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    is_rsa = isinstance(key, rsa.RSAPublicKey) and MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS
    is_ec = isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= MIN_EC_BITS
    if not (is_rsa or is_ec):
        raise UnusablePem(f"accepted are RSA from {MIN_RSA_BITS} to {MAX_RSA_BITS} bits and EC from {MIN_EC_BITS} bits")
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return _loaded(pem, xmlsec.constants.KeyDataFormatPem)


def _loaded(pem: bytes, form: Any) -> xmlsec.Key:
    try:
        return xmlsec.Key.from_memory(pem, form)
    except xmlsec.Error:
        raise UnusablePem("neither a PEM certificate nor a PEM public key") from None
