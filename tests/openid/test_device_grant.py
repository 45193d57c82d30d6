"""The device authorization grant (RFC 8628): asked, polled, answered once, exchanged once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from idp.domain.device_authorization import DeviceAuthorization
from idp.domain.errors import ProtocolError
from idp.openid.client_metadata import read_client
from idp.openid.client_table import Faults
from idp.openid.device_codes import GRANT_TYPE
from idp.storage.database import Database
from tests.openid.test_refresh import refused
from tests.openid.world import ACCOUNT, APP, CALLBACK, ISSUER, NOW, PORTAL, SIGN_IN, SUBJECT, World, basic

TELEVISION = replace(
    APP,
    client_id="television",
    redirect_uris=(),
    grant_types=(GRANT_TYPE, "refresh_token"),
    scopes=("openid", "email", "offline_access"),
)


@pytest.fixture(autouse=True)
def _registered(world: World) -> None:
    world.clients["television"] = TELEVISION


def begin(world: World, client_id: str = "television", **more: str) -> dict[str, Any]:
    form = {"client_id": client_id, "scope": "openid email offline_access"} | more
    return world.provider.device_endpoint.answer(list(form.items()), None, now=NOW)


def poll(world: World, device_code: str, seconds: float = 0, **more: str) -> dict[str, Any]:
    form = {"grant_type": GRANT_TYPE, "device_code": device_code, "client_id": "television"} | more
    return world.provider.token(list(form.items()), None, now=NOW + timedelta(seconds=seconds))


def waiting(world: World, begun: dict[str, Any], now: datetime = NOW) -> DeviceAuthorization:
    found = world.provider.device_answers.find(begun["user_code"], now=now)
    assert found is not None
    return found


def approve(world: World, begun: dict[str, Any]) -> bool:
    return world.provider.device_answers.approve(waiting(world, begun), ACCOUNT, SUBJECT, SIGN_IN, now=NOW)


def test_a_device_is_told_what_to_show(world: World) -> None:
    begun = begin(world)
    code = begun["user_code"]
    assert len(begun["device_code"]) >= 43
    assert begun == {
        "device_code": begun["device_code"],
        "user_code": code,
        "verification_uri": ISSUER + "/device",
        "verification_uri_complete": f"{ISSUER}/device?user_code={code}",
        "expires_in": 600,
        "interval": 5,
    }


def test_the_device_gets_tokens_once_the_person_agreed(world: World) -> None:
    begun = begin(world)
    with refused("authorization_pending"):
        poll(world, begun["device_code"])
    assert approve(world, begun)
    tokens = poll(world, begun["device_code"], seconds=5)
    claims = world.id_token(tokens["id_token"])
    assert (claims["sub"], claims["aud"], claims["sid"]) == (SUBJECT, "television", SIGN_IN.sid)
    assert "nonce" not in claims
    assert world.userinfo(tokens["access_token"])["email"]
    form = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"]), ("client_id", "television")]
    assert world.provider.token(form, None, now=NOW + timedelta(days=29))["access_token"]


def test_who_asks_for_nothing_in_particular_asks_who_the_person_is(world: World) -> None:
    begun = world.provider.device_endpoint.answer([("client_id", "television")], None, now=NOW)
    assert approve(world, begun)
    tokens = poll(world, begun["device_code"])
    assert world.userinfo(tokens["access_token"]) == {"sub": SUBJECT}


def test_a_client_that_may_not_refresh_gets_nothing_that_outlives_its_access_token(world: World) -> None:
    world.clients["television"] = replace(TELEVISION, grant_types=(GRANT_TYPE,))
    begun = begin(world)
    assert waiting(world, begun).scope == ("openid", "email")
    assert approve(world, begun)
    tokens = poll(world, begun["device_code"], seconds=599)
    assert "refresh_token" not in tokens
    # Asked for in the last moment, it is good for its whole hour.
    late = NOW + timedelta(seconds=599 + 3599)
    assert world.provider.userinfo(f"Bearer {tokens['access_token']}", (), now=late).claims["email"]


def test_a_refusal_is_told(world: World) -> None:
    begun = begin(world)
    assert world.provider.device_answers.deny(waiting(world, begun), now=NOW)
    with refused("access_denied"):
        poll(world, begun["device_code"])


def test_nobody_agrees_for_a_client_that_is_gone(world: World, database: Database) -> None:
    begun = begin(world)
    del world.clients["television"]
    assert not approve(world, begun)
    assert list(database.collection("grants").find()) == []


def test_who_asks_too_often_is_slowed_down_a_little_more_each_time(world: World) -> None:
    code = begin(world)["device_code"]
    for seconds, error in (
        (0, "authorization_pending"),
        (4, "slow_down"),
        (13, "slow_down"),
        (28, "authorization_pending"),
        (42, "slow_down"),
        (62, "authorization_pending"),
    ):
        with refused(error):
            poll(world, code, seconds)


def test_a_late_device_is_told_so_and_an_approved_code_dies_with_its_time(world: World) -> None:
    begun = begin(world)
    assert approve(world, begun)
    with refused("expired_token"):
        poll(world, begun["device_code"], seconds=600)
    assert world.provider.device_answers.find(begun["user_code"], now=NOW + timedelta(minutes=10)) is None


def test_of_sixteen_exchanges_over_two_workers_one_wins(world: World, another_worker: World) -> None:
    another_worker.clients["television"] = TELEVISION
    begun, workers = begin(world), [world, another_worker]
    assert approve(world, begun)

    def attempt(number: int) -> str:
        try:
            return str(poll(workers[number % 2], begun["device_code"])["token_type"])
        except ProtocolError as error:
            return error.error

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(attempt, range(16)))
    assert sorted(set(outcomes)) == ["Bearer", "invalid_grant"]
    assert outcomes.count("Bearer") == 1


def test_of_many_answers_one_counts_and_leaves_one_grant(world: World) -> None:
    begun = begin(world)
    device, answers = waiting(world, begun), world.provider.device_answers

    def attempt(number: int) -> bool:
        if number % 2:
            return answers.deny(device, now=NOW)
        return answers.approve(device, ACCOUNT, SUBJECT, SIGN_IN, now=NOW)

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(attempt, range(16))) == 1
    assert world.grants.revoke_account(ACCOUNT) <= 1


def test_a_device_code_is_its_client_s_own_and_no_authorization_code(world: World) -> None:
    begun = begin(world)
    assert approve(world, begun)
    code = begun["device_code"]
    world.clients["portail"] = replace(PORTAL, grant_types=(*PORTAL.grant_types, GRANT_TYPE))
    with refused("invalid_grant"):
        world.provider.token([("grant_type", GRANT_TYPE), ("device_code", code)], basic(), now=NOW)
    world.clients["television"] = replace(TELEVISION, grant_types=(*TELEVISION.grant_types, "authorization_code"))
    form = [("grant_type", "authorization_code"), ("code", code), ("client_id", "television")]
    with refused("invalid_grant"):
        world.provider.token([*form, ("redirect_uri", ISSUER + "/device")], None, now=NOW)
    with refused("invalid_grant"):
        poll(world, world.code())
    assert poll(world, code)["access_token"]


@pytest.mark.parametrize("code", ["x", "x" * 100_000, '{"$gt": ""}', "é\0"])
def test_junk_is_refused(world: World, code: str) -> None:
    with refused("invalid_grant"):
        poll(world, code)
    with refused("invalid_request"):
        poll(world, "")


def test_signing_out_before_the_exchange_leaves_nothing_to_take(world: World) -> None:
    begun = begin(world)
    assert approve(world, begun)
    world.grants.revoke_session(SIGN_IN.sid)
    with refused("invalid_grant"):
        poll(world, begun["device_code"])


def test_only_registered_clients_and_scopes_begin(world: World) -> None:
    with refused("unauthorized_client"):
        begin(world, APP.client_id)
    with refused("invalid_client", 401):
        begin(world, "nobody")
    with refused("invalid_client", 401):
        begin(world, "portail")
    with refused("invalid_scope"):
        begin(world, scope="email")
    with refused("invalid_target"):
        begin(world, resource="https://api.example/")
    begun = begin(world, scope="openid profile admin")
    assert approve(world, begun)
    assert poll(world, begun["device_code"])["scope"] == "openid"


def test_neither_code_can_be_read_from_the_database(world: World, database: Database) -> None:
    begun = begin(world)
    assert approve(world, begun)
    stored = str([list(database.collection(name).find()) for name in ("device_authorizations", "grants")])
    assert begun["device_code"] not in stored
    assert begun["user_code"] not in stored
    assert begun["user_code"].replace("-", "") not in stored


def test_a_device_needs_no_redirect_uri_and_everybody_else_does() -> None:
    def faults(**metadata: Any) -> list[str]:
        noted = Faults("file")
        read_client({"client_id": "x", "token_endpoint_auth_method": "none"} | metadata, noted)
        return noted.lines

    assert not faults(grant_types=[GRANT_TYPE, "refresh_token"])
    assert faults(grant_types=[GRANT_TYPE, "authorization_code"])
    assert not faults(grant_types=[GRANT_TYPE, "authorization_code"], redirect_uris=[CALLBACK])


def test_it_is_announced(world: World) -> None:
    document = world.provider.discovery()
    assert document["device_authorization_endpoint"] == ISSUER + "/device-authorization"
    assert GRANT_TYPE in document["grant_types_supported"]
