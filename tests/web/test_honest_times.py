"""Only who authenticates has just authenticated: another password is chosen without showing anything."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from idp.domain.sessions import ACR_UNIVERSITY, FRESH
from idp.storage.sweeps import SECOND_SWEEP
from tests.web.proofing_world import Traveller, World

INES = "ines@agence.example"
PASSWORD = "trois pommes vertes sur la table"
OTHER_PASSWORD = "un voleur passe sous la fenêtre ouverte"


@pytest.fixture
def person(world: World) -> Traveller:
    """Signed in for five minutes, by what the university said and the mailbox."""
    account = world.account("ines", INES, password=PASSWORD)
    person = world.browser().signed_in(account)
    (found,) = world.services.stores.sessions.of_account("ines", now=world.clock())
    assert found.at < world.clock() - timedelta(minutes=4)
    return person


def chooses(person: Traveller) -> Traveller:
    person.get("/account/password").press("Créer", password=OTHER_PASSWORD)
    assert person.step == "account", person.text
    return person


def goes_on_with(act: Callable[[Traveller], object], person: Traveller) -> None:
    """Act in another tab, then go on with the one request that waits."""
    handle = person.world.handle()
    act(person)
    person.get(f"/sign-in/{handle}")


def authenticated_at(world: World) -> float:
    (found,) = world.services.stores.sessions.of_account("ines", now=world.clock())
    return found.proven_at.timestamp()


@pytest.mark.parametrize("asked", [{"prompt": "login"}, {"max_age": "60"}])
def test_a_new_password_is_no_sign_in_for_an_application_that_wants_one(
    world: World, person: Traveller, asked: dict[str, str]
) -> None:
    person.ask_for_a_proof(claims="{}", **asked)
    assert person.step == "email"
    goes_on_with(chooses, person)
    assert "code" not in person.answer


def test_nor_does_it_tell_the_class_of_the_sign_in_before_as_of_now(world: World) -> None:
    world.account("ines", INES, password=PASSWORD)
    sessions = world.services.browser_sessions
    _, anonymous = sessions.open()
    made = sessions.sign_in(
        anonymous, account_id="ines", methods=("pwd", "otp"), acr=ACR_UNIVERSITY, device=None, now=world.clock()
    )
    person = world.browser()
    person._client.set_cookie("idp_session", made.session_cookie, domain="localhost")
    world.clock.ahead += timedelta(minutes=5)
    person.ask_for_a_proof(prompt="login")
    goes_on_with(chooses, person)
    assert "code" not in person.answer


def test_whoever_found_a_browser_does_not_stay_fresh_by_choosing_passwords(world: World, person: Traveller) -> None:
    before = authenticated_at(world)
    chooses(person)
    assert authenticated_at(world) == pytest.approx(before, abs=1)
    world.clock.ahead += FRESH - timedelta(minutes=4)
    assert person.get("/account/password").step == "email"


def test_the_person_stays_signed_in_a_minute_later(world: World, person: Traveller) -> None:
    chooses(person)
    while world.services.ends_sign_ins.sweep_next(world.clock() + SECOND_SWEEP):
        continue
    assert person.get("/account").step == "account"
