"""oidc-client-ts, the relying party library of applications without a server, in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import System
from tests.journeys.relying_parties.files import served
from tests.journeys.relying_parties.npm import installed
from tests.journeys.relying_parties.registration import register
from tests.journeys.steps import PASSWORD, enrol
from tests.journeys.walker import Walker

PROJECT = Path(__file__).parent / "oidc_client_ts"
MAIL = "camille.exemple@etu.univ-exemple.fr"
TEN_MINUTES_AHEAD = """
    globalThis.Date = class extends Date {
        constructor(...given) { given.length ? super(...given) : super(Date.now()); }
        static now() { return super.now() + 600_000; }
    };
"""


@pytest.fixture
def application() -> Iterator[str]:
    with served(installed(PROJECT)) as address:
        yield address


def answer(page: Page, expression: str) -> Any:
    """What this comes to, or how it failed."""
    return page.evaluate(f"({expression}).catch((error) => String(error))")


@pytest.mark.parametrize("context", ["scripts on"], indirect=True)
def test_a_window_of_its_own_renewal_and_sign_out_with_a_clock_that_is_wrong(
    page: Page, walker: Walker, system: System, application: str
) -> None:
    enrol(walker, system, MAIL)
    register(
        system,
        "oidc-client-ts",
        application,
        secret=None,
        token_endpoint_auth_method='"none"',
        grant_types='["authorization_code", "refresh_token"]',
        scope='"openid email offline_access"',
        post_logout_redirect_uris=f'["{application}"]',
        dpop_bound_access_tokens="true",
    )
    page.context.add_init_script(TEN_MINUTES_AHEAD)
    page.goto(f"{application}?{urlencode({'provider': system.provider, 'client_id': 'oidc-client-ts'})}")
    with page.expect_popup() as opened:
        page.evaluate("void (window.signedIn = manager.signinPopup())")
    window = opened.value
    window.fill("#email", MAIL)
    window.get_by_role("button", name="Se connecter", exact=True).click()
    window.fill("#password", PASSWORD)
    window.get_by_role("button", name="Se connecter", exact=True).click()
    assert answer(page, "signedIn.then((user) => user.token_type)") == "DPoP"
    assert answer(page, "userinfo().then((claims) => claims.email)") == MAIL

    before = answer(page, "manager.getUser().then((user) => user.refresh_token)")
    after = answer(page, "manager.signinSilent().then((user) => user.refresh_token)")
    assert len(after) == len(before)
    assert after != before
    assert answer(page, "userinfo().then((claims) => claims.email)") == MAIL

    assert answer(page, "manager.revokeTokens(['refresh_token']).then(() => 'revoked')") == "revoked"
    page.evaluate("void manager.signoutRedirect({ url_state: 'over' })")
    expect(page).to_have_url(re.compile(re.escape(application) + r"\?state=\w+%3Bover$"))
