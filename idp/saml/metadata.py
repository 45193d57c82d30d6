"""What we read from one EntityDescriptor: the identity provider, its keys and its sign-in endpoints.

Only ever called with metadata whose origin was verified (``metadata_files``); even so, nothing from it reaches a page
as markup, script address or direction control (O-10).
"""

import base64
import binascii
import hashlib
import re
import unicodedata
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from lxml import etree

from idp.domain.federation import IdentityProvider
from idp.saml import xml_names as names
from idp.saml.safe_xml import Element, whole_text
from idp.saml.xml_signature import PublicKey, UnusableKey, acceptable

_DOMAIN: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_MAX_NAME: Final = 200


def identity_provider(entity: Element) -> IdentityProvider | None:
    """The SAML 2.0 identity provider that this entity is, or None where we could not use it.

    Usable is one with an entity id, a sign-in endpoint (HTTP-Redirect or HTTP-POST) and a signing key.
    """
    role, entity_id = _role(entity), (entity.get("entityID") or "").strip()
    if role is None or not entity_id or not signing_keys(entity) or not any(sign_in_locations(entity)):
        return None
    return IdentityProvider(
        entity_id=entity_id,
        names=_display_names(entity, role),
        scopes=_scopes(entity, role),
        domain_hints=_domain_hints(role),
        error_url=web_address(role.get("errorURL")),
        registration_authority=_registration_authority(entity),
        metadata_digest=hashlib.sha256(entity_bytes(entity)).hexdigest(),
    )


def entity_bytes(entity: Element) -> bytes:
    """This entity alone as a document: canonical, so that its digest changes only where the entity does."""
    result: bytes = etree.tostring(entity, method="c14n", exclusive=True, inclusive_ns_prefixes=["xs", "xsd", "xsi"])
    return result


def signing_keys(entity: Element) -> tuple[PublicKey, ...]:
    """The keys that the identity provider may sign with, old and new during a rollover; dates are not looked at."""
    role = _role(entity)
    if role is None:
        return ()
    certificates = [
        whole_text(certificate)
        for descriptor in role.findall("md:KeyDescriptor", names.NS)
        if descriptor.get("use") in (None, "signing")
        for certificate in descriptor.iterfind("ds:KeyInfo/ds:X509Data/ds:X509Certificate", names.NS)
    ]
    return tuple(key for key in map(_key, certificates) if key is not None)


def sign_in_locations(entity: Element) -> tuple[str | None, str | None]:
    """Where AuthnRequests go: (HTTP-Redirect, HTTP-POST), None where there is none."""
    role = _role(entity)
    return (None, None) if role is None else (_location(role, names.HTTP_REDIRECT), _location(role, names.HTTP_POST))


def plain_name(text: str) -> str:
    """A name for people: one line, without control and direction characters, of bounded length."""
    kept = "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in text)
    kept = "".join(char for char in kept if unicodedata.category(char) not in ("Cf", "Cs", "Co", "Cn"))
    return " ".join(kept.split())[:_MAX_NAME]


def domain_name(text: str | None) -> str | None:
    """The domain in lower case, or None where it is not one."""
    domain = (text or "").strip().lower().rstrip(".")
    return domain if _DOMAIN.fullmatch(domain) else None


def web_address(text: str | None) -> str:
    """The address where it is https (or http on this machine), else the empty string: never ``javascript:``."""
    address = (text or "").strip()
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    return address if secure and parts.hostname and not re.search(r"[\s\x00-\x1f\"'<>\\]", address) else ""


def _role(entity: Element) -> Element | None:
    for role in entity.findall("md:IDPSSODescriptor", names.NS):
        if names.SAMLP in (role.get("protocolSupportEnumeration") or "").split():
            return role
    return None


def _location(role: Element, binding: str) -> str | None:
    for endpoint in role.findall("md:SingleSignOnService", names.NS):
        if endpoint.get("Binding") == binding and web_address(endpoint.get("Location")):
            return web_address(endpoint.get("Location"))
    return None


def _key(certificate: str | None) -> PublicKey | None:
    try:
        der = base64.b64decode("".join((certificate or "").split()), validate=True)
        return acceptable(x509.load_der_x509_certificate(der).public_key())
    except (ValueError, binascii.Error, UnusableKey):
        return None


def _display_names(entity: Element, role: Element) -> tuple[tuple[str, str], ...]:
    shown = role.findall("md:Extensions/mdui:UIInfo/mdui:DisplayName", names.NS)
    organization = entity.findall("md:Organization/md:OrganizationDisplayName", names.NS)
    for elements in (shown, organization):
        found = {_language(element): plain_name(whole_text(element) or "") for element in elements}
        if any(found.values()):
            return tuple((language, name) for language, name in found.items() if name)
    return (("", plain_name(entity.get("entityID") or "")),)


def _language(element: Element) -> str:
    return (element.get(f"{{{names.XML}}}lang") or "").split("-")[0].lower()


def _scopes(entity: Element, role: Element) -> tuple[str, ...]:
    # A regular expression would make every label boundary a matter of its author's care.
    scopes = [
        whole_text(scope)
        for parent in (role, entity)
        for scope in parent.findall("md:Extensions/shibmd:Scope", names.NS)
        if (scope.get("regexp") or "false").strip() in ("false", "0")
    ]
    return _unique(map(domain_name, scopes))


def _domain_hints(role: Element) -> tuple[str, ...]:
    hints = role.findall("md:Extensions/mdui:DiscoHints/mdui:DomainHint", names.NS)
    return _unique(domain_name(whole_text(hint)) for hint in hints)


def _unique(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


def _registration_authority(entity: Element) -> str:
    info = entity.find("md:Extensions/mdrpi:RegistrationInfo", names.NS)
    return "" if info is None else (info.get("registrationAuthority") or "").strip()
