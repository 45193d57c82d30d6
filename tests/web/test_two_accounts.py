"""Two tabs of one browser and two accounts: a page that was made for one of them does nothing to the other."""

import pytest

from tests.web.proofing_world import Traveller, World

NOE, INES = "noe@agence.example", "ines@agence.example"
PASSWORD = "trois pommes vertes sur la table"


@pytest.fixture
def person(world: World) -> Traveller:
    """Signed in as Noé."""
    world.account("noe", NOE, password=PASSWORD)
    world.account("ines", INES, password=PASSWORD)
    return world.browser().start(NOE).press("Se connecter", password=PASSWORD)


def becomes_ines(person: Traveller) -> None:
    """In another tab, on the way to an application that lets people choose."""
    person.ask_for_a_proof(claims="{}", prompt="select_account")
    person.press("Se connecter", email=INES)
    person.press("Se connecter", password=PASSWORD)
    assert person.answer["code"]


def closed_ones(world: World) -> list[str]:
    found = {name: world.services.stores.accounts.find(name) for name in ("noe", "ines")}
    return [name for name, account in found.items() if account is None or account.disabled]


def test_o_30_the_page_that_closes_one_account_does_not_close_the_other(world: World, person: Traveller) -> None:
    page = person.get("/account/close").last
    becomes_ines(person)
    person.last = page
    person.press("Fermer mon compte")
    assert closed_ones(world) == []
    assert (person.last.status_code, person.step) == (403, "error")
    assert person.get("/account/close").press("Fermer mon compte").step == "account-closed"
    assert closed_ones(world) == ["ines"]


def test_nor_does_a_password_that_was_chosen_for_one_go_to_the_other(world: World, person: Traveller) -> None:
    page = person.get("/account/password").last
    becomes_ines(person)
    before = world.services.stores.accounts.find("ines")
    person.last = page
    person.press("Créer", password="une tout autre phrase bien longue")
    assert world.services.stores.accounts.find("ines") == before
    assert person.last.status_code == 403


def test_a_page_from_before_any_sign_in_goes_on_whoever_signs_in_beside_it(world: World) -> None:
    world.account("ines", INES, password=PASSWORD)
    person = world.browser().start(INES)
    page = person.last
    person.press("Se connecter", password=PASSWORD)
    assert person.step == "account"
    person.ask_for_a_proof(claims="{}", prompt="login")
    assert person.step == "email"
    other = person.last
    person.last = page
    assert person.press("Recevoir le code").last.status_code == 400, "its journey is over, its form is ours"
    person.last = other
    assert person.press("Se connecter", email=INES).step == "sign-in"


@pytest.mark.parametrize(
    "path",
    [
        "/account/close",
        "/account/password",
        "/account/addresses/new",
        "/account/affiliation",
        "/device/approve",
        "/sign-in/<handle>/affiliation",
        "/sign-in/<handle>/affiliation/later",
        "/sign-in/<handle>/consent",
        "/sign-in/<handle>/passkey-offer",
        "/sign-in/<handle>/passkey-offer/later",
        "/sign-in/<handle>/password",
        "/sign-in/<handle>/password/later",
        "/sign-in/<handle>/reopen",
    ],
)
def test_o_30_a_token_from_before_the_sign_in_opens_nothing_of_the_account(world: World, path: str) -> None:
    """Whoever planted the session of before, or copied it, knows its token (ASVS 7.2.4)."""
    world.account("ines", INES, password=PASSWORD)
    person = world.browser().start(INES)
    known = person.tree.xpath("//input[@name='csrf_token']/@value")[0]
    here = path.replace("<handle>", person.handle)
    assert person.press("Se connecter", password=PASSWORD).step == "account"
    typed = {"password": "une tout autre phrase bien longue", "email": NOE, "user_code": "BCDFGHJK"}
    assert person.send(here, csrf_token=known, **typed).last.status_code == 403


def test_a_token_is_no_other_browser_s(world: World, person: Traveller) -> None:
    page = person.get("/account/close").last
    thief = world.browser().start(NOE).press("Se connecter", password=PASSWORD)
    thief.last = page
    assert thief.press("Fermer mon compte").last.status_code == 403
