"""A university for tests: makes real metadata and real responses, signed and encrypted with xmlsec, right or wrong.

Built step by step on purpose (draft, sign, encrypt, encode), so that an attack can step in between.
"""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from lxml import etree

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
MD = "urn:oasis:names:tc:SAML:2.0:metadata"
DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
XENC11 = "http://www.w3.org/2009/xmlenc11#"
NS = {"saml": SAML, "samlp": SAMLP, "md": MD, "ds": DS, "xenc": XENC}

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ENTITY_ID = "https://idp.univ-exemple.fr/idp/shibboleth"
SP_ENTITY_ID = "https://connexion.exemple.fr/saml/metadata"
ACS_URL = "https://connexion.exemple.fr/saml/acs"
REQUEST_ID = "_request-1"

OIDS = {
    "mail": "urn:oid:0.9.2342.19200300.100.1.3",
    "eppn": "urn:oid:1.3.6.1.4.1.5923.1.1.1.6",
    "displayName": "urn:oid:2.16.840.1.113730.3.1.241",
    "affiliation": "urn:oid:1.3.6.1.4.1.5923.1.1.1.9",
    "subject-id": "urn:oasis:names:tc:SAML:attribute:subject-id",
    "pairwise-id": "urn:oasis:names:tc:SAML:attribute:pairwise-id",
    "supannEtuId": "urn:oid:1.3.6.1.4.1.7135.1.2.1.10",
}

Element = Any


@dataclass(frozen=True)
class Key:
    """A private key and a self-signed certificate, PEM."""

    private: bytes
    certificate: bytes

    @property
    def certificate_text(self) -> str:
        """The certificate's base64, as it stands in a KeyInfo."""
        return "".join(self.certificate.decode().splitlines()[1:-1])


def new_key(name: str, *, bits: int = 2048, curve: bool = False, days: int = 3650) -> Key:
    private: Any = ec.generate_private_key(ec.SECP256R1()) if curve else rsa.generate_private_key(65537, bits)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=4000))
        .not_valid_after(NOW - timedelta(days=4000) + timedelta(days=days))
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Key(pem, certificate.public_bytes(serialization.Encoding.PEM))


@dataclass(frozen=True)
class Draft:
    """What a response says; every field can be made wrong."""

    issuer: str = ENTITY_ID
    response_id: str = "_response-1"
    assertion_id: str = "_assertion-1"
    in_response_to: str | None = REQUEST_ID
    confirmation_in_response_to: str | None = REQUEST_ID
    destination: str | None = ACS_URL
    recipient: str | None = ACS_URL
    audience: str | None = SP_ENTITY_ID
    issued: datetime = NOW
    not_before: datetime | None = NOW - timedelta(seconds=5)
    not_on_or_after: datetime | None = NOW + timedelta(minutes=5)
    confirmation_not_on_or_after: datetime | None = NOW + timedelta(minutes=5)
    authn_instant: datetime = NOW - timedelta(minutes=1)
    status: tuple[str, ...] = ("urn:oasis:names:tc:SAML:2.0:status:Success",)
    attributes: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {
            "mail": ("camille.durand@etu.univ-exemple.fr",),
            "eppn": ("cdurand@univ-exemple.fr",),
            "displayName": ("Camille Durand",),
            "affiliation": ("student@univ-exemple.fr", "member@univ-exemple.fr"),
        }
    )

    def changed(self, **changes: Any) -> "Draft":
        return replace(self, **changes)


