"""What a registration wants and does not find."""

from dataclasses import replace

import pytest

from idp.saml.own_metadata import Contact, Logo, ServiceDescription
from idp.saml.registration import wanting

EMPTY = ServiceDescription(names={"fr": "UNESS"})
CONTACTS = ("technical", "support", "administrative", "security")
BOTH = {"fr": "https://exemple.fr/", "en": "https://exemple.fr/en"}
WHOLE = ServiceDescription(
    names={"fr": "UNESS"},
    descriptions=BOTH,
    information_urls=BOTH,
    privacy_urls=BOTH,
    organization_names=BOTH,
    organization_urls=BOTH,
    contacts=tuple(
        Contact(kind, "N", "n@exemple.fr") for kind in ("technical", "support", "administrative", "security")
    ),
    logo=Logo("https://exemple.fr/logo.png", 80, 60),
)


def test_nothing_is_missing_where_all_is_said() -> None:
    assert list(wanting(WHOLE)) == []


def test_everything_that_is_missing_is_named_with_its_setting() -> None:
    assert {setting for _, setting in wanting(EMPTY)} == {
        "organization_fr",
        "organization_url_fr",
        "description_fr",
        "information_url_fr",
        "privacy_url_fr",
        "logo_url",
        "contact_technical",
        "contact_support",
        "contact_administrative",
        "contact_security",
    }


@pytest.mark.parametrize("kind", CONTACTS)
def test_each_contact_is_wanted(kind: str) -> None:
    others = tuple(contact for contact in WHOLE.contacts if contact.kind != kind)
    ((_, setting),) = wanting(replace(WHOLE, contacts=others))
    assert setting == f"contact_{kind}"
