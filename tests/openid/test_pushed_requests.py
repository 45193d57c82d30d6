"""Pushed authorization requests (RFC 9126)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from idp.domain.errors import AuthorizationError, ProtocolError, Refusal
from idp.domain.pushed_requests import LIFETIME
from idp.storage.database import Database
from tests.openid.test_dpop import JKT, exchange, proof
from tests.openid.world import (
    ACCOUNT,
    ISSUER,
    LIBRARY,
    NOW,
    OTHER_SECRET,
    PORTAL,
    SIGN_IN,
    SUBJECT,
    World,
    answered,
    asking,
    basic,
)

PAR = ISSUER + "/par"


def push(world: World, authorization: str | None = None, **changes: Any) -> dict[str, Any]:
    return world.provider.pushing.answer(asking(**changes), authorization or basic(), now=NOW)


def referring(answer: dict[str, Any], client_id: str = "portail", **more: str) -> list[tuple[str, str]]:
    return [("client_id", client_id), ("request_uri", answer["request_uri"]), *more.items()]


def refused(world: World, form: list[tuple[str, str]], authorization: str | None = None) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        world.provider.pushing.answer(form, authorization or basic(), now=NOW)
    assert not isinstance(caught.value, AuthorizationError)
    return caught.value


def page(world: World, pairs: list[tuple[str, str]], now: datetime = NOW) -> Refusal:
    with pytest.raises(Refusal) as caught:
        world.provider.read_authorization_request(pairs, now=now)
    assert not isinstance(caught.value, AuthorizationError)
    return caught.value


def test_a_pushed_request_is_used_and_what_stands_beside_it_is_not_looked_at(world: World) -> None:
    answer = push(world, scope="openid email", state="pushed")
    assert answer["expires_in"] == 90
    pairs = referring(answer, scope="openid profile", state="beside", redirect_uri="https://evil.example/")
    request = world.provider.read_authorization_request(pairs, now=NOW)
    assert (request.scope, request.state, request.redirect_uri) == (("openid", "email"), "pushed", asking()[1][1])
    code = answered(world.provider.authorize(request, ACCOUNT, SUBJECT, SIGN_IN, now=NOW))["code"]
    assert world.userinfo(world.exchange(code)["access_token"])["email"] == "ines@univ-exemple.fr"


def test_it_is_used_once(world: World) -> None:
    answer = push(world)
    world.provider.read_authorization_request(referring(answer), now=NOW)
    assert page(world, referring(answer)).reason == "oauth.invalid_request_uri"


def test_it_expires(world: World) -> None:
    assert page(world, referring(push(world)), NOW + LIFETIME).reason == "oauth.invalid_request_uri"
    world.provider.read_authorization_request(referring(push(world)), now=NOW + LIFETIME - timedelta(seconds=1))


def test_another_client_can_neither_use_it_nor_use_it_up(world: World) -> None:
    answer = push(world)
    assert page(world, referring(answer, "library")).reason == "oauth.invalid_request_uri"
    assert page(world, referring(answer, "unknown")).reason == "oauth.unknown_client"
    world.provider.read_authorization_request(referring(answer), now=NOW)


def test_of_sixteen_uses_at_once_over_two_workers_one_wins(world: World, another_worker: World) -> None:
    pairs = referring(push(world))

    def use(number: int) -> bool:
        worker = (world, another_worker)[number % 2]
        try:
            return worker.provider.read_authorization_request(pairs, now=NOW).client_id == "portail"
        except Refusal:
            return False

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(use, range(16))) == 1


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"response_type": "device"}, "unsupported_response_type"),
        ({"scope": "email"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"client_secret": "twice"}, "invalid_request"),
        ({"client_id": "library"}, "invalid_request"),
        ({"state": "s" * 40_000}, "invalid_request"),
    ],
)
def test_every_check_of_the_authorization_endpoint_is_made_already(
    world: World, changes: dict[str, Any], error: str
) -> None:
    assert refused(world, asking(**changes)).error == error


def test_a_request_is_no_larger_than_one_in_an_address_whatever_nobody_reads_of_it(
    world: World, database: Database
) -> None:
    error = refused(world, [*asking(), ("of_an_extension", "x" * 40_000)])
    assert (error.error, error.status) == ("invalid_request", 413)
    assert list(database.collection("pushed_requests").find()) == []


def test_parameters_stand_once(world: World) -> None:
    assert refused(world, [*asking(), ("scope", "openid")]).error == "invalid_request"


def test_the_client_proves_who_it_is(world: World) -> None:
    error = refused(world, asking(), basic(secret="wrong"))
    assert (error.error, error.status) == ("invalid_client", 401)


def test_nothing_that_authenticates_is_kept(world: World, database: Database) -> None:
    form = [*asking(LIBRARY), ("client_secret", OTHER_SECRET)]
    answer = world.provider.pushing.answer(form, None, now=NOW)
    (kept,) = database.collection("pushed_requests").find()
    assert OTHER_SECRET not in str(kept)
    assert answer["request_uri"].rpartition(":")[2] not in str(kept)


def test_a_client_that_must_push_cannot_ask_in_the_address(world: World) -> None:
    world.clients["portail"] = replace(PORTAL, require_pushed_authorization_requests=True)
    with pytest.raises(AuthorizationError) as caught:
        world.read()
    assert caught.value.error == "invalid_request"
    world.provider.read_authorization_request(referring(push(world)), now=NOW)


def test_the_checks_are_made_again_when_the_browser_comes(world: World) -> None:
    answer = push(world)
    world.clients["portail"] = replace(PORTAL, redirect_uris=("https://portail.example/other",))
    assert page(world, referring(answer)).reason == "oauth.invalid_redirect_uri"


def test_it_is_announced(reader: World) -> None:
    assert reader.provider.discovery()["pushed_authorization_request_endpoint"].endswith("/par")


def pushed_with_proof(world: World, *proofs: str, **changes: Any) -> str:
    answer = world.provider.pushing.answer(asking(**changes), basic(), proofs, now=NOW)
    request = world.provider.read_authorization_request(referring(answer), now=NOW)
    return answered(world.provider.authorize(request, ACCOUNT, SUBJECT, SIGN_IN, now=NOW))["code"]


def test_a_proof_at_the_push_binds_the_code_to_its_key(world: World) -> None:
    code = pushed_with_proof(world, proof(PAR))
    with pytest.raises(ProtocolError):
        exchange(world, code)
    assert exchange(world, pushed_with_proof(world, proof(PAR)), proof())["token_type"] == "DPoP"


def test_a_proof_at_the_push_agrees_with_what_the_request_says(world: World) -> None:
    pushed_with_proof(world, proof(PAR), dpop_jkt=JKT)
    other = "x" * 43
    for proofs, changes in (([proof(PAR)], {"dpop_jkt": other}), ([proof()], {}), ([proof(PAR), proof(PAR)], {})):
        with pytest.raises(ProtocolError) as caught:
            pushed_with_proof(world, *proofs, **changes)
        assert caught.value.error == "invalid_dpop_proof"
