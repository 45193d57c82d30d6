"""Passkeys in a real browser with a virtual authenticator: made on the account page, used by field and by button."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.journeys.conftest import System, screenshot
from tests.journeys.test_student import PASSWORD, give_address, press, sign_up, start_at_portal, step

MAIL = "camille.exemple@etu.univ-exemple.fr"
OTHER = "zoe.lhermitte-brule@etu.univ-exemple.fr"

# The authenticator of this browser's protocol forgets nothing: what it is told is kept for us to read.
RECORDED = """
window.signalled = {};
for (const name of ["signalAllAcceptedCredentials", "signalUnknownCredential"]) {
  PublicKeyCredential[name] = (said) => { window.signalled[name] = said; return Promise.resolve(); };
}
"""

# How often the field was given to the browser to complete (conditional mediation).
COUNTED = """
window.asked = 0;
const ask = navigator.credentials.get.bind(navigator.credentials);
navigator.credentials.get = (options) => {
  window.asked += options.mediation === "conditional" ? 1 : 0;
  return ask(options);
};
"""


def signalled(page: Page, name: str) -> Any:
    """What the page's script told by this function."""
    return page.wait_for_function(f"window.signalled.{name}").json_value()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def devtools(page: Page) -> CDPSession:
    """The browser's protocol, and in it an authenticator that verifies its person at once."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    return session


def add_authenticator(devtools: CDPSession) -> None:
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_passkey_made_on_the_account_page_signs_in_by_button_and_by_field(
    page: Page, devtools: CDPSession, system: System
) -> None:
    add_authenticator(devtools)
    sign_up(page, system, MAIL)
    page.goto(f"{system.provider}/account")
    step(page, "account")
    page.get_by_role("link", name="Ajouter une clé d’accès").click()
    step(page, "passkeys")
    screenshot(page, "passkeys")
    page.fill("#name", "Mon ordinateur")
    press(page, "Ajouter une clé d’accès")
    expect(page.get_by_role("heading", name="Mon ordinateur")).to_be_visible()
    page.goto(f"{system.provider}/account")
    screenshot(page, "account-with-passkey")
    press(page, "Se déconnecter")
    step(page, "signed-out")

    # The virtual authenticator is asked by the field as soon as the page is there.
    page.goto(f"{system.provider}/account")
    step(page, "account")
    expect(page.locator("main")).to_contain_text("par une clé d’accès")
    press(page, "Se déconnecter")
    step(page, "signed-out")

    # A browser that offers nothing in fields has the button.
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = undefined;")
    page.goto(f"{system.provider}/account")
    step(page, "email")
    screenshot(page, "email-with-passkey")
    press(page, "Utiliser une clé d’accès")
    step(page, "account")
    expect(page.locator("main")).to_contain_text("par une clé d’accès")

    # What was removed is told to the device, which would go on offering it (WebAuthn level 3 section 5.1.10).
    page.add_init_script(RECORDED)
    page.goto(f"{system.provider}/account/passkeys")
    assert len(signalled(page, "signalAllAcceptedCredentials")["allAcceptedCredentialIds"]) == 1
    press(page, "Retirer")
    expect(page.get_by_role("heading", name="Mon ordinateur")).to_have_count(0)
    assert signalled(page, "signalAllAcceptedCredentials")["allAcceptedCredentialIds"] == []
    page.goto(f"{system.provider}/account")
    press(page, "Se déconnecter")
    step(page, "signed-out")
    page.goto(f"{system.provider}/account")
    press(page, "Utiliser une clé d’accès")
    expect(page.get_by_text("Cette clé d’accès n’est pas connue ici")).to_be_visible()
    assert signalled(page, "signalUnknownCredential")["credentialId"]


def test_on_the_way_to_an_application_a_passkey_is_offered_and_taken(
    page: Page, devtools: CDPSession, system: System
) -> None:
    sign_up(page, system, OTHER)
    page.context.clear_cookies()
    add_authenticator(devtools)
    start_at_portal(page, system)
    give_address(page, OTHER)
    page.fill("#password", PASSWORD)
    press(page, "Se connecter")
    step(page, "passkey-offer")
    screenshot(page, "passkey-offer")
    press(page, "Ajouter une clé d’accès")
    step(page, "portal-signed-in")
    page.goto(f"{system.provider}/account/passkeys")
    expect(page.get_by_role("heading", name="Seulement mes clés d’accès")).to_be_visible()
    screenshot(page, "passkeys-with-one")


def test_who_presses_the_button_without_any_passkey_is_told_and_goes_on(
    page: Page, devtools: CDPSession, system: System
) -> None:
    add_authenticator(devtools)
    page.add_init_script(COUNTED)
    page.goto(f"{system.provider}/account")
    step(page, "email")
    page.wait_for_function("window.asked === 1")
    press(page, "Utiliser une clé d’accès")
    expect(page.get_by_text("Aucune clé d’accès n’a été présentée")).to_be_visible()
    # The button's window ended what the field offered, which comes back.
    page.wait_for_function("window.asked === 2")
    give_address(page, MAIL)
    expect(page.locator("#password")).to_be_visible()


def test_without_scripts_nothing_of_it_is_in_the_way(chromium: Browser, system: System) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{system.provider}/account")
    step(page, "email")
    expect(page.get_by_role("button", name="Utiliser une clé d’accès")).to_have_count(0)
    give_address(page, MAIL)
    context.close()
