"""Our own metadata: what a federation needs to register us, and an identity provider to answer us.

Made anew when asked for, because it may carry an end of its validity; signed where that is wanted.

SAML metadata 2.0; mdui (SAML metadata extensions for login and discovery 1.0); subject identifier requirement
(SAML V2.0 Subject Identifier Attributes 1.0, section 4); REFEDS security contact; XML Encryption methods that we open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from lxml import etree
from saml2 import element_to_extension_element, md, saml
from saml2.config import SPConfig
from saml2.extension import algsupport, idpdisc, mdattr, mdui
from saml2.metadata import entity_descriptor
from saml2.sigver import pre_signature_part

from idp.domain.keyed import random_id
from idp.saml import attributes
from idp.saml import xml_names as names
from idp.saml.safe_xml import parse_metadata
from idp.saml.xml_signature import sign

_ENTITY_CATEGORY: Final = "http://macedir.org/entity-category"
_ASSURANCE_CERTIFICATION: Final = "urn:oasis:names:tc:SAML:attribute:assurance-certification"
_SUBJECT_ID_REQUIREMENT: Final = "urn:oasis:names:tc:SAML:profiles:subject-id:req"
_REMD: Final = "http://refeds.org/metadata"
_URI_FORMAT: Final = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
_TRANSIENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
# Best first: identity providers take the first that they know.
_ENCRYPTION_METHODS: Final = (
    names.XENC11 + "aes256-gcm",
    names.XENC11 + "aes128-gcm",
    names.XENC + "rsa-oaep-mgf1p",
    names.XENC11 + "rsa-oaep",
)
_SUBJECT_IDS: Final = ("subject-id", "pairwise-id")
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
class Logo:
    """A picture of the service, https. width, height: pixels, as the picture itself has them."""

    url: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ServiceDescription:
    """How we appear to federations and their users; texts and addresses by language (``fr``, ``en``).

    discovery_url: where an outside discovery service sends people back to; empty: there is none. entity_categories:
    URIs, of what our federation has found us to be. assurance_certifications: URIs, of what we adhere to (SIRTFI).
    subject_id: which lasting identifier we require: ``any``, ``subject-id``, ``pairwise-id`` or ``none``.
    valid_for: how long a copy of our metadata is good, None: no end. always_signed: whether it is signed for everybody,
    or only where that is asked for.
    """

    names: Mapping[str, str]
    descriptions: Mapping[str, str] = field(default_factory=dict)
    information_urls: Mapping[str, str] = field(default_factory=dict)
    privacy_urls: Mapping[str, str] = field(default_factory=dict)
    organization_names: Mapping[str, str] = field(default_factory=dict)
    organization_urls: Mapping[str, str] = field(default_factory=dict)
    contacts: tuple[Contact, ...] = ()
    logo: Logo | None = None
    discovery_url: str = ""
    entity_categories: tuple[str, ...] = ()
    assurance_certifications: tuple[str, ...] = ()
    subject_id: str = "any"
    valid_for: timedelta | None = None
    always_signed: bool = False

    def name(self) -> str:
        """The name that stands in requests."""
        return self.names.get("fr") or next(iter(self.names.values()))


def own_metadata(config: SPConfig, description: ServiceDescription, *, now: datetime) -> bytes:
    """The EntityDescriptor of the service provider that this configuration describes, unsigned."""
    return _written(_entity(config, description, now))


def signed_metadata(
    config: SPConfig, description: ServiceDescription, private_key: bytes, certificate: str, *, now: datetime
) -> bytes:
    """The EntityDescriptor with an enveloped signature, RSA-SHA256 (metadata section 3).

    private_key: PEM. certificate: its base64 alone, for the KeyInfo.
    """
    entity = _entity(config, description, now)
    entity.id = f"_{random_id()}"
    entity.signature = pre_signature_part(
        entity.id, certificate, sign_alg=names.RSA_SHA256, digest_alg=names.DIGEST_SHA256
    )
    root = parse_metadata(_written(entity))
    sign(root, entity.id, private_key)
    signed: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return signed


def _entity(config: SPConfig, description: ServiceDescription, now: datetime) -> Any:
    entity = entity_descriptor(config)
    if description.valid_for is not None:
        entity.valid_until = (now + description.valid_for).strftime("%Y-%m-%dT%H:%M:%SZ")
    entity.extensions = _extensions(*_algorithms(), _entity_attributes(description))
    role = entity.spsso_descriptor
    role.extensions = _extensions(*_discovery_response(description), _ui_info(description))
    role.name_id_format = [md.NameIDFormat(text=_TRANSIENT)]
    role.attribute_consuming_service = [_attribute_consuming_service(description)]
    for descriptor in role.key_descriptor:
        if descriptor.use == "encryption":
            descriptor.encryption_method = [md.EncryptionMethod(algorithm=name) for name in _ENCRYPTION_METHODS]
    entity.organization = _organization(description)
    entity.contact_person = [_contact(contact) for contact in description.contacts]
    return entity


def _written(entity: Any) -> bytes:
    xml: bytes = entity.to_string(nspair=_PREFIXES)
    return xml


_PREFIXES: Final = {
    "md": names.MD,
    "ds": names.DS,
    "mdui": names.MDUI,
    "saml": names.SAML,
    "mdattr": "urn:oasis:names:tc:SAML:metadata:attribute",
    "remd": _REMD,
    "idpdisc": idpdisc.NAMESPACE,
    "alg": "urn:oasis:names:tc:SAML:metadata:algsupport",
}


def _extensions(*elements: Any) -> Any:
    return md.Extensions(extension_elements=[element_to_extension_element(element) for element in elements])


def _algorithms() -> list[Any]:
    """What we verify (SAML metadata profile for algorithm support 1.0); so an identity provider that signs with SHA-1
    knows beforehand."""
    digests = [algsupport.DigestMethod(algorithm=name) for name in names.DIGEST_ALGORITHMS]
    return digests + [algsupport.SigningMethod(algorithm=name) for name in names.SIGNATURE_ALGORITHMS]


def _entity_attributes(description: ServiceDescription) -> Any:
    found = [_entity_attribute(_SUBJECT_ID_REQUIREMENT, description.subject_id)]
    if description.entity_categories:
        found.append(_entity_attribute(_ENTITY_CATEGORY, *description.entity_categories))
    if description.assurance_certifications:
        found.append(_entity_attribute(_ASSURANCE_CERTIFICATION, *description.assurance_certifications))
    return mdattr.EntityAttributes(attribute=found)


def _entity_attribute(name: str, *values: str) -> Any:
    texts = [saml.AttributeValue(text=value) for value in values]
    return saml.Attribute(name=name, name_format=_URI_FORMAT, attribute_value=texts)


def _ui_info(description: ServiceDescription) -> Any:
    logo = description.logo
    return mdui.UIInfo(
        display_name=_localized(mdui.DisplayName, description.names),
        description=_localized(mdui.Description, description.descriptions),
        information_url=_localized(mdui.InformationURL, description.information_urls),
        privacy_statement_url=_localized(mdui.PrivacyStatementURL, description.privacy_urls),
        logo=[mdui.Logo(text=logo.url, width=str(logo.width), height=str(logo.height))] if logo else [],
    )


def _discovery_response(description: ServiceDescription) -> list[Any]:
    """An outside discovery service sends people to no other address (IdP discovery protocol section 2.5)."""
    if not description.discovery_url:
        return []
    return [idpdisc.DiscoveryResponse(binding=idpdisc.NAMESPACE, location=description.discovery_url, index="1")]


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
            if friendly not in _SUBJECT_IDS or description.subject_id in (friendly, "any", "none")
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
