"""What a federation wants to read in our metadata before it registers us, and does not find there.

SAML V2.0 Metadata Extensions for Login and Discovery User Interface 1.0, section 2.1; REFEDS security contact; what
RENATER's registry and eduGAIN's SAML profile ask of a service.
"""

from collections.abc import Iterator

from idp.saml.own_metadata import ServiceDescription

_CONTACTS = {
    "technical": "no technical contact",
    "support": "no contact for people who need help",
    "administrative": "no administrative contact",
    "security": "no contact for incidents (REFEDS security contact)",
}


def wanting(description: ServiceDescription) -> Iterator[tuple[str, str]]:
    """Each thing that is missing, in a few words, and the setting of ``[saml.metadata]`` that says it."""
    said = (
        (description.organization_names, "no organization", "organization_fr"),
        (description.organization_urls, "no web site of the organization", "organization_url_fr"),
        (description.descriptions, "no description", "description_fr"),
        (description.information_urls, "no page about the service", "information_url_fr"),
        (description.privacy_urls, "no page on what becomes of people's data", "privacy_url_fr"),
        (description.logo, "no logo", "logo_url"),
    )
    yield from ((text, setting) for found, text, setting in said if not found)
    there = {contact.kind for contact in description.contacts}
    yield from ((text, f"contact_{kind}") for kind, text in _CONTACTS.items() if kind not in there)
