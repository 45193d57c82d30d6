"""The keys and sign-in endpoints in one EntityDescriptor, read when this provider is asked or answers.

Only ever called with metadata whose origin was verified (``metadata_files``).
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

import xmlsec

from idp.saml import xml_names as names
from idp.saml.plain_values import web_address
from idp.saml.safe_xml import Element, whole_text
from idp.saml.verification_keys import certified_key

# Two keys are a rollover. Many would cost time: an answer that none of them signed is tried with each, and holds its
# worker meanwhile.
_MOST_KEYS: Final = 10
_ROLE: Final = f"{{{names.MD}}}IDPSSODescriptor"
_SIGN_IN: Final = f"{{{names.MD}}}SingleSignOnService"
_KEY: Final = f"{{{names.MD}}}KeyDescriptor"
_KEY_INFO: Final = f"{{{names.DS}}}KeyInfo"
_X509_DATA: Final = f"{{{names.DS}}}X509Data"
_CERTIFICATE: Final = f"{{{names.DS}}}X509Certificate"


def signing_keys(entity: Element) -> tuple[xmlsec.Key, ...]:
    """The keys that the identity provider may sign with, old and new during a rollover; dates are not looked at."""
    role = _role(entity)
    return () if role is None else tuple(islice(_keys(role), _MOST_KEYS))


def sign_in_locations(entity: Element) -> tuple[str | None, str | None]:
    """Where AuthnRequests go: (HTTP-Redirect, HTTP-POST), None where there is none."""
    role = _role(entity)
    return (None, None) if role is None else _locations(role)


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


def _keys(role: Element) -> Iterator[xmlsec.Key]:
    """Usable signing keys, read one by one: whether there is any shows after the first."""
    for descriptor in role.iterchildren(_KEY):
        if descriptor.get("use") in (None, "signing"):
            for certificate in within(descriptor, _KEY_INFO, _X509_DATA, _CERTIFICATE):
                if (key := certified_key(whole_text(certificate))) is not None:
                    yield key


def within(element: Element, *path: str) -> list[Element]:
    """The descendants at the end of this path of tags; cheaper than a query that is read each time."""
    found = [element]
    for tag in path:
        found = [child for parent in found for child in parent.iterchildren(tag)]
    return found
