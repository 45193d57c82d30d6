"""The accessibility statement says what the operator declared, and no more."""

import pytest

from idp.web.information import Statement
from tests.web.proofing_world import World


def test_every_page_leads_to_the_accessibility_statement(world: World) -> None:
    page = world.app.test_client().get("/accessibility", headers={"Host": "localhost:5000"})
    assert page.status_code == 200
    assert 'data-step="accessibility"' in page.text
    assert "aucun audit" in page.text
    assert 'href="/accessibility"' in page.text


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
