"""Tokens in the answer of the authorization endpoint: off by default, right where switched on (Core 3.2 and 3.3)."""

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from idp.domain.errors import AuthorizationError, ProtocolError
from idp.openid.keys import KeyStore
from idp.storage.database import Database
from tests.openid.test_revocation import introspect
from tests.openid.world import (
    ACCOUNT,
    CALLBACK,
    ISSUER,
    NOW,
    PORTAL,
    SIGN_IN,
    SUBJECT,
    World,
    answered,
    basic,
    build,
)

ALL = ("code", "id_token", "id_token token", "code id_token", "code token", "code id_token token")
HYBRID = replace(
    PORTAL,
    client_id="hybrid",
    client_secrets=PORTAL.client_secrets,
    response_types=ALL,
    grant_types=("authorization_code", "implicit", "refresh_token"),
)
WITH_TOKENS = [response_type for response_type in ALL if response_type != "code"]
each = pytest.mark.parametrize("response_type", WITH_TOKENS)


@pytest.fixture
def open_world(keys: KeyStore, database: Database) -> World:
    """A provider with the implicit and hybrid flows switched on, and a client that may use them all."""
    world = build(keys, database, implicit=True)
    world.clients["hybrid"] = HYBRID
    return world


def answer(world: World, **changes: str | None) -> dict[str, str]:
    request = world.read(HYBRID, **changes)
    response = world.provider.authorize(request, ACCOUNT, SUBJECT, SIGN_IN, now=NOW)
    assert response.fields or response.location.startswith(CALLBACK + "#")
    return answered(response)


def half(value: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(value.encode()).digest()[:16]).rstrip(b"=").decode()


def error(world: World, **changes: str | None) -> AuthorizationError:
    with pytest.raises(AuthorizationError) as caught:
        world.read(HYBRID, **changes)
    return caught.value


@each
def test_o_38_they_are_refused_while_switched_off_whatever_the_client_says(reader: World, response_type: str) -> None:
    reader.clients["hybrid"] = HYBRID
    caught = error(reader, response_type=response_type)
    assert (caught.error, caught.response_mode) == ("unsupported_response_type", "fragment")
    assert reader.provider.discovery()["response_types_supported"] == ["code"]
    assert "implicit" not in reader.provider.discovery()["grant_types_supported"]


@each
def test_they_are_for_clients_that_registered_them_alone(open_world: World, response_type: str) -> None:
    open_world.clients["hybrid"] = replace(HYBRID, response_types=("code",))
    assert error(open_world, response_type=response_type).error == "unauthorized_client"


def test_they_are_announced_where_switched_on(open_world: World) -> None:
    assert open_world.provider.discovery()["response_types_supported"] == list(ALL)
    assert "implicit" in open_world.provider.discovery()["grant_types_supported"]


@each
def test_each_gives_what_its_name_says(open_world: World, response_type: str) -> None:
    got = answer(open_world, response_type=response_type)
    words = response_type.split(" ")
    assert ("code" in got, "id_token" in got, "access_token" in got) == (
        "code" in words,
        "id_token" in words,
        "token" in words,
    )
    assert (got["state"], got["iss"]) == ("state-1", ISSUER)
    if "token" in words:
        assert (got["token_type"], got["expires_in"]) == ("Bearer", "3600")
        assert open_world.userinfo(got["access_token"])["sub"] == SUBJECT


@each
def test_the_id_token_ties_code_and_token_to_it(open_world: World, response_type: str) -> None:
    got = answer(open_world, response_type=response_type)
    if "id_token" not in got:
        return
    claims = open_world.id_token(got["id_token"])
    assert (claims["sub"], claims["aud"], claims["nonce"]) == (SUBJECT, "hybrid", "nonce-1")
    assert (claims["auth_time"], claims["sid"]) == (int(SIGN_IN.at.timestamp()), SIGN_IN.sid)
    assert claims.get("c_hash") == (half(got["code"]) if "code" in got else None)
    assert claims.get("at_hash") == (half(got["access_token"]) if "access_token" in got else None)


@pytest.mark.parametrize("response_type", ALL)
def test_the_answer_keeps_the_query_of_the_redirect_uri(open_world: World, response_type: str) -> None:
    """RFC 6749 section 3.1.2; OP-redirect_uri-Query-OK."""
    asked = f"{CALLBACK}?foo=bar"
    open_world.clients["hybrid"] = client = replace(HYBRID, redirect_uris=(asked,))
    request = open_world.read(client, response_type=response_type)
    location = open_world.provider.authorize(request, ACCOUNT, SUBJECT, SIGN_IN, now=NOW).location
    assert location.startswith(f"{asked}&code=" if response_type == "code" else f"{asked}#")


def test_the_order_of_the_words_means_nothing(open_world: World) -> None:
    assert {"code", "id_token"} <= set(answer(open_world, response_type="id_token code"))


@pytest.mark.parametrize("response_type", ["id_token id_token", "token", "code code", "none", "code  token"])
def test_o_38_other_words_are_refused(open_world: World, response_type: str) -> None:
    assert error(open_world, response_type=response_type).error == "unsupported_response_type"


