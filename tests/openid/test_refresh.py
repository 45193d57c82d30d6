"""Refresh tokens: bound, rotated, and the family dies when an old one comes back."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from idp.domain.errors import ProtocolError
from idp.domain.grants import Lifetimes
from idp.domain.keyed import SecretKey
from idp.domain.references import known_reference, under_reference
from idp.openid.keys import KeyStore
from idp.storage.database import Database
from tests.openid.world import (
    ACCOUNT,
    NOW,
    PAIRWISE,
    PORTAL,
    SECRET,
    SIGN_IN,
    SUBJECT,
    World,
    answered,
    basic,
    build,
)

OFFLINE = "openid email offline_access"


def refused(error: str, status: int = 400) -> "pytest.RaisesExc[ProtocolError]":
    return pytest.raises(ProtocolError, check=lambda caught: (caught.error, caught.status) == (error, status))


@pytest.fixture
def strict(world: World, keys: KeyStore, database: Database) -> World:
    """The same database without any grace."""
    return build(keys, database, Lifetimes(refresh_grace=timedelta(0)))


def test_a_refresh_token_comes_with_offline_access_alone(world: World) -> None:
    assert "refresh_token" not in world.tokens(scope="openid email")
    assert world.tokens(scope=OFFLINE)["refresh_token"]


@pytest.mark.parametrize("taken", [{"grant_types": ("authorization_code",)}, {"scopes": ("openid", "email")}])
def test_a_client_that_may_not_refresh_any_more_gets_none(world: World, taken: dict[str, Any]) -> None:
    code = world.code(scope=OFFLINE)
    world.clients["portail"] = replace(PORTAL, **taken)
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


def attempts(workers: list[World], token: str) -> list[str]:
    """What sixteen simultaneous uses of one refresh token give: successors, or errors."""

    def attempt(number: int) -> str:
        try:
            return str(workers[number % 2].refresh(token)["refresh_token"])
        except ProtocolError as error:
            return error.error

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(attempt, range(16)))


def test_o_42_simultaneous_refreshes_give_one_successor(world: World, another_worker: World) -> None:
    outcomes = attempts([world, another_worker], world.tokens(scope=OFFLINE)["refresh_token"])
    (successor,) = set(outcomes)
    assert world.refresh(successor)["refresh_token"] not in outcomes


def test_o_42_without_grace_at_most_one_of_simultaneous_refreshes_wins(strict: World) -> None:
    outcomes = attempts([strict, strict], strict.tokens(scope=OFFLINE)["refresh_token"])
    assert len(outcomes) - outcomes.count("invalid_grant") <= 1


def test_o_42_without_grace_the_first_reuse_kills_the_family(strict: World) -> None:
    first = strict.tokens(scope=OFFLINE)
    second = strict.refresh(first["refresh_token"])
    with refused("invalid_grant"):
        strict.refresh(first["refresh_token"])
    with refused("invalid_grant"):
        strict.refresh(second["refresh_token"])


def test_a_lost_reply_is_told_again_with_the_same_successor(world: World) -> None:
    first = world.tokens(scope=OFFLINE)
    second = world.refresh(first["refresh_token"])
    again = world.refresh(first["refresh_token"], now=NOW + timedelta(seconds=29))
    assert again["refresh_token"] == second["refresh_token"]
    assert again["access_token"] != second["access_token"]
    for tokens in (first, second, again):
        assert world.userinfo(tokens["access_token"])["sub"] == SUBJECT
    assert world.refresh(again["refresh_token"])


def test_o_42_after_the_grace_the_old_token_kills_the_family(world: World) -> None:
    first = world.tokens(scope=OFFLINE)
    second = world.refresh(first["refresh_token"])
    with refused("invalid_grant"):
        world.refresh(first["refresh_token"], now=NOW + timedelta(seconds=30))
    with refused("invalid_grant"):
        world.refresh(second["refresh_token"])


def test_o_42_once_the_successor_was_used_the_old_token_kills_the_family(world: World) -> None:
    first = world.tokens(scope=OFFLINE)
    second = world.refresh(first["refresh_token"])
    world.refresh(second["refresh_token"], now=NOW + timedelta(seconds=1))
    with refused("invalid_grant"):
        world.refresh(first["refresh_token"], now=NOW + timedelta(seconds=2))
    with refused("invalid_token", 401):
        world.userinfo(second["access_token"])


def test_another_client_gets_no_successor_and_harms_nothing(world: World) -> None:
    first = world.tokens(scope=OFFLINE)
    second = world.refresh(first["refresh_token"])
    with refused("invalid_grant"):
        world.refresh(first["refresh_token"], basic(PAIRWISE.client_id, SECRET))
    assert world.refresh(second["refresh_token"])


@pytest.mark.parametrize("is_rotated", [False, True])
def test_o_42_what_names_the_grant_and_was_never_given_ends_the_family(world: World, is_rotated: bool) -> None:
    """Also within the grace for a lost reply, which is for the token before alone."""
    tokens = world.tokens(scope=OFFLINE)
    if is_rotated:
        tokens = world.refresh(tokens["refresh_token"])
    grant_id = tokens["refresh_token"].partition(".")[0]
    for token in (f"{grant_id}.never-given", tokens["refresh_token"]):
        with refused("invalid_grant"):
            world.refresh(token)
    with refused("invalid_token", 401):
        world.userinfo(tokens["access_token"])


def test_nothing_in_the_database_gives_the_successor_away(world: World, database: Database) -> None:
    tokens = world.refresh(world.tokens(scope=OFFLINE)["refresh_token"])
    stored = str(list(database.collection("grants").find()))
    for name in ("access_token", "refresh_token"):
        assert tokens[name] not in stored
        assert tokens[name].rpartition(".")[2] not in stored


def test_an_id_token_comes_with_each_refresh_and_tells_of_the_same_sign_in(world: World) -> None:
    first = world.tokens(scope=OFFLINE, claims='{"id_token": {"email": null}}')
    later = NOW + timedelta(hours=1)
    second = world.refresh(first["refresh_token"], now=later)
    old, new = world.id_token(first["id_token"]), world.id_token(second["id_token"])
    for claim in ("iss", "sub", "aud", "auth_time", "acr", "amr", "sid", "email"):
        assert new[claim] == old[claim]
    assert new["iat"] == old["iat"] + 3600
    assert new["at_hash"] != old["at_hash"]
    assert "nonce" not in new
    assert "id_token" not in world.refresh(second["refresh_token"], scope="email", now=later)


def overtaken(monkeypatch: pytest.MonkeyPatch, world: World, name: str, first: Callable[[], object]) -> None:
    """Let somebody else be first whenever this provider is about to take something."""
    take = getattr(world.grants, name)

    def second(*arguments: Any, **named: Any) -> Any:
        first()
        return take(*arguments, **named)

    monkeypatch.setattr(world.grants, name, second)


@pytest.mark.parametrize("narrower", [{}, {"scope": "openid"}])
def test_o_42_who_is_overtaken_gets_the_successor_that_the_other_one_got(
    world: World, another_worker: World, monkeypatch: pytest.MonkeyPatch, narrower: dict[str, Any]
) -> None:
    token, others = world.tokens(scope=OFFLINE)["refresh_token"], list[str]()
    taking = "rotate_refresh" if narrower else "rotate_at_once"
    overtaken(monkeypatch, world, taking, lambda: others.append(another_worker.refresh(token)["refresh_token"]))
    assert world.refresh(token, **narrower)["refresh_token"] == others[0]
    assert another_worker.refresh(others[0])


def test_o_42_who_is_overtaken_by_the_use_of_the_successor_too_ends_the_family(
    world: World, another_worker: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = [world.tokens(scope=OFFLINE)]

    def first() -> None:
        tokens.append(another_worker.refresh(tokens[-1]["refresh_token"]))

    for taking in ("rotate_refresh", "add_access"):
        overtaken(monkeypatch, world, taking, first)
    with refused("invalid_grant"):
        world.refresh(tokens[0]["refresh_token"], scope="openid")
    assert len(tokens) == 3
    assert "used_at_the_same_time" in caplog.messages
    with refused("invalid_grant"):
        another_worker.refresh(tokens[-1]["refresh_token"])
    for each in tokens:
        with refused("invalid_token", 401):
            world.userinfo(each["access_token"])


def test_a_successor_that_another_secret_key_would_give_is_not_told_for_the_live_one(
    world: World, keys: KeyStore, database: Database
) -> None:
    """The key was changed between the reply that got lost and the next try: nobody can tell the live token again."""
    rekeyed = build(keys, database, secret=SecretKey(b"what the settings name since then"))
    first = world.tokens(scope=OFFLINE)
    second = world.refresh(first["refresh_token"])
    with refused("invalid_grant"):
        rekeyed.refresh(first["refresh_token"])
    with refused("invalid_token", 401):
        rekeyed.userinfo(second["access_token"])


@pytest.mark.parametrize("more", [{}, {"scope": "openid"}], ids=["in one write", "step by step"])
def test_a_refresh_goes_on_under_the_reference_of_the_journey(world: World, more: dict[str, Any]) -> None:
    request = world.read(scope=OFFLINE)
    answer = world.provider.authorize(request, ACCOUNT, SUBJECT, SIGN_IN, now=NOW, reference="ABCD-2345")
    token = world.exchange(answered(answer)["code"])["refresh_token"]
    with under_reference():
        assert known_reference() != "ABCD-2345"
        world.refresh(token, **more)
        assert known_reference() == "ABCD-2345"


def test_a_refused_refresh_goes_on_under_the_reference_of_the_journey(world: World) -> None:
    request = world.read(scope=OFFLINE)
    answer = world.provider.authorize(request, ACCOUNT, SUBJECT, SIGN_IN, now=NOW, reference="ABCD-2345")
    token = world.exchange(answered(answer)["code"])["refresh_token"]
    with under_reference():
        with refused("invalid_grant"):
            world.refresh(token, now=NOW + timedelta(days=30))
        assert known_reference() == "ABCD-2345"


def test_an_idle_refresh_token_dies_for_good_even_where_the_clock_goes_back(world: World) -> None:
    token = world.tokens(scope=OFFLINE)["refresh_token"]
    with refused("invalid_grant"):
        world.refresh(token, now=NOW + timedelta(days=30))
    with refused("invalid_grant"):
        world.refresh(token, now=NOW)


def test_the_family_dies_at_last_however_often_it_is_used(world: World) -> None:
    token = world.tokens(scope=OFFLINE)["refresh_token"]
    for day in (25, 50, 75, 89):
        token = world.refresh(token, now=NOW + timedelta(days=day))["refresh_token"]
    with refused("invalid_grant"):
        world.refresh(token, now=NOW + timedelta(days=90))


def test_nor_does_a_refresh_with_a_narrower_scope_outlive_it(world: World) -> None:
    token = world.tokens(scope=OFFLINE)["refresh_token"]
    for day in (25, 50, 75, 89):
        token = world.refresh(token, now=NOW + timedelta(days=day), scope="openid")["refresh_token"]
    with refused("invalid_grant"):
        world.refresh(token, now=NOW + timedelta(days=90), scope="openid")


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


@pytest.mark.parametrize("more", [{}, {"scope": "openid"}])
def test_a_client_that_may_not_come_back_alone_any_more_does_not(world: World, more: dict[str, Any]) -> None:
    """Its administrator took ``offline_access`` from it: what it holds is worth nothing until it is given back."""
    token = world.tokens(scope=OFFLINE)["refresh_token"]
    world.clients["portail"] = replace(PORTAL, scopes=("openid", "email"))
    with refused("invalid_grant"):
        world.refresh(token, **more)
    world.clients["portail"] = PORTAL
    assert world.refresh(token, **more)["refresh_token"]
