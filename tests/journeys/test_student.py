"""The student's journey in a real browser, with scripts and without: the seven steps of the mission."""

import itertools
import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.conftest import System, go_on_without_scripts, screenshot

PASSWORD = "trois pommes vertes sur la table"

_people = itertools.cycle(
    [
        "camille.exemple@etu.univ-exemple.fr",
        "zoe.lhermitte-brule@etu.univ-exemple.fr",
        "berenice.despres@univ-exemple.fr",
        "elise.lavague@etu.univ-rivemarine.fr",
        "francois.delamer@etu.univ-rivemarine.fr",
    ]
)


@pytest.fixture
def mail() -> str:
    """The address of somebody; each test takes the next person."""
    return next(_people)


def step(page: Page, name: str) -> None:
    expect(page.locator(f"main[data-step='{name}']")).to_be_visible()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def start_at_portal(page: Page, system: System) -> None:
    page.goto(system.portal)
    page.get_by_text("Connectez-vous").first.click()
    step(page, "email")


def give_address(page: Page, address: str) -> None:
    page.fill("#email", address)
    press(page, "Se connecter")
    step(page, "sign-in")


def prove_at_university(page: Page, system: System, mail: str) -> None:
    """From « Continuer » to the mailbox page."""
    person = system.person(mail)
    press(page, "Continuer")
    page.fill("input[name=username]", person["username"])
    page.fill("input[name=password]", person["password"])
    page.locator("form:has(input[name=password]) button").first.click()
    leave_university(page)
    step(page, "check-mailbox")


def leave_university(page: Page) -> None:
    """Without scripts the university's page with its answer has a button to go on with."""
    go_on_without_scripts(page, "university-answer")


def choose_password(page: Page) -> None:
    step(page, "new-password")
    page.fill("#password", PASSWORD)
    press(page, "Créer")


def sign_up(page: Page, system: System, mail: str) -> None:
    already = len(system.mails(mail))
    start_at_portal(page, system)
    give_address(page, mail)
    prove_at_university(page, system, mail)
    page.fill("#code", system.next_code(mail, already))
    press(page, "Continuer")
    choose_password(page)
    step(page, "portal-signed-in")


def test_first_time_by_the_mailed_code(page: Page, system: System, mail: str) -> None:
    already = len(system.mails(mail))
    start_at_portal(page, system)
    screenshot(page, "email")
    give_address(page, mail)
    screenshot(page, "sign-in")
    prove_at_university(page, system, mail)
    screenshot(page, "check-mailbox")
    expect(page.locator("main")).to_contain_text(mail)
    page.fill("#code", system.next_code(mail, already))
    press(page, "Continuer")
    step(page, "new-password")
    screenshot(page, "new-password")
    choose_password(page)
    step(page, "portal-signed-in")
    screenshot(page, "portal-signed-in")
    expect(page.locator("main")).to_contain_text(mail)


def test_first_time_by_the_mailed_link(page: Page, system: System, mail: str) -> None:
    already = len(system.mails(mail))
    start_at_portal(page, system)
    give_address(page, mail)
    prove_at_university(page, system, mail)
    link = system.next_mail(mail, already).link
    for _ in range(3):
        page.goto(link)
        step(page, "confirm-link")
    screenshot(page, "confirm-link")
    press(page, "Confirmer mon adresse")
    choose_password(page)
    step(page, "portal-signed-in")


def test_next_time_by_password_then_sso_then_sign_out(
    page: Page, context: BrowserContext, system: System, mail: str
) -> None:
    sign_up(page, system, mail)
    context.clear_cookies()
    start_at_portal(page, system)
    give_address(page, mail.upper())
    page.fill("#password", "pas le bon mot de passe")
    press(page, "Se connecter")
    step(page, "sign-in")
    expect(page.locator("#password")).to_have_attribute("aria-invalid", "true")
    expect(page).to_have_title(re.compile("^Erreur"))
    page.fill("#password", PASSWORD)
    press(page, "Se connecter")
    step(page, "portal-signed-in")

    page.goto(f"{system.portal}/second/")
    page.get_by_text("Connectez-vous").first.click()
    step(page, "portal-signed-in")

    press(page, "Se déconnecter")
    page.wait_for_load_state()
    page.goto(f"{system.portal}/second/")
    page.get_by_text("Connectez-vous").first.click()
    step(page, "email")


def test_next_time_by_mailed_code(
    request: pytest.FixtureRequest, page: Page, context: BrowserContext, system: System, mail: str
) -> None:
    sign_up(page, system, mail)
    context.clear_cookies()
    already = len(system.mails(mail))
    start_at_portal(page, system)
    give_address(page, mail)
    press(page, "Recevoir le code")
    step(page, "code")
    screenshot(page, "code")
    code = system.next_code(mail, already)
    page.fill("#code", f"{code[:3]} {code[3:]}")
    if request.node.callspec.params["context"] == "scripts on":
        # Without the code that is being typed going away.
        expect(page.locator("#mail-news")).to_contain_text("a accepté le message")
    press(page, "Se connecter")
    step(page, "portal-signed-in")