@each
def test_tokens_never_stand_in_a_query(open_world: World, response_type: str) -> None:
    caught = error(open_world, response_type=response_type, response_mode="query")
    assert (caught.error, caught.response_mode) == ("invalid_request", "fragment")
    assert "id_token" in answer(open_world, response_type="id_token", response_mode="form_post")


@each
def test_an_id_token_in_the_answer_needs_a_nonce(open_world: World, response_type: str) -> None:
    if "id_token" in response_type:
        assert error(open_world, response_type=response_type, nonce=None).error == "invalid_request"
    else:
        assert open_world.read(HYBRID, response_type=response_type, nonce=None)


def test_without_a_token_the_scope_s_claims_stand_in_the_id_token(open_world: World) -> None:
    alone = open_world.id_token(answer(open_world, response_type="id_token", scope="openid email")["id_token"])
    assert alone["email"] == "ines@univ-exemple.fr"
    assert "name" not in alone
    beside = open_world.id_token(answer(open_world, response_type="code id_token", scope="openid email")["id_token"])
    assert "email" not in beside


def test_claims_asked_for_stand_in_the_id_token_of_the_answer(open_world: World) -> None:
    got = answer(open_world, response_type="code id_token", claims='{"id_token": {"email": null}}')
    assert open_world.id_token(got["id_token"])["email"] == "ines@univ-exemple.fr"


def test_pkce_is_asked_for_where_there_is_a_code_alone(open_world: World) -> None:
    without = {"code_challenge": None, "code_challenge_method": None}
    assert open_world.read(HYBRID, response_type="id_token token", **without)
    assert error(open_world, response_type="code id_token", **without).error == "invalid_request"


def test_offline_access_needs_a_code(open_world: World) -> None:
    assert "offline_access" not in open_world.read(HYBRID, response_type="id_token token").scope
    assert "offline_access" in open_world.read(HYBRID, response_type="code token").scope


def exchanged(world: World, code: str) -> dict[str, str]:
    return world.exchange(code, basic("hybrid"))


def test_o_34_code_and_token_of_one_answer_are_one_family(open_world: World) -> None:
    got = answer(open_world, response_type="code id_token token")
    second = exchanged(open_world, got["code"])
    assert open_world.id_token(second["id_token"])["sub"] == SUBJECT
    for token in (got["access_token"], second["access_token"]):
        assert open_world.userinfo(token)["sub"] == SUBJECT
    with pytest.raises(ProtocolError):
        exchanged(open_world, got["code"])
    for token in (got["access_token"], second["access_token"]):
        with pytest.raises(ProtocolError):
            open_world.userinfo(token)


def test_o_36_sixteen_exchanges_of_a_hybrid_code_have_one_winner(open_world: World) -> None:
    code = answer(open_world, response_type="code token")["code"]

    def attempt(_: int) -> bool:
        try:
            return bool(exchanged(open_world, code))
        except ProtocolError:
            return False

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(attempt, range(16))) <= 1


def test_the_token_of_the_answer_ends_like_every_other(open_world: World) -> None:
    token = answer(open_world, response_type="id_token token")["access_token"]
    with pytest.raises(ProtocolError):
        open_world.userinfo(token, now=NOW + timedelta(hours=1))
    open_world.grants.revoke_session(SIGN_IN.sid)
    with pytest.raises(ProtocolError):
        open_world.userinfo(token)


def test_the_token_of_the_answer_tells_what_it_is_good_for(open_world: World) -> None:
    """RFC 6749 section 4.2.2: the scope may be less than was asked for."""
    got = answer(open_world, response_type="id_token token", scope="openid email unknown")
    assert got["scope"] == "openid email"
    assert "scope" not in answer(open_world, response_type="code id_token", scope="openid email")


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_the_token_of_the_answer_is_for_the_resources_asked_for(open_world: World, token_format: str) -> None:
    """RFC 8707 section 2.1, RFC 9068: like the one of the token endpoint."""
    api = "https://api.example/"
    open_world.clients["hybrid"] = replace(HYBRID, resources=(api,), access_token_format=token_format)
    request = open_world.read(HYBRID, response_type="code token", resource=api)
    token = answered(open_world.provider.authorize(request, ACCOUNT, SUBJECT, SIGN_IN, now=NOW))["access_token"]
    assert introspect(open_world, token, basic("hybrid"))["aud"] == api
    assert token.count(".") == (2 if token_format == "jwt" else 0)
    open_world.clients["hybrid"] = HYBRID
    with pytest.raises(AuthorizationError, match="invalid_target"):
        open_world.provider.authorize(request, ACCOUNT, SUBJECT, SIGN_IN, now=NOW)


def test_a_closed_account_gets_an_error_and_no_token(open_world: World) -> None:
    request = open_world.read(HYBRID, response_type="id_token")
    del open_world.accounts[ACCOUNT]
    with pytest.raises(AuthorizationError) as caught:
        open_world.provider.authorize(request, ACCOUNT, SUBJECT, SIGN_IN, now=NOW)
    assert caught.value.error == "access_denied"
