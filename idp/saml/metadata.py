"""What we read from one EntityDescriptor: the identity provider, its keys and its sign-in endpoints.

Only ever called with metadata whose origin was verified (``metadata_files``); even so, nothing from it reaches a page
as markup, script address or direction control (O-10).
"""

import base64
import binascii
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from lxml import etree

from idp.domain.federation import IdentityProvider
from idp.saml import xml_names as names
from idp.saml.safe_xml import Element, whole_text
from idp.saml.xml_signature import PublicKey, UnusableKey, acceptable

_ROLE: Final = f"{{{names.MD}}}IDPSSODescriptor"
_SIGN_IN: Final = f"{{{names.MD}}}SingleSignOnService"
_KEY: Final = f"{{{names.MD}}}KeyDescriptor"
_KEY_INFO: Final = f"{{{names.DS}}}KeyInfo"
_X509_DATA: Final = f"{{{names.DS}}}X509Data"
_CERTIFICATE: Final = f"{{{names.DS}}}X509Certificate"
_EXTENSIONS: Final = f"{{{names.MD}}}Extensions"
_SCOPE: Final = f"{{{names.SHIBMD}}}Scope"
_UI: Final = f"{{{names.MDUI}}}UIInfo"
_SHOWN: Final = f"{{{names.MDUI}}}DisplayName"
_HINTS: Final = f"{{{names.MDUI}}}DiscoHints"
_DOMAIN_HINT: Final = f"{{{names.MDUI}}}DomainHint"
_ORGANIZATION: Final = f"{{{names.MD}}}Organization"
_ORGANIZATION_SHOWN: Final = f"{{{names.MD}}}OrganizationDisplayName"
_REGISTRATION: Final = f"{{{names.MDRPI}}}RegistrationInfo"
_LANGUAGE: Final = f"{{{names.XML}}}lang"

_DOMAIN: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
# What nearly every address in metadata looks like; others are taken apart.
_PLAIN_ADDRESS: Final = re.compile(r"https://[a-z0-9][a-z0-9.-]*/[A-Za-z0-9/._~?=&%+-]*")
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_MAX_NAME: Final = 200


def identity_provider(entity: Element) -> IdentityProvider | None:
    """The SAML 2.0 identity provider that this entity is, or None where we could not use it.

    Usable is one with an entity id, a sign-in endpoint (HTTP-Redirect or HTTP-POST) and a signing key. Its
    ``metadata_digest`` is that of ``entity_bytes``.
    """
    read = usable_entity(entity)
    return read and read[0]


def usable_entity(entity: Element) -> tuple[IdentityProvider, bytes] | None:
    """The same with the entity's own document."""
    role, entity_id = _role(entity), (entity.get("entityID") or "").strip()
    if role is None or not entity_id or not any(_locations(role)) or next(_keys(role), None) is None:
        return None
    document = entity_bytes(entity)
    provider = IdentityProvider(
        entity_id=entity_id,
        names=_display_names(entity, role),
        scopes=_scopes(entity, role),
        domain_hints=_domain_hints(role),
        error_url=web_address(role.get("errorURL")),
        registration_authority=_registration_authority(entity),
        metadata_digest=hashlib.sha256(document).hexdigest(),
    )
    return provider, document


def entity_bytes(entity: Element) -> bytes:
    """This entity alone as a document: canonical, so that its digest changes only where the entity does."""
    result: bytes = etree.tostring(entity, method="c14n", exclusive=True, inclusive_ns_prefixes=["xs", "xsd", "xsi"])
    return result


def signing_keys(entity: Element) -> tuple[PublicKey, ...]:
    """The keys that the identity provider may sign with, old and new during a rollover; dates are not looked at."""
    role = _role(entity)
    return () if role is None else tuple(_keys(role))


def sign_in_locations(entity: Element) -> tuple[str | None, str | None]:
    """Where AuthnRequests go: (HTTP-Redirect, HTTP-POST), None where there is none."""
    role = _role(entity)
    return (None, None) if role is None else _locations(role)


def scopes(entity: Element) -> tuple[str, ...]:
    """The domains that the identity provider may speak for."""
    role = _role(entity)
    return () if role is None else _scopes(entity, role)


def plain_name(text: str) -> str:
    """A name for people: one line, without control and direction characters, of bounded length."""
    # Nearly every name is printable throughout, which Python sees at once: then no character of it would go.
    if text.isprintable():
        return " ".join(text.split())[:_MAX_NAME]
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
    if _PLAIN_ADDRESS.fullmatch(address):
        return address
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    return address if secure and parts.hostname and not re.search(r"[\s\x00-\x1f\"'<>\\]", address) else ""


def _role(entity: Element) -> Element | None:
    for role in entity.iterchildren(_ROLE):
        if names.SAMLP in (role.get("protocolSupportEnumeration") or "").split():
            return role
    return None


def _locations(role: Element) -> tuple[str | None, str | None]:
    found: dict[str, str] = {}
    for endpoint in role.iterchildren(_SIGN_IN):
        binding = endpoint.get("Binding") or ""
        if binding in (names.HTTP_REDIRECT, names.HTTP_POST) and (address := web_address(endpoint.get("Location"))):
            found.setdefault(binding, address)
    return found.get(names.HTTP_REDIRECT), found.get(names.HTTP_POST)


def _keys(role: Element) -> Iterator[PublicKey]:
    """Usable signing keys, read one by one: whether there is any shows after the first."""
    for descriptor in role.iterchildren(_KEY):
        if descriptor.get("use") in (None, "signing"):
            for certificate in within(descriptor, _KEY_INFO, _X509_DATA, _CERTIFICATE):
                if (key := _key(whole_text(certificate))) is not None:
                    yield key


def within(element: Element, *path: str) -> list[Element]:
    """The descendants at the end of this path of tags; cheaper than a query that is read each time."""
    found = [element]
    for tag in path:
        found = [child for parent in found for child in parent.iterchildren(tag)]
    return found


def _key(certificate: str | None) -> PublicKey | None:
    try:
        der = base64.b64decode("".join((certificate or "").split()), validate=True)
        return acceptable(x509.load_der_x509_certificate(der).public_key())
    except (ValueError, binascii.Error, UnusableKey, UnsupportedAlgorithm):
        return None


def _display_names(entity: Element, role: Element) -> tuple[tuple[str, str], ...]:
    for parent, *path in ((role, _EXTENSIONS, _UI, _SHOWN), (entity, _ORGANIZATION, _ORGANIZATION_SHOWN)):
        elements = within(parent, *path)
        found = {_language(element): plain_name(whole_text(element) or "") for element in elements}
        if any(found.values()):
            return tuple((language, name) for language, name in found.items() if name)
    return (("", plain_name(entity.get("entityID") or "")),)


def _language(element: Element) -> str:
    return (element.get(_LANGUAGE) or "").split("-")[0].lower()


def _scopes(entity: Element, role: Element) -> tuple[str, ...]:
    # A regular expression would make every label boundary a matter of its author's care.
    found = [
        whole_text(scope)
        for parent in (role, entity)
        for scope in within(parent, _EXTENSIONS, _SCOPE)
        if (scope.get("regexp") or "false").strip() in ("false", "0")
    ]
    return _unique(map(domain_name, found))


def _domain_hints(role: Element) -> tuple[str, ...]:
    return _unique(domain_name(whole_text(hint)) for hint in within(role, _EXTENSIONS, _HINTS, _DOMAIN_HINT))


def _unique(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


def _registration_authority(entity: Element) -> str:
    info = within(entity, _EXTENSIONS, _REGISTRATION)
    return (info[0].get("registrationAuthority") or "").strip() if info else ""
