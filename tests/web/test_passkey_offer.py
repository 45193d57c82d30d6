"""On the way to an application, after a password or a code: a passkey is offered once, and nobody has to take it."""

from datetime import timedelta

import pytest

from idp.domain.one_time_codes import digits
from tests.openid.world import CHALLENGE
from tests.passkeys.authenticator import Authenticator
from tests.web.proofing_world import CAMILLE, PASSWORD, Traveller, World
from tests.web.test_passkeys import EXAMS, add, form, present, stranger

CAN = {"keeps_passkeys": "yes"}


@pytest.fixture(autouse=True)
def account(world: World) -> None:
    world.account("camille", CAMILLE, password=PASSWORD)


def arriving(world: World, person: Traveller | None = None) -> Traveller:
    """From an application to the ways to sign in."""
    person = person or world.browser()
    person.get("/authorize", **EXAMS)
    return person.press("Se connecter", email=CAMILLE)


def test_a_passkey_is_offered_after_a_password_and_taken_on_the_way(world: World) -> None:
    person = arriving(world).press("Se connecter", password=PASSWORD, **CAN)
    assert person.step == "passkey-offer"
    authenticator = Authenticator()
    add(person, authenticator)
    assert person.answer["code"]
    (kept,) = world.services.stores.passkeys.of_account("camille")
    assert kept.name == "Clé d’accès"
    assert world.mails(CAMILLE)[-1]["kind"] == "passkey_added"
    assert present(stranger(world), authenticator).step == "account"


def test_it_is_offered_after_a_code(world: World) -> None:
    person = arriving(world).press("Recevoir le code")
    code = digits(world.services.secret, world.mails(CAMILLE)[-1]["record_id"])
    assert person.press("Se connecter", code=code, **CAN).step == "passkey-offer"
    assert person.press("Plus tard").answer["code"]


def test_later_means_not_again_on_this_device(world: World) -> None:
    person = arriving(world)
    person.press("Se connecter", password=PASSWORD, **CAN).press("Plus tard")
    assert person.answer["code"]
    person.get("/account").press("Se déconnecter")
    arriving(world, person).press("Se connecter", password=PASSWORD, **CAN)
    assert person.answer["code"]
    assert world.services.stores.passkeys.of_account("camille") == ()


@pytest.mark.parametrize("said", [{}, {"keeps_passkeys": ""}, CAN | {"shared": "yes"}])
def test_a_device_that_keeps_none_or_that_others_use_is_offered_nothing(world: World, said: dict[str, str]) -> None:
    assert arriving(world).press("Se connecter", password=PASSWORD, **said).answer["code"]


def test_who_has_a_passkey_or_signs_in_to_the_account_page_is_offered_nothing_on_the_way(world: World) -> None:
    person = world.browser().start(CAMILLE).press("Se connecter", password=PASSWORD, **CAN)
    assert person.step == "account"
    add(person.get("/account/passkeys"), Authenticator())
    assert arriving(world).press("Se connecter", password=PASSWORD, **CAN).answer["code"]


def test_an_answer_of_no_use_is_told_and_leaves_the_way_open(world: World) -> None:
    person = arriving(world).press("Se connecter", password=PASSWORD, **CAN)
    action, options, _ = form(person, "create")
    person.send(action, credential=Authenticator().create(options), challenge=CHALLENGE)
    assert (person.step, person.last.status_code) == ("passkey-offer", 422)
    assert person.press("Plus tard").answer["code"]


def test_the_offer_of_another_moment_leads_on(world: World) -> None:
    person = arriving(world)
    path = f"/sign-in/{person.handle}/passkey-offer"
    assert person.get(path).step == "sign-in", "nobody is signed in yet"
    person.press("Se connecter", password=PASSWORD, **CAN)
    world.clock.ahead = timedelta(minutes=11)
    person.send(path, credential="{}", challenge="")
    assert person.answer["code"], "too long ago for a passkey, not for the application"
