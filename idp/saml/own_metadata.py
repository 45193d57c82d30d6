"""Our own metadata: what a federation needs to register us, and an identity provider to answer us.

SAML metadata 2.0; mdui (SAML metadata extensions for login and discovery 1.0); subject identifier requirement
(SAML V2.0 Subject Identifier Attributes 1.0, section 4); REFEDS security contact; XML Encryption methods that we open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from saml2 import element_to_extension_element, md, saml
from saml2.config import SPConfig
from saml2.extension import mdattr, mdui
from saml2.metadata import entity_descriptor

from idp.saml import attributes
from idp.saml import xml_names as names

_SUBJECT_ID_REQUIREMENT: Final = "urn:oasis:names:tc:SAML:profiles:subject-id:req"
_REMD: Final = "http://refeds.org/metadata"
_URI_FORMAT: Final = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
_TRANSIENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
# Best first: identity providers take the first that they know.
_ENCRYPTION_METHODS: Final = (
    names.XENC11 + "aes256-gcm",
    names.XENC11 + "aes128-gcm",
    names.XENC + "rsa-oaep-mgf1p",
)
# Only what the accounts use (GDPR: data minimisation); the mail address alone is indispensable.
_REQUESTED: Final = (
    ("subject-id", attributes.SUBJECT_ID),
    ("pairwise-id", attributes.PAIRWISE_ID),
    ("eduPersonPrincipalName", attributes.EPPN),
    ("mail", attributes.MAIL),
    *(
        (friendly, name)
        for name, friendly in attributes.FRIENDLY_NAMES.items()
        if friendly
        in (
            "displayName",
            "givenName",
            "sn",
            "eduPersonAffiliation",
            "eduPersonScopedAffiliation",
            "eduPersonPrimaryAffiliation",
            "supannEtuId",
            "schacHomeOrganization",
        )
    ),
)


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody to write to. kind: ``technical``, ``support``, ``administrative`` or ``security`` (REFEDS)."""

    kind: str
    name: str
    mail: str


@dataclass(frozen=True, slots=True)
class ServiceDescription:
    """How we appear to federations and their users; texts and addresses by language (``fr``, ``en``)."""

    names: Mapping[str, str]
    descriptions: Mapping[str, str] = field(default_factory=dict)
    information_urls: Mapping[str, str] = field(default_factory=dict)
    privacy_urls: Mapping[str, str] = field(default_factory=dict)
    organization_names: Mapping[str, str] = field(default_factory=dict)
    organization_urls: Mapping[str, str] = field(default_factory=dict)
    contacts: tuple[Contact, ...] = ()

    def name(self) -> str:
        """The name that stands in requests."""
        return self.names.get("fr") or next(iter(self.names.values()))


def own_metadata(config: SPConfig, description: ServiceDescription) -> bytes:
    """The EntityDescriptor of the service provider that this configuration describes."""
    entity = entity_descriptor(config)
    entity.extensions = md.Extensions(extension_elements=[element_to_extension_element(_entity_attributes())])
    role = entity.spsso_descriptor
    role.extensions = md.Extensions(extension_elements=[element_to_extension_element(_ui_info(description))])
    role.name_id_format = [md.NameIDFormat(text=_TRANSIENT)]
    role.attribute_consuming_service = [_attribute_consuming_service(description)]
    for descriptor in role.key_descriptor:
        if descriptor.use == "encryption":
            descriptor.encryption_method = [md.EncryptionMethod(algorithm=name) for name in _ENCRYPTION_METHODS]
    entity.organization = _organization(description)
    entity.contact_person = [_contact(contact) for contact in description.contacts]
    xml: str = entity.to_string(nspair=_PREFIXES).decode()
    return xml.encode()


_PREFIXES: Final = {
    "md": names.MD,
    "ds": names.DS,
    "mdui": names.MDUI,
    "saml": names.SAML,
    "mdattr": "urn:oasis:names:tc:SAML:metadata:attribute",
    "remd": _REMD,
}


def _entity_attributes() -> Any:
    value = saml.AttributeValue(text="any")
    requirement = saml.Attribute(name=_SUBJECT_ID_REQUIREMENT, name_format=_URI_FORMAT, attribute_value=[value])
    return mdattr.EntityAttributes(attribute=[requirement])


def _ui_info(description: ServiceDescription) -> Any:
    return mdui.UIInfo(
        display_name=_localized(mdui.DisplayName, description.names),
        description=_localized(mdui.Description, description.descriptions),
        information_url=_localized(mdui.InformationURL, description.information_urls),
        privacy_statement_url=_localized(mdui.PrivacyStatementURL, description.privacy_urls),
    )


def _attribute_consuming_service(description: ServiceDescription) -> Any:
    return md.AttributeConsumingService(
        index="1",
        is_default="true",
        service_name=_localized(md.ServiceName, description.names),
        service_description=_localized(md.ServiceDescription, description.descriptions),
        requested_attribute=[
            md.RequestedAttribute(
                name=name,
                name_format=_URI_FORMAT,
                friendly_name=friendly,
                is_required="true" if name == attributes.MAIL else "false",
            )
            for friendly, name in _REQUESTED
        ],
    )


def _organization(description: ServiceDescription) -> Any:
    if not description.organization_names or not description.organization_urls:
        return None
    return md.Organization(
        organization_name=_localized(md.OrganizationName, description.organization_names),
        organization_display_name=_localized(md.OrganizationDisplayName, description.organization_names),
        organization_url=_localized(md.OrganizationURL, description.organization_urls),
    )


def _contact(contact: Contact) -> Any:
    security = contact.kind == "security"
    person = md.ContactPerson(
        contact_type="other" if security else contact.kind,
        given_name=md.GivenName(text=contact.name),
        email_address=[md.EmailAddress(text=f"mailto:{contact.mail}")],
    )
    if security:
        person.extension_attributes[f"{{{_REMD}}}contactType"] = f"{_REMD}/contactType/security"
    return person


def _localized(kind: Any, texts: Mapping[str, str]) -> list[Any]:
    return [kind(lang=language, text=text) for language, text in texts.items()]
