"""The accessibility statement says what the operator declared, and no more."""

from dataclasses import replace
from typing import Literal

import pytest

from idp import app as application
from idp.settings_sections import Accessibility, SamlMetadata
from idp.web.information import Statement
from tests.web.proofing_world import World
from tests.web.visitor import HOST


def test_every_page_leads_to_the_accessibility_statement(world: World) -> None:
    page = world.app.test_client().get("/accessibility", headers={"Host": "localhost:5000"})
    assert page.status_code == 200
    assert 'data-step="accessibility"' in page.text
    assert "Aucun audit" in page.text
    assert 'href="/accessibility"' in page.text


@pytest.mark.parametrize(
    ("conformity", "said", "said_in_english"),
    [
        ("none", "non conforme", "not compliant"),
        ("partial", "partiellement conforme", "partially compliant"),
        ("full", "totalement conforme", "fully compliant"),
    ],
)
def test_every_page_says_how_accessible_the_service_is(
    world: World, conformity: Literal["none", "partial", "full"], said: str, said_in_english: str
) -> None:
    """Decree 2019-768, article 5: the first page has these very words, not only a link to the statement."""
    settings = replace(world.services.settings, accessibility=Accessibility(conformity))
    browser = application.create_app(replace(world.services, settings=settings)).test_client()
    for path in ("/account", "/nowhere"):
        assert f">Accessibilité\u00a0: {said}</a>" in browser.get(path, headers=HOST, follow_redirects=True).text
    assert f">Accessibility: {said_in_english}</a>" in browser.get("/nowhere?lang=en", headers=HOST).text


def test_a_service_that_failed_its_audit_does_not_say_that_nobody_audited_it(world: World) -> None:
    said = Accessibility("none", audited_by="Cabinet d’Exemple", audited_on="12 janvier 2027")
    services = replace(world.services, settings=replace(world.services.settings, accessibility=said))
    page = application.create_app(services).test_client().get("/accessibility", headers=HOST)
    assert "Cabinet d’Exemple" in page.text
    assert "Aucun audit" not in page.text
    assert "Contenus non accessibles" not in page.text


def test_what_is_not_accessible_is_told(world: World) -> None:
    """Order of 20 September 2019, the model of the statement: whoever conforms in part says where not."""
    said = Accessibility("partial", audited_by="Cabinet", not_accessible="Le nom des <b>logos</b>.")
    services = replace(world.services, settings=replace(world.services.settings, accessibility=said))
    page = application.create_app(services).test_client().get("/accessibility", headers=HOST)
    assert "Contenus non accessibles</h2>" in page.text
    assert "Le nom des &lt;b&gt;logos&lt;/b&gt;." in page.text


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
