"""The checks of the authorization endpoint, before anybody signs in."""

from dataclasses import replace
from typing import Any

import pytest

from idp.domain.authorization import begins_at_university
from idp.domain.errors import AuthorizationError, Refusal
from idp.domain.sessions import ACR_BASIC, ACR_UNIVERSITY
from tests.openid.world import ALL_SCOPES, APP, CALLBACK, CHALLENGE, LIBRARY, NOW, PORTAL, World, answered, asking


def error_of(world: World, pairs: list[tuple[str, str]]) -> AuthorizationError:
    with pytest.raises(AuthorizationError) as caught:
        world.provider.read_authorization_request(pairs, now=NOW)
    return caught.value


def page_of(world: World, pairs: list[tuple[str, str]]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        world.provider.read_authorization_request(pairs, now=NOW)
    assert not isinstance(caught.value, AuthorizationError)
    assert caught.value.status == 400
    return caught.value


def test_a_good_request_is_read_whole(reader: World) -> None:
    request = reader.read(
        prompt="login consent", max_age="60", acr_values="a b", login_hint="ines@univ-exemple.fr", ui_locales="fr-FR en"
    )
    assert (request.client_id, request.redirect_uri, request.scope) == ("portail", CALLBACK, ALL_SCOPES)
    assert (request.state, request.nonce, request.code_challenge) == ("state-1", "nonce-1", CHALLENGE)
    assert (request.prompt, request.max_age, request.acr_values) == (("login", "consent"), 60, ("a", "b"))
    assert (request.login_hint, request.ui_locales) == ("ines@univ-exemple.fr", ("fr-FR", "en"))


def test_o_33_an_unknown_or_missing_client_gets_a_page(reader: World) -> None:
    assert page_of(reader, asking(client_id="<script>")).reason == "oauth.unknown_client"
    assert page_of(reader, asking(client_id=None)).reason == "oauth.unknown_client"


@pytest.mark.parametrize(
    "uri",
    [
        None,
        "",
        "https://evil.example/callback",
        "https://portail.example/callback/",
        "https://portail.example/callback/../evil",
        "https://portail.example/callback?x=1",
        "https://portail.example/callback#f",
        "https://portail.example/callback%2f",
        "https://portail.example/Callback",
        "https://PORTAIL.example/callback",
        "https://portail.example:443/callback",
        "https://portail.example.evil.example/callback",
        "https://portail.example@evil.example/callback",
        "https://evil.example\\@portail.example/callback",
        "http://portail.example/callback",
        "//portail.example/callback",
        "/callback",
        "https://portail.example/callback\r\nLocation: https://evil.example",
        " https://portail.example/callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://localhost/callback",
        "https://portail.example/callback\0",
    ],
)
def test_o_33_a_redirect_uri_that_is_not_the_registered_one_gets_a_page(reader: World, uri: str | None) -> None:
    assert page_of(reader, asking(redirect_uri=uri)).reason == "oauth.invalid_redirect_uri"


@pytest.mark.parametrize("query", ["", "?", "?from=other", "?from=idp&x=1", "?x=1&from=idp", "?from=idp&from=idp"])
def test_o_33_the_query_of_a_redirect_uri_is_the_registered_one(reader: World, query: str) -> None:
    """OP-redirect_uri-Query-Added and OP-redirect_uri-Query-Mismatch."""
    registered = LIBRARY.redirect_uris[0]
    assert registered.endswith("?from=idp")
    assert reader.read(LIBRARY).redirect_uri == registered
    changed = registered.partition("?")[0] + query
    assert page_of(reader, asking(LIBRARY, redirect_uri=changed)).reason == "oauth.invalid_redirect_uri"


def test_o_33_two_redirect_uris_or_two_clients_get_a_page(reader: World) -> None:
    assert page_of(reader, [*asking(), ("redirect_uri", CALLBACK)]).reason == "oauth.repeated_parameter"
    assert page_of(reader, [("client_id", "library"), *asking()]).reason == "oauth.repeated_parameter"


def test_pyop_fault_open_redirect_syntax_errors_never_travel_to_an_unchecked_address(reader: World) -> None:
    page_of(reader, asking(redirect_uri="https://evil.example/", response_type=None, scope=None))
    page_of(reader, asking(redirect_uri="https://evil.example/", max_age="abc", claims="{", prompt="none login"))


@pytest.mark.parametrize("port", ["", ":49152", ":5"])
def test_a_native_client_may_choose_its_loopback_port(reader: World, port: str) -> None:
    uri = f"http://127.0.0.1{port}/cb"
    assert reader.read(APP, redirect_uri=uri).redirect_uri == uri
    assert reader.read(APP, redirect_uri=f"http://[::1]{port}/cb")


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:1/other",
        "http://127.0.0.1:65536/cb",
        "http://[::1]:99999/cb",
        "http://127.0.0.1:1@evil.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "https://127.0.0.1:1/cb",
        "http://localhost:1/cb",
        "http://127.0.0.1:1/cb#f",
    ],
)
def test_o_33_a_native_client_may_choose_nothing_but_the_port(reader: World, uri: str) -> None:
    page_of(reader, asking(APP, redirect_uri=uri))


