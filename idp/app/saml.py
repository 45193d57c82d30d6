"""Our side of SAML, built from the settings."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from idp.saml.federation import FederationFolder
from idp.saml.keys import ensure_keys, old_keys
from idp.saml.own_metadata import Contact, Logo, ServiceDescription
from idp.saml.service_provider import ServiceProvider
from idp.settings import Settings
from idp.settings_sections import SamlMetadata

_CONTACTS = ("technical", "support", "administrative", "security")


def service_provider(
    configured: Settings, federation: FederationFolder, clock: Callable[[], datetime]
) -> ServiceProvider:
    """Our service provider; its keys are made at the first start."""
    return ServiceProvider(
        entity_id=configured.saml.entity_id,
        acs_url=f"{configured.issuer}/saml/acs",
        keys=ensure_keys(configured.keys.dir, configured.saml.entity_id, now=clock()),
        description=description(configured),
        metadata_source=lambda entity_id: federation.current.metadata(entity_id),
        old_keys=old_keys(configured.keys.dir),
    )


def description(configured: Settings) -> ServiceDescription:
    """What the settings say of us to federations."""
    said, help_url = configured.saml.metadata, configured.web.help_url
    return ServiceDescription(
        names={"fr": configured.web.service_name, "en": configured.web.service_name},
        descriptions=_both(said.description_fr, said.description_en),
        information_urls=_both(said.information_url_fr or help_url, said.information_url_en),
        privacy_urls=_both(said.privacy_url_fr, said.privacy_url_en),
        organization_names=_both(said.organization_fr, said.organization_en),
        organization_urls=_both(said.organization_url_fr, said.organization_url_en),
        contacts=tuple(_contacts(said)),
        logo=Logo(said.logo_url, said.logo_width, said.logo_height) if said.logo_url else None,
        discovery_url=f"{configured.issuer}/saml/discovery" if configured.federation.discovery_url else "",
        entity_categories=tuple(said.entity_categories.split()),
        assurance_certifications=tuple(said.assurance_certifications.split()),
        subject_id=said.subject_id,
        valid_for=timedelta(days=said.valid_days) if said.valid_days else None,
        always_signed=said.signed,
    )


def _both(french: str, english: str) -> Mapping[str, str]:
    """A text by language; one that is missing is replaced by the other one. Empty where both are missing."""
    texts = {"fr": french or english, "en": english or french}
    return texts if texts["fr"] else {}


def _contacts(said: SamlMetadata) -> list[Contact]:
    contacts = []
    for kind in _CONTACTS:
        found = re.fullmatch(r"(.+) <(.+)>", getattr(said, f"contact_{kind}"))
        if found:
            contacts.append(Contact(kind, *found.groups()))
    return contacts
