"""Clocks that are wrong: honest sign-ins go on, and what was refused as expired never comes back to life.

In this process, with the clock that every part of the provider is given; quick enough for every run.
"""

from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from idp.domain.one_time_codes import digits
from tests.web.conftest import _built, university_folder, university_keys  # noqa: F401
from tests.web.proofing_world import CAMILLE, PASSWORD, Traveller, World
from tests.web.visitor import HOST

MINUTES, HOURS = timedelta(minutes=1), timedelta(hours=1)
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


@pytest.fixture
def world(_built: World, indexed_database: Any) -> Iterator[World]:  # noqa: F811
    yield _built.from_the_beginning()
    _built.clock.ahead = timedelta()


def with_code(person: Traveller) -> str:
    """An authorization code of somebody who signs in with the password."""
    person.world.account("camille", CAMILLE, password=PASSWORD)
    person.ask_for_a_proof(claims="{}").press("Se connecter", email=CAMILLE).press("Se connecter", password=PASSWORD)
    return person.answer["code"]


def exchange(person: Traveller, code: str) -> TestResponse:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "https://exams.example/cb"}
    basic = {"Authorization": f"Basic {b64encode(b'exams:a-secret-of-the-exams').decode()}"}
    return person._client.post("/token", data=form | {"code_verifier": VERIFIER}, headers=HOST | basic)


def userinfo(person: Traveller, token: str) -> int:
    return person._client.get("/userinfo", headers=HOST | {"Authorization": f"Bearer {token}"}).status_code


@pytest.mark.parametrize("seconds", [90, -90, 0])
def test_a_university_whose_clock_is_off_by_ninety_seconds_is_believed(world: World, seconds: int) -> None:
    person = world.browser().start(CAMILLE)
    request_id = person.leave()
    world.clock.ahead = timedelta(seconds=seconds)
    draft = world.draft()
    world.clock.ahead = timedelta()
    assert person.come_back(request_id, draft).step == "check-mailbox", person.text


@pytest.mark.parametrize("jump", [HOURS, -HOURS, 90 * MINUTES / 60, -90 * MINUTES / 60])
def test_a_jump_in_the_middle_of_a_sign_in_ends_at_the_application(world: World, jump: timedelta) -> None:
    world.account("camille", CAMILLE, password=PASSWORD)
    person = world.browser()
    person.ask_for_a_proof(claims="{}").press("Se connecter", email=CAMILLE)
    world.clock.ahead = jump
    person.press("Se connecter", password=PASSWORD)
    assert exchange(person, person.answer["code"]).status_code == 200


@pytest.mark.parametrize("jump", [HOURS, -HOURS])
def test_who_is_signed_in_stays_so_when_the_clock_jumps(world: World, jump: timedelta) -> None:
    person = world.browser()
    with_code(person)
    world.clock.ahead = jump
    assert person.get("/account").step == "account"


def test_a_code_that_expired_stays_so_when_the_clock_goes_back(world: World) -> None:
    person = world.browser()
    code = with_code(person)
    world.clock.ahead = 2 * MINUTES
    assert exchange(person, code).status_code == 400
    world.clock.ahead = timedelta()
    assert exchange(person, code).status_code == 400


def test_an_access_token_that_expired_stays_so_when_the_clock_goes_back(world: World) -> None:
    person = world.browser()
    token = exchange(person, with_code(person)).get_json()["access_token"]
    assert userinfo(person, token) == 200
    world.clock.ahead = 2 * HOURS
    assert userinfo(person, token) == 401
    world.clock.ahead = timedelta()
    assert userinfo(person, token) == 401


def test_a_mailed_code_that_expired_stays_so_when_the_clock_goes_back(world: World) -> None:
    world.account("camille", CAMILLE, password=PASSWORD)
    person = world.browser().start(CAMILLE).press("Recevoir le code")
    (mail,) = world.mails(CAMILLE)
    code = digits(world.services.secret, mail["record_id"])
    world.clock.ahead = 11 * MINUTES
    assert person.press("Se connecter", code=code).step == "code"
    world.clock.ahead = timedelta()
    assert person.press("Se connecter", code=code).step == "code"


def test_a_session_that_expired_stays_so_when_the_clock_goes_back(world: World) -> None:
    person = world.browser()
    with_code(person)
    cookie = person.cookies["idp_session"].value
    world.clock.ahead = 13 * HOURS
    assert person.get("/account").step != "account"
    world.clock.ahead = timedelta()
    again = world.browser()
    again.keep_cookie("idp_session", cookie)
    assert again.get("/account").step != "account"
