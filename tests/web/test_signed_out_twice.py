"""Who presses a button that ends something once more, or reloads the page after it, is told where they stand."""

import pytest

from idp.domain.accounts import Account
from tests.web.proofing_world import CAMILLE, PASSWORD, Traveller, World

FORMS = ("/account/sign-out", "/account/sign-out-everywhere", "/end-session/confirm")


@pytest.fixture
def camille(world: World) -> Account:
    return world.account("camille", CAMILLE, password=PASSWORD)


@pytest.fixture
def person(world: World, camille: Account) -> Traveller:
    return world.browser().signed_in(camille).get("/account")


@pytest.mark.parametrize("form", FORMS)
def test_the_page_after_signing_out_has_an_address_of_its_own(person: Traveller, form: str) -> None:
    person.send(form)
    assert (person.step, person.last.request.path) == ("signed-out", "/signed-out")


@pytest.mark.parametrize("form", FORMS)
def test_o_31_the_cookie_goes_with_what_it_opened(person: Traveller, form: str) -> None:
    assert "idp_session" in person.cookies
    assert "idp_session" not in person.send(form).cookies


@pytest.mark.parametrize("form", FORMS)
def test_signing_out_once_more_says_that_one_is_signed_out(person: Traveller, form: str) -> None:
    page = person.last
    person.send(form)
    person.last = page
    assert person.send(form).step == "signed-out"


@pytest.mark.parametrize("form", FORMS)
def test_an_old_tab_signs_nobody_out_and_leaves_a_waiting_sign_in_alone(person: Traveller, form: str) -> None:
    old = person.last
    person.send(form).get("/account")
    assert person.step == "email"
    waiting = person.cookies["idp_session"].value
    person.last = old
    assert person.send(form).step == "signed-out"
    assert person.cookies["idp_session"].value == waiting


@pytest.mark.parametrize("form", [*FORMS, "/account/close"])
def test_o_30_somebody_who_is_signed_in_is_signed_out_by_our_forms_alone(person: Traveller, form: str) -> None:
    assert person.send(form, csrf_token="x").last.status_code == 403
    assert person.get("/account").step == "account"


def test_the_pages_after_the_end_claim_nothing_to_who_is_signed_in(person: Traveller) -> None:
    assert person.get("/signed-out").step == "sign-out"
    assert person.get("/account/closed").step == "account"
    assert person.get("/account/sign-out").step == "sign-out"


def test_the_page_after_closing_the_account_may_be_loaded_again(person: Traveller) -> None:
    person.get("/account/close").press("Fermer mon compte")
    assert (person.step, person.last.request.method) == ("account-closed", "GET")
    assert person.get(person.last.request.path).step == "account-closed"


def test_closing_the_account_once_more_is_no_error(person: Traveller) -> None:
    page = person.get("/account/close").last
    person.press("Fermer mon compte")
    person.last = page
    assert person.press("Fermer mon compte").step == "email"
