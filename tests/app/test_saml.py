"""What the settings say of us reaches our metadata."""

from datetime import timedelta
from pathlib import Path

import pytest

from idp import settings
from idp.app.saml import description
from idp.domain.errors import ConfigurationError
from idp.saml.own_metadata import Contact, Logo


def _load(tmp_path: Path, **said: str) -> settings.Settings:
    environment = {f"IDP_SAML_METADATA_{name.upper()}": value for name, value in said.items()}
    return settings.load(environment | {"IDP_VAR_DIR": str(tmp_path), "IDP_WEB_HELP_URL": "https://aide.exemple.fr"})


def test_without_settings_name_help_and_description_are_said(tmp_path: Path) -> None:
    said = description(_load(tmp_path))
    assert said.names == {"fr": "UNESS", "en": "UNESS"}
    assert said.information_urls == {"fr": "https://aide.exemple.fr", "en": "https://aide.exemple.fr"}
    assert set(said.descriptions) == {"fr", "en"}
    assert (said.contacts, said.logo, said.organization_names, said.valid_for) == ((), None, {}, None)


def test_what_registration_wants_is_taken_from_the_settings(tmp_path: Path) -> None:
    said = description(
        _load(
            tmp_path,
            privacy_url_fr="https://exemple.fr/donnees",
            logo_url="https://exemple.fr/logo.png",
            organization_fr="Université numérique d’Exemple",
            organization_url_fr="https://exemple.fr",
            organization_url_en="https://exemple.fr/en",
            contact_technical="Équipe technique <tech@exemple.fr>",
            contact_security="CSIRT <csirt@exemple.fr>",
            entity_categories="https://refeds.org/category/code-of-conduct/v2 http://refeds.org/category/x",
            assurance_certifications="https://refeds.org/sirtfi https://refeds.org/sirtfi2",
            subject_id="subject-id",
            valid_days="10",
            signed="true",
        )
    )
    assert said.privacy_urls == {"fr": "https://exemple.fr/donnees", "en": "https://exemple.fr/donnees"}
    assert said.logo == Logo("https://exemple.fr/logo.png", 80, 60)
    assert said.organization_names["en"] == "Université numérique d’Exemple"
    assert said.organization_urls["en"] == "https://exemple.fr/en"
    assert said.contacts == (
        Contact("technical", "Équipe technique", "tech@exemple.fr"),
        Contact("security", "CSIRT", "csirt@exemple.fr"),
    )
    assert said.entity_categories == ("https://refeds.org/category/code-of-conduct/v2", "http://refeds.org/category/x")
    assert said.assurance_certifications == ("https://refeds.org/sirtfi", "https://refeds.org/sirtfi2")
    assert said.subject_id == "subject-id"
    assert (said.valid_for, said.always_signed) == (timedelta(days=10), True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"contact_technical": "tech@exemple.fr"},
        {"contact_support": "Équipe <tech>"},
        {"logo_url": "http://exemple.fr/logo.png"},
        {"entity_categories": "research-and-scholarship"},
        {"assurance_certifications": "sirtfi"},
        {"subject_id": "eppn"},
        {"valid_days": "-1"},
    ],
)
def test_what_is_no_contact_logo_or_category_stops_the_start(tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="IDP_SAML_METADATA_"):
        _load(tmp_path, **wrong)
