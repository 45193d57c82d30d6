"""Revocation (RFC 7009) and introspection (RFC 7662): authenticated, and only what is the client's own."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from idp.domain.errors import ProtocolError
from tests.openid.test_refresh import OFFLINE, refused
from tests.openid.world import APP, ISSUER, NOW, PAIRWISE, PORTAL, SECRET, SIGN_IN, SUBJECT, World, basic

STRANGER = basic(PAIRWISE.client_id, SECRET)
JUNK = ["x", "a.b", "a.b.c", ".", "x" * 100_000, '{"$gt": ""}', "é\0"]


def revoke(world: World, token: str, authorization: str | None = None, **more: str) -> None:
    world.provider.revocation.answer([("token", token), *more.items()], authorization or basic(), now=NOW)


def introspect(world: World, token: str, authorization: str | None = None, **more: Any) -> dict[str, Any]:
    now = more.pop("now", NOW)
    form = [("token", token), *more.items()]
    return world.provider.introspection.answer(form, authorization or basic(), now=now)


def test_an_access_token_is_described_to_its_client(world: World) -> None:
    tokens = world.tokens(scope=OFFLINE)
    assert introspect(world, tokens["access_token"]) == {
        "active": True,
        "scope": OFFLINE,
        "client_id": "portail",
        "sub": SUBJECT,
        "iss": ISSUER,
        "exp": int(NOW.timestamp()) + 3600,
        "auth_time": int(SIGN_IN.at.timestamp()),
        "acr": SIGN_IN.acr,
        "token_type": "Bearer",
    }


def test_a_refresh_token_is_described_until_it_is_replaced(world: World) -> None:
    first = world.tokens(scope=OFFLINE)["refresh_token"]
    described = introspect(world, first)
    assert described["active"] is True
    assert "token_type" not in described
    second = world.refresh(first)["refresh_token"]
    assert introspect(world, first) == {"active": False}
    assert introspect(world, second)["active"] is True
    assert introspect(world, second, now=NOW + timedelta(days=30)) == {"active": False}


def test_a_hint_changes_nothing(world: World) -> None:
    tokens = world.tokens(scope=OFFLINE)
    for hint in ("access_token", "refresh_token", "nonsense"):
        for name in ("access_token", "refresh_token"):
            assert introspect(world, tokens[name], token_type_hint=hint)["active"] is True
    revoke(world, tokens["access_token"], token_type_hint="refresh_token")
    assert introspect(world, tokens["access_token"]) == {"active": False}


def test_other_clients_learn_and_end_nothing(world: World) -> None:
    tokens = world.tokens(scope=OFFLINE)
    for name in ("access_token", "refresh_token"):
        assert introspect(world, tokens[name], STRANGER) == {"active": False}
        revoke(world, tokens[name], STRANGER)
        assert introspect(world, tokens[name])["active"] is True


@pytest.mark.parametrize("token", JUNK)
def test_junk_is_inactive_and_revoked_without_error(world: World, token: str) -> None:
    assert introspect(world, token) == {"active": False}
    revoke(world, token)


def test_a_revoked_access_token_is_dead_and_the_family_lives(world: World) -> None:
    first = world.tokens(scope=OFFLINE)
    second = world.refresh(first["refresh_token"])
    revoke(world, first["access_token"])
    with refused("invalid_token", 401):
        world.userinfo(first["access_token"])
    assert world.userinfo(second["access_token"])["sub"] == SUBJECT
    assert world.refresh(second["refresh_token"])


def test_a_revoked_refresh_token_takes_its_family_along(world: World) -> None:
    tokens = world.tokens(scope=OFFLINE)
    revoke(world, tokens["refresh_token"])
    with refused("invalid_token", 401):
        world.userinfo(tokens["access_token"])
    with refused("invalid_grant"):
        world.refresh(tokens["refresh_token"])
    assert introspect(world, tokens["access_token"]) == {"active": False}


def test_expired_tokens_and_those_of_an_ended_session_are_inactive(world: World) -> None:
    tokens = world.tokens(scope=OFFLINE)
    assert introspect(world, tokens["access_token"], now=NOW + timedelta(hours=1)) == {"active": False}
    world.grants.revoke_session(SIGN_IN.sid)
    for name in ("access_token", "refresh_token"):
        assert introspect(world, tokens[name]) == {"active": False}


def test_a_client_that_is_switched_off_gets_nothing_for_what_it_holds(world: World) -> None:
    tokens = world.tokens(scope=OFFLINE)
    del world.clients["portail"]
    for token in (tokens["access_token"], tokens["refresh_token"]):
        with refused("invalid_client", 401):
            introspect(world, token)
    with refused("invalid_client", 401):
        world.refresh(tokens["refresh_token"])
    with refused("invalid_token", 401):
        world.userinfo(tokens["access_token"])


def test_a_scope_taken_from_the_client_is_not_shown_any_more(world: World) -> None:
    token = world.tokens(scope=OFFLINE)["access_token"]
    world.clients["portail"] = replace(PORTAL, scopes=("openid",))
    assert introspect(world, token)["scope"] == "openid"


@pytest.mark.parametrize("taken", [{"scopes": ("openid", "email")}, {"grant_types": ("authorization_code",)}])
def test_a_refresh_token_that_its_client_may_not_use_any_more_is_inactive(world: World, taken: dict[str, Any]) -> None:
    token = world.tokens(scope=OFFLINE)["refresh_token"]
    world.clients["portail"] = replace(PORTAL, **taken)
    assert introspect(world, token) == {"active": False}
    world.clients["portail"] = PORTAL
    assert introspect(world, token)["active"] is True


def test_neither_code_nor_id_token_is_a_token_here(world: World) -> None:
    code = world.code(scope=OFFLINE)
    assert introspect(world, code) == {"active": False}
    revoke(world, code)
    assert introspect(world, world.exchange(code)["id_token"]) == {"active": False}


@pytest.mark.parametrize("authorization", [None, basic(secret="wrong"), "Basic ", "Bearer x"])
def test_nobody_is_answered_without_proof(world: World, authorization: str | None) -> None:
    for endpoint in (world.provider.revocation, world.provider.introspection):
        with refused("invalid_client", 401):
            endpoint.answer([("token", "x")], authorization, now=NOW)


def test_a_public_client_may_revoke_and_not_ask(world: World) -> None:
    form = [("client_id", APP.client_id), ("token", "x")]
    world.provider.revocation.answer(form, None, now=NOW)
    with refused("invalid_client", 401):
        world.provider.introspection.answer(form, None, now=NOW)


def test_a_missing_or_repeated_token_is_told(world: World) -> None:
    for form in ([], [("token", "")], [("token", "a"), ("token", "b")]):
        for endpoint in (world.provider.revocation, world.provider.introspection):
            with pytest.raises(ProtocolError, match="invalid_request"):
                endpoint.answer(form, basic(), now=NOW)


def test_both_are_announced(world: World) -> None:
    document = world.provider.discovery()
    assert document["revocation_endpoint"] == ISSUER + "/revoke"
    assert document["introspection_endpoint"] == ISSUER + "/introspect"
    assert "none" in document["revocation_endpoint_auth_methods_supported"]
    assert "none" not in document["introspection_endpoint_auth_methods_supported"]
