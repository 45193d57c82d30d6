"""The keys and endpoints of an identity provider as its metadata publishes them, for people to look at."""

import base64
import binascii

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from idp.domain.entity_details import Endpoint, EntityDetails, KeyDetails
from idp.saml import xml_names as names
from idp.saml.safe_xml import Element, UnsafeXML, parse_metadata, whole_text

_ENDPOINTS = ("SingleSignOnService", "SingleLogoutService", "ArtifactResolutionService")


def entity_details(metadata: bytes) -> EntityDetails:
    """What this EntityDescriptor (verified before) says of its identity provider; empty where it cannot be read."""
    try:
        root = parse_metadata(metadata)
    except UnsafeXML:
        return EntityDetails((), ())
    keys = [_key(descriptor) for descriptor in root.iterfind("md:IDPSSODescriptor/md:KeyDescriptor", names.NS)]
    endpoints = [
        Endpoint(role, (found.get("Binding") or "").rpartition(":")[2], found.get("Location") or "")
        for role in _ENDPOINTS
        for found in root.iterfind(f"md:IDPSSODescriptor/md:{role}", names.NS)
    ]
    return EntityDetails(tuple(key for key in keys if key), tuple(endpoints), keys.count(None))


def _key(descriptor: Element) -> KeyDetails | None:
    text = whole_text(descriptor.find("ds:KeyInfo/ds:X509Data/ds:X509Certificate", names.NS))
    try:
        certificate = x509.load_der_x509_certificate(base64.b64decode("".join((text or "").split()), validate=True))
        kind = _kind(certificate)
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        return None
    return KeyDetails(
        use=descriptor.get("use") or "",
        kind=kind,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
    )


def _kind(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    return f"EC {key.curve.name}" if isinstance(key, ec.EllipticCurvePublicKey) else type(key).__name__
