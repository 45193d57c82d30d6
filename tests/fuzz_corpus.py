"""Inputs at the edges, by what is odd about them: fuzzing begins with them, and `make test` tries each of them.

A seed finds its input again only as long as nobody touches what invents it. What has found something belongs here,
too, once it is known.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from hypothesis import example

Test = TypeVar("Test", bound=Callable[..., Any])

_RESPONSE = (
    b'<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" '
    b'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_r" Version="2.0" InResponseTo="_request-1">'
    b"<saml:Issuer>https://idp.univ-exemple.fr/idp</saml:Issuer><samlp:Status>"
    b'<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>'
    b'<saml:Assertion ID="_a" Version="2.0"><saml:Issuer>https://idp.univ-exemple.fr/idp</saml:Issuer>'
    b'<saml:AttributeStatement><saml:Attribute Name="mail"><saml:AttributeValue>zoe@univ-exemple.fr'
    b"</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>"
)
_LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>'
_FETCHED = b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd" [<!ENTITY f SYSTEM "file:///etc/hostname">]>'

RESPONSES: Mapping[str, bytes] = {
    "nothing is signed": _RESPONSE,
    "DOCTYPE": b"<!DOCTYPE x>" + _RESPONSE,
    "entities in entities": _LAUGHS + _RESPONSE.replace(b"zoe", b"&c;"),
    "entities fetched from elsewhere": _FETCHED + _RESPONSE.replace(b"zoe", b"&f;"),
    "an ID that stands twice": _RESPONSE.replace(b'ID="_a"', b'ID="_r"'),
    "an ID in another name": _RESPONSE.replace(b'ID="_a"', b'ID="_a" xml:id="_r" Id="_r" id="_r"'),
    "an empty ID": _RESPONSE.replace(b'ID="_a"', b'ID=""'),
    "two assertions": _RESPONSE.replace(b"</samlp:Status>", b'</samlp:Status><saml:Assertion ID="_b"/>'),
    "a response in a response": _RESPONSE.replace(b"</samlp:Status>", b"</samlp:Status>" + _RESPONSE),
    "a comment in an address": _RESPONSE.replace(b"zoe@", b"zoe@evil.example<!-- -->"),
    "CDATA": _RESPONSE.replace(b"zoe@univ-exemple.fr", b"<![CDATA[zoe@univ-exemple.fr]]>"),
    "a processing instruction": _RESPONSE.replace(b"zoe@", b"<?x y?>zoe@"),
    "UTF-16": b'<?xml version="1.0" encoding="UTF-16"?>'.decode().encode("utf-16")
    + _RESPONSE.decode().encode("utf-16")[2:],
    "UTF-16 that says UTF-8": _RESPONSE.decode().encode("utf-16"),
    "UTF-7": b'<?xml version="1.0" encoding="UTF-7"?>' + _RESPONSE,
    "bytes that are no UTF-8": _RESPONSE.replace(b"zoe", b"zo\xe9"),
    "a character that XML does not have": _RESPONSE.replace(b"zoe", b"&#0;&#xFFFE;"),
    "XML 1.1": b'<?xml version="1.1"?>' + _RESPONSE.replace(b"zoe", b"&#1;"),
    "deeper than anybody nests": b"<a>" * 2000 + b"</a>" * 2000,
    "text behind the end": _RESPONSE + b"<!-- --> x",
    "NUL behind the end": _RESPONSE + b"\0",
    "nothing": b"",
}
POSTED: Mapping[str, str] = {
    **{what: base64.b64encode(response).decode() for what, response in RESPONSES.items()},
    "base64 that is not padded": base64.b64encode(_RESPONSE).decode().rstrip("=")[:-1],
    "base64 of the other alphabet": base64.urlsafe_b64encode(b"\xff\xef" + _RESPONSE).decode(),
    "digits of another script": "٣٣٣٣",
    "half a character": "\ud800",
}

_ENTITY = (
    b'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" '
    b'xmlns:shibmd="urn:mace:shibboleth:metadata:1.0" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" '
    b'entityID="https://idp.univ-exemple.fr/idp" ID="_e" validUntil="2050-01-01T00:00:00Z">'
    b'<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:Extensions>'
    b'<shibmd:Scope regexp="false">univ-exemple.fr</shibmd:Scope></md:Extensions><md:KeyDescriptor use="signing">'
    b"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>MIIB</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
    b'</md:KeyDescriptor><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" '
    b'Location="https://idp.univ-exemple.fr/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>'
)
_ENTITIES = b'<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">%s</md:EntitiesDescriptor>'

METADATA: Mapping[str, bytes] = {
    "a certificate that is none": _ENTITY,
    "DOCTYPE": b"<!DOCTYPE x>" + _ENTITY,
    "entities in entities": _LAUGHS + _ENTITY.replace(b">univ-exemple.fr<", b">&c;<"),
    "entities fetched from elsewhere": _FETCHED + _ENTITY.replace(b">univ-exemple.fr<", b">&f;<"),
    "an entity that stands twice": _ENTITIES % (_ENTITY * 2),
    "no entity": _ENTITIES % b"",
    "groups in groups": _ENTITIES % (_ENTITIES % _ENTITY),
    "a day that no year has": _ENTITY.replace(b"2050-01-01", b"2050-02-30"),
    "a year that no calendar has": _ENTITY.replace(b"2050-01-01", b"0000-01-01"),
    "an expression that is none": _ENTITY.replace(b'"false">univ', b'"true">(univ'),
    "a truth value that is none": _ENTITY.replace(b'"false"', b'"maybe"'),
    "a port that no machine has": _ENTITY.replace(b"univ-exemple.fr/sso", b"univ-exemple.fr:65536/sso"),
    "a host that is none": _ENTITY.replace(b"https://idp.univ-exemple.fr/sso", b"https://[::1/sso"),
    "no entityID": _ENTITY.replace(b"entityID", b"entityId"),
    "bytes that are no UTF-8": _ENTITY.replace(b">univ", b">\xe9univ"),
    "UTF-16": _ENTITY.decode().encode("utf-16"),
    "text behind the end": _ENTITY + b"x",
    "cut short": _ENTITY[:-30],
}

# For a native application, which may choose the port of its loopback address.
REDIRECT_URIS: Mapping[str, str] = {
    "the last port": "http://127.0.0.1:65535/cb",
    "a port that no machine has": "http://127.0.0.1:65536/cb",
    "one of five digits": "http://[::1]:99999/cb",
    "no port behind the colon": "http://127.0.0.1:/cb",
    "digits of another script": "http://127.0.0.1:٣/cb",
    "a bracket that nobody closes": "http://[::1/cb",
    "an address of the future": "https://[v1.x]/cb",
    "letters that a browser maps": "https://ｐortail.example/callback",
    "a second header": "org.example.app:/cb\r\nSet-Cookie: a=b",
    "half a character": "http://127.0.0.1:1/cb\ud800",
}

COOKIES: Mapping[str, bytes] = {
    "bytes that are no UTF-8": b"\xff\xfe\xe9",
    "half of a character": b"\xc3",
    "an escape that is none": b'"\\400\\9"',
    "NUL": b"\x00",
    "a quote that nobody closes": b'"',
    "a dot and no signature": b"AAAA.",
    "a signature that is no ASCII": b"AAAA.\xc3\xa9",
    "long": b"x" * 4000,
}


def beginning_with(name: str, inputs: Mapping[str, object]) -> Callable[[Test], Test]:
    """Hypothesis tries each of these first, as this argument; the test has no other one that is invented."""

    def decorate(test: Test) -> Test:
        for one in inputs.values():
            test = example(**{name: one})(test)
        return test

    return decorate
