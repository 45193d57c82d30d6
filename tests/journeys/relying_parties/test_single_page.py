"""An application that is nothing but a page, in a real browser and at an origin of its own, against the provider."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import System
from tests.journeys.relying_parties.files import served
from tests.journeys.relying_parties.registration import register
from tests.journeys.steps import PASSWORD, enrol
from tests.journeys.walker import Walker

FOLDER = Path(__file__).parent / "single_page"
MAIL = "camille.exemple@etu.univ-exemple.fr"


@pytest.fixture
def application() -> Iterator[str]:
    with served(FOLDER) as address:
        yield address


@pytest.mark.parametrize("context", ["scripts on"], indirect=True)
def test_a_page_exchanges_its_code_by_itself(page: Page, walker: Walker, system: System, application: str) -> None:
    enrol(walker, system, MAIL)
    register(
        system,
        "single-page",
        application,
        secret=None,
        token_endpoint_auth_method='"none"',
        grant_types='["authorization_code", "refresh_token"]',
        scope='"openid email offline_access"',
        dpop_bound_access_tokens="true",
    )
    page.goto(f"{application}?{urlencode({'provider': system.provider, 'client_id': 'single-page'})}")
    page.fill("#email", MAIL)
    page.get_by_role("button", name="Se connecter", exact=True).click()
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Se connecter", exact=True).click()
    expect(page.locator("output")).not_to_be_empty()
    told = json.loads(page.locator("output").inner_text())
    challenge = told.pop("refused", None)
    assert told == {
        "type": "DPoP",
        "nonce": True,
        "email": MAIL,
        "rotated": True,
        "revoked": 200,
        "reused": [400, "invalid_grant"],
        "keys": True,
        "pages": [False, False],
    }
    assert challenge[0] == 401
    assert challenge[1].startswith("DPoP ")
