"""Aggregates of invented identity providers: 7.4 kB each, between the French federation (6.4) and eduGAIN (9.3).

What the French ones have, on the average, is here as well: names and descriptions in two languages, entity attributes,
an attribute authority of its own at every fourth; of eduGAIN's, the organization in two languages and a contact for
support. Certificates hold random numbers in place of real moduli: nobody signs with them, and no two are equal.
"""

import base64
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree

from benchmarks.federation.naming import FILE_NAME, KEY_NAME, entity_id

_TOWNS = ("Valmont", "Saint-Loup", "Brévannes", "Clairval", "Montreuil", "Nîmes", "Port-Haliguen", "Ébreuil")
_CATEGORIES = ("http://refeds.org/category/research-and-scholarship", "https://refeds.org/category/code-of-conduct/v2")
_SIRTFI = "https://refeds.org/sirtfi"
_BINDINGS = "urn:oasis:names:tc:SAML:2.0:bindings"
_NAMESPACES = " ".join(
    f'xmlns:{prefix}="{name}"'
    for prefix, name in (
        ("md", "urn:oasis:names:tc:SAML:2.0:metadata"),
        ("ds", "http://www.w3.org/2000/09/xmldsig#"),
        ("mdui", "urn:oasis:names:tc:SAML:metadata:ui"),
        ("mdattr", "urn:oasis:names:tc:SAML:metadata:attribute"),
        ("mdrpi", "urn:oasis:names:tc:SAML:metadata:rpi"),
        ("shibmd", "urn:mace:shibboleth:metadata:1.0"),
        ("saml", "urn:oasis:names:tc:SAML:2.0:assertion"),
    )
)


def make_folder(folder: Path, providers: int) -> Path:
    """A federation folder with one signed aggregate of so many identity providers; kept for the next run of the day."""
    made = folder / f"federation-{providers}-{datetime.now(UTC):%Y-%m-%d}"
    if (made / "overrides.toml").exists():
        return made
    made.mkdir(parents=True, exist_ok=True)
    private = rsa.generate_private_key(65537, 2048)
    certificate = _certificate(private)
    (made / FILE_NAME).write_bytes(_signed(_aggregate(providers, _Mould(certificate)), private))
    (made / KEY_NAME).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (made / "overrides.toml").write_text(f'[files."{FILE_NAME}"]\nsigning_keys = ["{KEY_NAME}"]\n')
    return made


@dataclass
class _Mould:
    """A certificate of which others are made by another modulus."""

    certificate: x509.Certificate

    def cast(self) -> str:
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        key = self.certificate.public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        modulus = key.public_numbers().n.to_bytes(256, "big")
        other = bytearray(os.urandom(256))
        other[0] |= 0x80
        other[-1] |= 1
        return base64.encodebytes(der.replace(modulus, bytes(other))).decode()