def test_the_link_on_another_device_leads_on_there(page: Page, chromium: object, system: System, mail: str) -> None:
    already = len(system.mails(mail))
    start_at_portal(page, system)
    give_address(page, mail)
    prove_at_university(page, system, mail)
    link = system.next_mail(mail, already).link
    telephone = chromium.new_context(viewport={"width": 360, "height": 740})  # type: ignore[attr-defined]
    other = telephone.new_page()
    other.goto(link)
    step(other, "confirm-link")
    press(other, "Confirmer mon adresse")
    step(other, "new-password")
    # Nothing is proven by a button that a program may have pressed: the first device still waits.
    page.reload()
    step(page, "check-mailbox")
    choose_password(other)
    step(other, "account")
    # The first device asks for the password that was just chosen, and for nothing else.
    page.reload()
    step(page, "sign-in")
    page.fill("#password", PASSWORD)
    press(page, "Se connecter")
    step(page, "portal-signed-in")
    telephone.close()


def test_a_university_is_found_by_search(page: Page, system: System) -> None:
    start_at_portal(page, system)
    give_address(page, "quelqu.un@courriel.example")
    press(page, "Continuer")
    step(page, "choose-university")
    page.fill("#q", "rivemar")
    page.get_by_role("button", name="Rechercher").click()
    screenshot(page, "choose-university")
    expect(page.locator("main")).to_contain_text("Université de Rivemarine")
    page.locator("form:has-text('Rivemarine') button:has-text('Sélection')").first.click()
    expect(page.locator("input[name=username]")).to_be_visible()


def test_the_browser_s_back_button_and_a_second_tab_do_no_harm(
    page: Page, context: BrowserContext, system: System, mail: str
) -> None:
    start_at_portal(page, system)
    give_address(page, "faute@univ-exemple.fr")
    page.go_back()
    step(page, "email")
    give_address(page, mail)
    tab = context.new_page()
    start_at_portal(tab, system)
    give_address(tab, mail)
    prove_at_university(page, system, mail)
    step(tab, "sign-in")
    press(tab, "Recevoir le code")
    step(tab, "code")


def test_everything_is_possible_with_the_keyboard_alone(page: Page, system: System, mail: str) -> None:
    start_at_portal(page, system)
    page.locator("#email").focus()
    page.keyboard.type(mail)
    page.keyboard.press("Enter")
    step(page, "sign-in")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_count(1)


def test_in_english_for_who_asks(page: Page, system: System) -> None:
    start_at_portal(page, system)
    page.get_by_role("link", name="English").click()
    step(page, "email")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.fill("#email", "somebody@univ-exemple.fr")
    press(page, "Sign in")
    step(page, "sign-in")
    expect(page.get_by_role("button", name="Send me the code", exact=True)).to_be_visible()


def test_an_address_with_a_slip_is_asked_about_not_changed(page: Page, system: System) -> None:
    start_at_portal(page, system)
    page.fill("#email", "camille.exemple@univ-exemlpe.fr")
    press(page, "Se connecter")
    step(page, "email")
    expect(page.locator("main")).to_contain_text("camille.exemple@univ-exemple.fr")
    screenshot(page, "email-suggestion")
    press(page, "Se connecter")
    step(page, "sign-in")
    expect(page.locator("main")).to_contain_text("camille.exemple@univ-exemlpe.fr")


def test_where_no_mail_is_released_the_person_gives_an_address_and_proves_it(page: Page, system: System) -> None:
    person = next(person for person in system.people() if person["mail"] is None)
    mail = person["typed_mail"]
    already = len(system.mails(mail))
    start_at_portal(page, system)
    give_address(page, mail)
    press(page, "Continuer")
    page.fill("input[name=username]", person["username"])
    page.fill("input[name=password]", person["password"])
    page.locator("form:has(input[name=password]) button").first.click()
    leave_university(page)
    step(page, "give-address")
    screenshot(page, "give-address")
    page.fill("#email", "somebody@courriel.example")
    press(page, "Recevoir le code")
    step(page, "give-address")
    expect(page.locator("#email")).to_have_attribute("aria-invalid", "true")
    page.fill("#email", mail)
    press(page, "Recevoir le code")
    step(page, "check-mailbox")
    page.fill("#code", system.next_code(mail, already))
    press(page, "Continuer")
    choose_password(page)
    step(page, "portal-signed-in")
    expect(page.locator("main")).to_contain_text(mail)


def test_who_gives_up_at_the_university_is_told_and_finds_another_way(page: Page, system: System, mail: str) -> None:
    start_at_portal(page, system)
    give_address(page, mail)
    press(page, "Continuer")
    page.locator("form[action*='cancel'] button").click()
    leave_university(page)
    step(page, "error")
    screenshot(page, "error-at-university")
    expect(page.locator("main")).to_have_attribute("data-reference", re.compile(r"\w{4}-\w{4}"))
    page.get_by_role("link", name="Se connecter par mot de passe").click()
    step(page, "sign-in")


def test_who_comes_back_as_somebody_else_is_asked(page: Page, system: System) -> None:
    other = next(person for person in system.people() if person["mail"] == "noe.port@etu.univ-rivemarin.fr")
    start_at_portal(page, system)
    # One letter away: the university with almost the same name.
    give_address(page, "noe.port@etu.univ-rivemarine.fr")
    page.goto(page.url.replace("/methods", "/university") + "?q=rivemarin")
    page.locator("form:has-text('univ-rivemarin.fr') button:has-text('Sélection')").last.click()
    page.fill("input[name=username]", other["username"])
    page.fill("input[name=password]", other["password"])
    page.locator("form:has(input[name=password]) button").first.click()
    leave_university(page)
    step(page, "other-person")
    screenshot(page, "other-person")
    expect(page.locator("main")).to_contain_text(other["mail"])
    press(page, "C’est moi, continuer")
    step(page, "check-mailbox")