def test_o_33_a_client_with_a_secret_may_not_choose_the_port(reader: World) -> None:
    reader.clients["portail"] = replace(PORTAL, redirect_uris=("http://127.0.0.1/cb",))
    page_of(reader, asking(redirect_uri="http://127.0.0.1:8080/cb"))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": "none"}, "unsupported_response_type"),
        ({"response_mode": "web_message"}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"request_uri": "https://evil.example/x"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "email"}, "invalid_scope"),
        ({"scope": "OPENID"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "surprise"}, "invalid_request"),
        ({"max_age": "abc"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1.5"}, "invalid_request"),
        ({"max_age": "²"}, "invalid_request"),
        ({"max_age": "9" * 400}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"),
        ({"claims": "[]"}, "invalid_request"),
        ({"claims": "[" * 5000}, "invalid_request"),
        ({"claims": '{"id_token": [1]}'}, "invalid_request"),
        ({"claims": '{"userinfo": {"email": "yes"}}'}, "invalid_request"),
        ({"claims": '{"userinfo": {"email": {"essential": "yes"}}}'}, "invalid_request"),
        ({"claims": '{"userinfo": {"email": {"value": {"$ne": 1}}}}'}, "invalid_request"),
        ({"claims": '{"userinfo": {"email": {"value": 1e999}}}'}, "invalid_request"),
        ({"claims": '{"userinfo": {"email": {"value": NaN}}}'}, "invalid_request"),
        ({"claims": '{"userinfo": {"email": {"value": "\\ud800"}}}'}, "invalid_request"),
        ({"claims": '{"userinfo": {"email": {"value": ' + "9" * 6000 + "}}}"}, "invalid_request"),
        ({"id_token_hint": "junk"}, "invalid_request"),
        ({"nonce": "n" * 2000}, "invalid_request"),
    ],
)
def test_o_38_pyop_fault_an_odd_request_is_answered_at_the_redirect_uri(
    reader: World, changes: dict[str, Any], error: str
) -> None:
    caught = error_of(reader, asking(**changes))
    assert caught.error == error
    assert caught.redirect_uri == CALLBACK
    answer = answered(reader.provider.error_response(caught))
    assert answer["state"] == "state-1"
    assert answer["iss"] == reader.provider.discovery()["issuer"]


def test_pyop_fault_duplicate_parameters_are_an_error_without_a_guessed_state(reader: World) -> None:
    assert error_of(reader, [*asking(), ("nonce", "2")]).error == "invalid_request"
    twice = error_of(reader, [*asking(), ("state", "2")])
    assert twice.state is None


@pytest.mark.parametrize(
    ("challenge", "method"),
    [
        (CHALLENGE, "plain"),
        (CHALLENGE, None),
        (CHALLENGE, "s256"),
        (None, "S256"),
        ("short", "S256"),
        ("é" * 43, "S256"),
        (CHALLENGE + "=", "S256"),
        ("x" * 200, "S256"),
    ],
)
def test_o_37_pyop_fault_plain_or_broken_challenges_are_refused(
    reader: World, challenge: str | None, method: str | None
) -> None:
    for client in (PORTAL, LIBRARY):
        pairs = asking(client, code_challenge=challenge, code_challenge_method=method)
        assert error_of(reader, pairs).error == "invalid_request"


def test_o_37_pyop_fault_pkce_is_required_of_public_clients_and_by_default(reader: World) -> None:
    without: dict[str, Any] = {"code_challenge": None, "code_challenge_method": None}
    for client in (PORTAL, APP):
        assert error_of(reader, asking(client, **without)).error == "invalid_request"
    reader.clients["app"] = replace(APP, require_pkce=False)
    assert error_of(reader, asking(APP, **without)).error == "invalid_request"
    assert reader.read(LIBRARY, **without).code_challenge is None


def test_pyop_fault_unknown_scopes_and_those_of_other_clients_are_left_out(reader: World) -> None:
    assert reader.read(scope="openid admin email  email").scope == ("openid", "email")
    assert reader.read(LIBRARY, scope="openid email profile").scope == ("openid", "email")


def test_offline_access_needs_the_refresh_grant(reader: World) -> None:
    reader.clients["portail"] = replace(PORTAL, grant_types=("authorization_code",))
    assert "offline_access" not in reader.read().scope


def test_o_44_claims_are_kept_only_as_far_as_the_client_may_have_them(reader: World) -> None:
    request = reader.read(
        LIBRARY,
        claims='{"userinfo": {"email": {"essential": true, "x": 1}, "supann_etu_id": null, "$where": null},'
        ' "id_token": {"acr": {"values": ["a", "b"]}, "password_hash": null}, "other": 7}',
    )
    assert request.claims == {"userinfo": {"email": {"essential": True}}, "id_token": {"acr": {"values": ["a", "b"]}}}


def test_the_clients_default_max_age_counts_where_the_request_names_none(reader: World) -> None:
    reader.clients["portail"] = replace(PORTAL, default_max_age=600)
    assert reader.read().max_age == 600
    assert reader.read(max_age="0").max_age == 0


def test_the_clients_default_acr_values_count_where_the_request_names_no_class(reader: World) -> None:
    reader.clients["portail"] = replace(PORTAL, default_acr_values=(ACR_UNIVERSITY,))
    assert reader.read().acr_values == (ACR_UNIVERSITY,)
    assert begins_at_university(reader.read())
    assert reader.read(acr_values=ACR_BASIC).acr_values == (ACR_BASIC,)
    for wish in (f'{{"value": "{ACR_BASIC}"}}', "null"):
        request = reader.read(claims=f'{{"id_token": {{"acr": {wish}}}}}')
        assert request.acr_values == ()
        assert not begins_at_university(request)


def test_odd_hints_are_left_out_and_never_an_error(reader: World) -> None:
    request = reader.read(login_hint="x" * 5000, ui_locales="fr <b> " + "x" * 300, acr_values=" ", display="tv")
    assert (request.login_hint, request.ui_locales, request.acr_values) == (None, ("fr",), ())


@pytest.mark.parametrize(
    "more", [{"extra": "foobar"}, {"claims_locales": "se fr"}, {"display": "page"}, {"display": "popup"}], ids=str
)
def test_what_is_not_understood_changes_nothing(reader: World, more: dict[str, str]) -> None:
    """OpenID Connect Core section 3.1.2.1; OP-Req-NotUnderstood, OP-Req-claims_locales, OP-display-*."""
    plain = reader.read()
    assert replace(reader.read(**more), parameters=plain.parameters) == plain


@pytest.mark.parametrize(("name", "longest"), [("state", 8192), ("nonce", 1024)])
def test_what_comes_back_in_addresses_and_tokens_is_as_long_as_fits_there(
    reader: World, name: str, longest: int
) -> None:
    assert getattr(reader.read(**{name: "x" * longest}), name) == "x" * longest
    assert error_of(reader, asking(**{name: "x" * (longest + 1)})).error == "invalid_request"


def test_a_hint_is_as_long_as_an_address_may_be_and_of_a_list_twenty_values_count(reader: World) -> None:
    address = "x" * 308 + "@exemple.fr."
    assert reader.read(login_hint=address).login_hint == address
    assert reader.read(login_hint=f"x{address}").login_hint is None
    many = [f"x{number}" for number in range(21)]
    request = reader.read(acr_values=" ".join(many), ui_locales=" ".join(f"fr-{value}" for value in many))
    assert request.acr_values == tuple(many[:20])
    assert request.ui_locales == tuple(f"fr-{value}" for value in many[:20])


def test_of_two_states_beside_a_broken_request_object_neither_is_the_client_s(reader: World) -> None:
    pairs = [*asking(), ("request", "junk")]
    assert error_of(reader, pairs).state == "state-1"
    assert error_of(reader, [*pairs, ("state", "state-2")]).state is None


def test_a_request_beyond_every_measure_gets_a_page(reader: World) -> None:
    assert page_of(reader, asking(state="s" * 40_000)).reason == "oauth.request_too_large"
    many = [(f"p{number}", "x") for number in range(50_000)]
    assert page_of(reader, [*asking(), *many]).reason == "oauth.request_too_large"
    assert page_of(reader, asking(state="\ud800")).reason == "oauth.request_too_large"


def test_an_id_token_hint_names_the_person_even_when_expired(world: World) -> None:
    hint = world.tokens()["id_token"]
    assert world.read(id_token_hint=hint).id_token_hint_subject == "subject-of-ines"
    assert "id_token_hint" not in world.read(id_token_hint=hint).parameters


def test_an_id_token_hint_of_another_client_is_refused(world: World) -> None:
    hint = world.tokens()["id_token"]
    pairs = asking(LIBRARY, id_token_hint=hint)
    assert error_of(world, pairs).error == "invalid_request"


def test_o_39_error_addresses_keep_the_query_of_the_redirect_uri(reader: World) -> None:
    caught = error_of(reader, asking(LIBRARY, response_type="token", state="a&b=c\r\nX: é"))
    response = reader.provider.error_response(caught)
    url = response.location
    assert url.startswith("https://library.example/cb?from=idp#error=")
    assert "\r" not in url
    assert answered(response)["state"] == "a&b=c\r\nX: é"