def when(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def build(draft: Draft) -> Element:
    """The unsigned response."""
    root = etree.Element(
        f"{{{SAMLP}}}Response",
        nsmap={"samlp": SAMLP, "saml": SAML},
        ID=draft.response_id,
        Version="2.0",
        IssueInstant=when(draft.issued),
    )
    _set(root, "Destination", draft.destination)
    _set(root, "InResponseTo", draft.in_response_to)
    _add(root, "saml:Issuer", draft.issuer)
    parent = _add(root, "samlp:Status")
    for code in draft.status:
        parent = _add(parent, "samlp:StatusCode", Value=code)
    if draft.status[0].endswith(":Success"):
        root.append(build_assertion(draft))
    return root


def build_assertion(draft: Draft) -> Element:
    assertion = etree.Element(
        f"{{{SAML}}}Assertion",
        nsmap={"saml": SAML, "xs": "http://www.w3.org/2001/XMLSchema"},
        ID=draft.assertion_id,
        Version="2.0",
        IssueInstant=when(draft.issued),
    )
    _add(assertion, "saml:Issuer", draft.issuer)
    subject = _add(assertion, "saml:Subject")
    _add(subject, "saml:NameID", "_transient", Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient")
    confirmation = _add(subject, "saml:SubjectConfirmation", Method="urn:oasis:names:tc:SAML:2.0:cm:bearer")
    data = _add(confirmation, "saml:SubjectConfirmationData")
    _set(data, "Recipient", draft.recipient)
    _set(data, "InResponseTo", draft.confirmation_in_response_to)
    _set(data, "NotOnOrAfter", draft.confirmation_not_on_or_after)
    conditions = _add(assertion, "saml:Conditions")
    _set(conditions, "NotBefore", draft.not_before)
    _set(conditions, "NotOnOrAfter", draft.not_on_or_after)
    if draft.audience is not None:
        _add(_add(conditions, "saml:AudienceRestriction"), "saml:Audience", draft.audience)
    statement = _add(assertion, "saml:AuthnStatement", AuthnInstant=when(draft.authn_instant), SessionIndex="_s")
    _add(
        _add(statement, "saml:AuthnContext"),
        "saml:AuthnContextClassRef",
        "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
    )
    _add_attributes(assertion, draft.attributes)
    return assertion


def assertion_of(root: Element) -> Element:
    return root.find("saml:Assertion", NS)


def sign(
    element: Element,
    key: Key,
    *,
    method: Any = xmlsec.constants.TransformRsaSha256,
    digest: Any = xmlsec.constants.TransformSha256,
    key_info: Key | None = None,
) -> Element:
    """Put an enveloped signature right after the element's Issuer; returns the Signature."""
    signature = xmlsec.template.create(element, xmlsec.constants.TransformExclC14N, method, ns="ds")
    element.insert(1, signature)
    reference = xmlsec.template.add_reference(signature, digest, uri=f"#{element.get('ID')}")
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformEnveloped)
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformExclC14N)
    if key_info is not None:
        data = etree.SubElement(etree.SubElement(signature, f"{{{DS}}}KeyInfo"), f"{{{DS}}}X509Data")
        etree.SubElement(data, f"{{{DS}}}X509Certificate").text = key_info.certificate_text
    context = xmlsec.SignatureContext()
    context.register_id(element, "ID")
    context.key = xmlsec.Key.from_memory(key.private, xmlsec.constants.KeyDataFormatPem)
    context.sign(signature)
    return signature


def encrypt(
    root: Element,
    certificate: bytes,
    *,
    cipher: Any = xmlsec.constants.TransformAes256Gcm,
    bits: int = 256,
    transport: Any = xmlsec.constants.TransformRsaOaep,
    explicit_oaep_digest: bool = False,
    oaep: tuple[Any, Any] | None = None,
) -> Element:
    """Replace the response's Assertion by an EncryptedAssertion; returns the EncryptedAssertion.

    oaep: digest and mask digest of the key transport of XML Encryption 1.1 (section 5.5.2), each told.
    """
    assertion = assertion_of(root)
    wrapper = etree.Element(f"{{{SAML}}}EncryptedAssertion")
    root.replace(assertion, wrapper)
    wrapper.append(assertion)
    data = xmlsec.template.encrypted_data_create(wrapper, cipher, type=xmlsec.constants.TypeEncElement, ns="xenc")
    xmlsec.template.encrypted_data_ensure_cipher_value(data)
    info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="ds")
    encrypted_key = xmlsec.template.add_encrypted_key(info, transport)
    if explicit_oaep_digest:
        etree.SubElement(encrypted_key[0], f"{{{DS}}}DigestMethod", Algorithm=f"{DS}sha1")
        holder = etree.Element(f"{{{DS}}}KeyInfo")
        encrypted_key.insert(1, holder)
        data_of_certificate = etree.SubElement(holder, f"{{{DS}}}X509Data")
        text = Key(b"", certificate).certificate_text
        etree.SubElement(data_of_certificate, f"{{{DS}}}X509Certificate").text = text
    xmlsec.template.encrypted_data_ensure_cipher_value(encrypted_key)
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(_public(certificate), xmlsec.constants.KeyDataFormatPem))
    context = xmlsec.EncryptionContext(manager)
    session_key = secrets.token_bytes(bits // 8)
    context.key = xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataAes, session_key)
    context.encrypt_xml(data, assertion)
    if oaep is not None:
        _wrap_again(next(wrapper.iter(f"{{{XENC}}}EncryptedKey")), certificate, session_key, *oaep)
    return wrapper


_DIGESTS = {
    "sha1": f"{DS}sha1",
    "sha256": f"{XENC}sha256",
    "sha384": "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "sha512": f"{XENC}sha512",
}