def _certificate(private: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.univ.example")])
    start = datetime.now(UTC) - timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(start)
    return builder.not_valid_after(start + timedelta(days=3650)).sign(private, hashes.SHA256())


def _aggregate(providers: int, mould: _Mould) -> bytes:
    now = datetime.now(UTC)
    entities = "".join(_entity(number, mould) for number in range(providers))
    return (
        f'<md:EntitiesDescriptor {_NAMESPACES} ID="_synthetic" '
        f'validUntil="{now + timedelta(days=9):%Y-%m-%dT%H:%M:%SZ}">'
        '<md:Extensions><mdrpi:PublicationInfo publisher="https://federation.example/" '
        f'creationInstant="{now:%Y-%m-%dT%H:%M:%SZ}"/></md:Extensions>{entities}</md:EntitiesDescriptor>'
    ).encode()


def _signed(aggregate: bytes, private: rsa.RSAPrivateKey) -> bytes:
    root = etree.fromstring(aggregate, etree.XMLParser(huge_tree=True))
    constants = xmlsec.constants
    signature = xmlsec.template.create(root, constants.TransformExclC14N, constants.TransformRsaSha256, ns="ds")
    root.insert(0, signature)
    reference = xmlsec.template.add_reference(signature, constants.TransformSha256, uri="#_synthetic")
    xmlsec.template.add_transform(reference, constants.TransformEnveloped)
    xmlsec.template.add_transform(reference, constants.TransformExclC14N)
    context = xmlsec.SignatureContext()
    context.register_id(root, "ID")
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context.key = xmlsec.Key.from_memory(pem, constants.KeyDataFormatPem)
    context.sign(signature)
    signed: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return signed


def _entity(number: int, mould: _Mould) -> str:
    domain, town = f"univ-{number}.example", f"{_TOWNS[number % len(_TOWNS)]} {number}"
    # A rollover at every sixth, as in France.
    uses = ["signing", *(["signing"] if number % 6 == 0 else []), "encryption"]
    return (
        f'<md:EntityDescriptor entityID="{entity_id(number)}"><md:Extensions>'
        '<mdrpi:RegistrationInfo registrationAuthority="https://federation.example/" '
        'registrationInstant="2020-01-01T00:00:00Z"><mdrpi:RegistrationPolicy xml:lang="en">'
        "https://federation.example/policy</mdrpi:RegistrationPolicy></mdrpi:RegistrationInfo><mdattr:EntityAttributes>"
        f"{_attribute('http://macedir.org/entity-category-support', *_CATEGORIES)}"
        f"{_attribute('urn:oasis:names:tc:SAML:attribute:assurance-certification', _SIRTFI)}"
        "</mdattr:EntityAttributes></md:Extensions>"
        '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" '
        f'errorURL="https://www.{domain}/aide">{_role_extensions(domain, town)}'
        f"{''.join(_key(use, mould) for use in uses)}{_endpoints('SingleLogoutService', domain, 2)}"
        "<md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</md:NameIDFormat>"
        "<md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>"
        f"{_endpoints('SingleSignOnService', domain, 3)}</md:IDPSSODescriptor>"
        f"{_attribute_authority(domain, mould) if number % 4 == 0 else ''}<md:Organization>"
        f'<md:OrganizationName xml:lang="fr">{town}</md:OrganizationName>'
        f'<md:OrganizationName xml:lang="en">{town}</md:OrganizationName>'
        f'<md:OrganizationDisplayName xml:lang="fr">Université de {town}</md:OrganizationDisplayName>'
        f'<md:OrganizationDisplayName xml:lang="en">University of {town}</md:OrganizationDisplayName>'
        f'<md:OrganizationURL xml:lang="fr">https://www.{domain}/</md:OrganizationURL>'
        f'<md:OrganizationURL xml:lang="en">https://www.{domain}/en/</md:OrganizationURL></md:Organization>'
        f"{_contact('technical', 'Équipe technique', f'idp@{domain}')}"
        f"{_contact('support', 'Assistance', f'assistance@{domain}')}</md:EntityDescriptor>"
    )


def _attribute(name: str, *values: str) -> str:
    return (
        f'<saml:Attribute Name="{name}" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri">'
        f"{''.join(f'<saml:AttributeValue>{value}</saml:AttributeValue>' for value in values)}</saml:Attribute>"
    )


def _attribute_authority(domain: str, mould: _Mould) -> str:
    return (
        '<md:AttributeAuthorityDescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
        f'<md:Extensions><shibmd:Scope regexp="false">{domain}</shibmd:Scope></md:Extensions>{_key("signing", mould)}'
        f'<md:AttributeService Binding="{_BINDINGS}:SOAP" Location="https://idp.{domain}:8443/idp/attributes"/>'
        "</md:AttributeAuthorityDescriptor>"
    )


def _contact(kind: str, name: str, address: str) -> str:
    return (
        f'<md:ContactPerson contactType="{kind}"><md:GivenName>{name}</md:GivenName>'
        f"<md:EmailAddress>mailto:{address}</md:EmailAddress></md:ContactPerson>"
    )


def _role_extensions(domain: str, town: str) -> str:
    logo = base64.b64encode(os.urandom(700)).decode()
    return (
        f'<md:Extensions><shibmd:Scope regexp="false">{domain}</shibmd:Scope>'
        f'<shibmd:Scope regexp="false">etu.{domain}</shibmd:Scope><mdui:UIInfo>'
        f'<mdui:DisplayName xml:lang="fr">Université de {town}</mdui:DisplayName>'
        f'<mdui:DisplayName xml:lang="en">University of {town}</mdui:DisplayName>'
        f'<mdui:Description xml:lang="fr">Étudiants et personnels de l’université de {town}</mdui:Description>'
        f'<mdui:Description xml:lang="en">Students and staff of the university of {town}</mdui:Description>'
        f'<mdui:InformationURL xml:lang="fr">https://www.{domain}/</mdui:InformationURL>'
        f'<mdui:Logo height="16" width="16">data:image/png;base64,{logo}</mdui:Logo></mdui:UIInfo></md:Extensions>'
    )


def _key(use: str, mould: _Mould) -> str:
    return (
        f'<md:KeyDescriptor use="{use}"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{mould.cast()}'
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )


def _endpoints(kind: str, domain: str, count: int) -> str:
    bindings = ("HTTP-Redirect", "HTTP-POST", "SOAP")[:count]
    return "".join(
        f'<md:{kind} Binding="{_BINDINGS}:{binding}" Location="https://idp.{domain}/idp/profile/SAML2/{binding}"/>'
        for binding in bindings
    )
