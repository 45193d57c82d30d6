"""Signing out in one place: the other applications are told."""

from pathlib import Path

import pytest
import requests
from playwright.sync_api import BrowserContext, expect

from tests.journeys.conftest import System, screenshot, wait_until_everywhere
from tests.journeys.federation_folder import replace
from tests.journeys.steps import enrol, is_signed_in, start, with_password
from tests.journeys.test_student import press, sign_up, step
from tests.journeys.walker import Page, Walker
from tests.waiting import wait_until

MAIL = "camille.exemple@etu.univ-exemple.fr"
IN_A_BROWSER = "zoe.lhermitte-brule@etu.univ-exemple.fr"


def knows(walker: Walker, system: System, application: str) -> bool:
    """Whether the application itself has this person signed in."""
    return walker.get(f"{system.portal}{application}me.json").status == 200


def sign_in_to_both(walker: Walker, system: System) -> Page:
    page = enrol(walker, system, MAIL)
    assert start(walker, system, "/second/").step == "portal-signed-in"
    assert knows(walker, system, "/")
    return page


def test_signing_out_of_one_application_signs_out_of_both(walker: Walker, system: System) -> None:
    page = sign_in_to_both(walker, system)
    page.submit("Se déconnecter")
    wait_until(lambda: not knows(walker, system, "/second/"))
    assert not knows(walker, system, "/")
    assert not is_signed_in(walker, system)


def test_other_people_and_other_browsers_stay_signed_in(walker: Walker, system: System) -> None:
    page = sign_in_to_both(walker, system)
    elsewhere = Walker()
    with_password(elsewhere, system, MAIL)
    assert knows(elsewhere, system, "/")
    page.submit("Se déconnecter")
    wait_until(lambda: not knows(walker, system, "/second/"))
    assert knows(elsewhere, system, "/")


@pytest.mark.parametrize("button", ["Se déconnecter", "Se déconnecter partout"])
def test_the_account_page_signs_out_of_the_applications(walker: Walker, system: System, button: str) -> None:
    sign_in_to_both(walker, system)
    page = walker.get(f"{system.provider}/account")
    form = next(form for form in page.forms() if form.button == button)
    page = walker.submit(form)
    assert page.step == "signed-out"
    # Only just proved: that session stays open, and the page says so by name.
    assert "Université" in page.main_text
    assert "Encore ouvert" not in page.main_text
    wait_until(lambda: not knows(walker, system, "/") and not knows(walker, system, "/second/"))


def test_sign_out_everywhere_reaches_the_other_browser_s_applications(walker: Walker, system: System) -> None:
    sign_in_to_both(walker, system)
    elsewhere = Walker()
    with_password(elsewhere, system, MAIL)
    page = elsewhere.get(f"{system.provider}/account")
    elsewhere.submit(next(form for form in page.forms() if form.button == "Se déconnecter partout"))
    wait_until(lambda: not knows(walker, system, "/") and not knows(elsewhere, system, "/"))


def test_a_new_password_signs_out_of_the_applications(walker: Walker, system: System) -> None:
    sign_in_to_both(walker, system)
    page = walker.get(f"{system.provider}/account/password")
    page.submit("Créer", password="quatre poires jaunes sous la chaise")
    wait_until(lambda: not knows(walker, system, "/") and not knows(walker, system, "/second/"))


def test_a_new_proof_signs_out_of_the_applications(walker: Walker, system: System) -> None:
    sign_in_to_both(walker, system)
    enrol(Walker(), system, MAIL)
    wait_until(lambda: not knows(walker, system, "/") and not knows(walker, system, "/second/"))


def test_an_application_that_cannot_be_told_is_named(walker: Walker, system: System) -> None:
    silent = registered(system, "muette", "Application muette")
    enrol(walker, system, MAIL)
    answer = walker.get(silent, allow_redirects=False)
    for _ in range(3):
        if not answer.response.headers["Location"].startswith(system.provider):
            break
        answer = walker.get(answer.response.headers["Location"], allow_redirects=False)
    assert "code=" in answer.response.headers["Location"]
    page = walker.get(f"{system.provider}/account")
    page = walker.submit(next(form for form in page.forms() if form.button == "Se déconnecter"))
    assert "Application muette" in page.main_text


def registered(system: System, client_id: str, name: str) -> str:
    """One more client, and the address that asks for a sign-in to it."""
    table = (
        f'\n[[client]]\nclient_id = "{client_id}"\nclient_name = "{name}"\n'
        'redirect_uris = ["http://localhost:9/cb"]\nrequire_pkce = false\n'
        'client_secret = "un-secret-de-developpement"\n'
    )
    clients: Path = system.folder / "clients.toml"
    if table not in (before := clients.read_text()):
        replace(clients, (before + table).encode())
    address = (
        f"{system.provider}/authorize?client_id={client_id}&redirect_uri=http://localhost:9/cb&response_type=code"
        "&scope=openid"
    )
    wait_until_everywhere(lambda: requests.get(address, timeout=60).status_code == 200)
    return address


def test_in_a_browser_one_sign_out_is_enough(context: BrowserContext, system: System) -> None:
    page = context.new_page()
    sign_up(page, system, IN_A_BROWSER)
    other = context.new_page()
    other.goto(f"{system.portal}/second/")
    other.get_by_text("Connectez-vous").first.click()
    step(other, "portal-signed-in")
    account = context.new_page()
    account.goto(f"{system.provider}/account")
    expect(account.locator("main")).to_contain_text("Ma bibliothèque")
    screenshot(account, "account")
    press(page, "Se déconnecter")
    page.wait_for_load_state()
    expect(page.get_by_text("Connectez-vous").first).to_be_visible()

    def is_signed_out() -> bool:
        other.reload()
        return other.locator("main[data-step='portal-signed-in']").count() == 0

    wait_until(is_signed_out)


def test_in_a_browser_the_page_after_says_what_stays_open(context: BrowserContext, system: System) -> None:
    page = context.new_page()
    sign_up(page, system, IN_A_BROWSER)
    page.goto(f"{system.provider}/account")
    press(page, "Se déconnecter")
    step(page, "signed-out")
    expect(page.locator("main")).to_contain_text("Université")
    screenshot(page, "signed-out")
    page.goto(f"{system.portal}/")
    expect(page.get_by_text("Connectez-vous").first).to_be_visible()
