"""Refresh tokens: bound, rotated, and the family dies when an old one comes back."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from idp.domain.errors import ProtocolError
from tests.openid.world import NOW, PAIRWISE, PORTAL, SECRET, SUBJECT, World, basic

OFFLINE = "openid email offline_access"


def refused(error: str, status: int = 400) -> "pytest.RaisesExc[ProtocolError]":
    return pytest.raises(ProtocolError, check=lambda caught: (caught.error, caught.status) == (error, status))


def test_a_refresh_token_comes_with_offline_access_alone(world: World) -> None:
    assert "refresh_token" not in world.tokens(scope="openid email")
    assert world.tokens(scope=OFFLINE)["refresh_token"]


def test_a_client_that_lost_the_refresh_grant_gets_none(world: World) -> None:
    code = world.code(scope=OFFLINE)
    world.clients["portail"] = replace(PORTAL, grant_types=("authorization_code",))
    assert "refresh_token" not in world.exchange(code)


def test_refreshing_gives_a_new_pair(world: World) -> None:
    first = world.tokens(scope=OFFLINE)
    second = world.refresh(first["refresh_token"])
    assert second["scope"] == OFFLINE
    assert second["refresh_token"] != first["refresh_token"]
    assert world.userinfo(second["access_token"])["sub"] == SUBJECT
    assert world.userinfo(first["access_token"])["sub"] == SUBJECT
    assert world.refresh(second["refresh_token"])["access_token"]


def test_o_41_pyop_fault_a_refresh_token_is_bound_to_its_client(world: World) -> None:
    token = world.tokens(scope=OFFLINE)["refresh_token"]
    with refused("invalid_grant"):
        world.refresh(token, basic(PAIRWISE.client_id, SECRET))
    assert world.refresh(token)


def test_o_41_the_scope_may_become_narrower_and_never_wider(world: World) -> None:
    token = world.tokens(scope=OFFLINE)["refresh_token"]
    for scope in ("openid profile", "admin", " "):
        with refused("invalid_scope"):
            world.refresh(token, scope=scope)
    narrow = world.refresh(token, scope="openid")
    assert narrow["scope"] == "openid"
    assert world.userinfo(narrow["access_token"]) == {"sub": SUBJECT}
    assert world.refresh(narrow["refresh_token"])["scope"] == OFFLINE


def test_o_42_pyop_fault_a_rotated_token_kills_the_family(world: World) -> None:
    first = world.tokens(scope=OFFLINE)
    second = world.refresh(first["refresh_token"])
    third = world.refresh(second["refresh_token"])
    with refused("invalid_grant"):
        world.refresh(first["refresh_token"])
    with refused("invalid_grant"):
        world.refresh(third["refresh_token"])
    for tokens in (first, second, third):
        with refused("invalid_token", 401):
            world.userinfo(tokens["access_token"])


def test_o_42_of_eight_simultaneous_refreshes_at_most_one_wins(world: World, another_worker: World) -> None:
    token = world.tokens(scope=OFFLINE)["refresh_token"]
    workers = [world, another_worker]

    def attempt(number: int) -> str:
        try:
            return str(workers[number % 2].refresh(token)["token_type"])
        except ProtocolError as error:
            return error.error

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, range(8)))
    assert set(outcomes) <= {"Bearer", "invalid_grant"}
    assert outcomes.count("Bearer") <= 1


def test_an_idle_refresh_token_dies(world: World) -> None:
    token = world.tokens(scope=OFFLINE)["refresh_token"]
    with refused("invalid_grant"):
        world.refresh(token, now=NOW + timedelta(days=30))


def test_the_family_dies_at_last_however_often_it_is_used(world: World) -> None:
    token = world.tokens(scope=OFFLINE)["refresh_token"]
    for day in (25, 50, 75, 89):
        token = world.refresh(token, now=NOW + timedelta(days=day))["refresh_token"]
    with refused("invalid_grant"):
        world.refresh(token, now=NOW + timedelta(days=90))


@pytest.mark.parametrize("token", ["", "junk", "a.b", ".", "x" * 100_000, '{"$gt": ""}', "é\0"])
def test_junk_is_refused(world: World, token: str) -> None:
    with refused("invalid_grant" if token else "invalid_request"):
        world.refresh(token)


def test_a_code_or_access_token_is_no_refresh_token(world: World) -> None:
    tokens = world.tokens(scope=OFFLINE)
    for token in (tokens["access_token"], tokens["id_token"], world.code()):
        with refused("invalid_grant"):
            world.refresh(token)
    assert world.refresh(tokens["refresh_token"])


def test_a_client_without_the_refresh_grant_may_not_refresh(world: World) -> None:
    token = world.tokens(scope=OFFLINE)["refresh_token"]
    world.clients["portail"] = replace(PORTAL, grant_types=("authorization_code",))
    with refused("unauthorized_client"):
        world.refresh(token)


def test_a_client_that_refreshes_without_pause_keeps_its_newest_tokens(world: World) -> None:
    tokens = world.tokens(scope=OFFLINE)
    for _ in range(20):
        tokens = world.refresh(tokens["refresh_token"])
    assert world.userinfo(tokens["access_token"])["sub"] == SUBJECT
