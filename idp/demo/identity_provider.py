"""One university's SAML identity provider: its metadata, and the answers that it signs.

Messages are pysaml2's; signatures and encryption are made in process (``xml_security``). Tests build any answer they
want with ``IdentityProvider.response`` and its ``edit``.
"""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, saml, samlp
from saml2.assertion import Assertion, Policy
from saml2.attribute_converter import AttributeConverter
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.s_utils import error_status_factory, sid, success_status_factory

from idp.demo import xml_security
from idp.demo.keys import key_pair
from idp.demo.people import Person, University
from idp.demo.service_provider import ServiceProvider
from idp.demo.xml_security import ASSERTION, Element

LIFETIME = timedelta(minutes=5)

_OID_NAMES = {
    "mail": "urn:oid:0.9.2342.19200300.100.1.3",
    "displayName": "urn:oid:2.16.840.1.113730.3.1.241",
    "givenName": "urn:oid:2.5.4.42",
    "sn": "urn:oid:2.5.4.4",
    "eduPersonAffiliation": "urn:oid:1.3.6.1.4.1.5923.1.1.1.1",
    "eduPersonPrimaryAffiliation": "urn:oid:1.3.6.1.4.1.5923.1.1.1.5",
    "eduPersonPrincipalName": "urn:oid:1.3.6.1.4.1.5923.1.1.1.6",
    "eduPersonScopedAffiliation": "urn:oid:1.3.6.1.4.1.5923.1.1.1.9",
    "schacHomeOrganization": "urn:oid:1.3.6.1.4.1.25178.1.2.9",
    "supannEtuId": "urn:oid:1.3.6.1.4.1.7135.1.2.1.10",
    "subject-id": "urn:oasis:names:tc:SAML:attribute:subject-id",
}


class IdentityProvider:
    """Answers for one university.

    base_url: where the universities' pages are, e.g. ``http://localhost:5002``.
    """

    def __init__(self, university: University, base_url: str, keys_folder: Path) -> None:
        self.university = university
        self.entity_id = f"{base_url}/{university.slug}/idp"
        self.sign_on_url = f"{base_url}/{university.slug}/sso"
        self.keys = key_pair(keys_folder, university.slug)
        self._converters = [_converter()]
        self._policy = Policy({"default": {"lifetime": {"minutes": LIFETIME.seconds // 60}}})

    def metadata(self) -> Element:
        """The EntityDescriptor, with ``shibmd:Scope``, names in French and English, and both request bindings."""
        university = self.university
        endpoints = [(self.sign_on_url, BINDING_HTTP_REDIRECT), (self.sign_on_url, BINDING_HTTP_POST)]
        names = [{"text": university.name, "lang": "fr"}, {"text": university.english_name, "lang": "en"}]
        config = IdPConfig().load(
            {
                "entityid": self.entity_id,
                "crypto_backend": "XMLSecurity",  # never used: without it pysaml2 looks for the xmlsec1 program
                "key_file": str(self.keys.key_file),
                "cert_file": str(self.keys.certificate_file),
                "metadata_key_usage": "signing",
                "organization": {
                    "name": [(university.name, "fr")],
                    "display_name": [(university.name, "fr"), (university.english_name, "en")],
                    "url": [(f"https://www.{university.scope}/", "fr")],
                },
                "service": {
                    "idp": {
                        "endpoints": {"single_sign_on_service": endpoints},
                        "scope": [university.scope],
                        "ui_info": {"display_name": names},
                        "want_authn_requests_signed": True,
                        "name_id_format": [saml.NAMEID_FORMAT_TRANSIENT],
                    }
                },
            }
        )
        return xml_security.parse(str(entity_descriptor(config)))

    def response(
        self,
        request_id: str,
        acs_url: str,
        person: Person,
        service_provider: ServiceProvider,
        *,
        edit: Callable[[Element], None] | None = None,
        signed: bool = True,
    ) -> bytes:
        """The Response XML with one signed assertion about the person, encrypted where this university does that.

        edit: changes the whole unsigned Response before it is signed; for tests of odd and hostile answers.
        signed: False leaves the assertion unsigned.
        """
        response = self._empty_response(request_id, acs_url, success_status_factory())
        response.assertion = self._assertion(request_id, acs_url, person, service_provider.entity_id)
        root = xml_security.parse(str(response))
        if edit is not None:
            edit(root)
        for assertion in root.findall(f"{{{ASSERTION}}}Assertion"):
            if signed:
                xml_security.sign(assertion, self.keys, position=1)
            if self.university.encrypts:
                xml_security.encrypt(assertion, service_provider.encryption_certificates[0])
        return xml_security.serialise(root)

    def refusal(self, request_id: str, acs_url: str, status_code: str, text: str) -> bytes:
        """A signed Response that says no; status_code: second-level code (SAML Core 3.2.2.2)."""
        response = self._empty_response(request_id, acs_url, error_status_factory((status_code, text)))
        root = xml_security.parse(str(response))
        xml_security.sign(root, self.keys, position=1)
        return xml_security.serialise(root)

    def _empty_response(self, request_id: str, acs_url: str, status: samlp.Status) -> samlp.Response:
        return samlp.Response(
            id=sid(),
            version="2.0",
            issue_instant=_instant(),
            issuer=saml.Issuer(text=self.entity_id),
            in_response_to=request_id,
            destination=acs_url,
            status=status,
        )

    def _assertion(self, request_id: str, acs_url: str, person: Person, audience: str) -> saml.Assertion:
        confirmation = {"in_response_to": request_id, "recipient": acs_url}
        return Assertion(self.university.attributes(person)).construct(
            audience,
            self._converters,
            self._policy,
            saml.Issuer(text=self.entity_id),
            {
                "subject": {
                    "subject_confirmation": {"method": saml.SCM_BEARER, "subject_confirmation_data": confirmation}
                }
            },
            authn_class=saml.AUTHN_PASSWORD_PROTECTED,
            authn_instant=int(datetime.now(UTC).timestamp()),
            name_id=saml.NameID(
                text=sid(),
                format=saml.NAMEID_FORMAT_TRANSIENT,
                name_qualifier=self.entity_id,
                sp_name_qualifier=audience,
            ),
        )


def encoded(message: bytes) -> str:
    """The message as the form field ``SAMLResponse`` carries it."""
    return base64.b64encode(message).decode()


def _instant() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _converter() -> AttributeConverter:
    converter = AttributeConverter()
    converter.from_dict(
        {
            "identifier": saml.NAME_FORMAT_URI,
            "to": _OID_NAMES,
            "fro": {urn: name for name, urn in _OID_NAMES.items()},
        }
    )
    return converter
