"""The accessibility statement says what the operator declared, and no more."""

from dataclasses import replace

import pytest

from idp import app as application
from idp.settings_sections import SamlMetadata
from idp.web.information import Statement
from tests.web.proofing_world import World
from tests.web.visitor import HOST


def test_every_page_leads_to_the_accessibility_statement(world: World) -> None:
    page = world.app.test_client().get("/accessibility", headers={"Host": "localhost:5000"})
    assert page.status_code == 200
    assert 'data-step="accessibility"' in page.text
    assert "aucun audit" in page.text
    assert 'href="/accessibility"' in page.text


def test_every_page_leads_to_what_the_operator_says_of_peoples_data(world: World) -> None:
    """GDPR article 13: when data are obtained, on pages without a sign-in and on errors as well."""
    said = SamlMetadata(
        privacy_url_fr="https://www.exemple.fr/donnees", privacy_url_en="https://www.exemple.fr/en/data"
    )
    settings = world.services.settings
    services = replace(world.services, settings=replace(settings, saml=replace(settings.saml, metadata=said)))
    browser = application.create_app(services).test_client()
    for path in ("/accessibility", "/account", "/nowhere"):
        assert (
            f'href="{said.privacy_url_fr}">Données personnelles'
            in browser.get(path, headers=HOST, follow_redirects=True).text
        )
    assert f'href="{said.privacy_url_en}">Personal data' in browser.get("/accessibility?lang=en", headers=HOST).text
    nobody_said = world.app.test_client().get("/accessibility", headers=HOST)
    assert "Données personnelles" not in nobody_said.text


@pytest.mark.parametrize(
    ("contact", "url"),
    [
        ("acces@univ-exemple.fr", "mailto:acces@univ-exemple.fr"),
        ("https://aide.univ-exemple.fr/@nous", "https://aide.univ-exemple.fr/@nous"),
        ("", ""),
    ],
)
def test_the_contact_is_a_mail_address_or_a_web_address(contact: str, url: str) -> None:
    assert Statement("none", "Exemple", "", "", contact).contact_url == url
