"""The journeys with Tab and Enter alone, the focus in sight at each step; and what a shared computer keeps."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys.conftest import System, screenshot

PASSWORD = "trois pommes vertes sur la table"
MAIL = "zoe.lhermitte-brule@etu.univ-exemple.fr"
# The element with the focus: what it says, and whether the focus can be seen.
FOCUSED = """() => {
  const element = document.activeElement, style = getComputedStyle(element), box = element.getBoundingClientRect();
  return {
    name: element.id || element.name || element.textContent.trim().replace(/\\s+/g, " "),
    step: document.querySelector("main")?.dataset.step,
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    inWindow: box.width > 0 && box.bottom > 0 && box.top < innerHeight,
  };
}"""


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = chromium.new_context(viewport={"width": 1024, "height": 768}, reduced_motion="reduce")
    yield made
    made.close()


def tab_to(page: Page, name: str) -> None:
    """Tab as far as the field or button of this name."""
    passed: list[str] = []
    for _ in range(40):
        focused = page.evaluate(FOCUSED)
        if focused["name"].startswith(name):
            return
        page.keyboard.press("Tab")
        focused = _focus_once_drawn(page)
        passed.append(focused["name"])
        assert focused["inWindow"], f"the focus left the window on {passed[-1]!r}"
        assert focused["outlined"], f"the focus cannot be seen on {passed[-1]!r}"
    raise AssertionError(f"no Tab leads to {name!r}: {passed}")


def _focus_once_drawn(page: Page) -> dict[str, Any]:
    """The element with the focus; its outline may be styled a frame after the key, longer on a busy machine."""
    for _ in range(20):
        focused: dict[str, Any] = page.evaluate(FOCUSED)
        if focused["inWindow"] and focused["outlined"]:
            break
        page.wait_for_timeout(100)
    return focused


def fill(page: Page, name: str, text: str) -> None:
    tab_to(page, name)
    page.keyboard.type(text)


def press(page: Page, name: str) -> None:
    tab_to(page, name)
    page.keyboard.press("Enter")


def step(page: Page, name: str) -> None:
    expect(page.locator(f"main[data-step='{name}']")).to_be_visible()


def start(page: Page, system: System) -> None:
    page.goto(system.portal)
    page.get_by_text("Connectez-vous").first.press("Enter")
    step(page, "email")


def give_address(page: Page, system: System) -> None:
    start(page, system)
    fill(page, "email", MAIL)
    press(page, "Se connecter")
    step(page, "sign-in")


def sign_up(page: Page, system: System) -> None:
    already = len(system.mails(MAIL))
    person = system.person(MAIL)
    give_address(page, system)
    press(page, "Continuer")
    page.fill("input[name=username]", person["username"])
    page.fill("input[name=password]", person["password"])
    page.locator("input[name=password]").press("Enter")
    step(page, "check-mailbox")
    fill(page, "code", system.next_code(MAIL, already))
    press(page, "Continuer")
    step(page, "new-password")
    fill(page, "password", f"{person['name']} 2026")
    expect(page.locator("[data-rule=address]")).to_have_class("missing")
    page.keyboard.press("Control+A")
    page.keyboard.type(PASSWORD)
    expect(page.locator("[data-rule=address]")).to_have_class("met")
    press(page, "Créer")
    step(page, "portal-signed-in")


def test_the_first_and_every_other_time_by_keyboard(page: Page, context: BrowserContext, system: System) -> None:
    sign_up(page, system)
    context.clear_cookies()
    give_address(page, system)
    fill(page, "password", "pas le bon mot de passe")
    page.keyboard.press("Enter")
    expect(page.locator(".error-summary")).to_be_focused()
    press(page, "Adresse ou mot de passe incorrect")
    expect(page.locator("#password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    step(page, "portal-signed-in")


def test_the_account_that_was_here_waits_and_can_be_forgotten(
    page: Page, context: BrowserContext, system: System
) -> None:
    sign_up(page, system)
    context.clear_cookies(name="idp_session")
    context.clear_cookies(name="portal_session")
    page.goto(f"{system.provider}/account")
    step(page, "email")
    screenshot(page, "email-remembered")
    press(page, f"Continuer avec {MAIL}")
    step(page, "sign-in")
    fill(page, "password", PASSWORD)
    press(page, "Se connecter")
    step(page, "account")
    press(page, "Se déconnecter")
    step(page, "signed-out")
    page.goto(f"{system.provider}/account")
    press(page, "Ce n’est pas moi")
    step(page, "email")
    expect(page.locator("main")).not_to_contain_text("Continuer avec")


def test_a_shared_computer_keeps_nothing_of_the_person(page: Page, context: BrowserContext, system: System) -> None:
    sign_up(page, system)
    context.clear_cookies()
    give_address(page, system)
    tab_to(page, "shared")
    page.keyboard.press("Space")
    expect(page.locator("#shared")).to_be_checked()
    page.locator("#password").focus()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    step(page, "portal-signed-in")
    kept = {cookie["name"]: cookie["expires"] for cookie in context.cookies(system.provider)}
    ours = {name: expires for name, expires in kept.items() if name.startswith("idp_")}
    assert ours == {"idp_session": -1}, "it ends with the browser"


def test_a_forgotten_password_by_keyboard(page: Page, context: BrowserContext, system: System) -> None:
    sign_up(page, system)
    context.clear_cookies()
    already = len(system.mails(MAIL))
    give_address(page, system)
    press(page, "forgotten")
    step(page, "code")
    fill(page, "code", system.next_code(MAIL, already))
    press(page, "Se connecter")
    step(page, "new-password")
    screenshot(page, "new-password-or-later")
    press(page, "Plus tard")
    step(page, "portal-signed-in")
