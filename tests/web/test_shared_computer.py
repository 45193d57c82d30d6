"""What stays on a computer after a sign-in: the account’s card, or nothing where others use it as well."""

from datetime import timedelta

import pytest

from idp.domain.accounts import Account
from idp.domain.one_time_codes import digits
from tests.openid.world import CHALLENGE
from tests.web.proofing_world import CAMILLE, PASSWORD, Traveller, World

EXAMS = {
    "client_id": "exams",
    "redirect_uri": "https://exams.example/cb",
    "response_type": "code",
    "scope": "openid",
    "state": "s",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
KEPT = {"idp_session", "idp_device", "idp_account"}


@pytest.fixture
def camille(world: World) -> Traveller:
    hashed = world.services.hasher.hash(PASSWORD)
    addresses = (CAMILLE, "camille@exemple.org")
    world.services.stores.accounts.create(
        Account("camille", "subject", world.clock(), addresses=addresses, password_hash=hashed)
    )
    return world.browser().start()


def mailed_code(world: World) -> str:
    return digits(world.services.secret, world.mails(CAMILLE)[-1]["record_id"])


def forget(camille: Traveller) -> Traveller:
    """« Mot de passe oublié ? », a button that stands apart from the form that it sends."""
    (button,) = camille.tree.xpath("//button[@name='forgotten']")
    (form,) = camille.tree.xpath("//form[@id=$id]", id=button.get("form"))
    return camille.send(form.get("action"), forgotten=button.get("value"))


def test_after_a_sign_in_the_address_waits_as_a_card(camille: Traveller) -> None:
    camille.press("Se connecter", password=PASSWORD)
    assert camille.cookies.keys() == KEPT
    card = camille.cookies["idp_account"]
    assert (card.http_only, card.same_site, card.path) == (True, "Lax", "/")
    camille.press("Se déconnecter").get("/account")
    assert camille.step == "email"
    camille.press(f"Continuer avec {CAMILLE}")
    assert camille.step == "sign-in"
    assert CAMILLE in camille.text


def test_what_is_kept_is_kept_for_a_year_and_the_session_no_longer_than_the_browser_is_open(camille: Traveller) -> None:
    camille.get(camille.tree.xpath("//a[@hreflang='en']/@href")[0]).press("Sign in", password=PASSWORD)
    year = 365 * 24 * 3600
    assert {name: cookie.max_age for name, cookie in camille.cookies.items()} == {
        "idp_session": None,
        "idp_device": year,
        "idp_account": year,
        "idp_language": year,
    }


def test_the_card_goes_when_it_is_somebody_else(camille: Traveller) -> None:
    camille.press("Se connecter", password=PASSWORD).press("Se déconnecter").get("/account")
    camille.press(f"Continuer avec {CAMILLE}").get("/account").press("Ce n’est pas moi")
    assert camille.step == "email"
    assert CAMILLE not in camille.text
    assert "idp_account" not in camille.cookies


def test_whom_the_application_expects_comes_before_the_card(camille: Traveller) -> None:
    camille.press("Se connecter", password=PASSWORD).press("Se déconnecter")
    camille.get("/authorize", **EXAMS, login_hint="noe@univ-exemple.fr")
    assert camille.step == "email"
    assert "Continuer avec" not in camille.text
    assert "Continuer avec" in camille.get("/authorize", **EXAMS).text


@pytest.mark.parametrize("card", ["", "Y2FtaWxsZQ", "Y2FtaWxsZQ.wrong", "\u00e9.x", "====.x", "_w.x"])
def test_a_card_that_is_not_ours_is_no_card(camille: Traveller, card: str) -> None:
    camille.keep_cookie("idp_account", card)
    camille.get("/account")
    assert camille.step == "email"
    assert "Continuer avec" not in camille.text


def test_a_shared_computer_keeps_nothing(camille: Traveller) -> None:
    camille.press("Se connecter", password=PASSWORD, shared="yes")
    assert camille.step == "account"
    assert camille.cookies.keys() == {"idp_session"}
    session = camille.cookies["idp_session"]
    assert (session.max_age, session.expires) == (None, None)
    assert camille.world.services.database.collection("devices").count_documents({}) == 0


def test_a_shared_computer_forgets_what_was_kept_before(camille: Traveller) -> None:
    camille.press("Se connecter", password=PASSWORD)
    camille.keep_cookie("idp_university", "x")
    camille.press("Se déconnecter").start().press("Se connecter", password=PASSWORD, shared="yes")
    assert camille.cookies.keys() == {"idp_session"}


def test_a_mailed_code_keeps_nothing_either(camille: Traveller, world: World) -> None:
    camille.press("Recevoir le code").press("Se connecter", code=mailed_code(world), shared="yes")
    assert camille.step == "account"
    assert camille.cookies.keys() == {"idp_session"}


def test_the_university_is_not_remembered_on_a_shared_computer(camille: Traveller) -> None:
    camille.press("Continuer", shared_now="yes")
    assert "idp_university" not in camille.cookies
    assert camille.get("/account").start().tree.xpath("//input[@name='shared'][@checked]")
    camille.press("Continuer")
    assert "idp_university" not in camille.cookies, "a box that stays ticked"


def test_a_box_that_is_taken_back_keeps_again(camille: Traveller) -> None:
    camille.press("Se connecter", password="wrong", shared="yes")
    assert camille.tree.xpath("//input[@name='shared'][@checked]")
    path = camille.tree.xpath("//form[.//input[@name='password']]/@action")[0]
    camille.send(path, password=PASSWORD)
    assert camille.cookies.keys() == KEPT


@pytest.fixture
def remembered(camille: Traveller) -> Traveller:
    """At the page for the address, which offers an account as well."""
    return camille.press("Se connecter", password=PASSWORD).press("Se déconnecter").get("/account")


BOXES = "//input[@type='checkbox'][@name='shared']"


def test_what_is_ticked_beside_the_address_holds_for_the_journey(camille: Traveller, world: World) -> None:
    camille.get("/account").press("Se connecter", email=CAMILLE, shared="yes")
    assert camille.step == "sign-in"
    assert camille.tree.xpath(f"{BOXES}[@checked]")
    camille.press("Recevoir le code")
    assert camille.tree.xpath(f"{BOXES}[@checked]")
    camille.press("Renvoyer le code")
    assert camille.tree.xpath(f"{BOXES}[@checked]")
    camille.press("Se connecter", code=mailed_code(world))
    assert camille.step == "account"
    assert camille.cookies.keys() == {"idp_session"}


def test_what_is_ticked_beside_the_address_holds_for_its_correction(camille: Traveller) -> None:
    camille.get("/account").press("Se connecter", email="camille@univ-exmeple.fr", shared="yes")
    assert camille.tree.xpath(f"{BOXES}[@checked]")
    camille.press("Oui, prendre cette adresse", email=CAMILLE)
    assert camille.step == "sign-in"
    assert camille.tree.xpath(f"{BOXES}[@checked]")


@pytest.mark.parametrize("said", ["yes", ""])
def test_the_account_s_card_says_what_the_box_says(remembered: Traveller, said: str) -> None:
    """The form of the card has no box of its own: the page's script lets its field follow the one beside it."""
    assert remembered.tree.xpath("//form[contains(@action, 'remembered')]//input[@name='shared'][@value='']")
    remembered.press(f"Continuer avec {CAMILLE}", shared=said)
    assert remembered.step == "sign-in"
    assert bool(remembered.tree.xpath(f"{BOXES}[@checked]")) is bool(said)


def test_a_page_has_one_box_for_all_its_forms(remembered: Traveller) -> None:
    assert len(remembered.tree.xpath("//input[@type='checkbox']")) == 1
    assert len(remembered.tree.xpath("//input[@data-as-box]")) == 2, "the account's card and the passkey"


def test_a_new_password_on_a_shared_computer_keeps_nothing(camille: Traveller) -> None:
    camille.press("Se connecter", password=PASSWORD, shared="yes")
    camille.get("/account/password").press("Créer", password="sept renards bleus dorment encore")
    assert camille.step == "account"
    assert camille.cookies.keys() == {"idp_session"}


def test_any_verified_address_of_the_account_signs_in(camille: Traveller) -> None:
    camille.start(" Camille@Exemple.ORG ").press("Se connecter", password=PASSWORD)
    assert camille.step == "account"
    assert CAMILLE in camille.text


def test_forgotten_a_code_leads_to_a_new_password(camille: Traveller, world: World) -> None:
    forget(camille)
    assert camille.step == "code"
    camille.press("Renvoyer le code").press("Se connecter", code=mailed_code(world))
    assert camille.step == "new-password"
    camille.press("Créer", password="court")
    assert camille.last.status_code == 422
    camille.press("Créer", password="sept renards bleus dorment encore")
    assert camille.step == "account"
    camille.press("Se déconnecter").start().press("Se connecter", password="sept renards bleus dorment encore")
    assert camille.step == "account"


def test_forgotten_may_wait(camille: Traveller, world: World) -> None:
    forget(camille).press("Se connecter", code=mailed_code(world)).press("Plus tard")
    assert camille.step == "account"
    camille.press("Se déconnecter").start().press("Se connecter", password=PASSWORD)
    assert camille.step == "account"


def test_who_remembers_after_all_is_not_asked(camille: Traveller) -> None:
    path = camille.tree.xpath("//form[.//input[@name='password']]/@action")[0]
    forget(camille).send(path, password=PASSWORD)
    assert camille.step == "account"


def test_a_code_alone_goes_straight_on_and_the_account_page_offers_a_password(camille: Traveller, world: World) -> None:
    camille.press("Recevoir le code").press("Se connecter", code=mailed_code(world))
    assert camille.step == "account"
    assert camille.tree.xpath("//*[@role='status']//a[@href='/account/password']")


def test_whoever_finds_a_signed_in_browser_chooses_no_password_by_having_forgotten_one(
    camille: Traveller, world: World
) -> None:
    """A password asks for a fresh sign-in, also on the way to an application that asks for consent."""
    camille.press("Recevoir le code").press("Se connecter", code=mailed_code(world))
    world.clock.ahead = timedelta(minutes=11)
    assert camille.get("/account/password").step == "email", "no longer fresh"
    assert camille.get("/authorize", **EXAMS | {"client_id": "survey"}).step == "consent"
    journey = f"/sign-in/{camille.handle}"
    camille.send(f"{journey}/address", email=CAMILLE)
    camille.send(f"{journey}/code/send", forgotten="yes")
    assert camille.get(journey).step == "consent"
    camille.send(f"{journey}/password", password="sept renards bleus dorment encore")
    stored = world.services.stores.accounts.find("camille")
    assert stored
    assert world.services.hasher.verify(PASSWORD, stored.password_hash, is_known=True)


def test_the_page_for_another_password_is_nobody_else_s(camille: Traveller, world: World) -> None:
    page = f"/sign-in/{world.handle()}/password"
    assert camille.get(page).step == "sign-in"
    assert camille.send(page, password="sept renards bleus dorment encore").step == "sign-in"
    assert camille.send(page, csrf_token="x", password="x").last.status_code == 403
