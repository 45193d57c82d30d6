"""Another password after a code: only right after the sign-in that the code was for."""

from datetime import timedelta

import pytest

from idp.domain.accounts import Identity
from idp.domain.one_time_codes import digits
from idp.domain.sessions import FRESH
from tests.web.proofing_world import CAMILLE, EXEMPLE, Traveller, World

INES = "ines@agence.example"
PASSWORD = "trois pommes vertes sur la table"
OTHER_PASSWORD = "un voleur passe sous la fenêtre ouverte"


@pytest.fixture
def person(world: World) -> Traveller:
    world.account("ines", INES, password=PASSWORD)
    return world.browser().start(INES)


def code(world: World) -> str:
    return digits(world.services.secret, world.mails(INES)[-1]["record_id"])


def stored(world: World) -> str | None:
    account = world.services.stores.accounts.find("ines")
    assert account is not None
    return account.password_hash


def forgot(world: World, person: Traveller) -> Traveller:
    person.press("Recevoir le code", forgotten="yes").press("Se connecter", code=code(world))
    assert person.step == "new-password", person.text
    return person


def test_whoever_finds_the_page_later_changes_no_password(world: World, person: Traveller) -> None:
    """The person went away from the page; others use the computer."""
    forgot(world, person)
    before = stored(world)
    world.clock.ahead += FRESH + timedelta(seconds=1)
    person.press("Créer", password=OTHER_PASSWORD)
    assert stored(world) == before
    assert person.step == "sign-in", "the person shows once more that it is them"


def test_nor_does_whoever_finds_an_older_journey_and_says_to_have_forgotten_it(world: World, person: Traveller) -> None:
    """Two tabs were open before the sign-in; in the other one a person whose session was left open begins."""
    other = person.handle
    person.start(INES).press("Recevoir le code").press("Se connecter", code=code(world))
    assert person.step == "account"
    before = stored(world)
    world.clock.ahead += FRESH + timedelta(seconds=1)
    person.post(f"/sign-in/{other}/code/send", forgotten="yes")
    person.post(f"/sign-in/{other}/password", password=OTHER_PASSWORD)
    assert stored(world) == before


def test_nor_does_whoever_goes_on_to_an_application_just_after_a_sign_in_by_code(
    world: World, person: Traveller
) -> None:
    """The code was not for a password that is said to be forgotten only now, on a journey that asks for no sign-in."""
    person.press("Recevoir le code").press("Se connecter", code=code(world)).ask(client_id="survey")
    assert person.step == "consent", person.text
    journey, before = f"/sign-in/{person.handle}", stored(world)
    person.post(f"{journey}/address", email=INES).post(f"{journey}/code/send", forgotten="yes")
    assert person.step == "consent", person.text
    person.post(f"{journey}/password", password=OTHER_PASSWORD)
    assert stored(world) == before


def test_who_had_forgotten_it_and_proves_who_they_are_instead_chooses_one_once(world: World) -> None:
    world.account("camille", CAMILLE, Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr"), password=PASSWORD)
    person = world.browser().start(CAMILLE).press("Recevoir le code", forgotten="yes")
    person.get(f"/sign-in/{person.handle}/restart").prove().press("Continuer", code=world.code(CAMILLE))
    assert person.step == "new-password", person.text
    assert person.press("Créer", password=OTHER_PASSWORD).step == "account", person.text


def test_who_was_too_slow_signs_in_once_more_and_goes_on(world: World, person: Traveller) -> None:
    forgot(world, person)
    world.clock.ahead += FRESH + timedelta(seconds=1)
    person.press("Créer", password=OTHER_PASSWORD)
    forgot(world, person).press("Créer", password=OTHER_PASSWORD)
    assert person.step == "account"
    assert world.services.hasher.verify(OTHER_PASSWORD, stored(world))


def test_or_with_the_password_that_came_to_mind(world: World, person: Traveller) -> None:
    forgot(world, person)
    world.clock.ahead += FRESH + timedelta(seconds=1)
    person.press("Créer", password=OTHER_PASSWORD).press("Se connecter", password=PASSWORD)
    assert person.step == "account"


def test_who_has_just_chosen_one_is_not_offered_another(world: World, person: Traveller) -> None:
    offer = "Cette fois, un code reçu par mail a suffi"
    forgot(world, person).press("Créer", password=OTHER_PASSWORD)
    assert person.step == "account"
    assert offer not in person.text
    later = forgot(world, world.browser().start(INES)).press("Plus tard")
    assert later.step == "account"
    assert offer in later.text