def _wrap_again(encrypted_key: Element, certificate: bytes, session_key: bytes, digest: Any, mask: Any) -> None:
    # python-xmlsec has no name for this transport.
    method = encrypted_key.find("xenc:EncryptionMethod", NS)
    method.set("Algorithm", f"{XENC11}rsa-oaep")
    etree.SubElement(method, f"{{{DS}}}DigestMethod", Algorithm=_DIGESTS[digest.name])
    mgf = f"{XENC11}mgf1{mask.name}"
    etree.SubElement(method, f"{{{XENC11}}}MGF", nsmap={"xenc11": XENC11}, Algorithm=mgf)
    public: Any = x509.load_pem_x509_certificate(certificate).public_key()
    wrapped = public.encrypt(session_key, padding.OAEP(padding.MGF1(mask), digest, None))
    encrypted_key.find("xenc:CipherData/xenc:CipherValue", NS).text = base64.b64encode(wrapped).decode()


def encode(root: Element | bytes) -> str:
    """As the form field SAMLResponse holds it."""
    xml = root if isinstance(root, bytes) else etree.tostring(root)
    return base64.b64encode(xml).decode()


def signed(draft: Draft, key: Key, *, response: bool = False, assertion: bool = True) -> Element:
    root = build(draft)
    if assertion:
        sign(assertion_of(root), key)
    if response:
        sign(root, key)
    return root


def entity_descriptor(
    entity_id: str,
    certificates: tuple[Key, ...],
    *,
    scopes: tuple[str, ...] = ("univ-exemple.fr",),
    names: Mapping[str, str] | None = None,
    hints: tuple[str, ...] = (),
    bindings: tuple[str, ...] = ("HTTP-Redirect", "HTTP-POST"),
    extensions: str = "",
    attributes: str = "",
) -> bytes:
    """Metadata of one identity provider."""
    shown = {"fr": "Université d’Exemple", "en": "Example University"} if names is None else names
    scope_xml = "".join(f'<shibmd:Scope regexp="false">{scope}</shibmd:Scope>' for scope in scopes)
    name_xml = "".join(f'<mdui:DisplayName xml:lang="{lang}">{name}</mdui:DisplayName>' for lang, name in shown.items())
    hint_xml = "".join(f"<mdui:DomainHint>{hint}</mdui:DomainHint>" for hint in hints)
    hints_xml = f"<mdui:DiscoHints>{hint_xml}</mdui:DiscoHints>" if hints else ""
    key_xml = "".join(
        '<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data>'
        f"<ds:X509Certificate>{key.certificate_text}</ds:X509Certificate>"
        "</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        for key in certificates
    )
    host = entity_id.split("/")[2] if "://" in entity_id else "idp.univ-exemple.fr"
    service_xml = "".join(
        f'<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:{binding}" '
        f'Location="https://{host}/sso/{binding}"/>'
        for binding in bindings
    )
    return (
        f'<md:EntityDescriptor xmlns:md="{MD}" xmlns:ds="{DS}" xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui" '
        f'xmlns:shibmd="urn:mace:shibboleth:metadata:1.0" entityID="{entity_id}" {attributes}>'
        '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
        f"<md:Extensions>{scope_xml}<mdui:UIInfo>{name_xml}</mdui:UIInfo>{hints_xml}{extensions}</md:Extensions>"
        f"{key_xml}{service_xml}</md:IDPSSODescriptor></md:EntityDescriptor>"
    ).encode()


def _public(certificate: bytes) -> bytes:
    return (
        x509.load_pem_x509_certificate(certificate)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def _add(parent: Element, name: str, text: str | None = None, **attributes: str) -> Element:
    prefix, local = name.split(":")
    element = etree.SubElement(parent, f"{{{NS[prefix]}}}{local}", **attributes)
    element.text = text
    return element


def _set(element: Element, name: str, value: str | datetime | None) -> None:
    if value is not None:
        element.set(name, when(value) if isinstance(value, datetime) else value)


def _add_attributes(assertion: Element, attributes: Mapping[str, tuple[str, ...]]) -> None:
    if not attributes:
        return
    statement = _add(assertion, "saml:AttributeStatement")
    for name, values in attributes.items():
        attribute = _add(
            statement,
            "saml:Attribute",
            Name=OIDS.get(name, name),
            NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri",
        )
        for value in values:
            element = _add(attribute, "saml:AttributeValue", value)
            element.set("{http://www.w3.org/2001/XMLSchema-instance}type", "xs:string")
