"""How answers and errors travel: in the query, in the fragment, posted by the browser."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from idp.domain.authorization import AuthorizationResponse
from idp.domain.errors import AuthorizationError
from tests.openid.world import (
    ACCOUNT,
    APP,
    CALLBACK,
    ISSUER,
    LIBRARY,
    NOW,
    SIGN_IN,
    SUBJECT,
    World,
    answered,
    asking,
    query_of,
)


def answer(world: World, **changes: str | None) -> AuthorizationResponse:
    return world.provider.authorize(world.read(**changes), ACCOUNT, SUBJECT, SIGN_IN, now=NOW)


def error(world: World, **changes: str | None) -> AuthorizationError:
    with pytest.raises(AuthorizationError) as caught:
        world.read(**changes)
    return caught.value


def test_the_code_stands_in_the_query_unless_asked_otherwise(world: World) -> None:
    for mode in (None, "query"):
        response = answer(world, response_mode=mode)
        assert set(query_of(response.location)) == {"code", "state", "iss"}
        assert response.fields == ()


def test_the_code_stands_in_the_fragment_alone_where_asked(world: World) -> None:
    parts = urlsplit(answer(world, response_mode="fragment").location)
    assert set(dict(parse_qsl(parts.fragment, strict_parsing=True))) == {"code", "state", "iss"}
    assert parts.query == ""


def test_the_code_is_posted_to_the_bare_address_where_asked(world: World) -> None:
    response = answer(world, response_mode="form_post", state="é\r\n&=<>")
    assert response.location == CALLBACK
    fields = dict(response.fields)
    assert (fields["state"], fields["iss"]) == ("é\r\n&=<>", ISSUER)
    assert world.exchange(fields["code"])["id_token"]


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post"])
def test_o_39_an_error_travels_as_asked_with_state_and_iss(reader: World, mode: str) -> None:
    caught = error(reader, response_mode=mode, scope="email")
    response = reader.provider.error_response(caught)
    assert answered(response) == {
        "error": "invalid_scope",
        "error_description": caught.description,
        "state": "state-1",
        "iss": ISSUER,
    }
    assert bool(response.fields) == (mode == "form_post")
    assert ("#" in response.location) == (mode == "fragment")


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post"])
def test_an_error_told_later_travels_as_the_request_asked(reader: World, mode: str) -> None:
    request = reader.read(response_mode=mode)
    assert reader.provider.error(request, "access_denied", "No").response_mode == mode


@pytest.mark.parametrize("mode", ["web_message", "jwt", "QUERY", "query fragment"])
def test_o_38_an_unknown_mode_is_an_error_in_the_default_one(reader: World, mode: str) -> None:
    caught = error(reader, response_mode=mode)
    assert (caught.error, caught.response_mode) == ("invalid_request", "query")


def test_o_38_a_mode_given_twice_is_not_followed(reader: World) -> None:
    with pytest.raises(AuthorizationError) as caught:
        reader.provider.read_authorization_request(
            [*asking(response_mode="fragment"), ("response_mode", "form_post")], now=NOW
        )
    assert caught.value.response_mode == "query"


def test_nothing_is_posted_to_an_application_s_own_scheme(reader: World) -> None:
    with pytest.raises(AuthorizationError):
        reader.read(APP, redirect_uri="org.example.app:/cb", response_mode="form_post")
    assert reader.read(APP, redirect_uri="http://127.0.0.1:9/cb", response_mode="form_post")


def test_a_fragment_keeps_the_query_that_the_address_has(world: World) -> None:
    request = world.read(LIBRARY, response_mode="fragment")
    location = world.provider.authorize(request, ACCOUNT, SUBJECT, SIGN_IN, now=NOW).location
    assert location.startswith("https://library.example/cb?from=idp#code=")


def test_the_modes_are_announced(reader: World) -> None:
    assert reader.provider.discovery()["response_modes_supported"] == ["query", "fragment", "form_post"]
