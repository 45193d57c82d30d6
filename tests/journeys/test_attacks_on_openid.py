"""Attacks on the OpenID Connect endpoints (O-32 to O-47), over HTTP and with two workers."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.audit_trail import audit_trail
from tests.journeys import steps
from tests.journeys.conftest import System
from tests.journeys.relying_party import Answer, RelyingParty
from tests.journeys.walker import Walker

BERENICE = "berenice.despres@univ-exemple.fr"
INES = "ines.cote@univ-rivemarine.fr"
VERIFIER = "v" * 43


@pytest.fixture(scope="module")
def person(system: System) -> Walker:
    """A browser that is signed in at the provider."""
    walker = Walker()
    steps.enrol(walker, system, BERENICE)
    return walker


@pytest.fixture
def client(system: System) -> RelyingParty:
    return RelyingParty(system)


def is_error(response: requests.Response, error: str, status: int = 400) -> bool:
    return response.status_code == status and response.json()["error"] == error


def test_o_32_a_good_code_flow_gives_the_right_claims(system: System, person: Walker, client: RelyingParty) -> None:
    code, verifier = client.sign_in(person)
    response = client.exchange(code, verifier)
    assert response.status_code == 200
    tokens = response.json()
    keys = KeySet.import_key_set(requests.get(client.discovery["jwks_uri"], timeout=10).json())
    claims = jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims
    assert claims["iss"] == client.discovery["issuer"]
    assert claims["aud"] in (client.client_id, [client.client_id])
    assert claims["nonce"] == "n-1"
    assert claims["amr"]
    assert claims["auth_time"] <= claims["iat"]
    userinfo = client.userinfo(tokens["access_token"]).json()
    assert userinfo["sub"] == claims["sub"]
    assert userinfo["email"] == BERENICE
    assert userinfo["email_verified"] is True


def variants(redirect_uri: str) -> list[str]:
    host = redirect_uri.split("/")[2]
    return [
        redirect_uri + "/",
        redirect_uri + "?x=1",
        redirect_uri + "#x",
        redirect_uri + "/../evil",
        redirect_uri + "%2f..%2fevil",
        redirect_uri.upper(),
        redirect_uri.replace("http://", "https://"),
        redirect_uri.replace("http://", "HTTP://"),
        redirect_uri.replace("localhost", "127.0.0.1"),
        redirect_uri.replace("localhost", "localhost.evil.example"),
        redirect_uri.replace("localhost", "evil.example"),
        redirect_uri.replace("http://", "http://user@"),
        redirect_uri.replace(host, f"{host}@evil.example"),
        redirect_uri.replace(host, f"evil.example#{host}"),
        redirect_uri.replace("/callback", "//callback"),
        redirect_uri.replace("/callback", "/callback/.."),
        redirect_uri.replace("/callback", "/./callback"),
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example/callback",
        "https://evil.example/callback",
        " " + redirect_uri,
        redirect_uri + "\r\nX: y",
        "",
    ]


@pytest.mark.parametrize("number", range(24))
def test_o_33_only_the_exact_redirect_uri_gets_an_answer(person: Walker, client: RelyingParty, number: int) -> None:
    answer = client.authorize(person, client.request(VERIFIER, redirect_uri=variants(client.redirect_uri)[number]))
    assert answer.status == 400
    assert answer.location == ""
    assert 'data-step="error"' in answer.text


def test_o_33_two_or_no_redirect_uris_and_unknown_clients_stay_on_a_page(
    system: System, person: Walker, client: RelyingParty
) -> None:
    doubled = [*client.request(VERIFIER).items(), ("redirect_uri", "https://evil.example/")]
    for parameters in (
        doubled,
        client.request(VERIFIER, redirect_uri=None),
        client.request(VERIFIER, client_id="unknown"),
        client.request(VERIFIER, client_id=None),
        {},
    ):
        answer = client.authorize(person, parameters)
        assert (answer.status, answer.location) == (400, "")
        assert "request.refused" in audited(system, answer)


def audited(system: System, answer: Answer) -> list[str]:
    """The events under the reference that the page shows."""
    shown = re.search('data-reference="([^"]+)"', answer.text)
    assert shown, answer.text
    return [event.event for event in audit_trail(system.stored).events(references=(shown[1],))]


def test_o_34_a_code_used_twice_kills_what_the_first_use_gave(person: Walker, client: RelyingParty) -> None:
    code, verifier = client.sign_in(person)
    tokens = client.exchange(code, verifier).json()
    assert client.userinfo(tokens["access_token"]).status_code == 200
    assert is_error(client.exchange(code, verifier), "invalid_grant")
    assert client.userinfo(tokens["access_token"]).status_code == 401


def test_o_35_codes_of_others_and_junk_are_invalid_grants(system: System, person: Walker, client: RelyingParty) -> None:
    code, verifier = client.sign_in(person)
    other = RelyingParty(system, 1)
    assert is_error(other.exchange(code, verifier, redirect_uri=client.redirect_uri), "invalid_grant")
    assert is_error(client.exchange(code, verifier, redirect_uri="https://evil.example/"), "invalid_grant")
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
    assert client.token(form).json()["error"] in ("invalid_grant", "invalid_request")
    for junk in ("x", "x" * 100_000, "' || 1==1", '{"$ne": null}', "\x00", "é" * 10):
        response = client.exchange(junk, verifier)
        assert response.status_code in (400, 413)
    # None of it used the code up.
    assert client.exchange(code, verifier).status_code == 200


def test_o_36_of_16_parallel_exchanges_over_two_workers_one_wins(person: Walker, client: RelyingParty) -> None:
    code, verifier = client.sign_in(person)
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: client.exchange(code, verifier).status_code, range(16)))
    assert sorted(statuses) == [200] + [400] * 15


@pytest.mark.parametrize("verifier", [None, "", "w" * 43, "v" * 42, "v" * 129, "é" * 43, "v" * 42 + " "])
def test_o_37_a_wrong_verifier_gets_nothing(person: Walker, client: RelyingParty, verifier: str | None) -> None:
    answer = client.authorize(person, client.request(VERIFIER))
    form = {
        "grant_type": "authorization_code",
        "code": answer.parameters["code"],
        "redirect_uri": client.redirect_uri,
    } | ({} if verifier is None else {"code_verifier": verifier})
    response = client.token(form)
    assert response.status_code == 400
    assert response.json()["error"] in ("invalid_grant", "invalid_request")


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge": "short"},
        {"code_challenge_method": "S512"},
    ],
)
def test_o_37_pkce_s256_is_required(person: Walker, client: RelyingParty, changes: dict[str, str | None]) -> None:
    answer = client.authorize(person, client.request(VERIFIER, **changes))
    assert answer.parameters["error"] == "invalid_request"
    assert answer.parameters["state"] == "un état"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"max_age": "abc"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "9" * 400}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"),
        ({"claims": "[]"}, "invalid_request"),
        ({"claims": "[" * 2000}, "invalid_request"),
        ({"request": "x.y.z"}, "request_not_supported"),
        ({"request_uri": "https://evil.example/r"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "odd"}, "invalid_request"),
        ({"response_mode": "odd"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"id_token_hint": "junk"}, "invalid_request"),
    ],
)
def test_o_38_odd_requests_get_the_specification_s_error(
    person: Walker, client: RelyingParty, changes: dict[str, str | None], error: str
) -> None:
    answer = client.authorize(person, client.request(VERIFIER, **changes))
    # What would have brought tokens is refused where they would have stood.
    mark = "#" if "token" in (changes.get("response_type") or "") else "?"
    assert answer.location.startswith(client.redirect_uri + mark), answer.text[:300]
    assert answer.parameters["error"] in (error, "invalid_request", "unauthorized_client")
    assert answer.parameters["iss"] == client.discovery["issuer"]
    assert answer.parameters["state"] == "un état"


def test_o_38_prompt_none_without_a_sign_in_is_login_required(client: RelyingParty) -> None:
    answer = client.authorize(Walker(), client.request(VERIFIER, prompt="none"))
    assert answer.parameters["error"] == "login_required"


def test_prompt_login_asks_again_although_signed_in(system: System, person: Walker, client: RelyingParty) -> None:
    answer = client.authorize(person, client.request(VERIFIER, prompt="login"))
    assert answer.location == ""
    assert 'data-step="email"' in answer.text


def test_o_39_the_answer_names_its_issuer_and_returns_the_exact_state(person: Walker, client: RelyingParty) -> None:
    for state in ("é&=? %20+", "x" * 1000, "<script>"):
        answer = client.authorize(person, client.request(VERIFIER, state=state))
        assert answer.parameters["state"] == state
        assert answer.parameters["iss"] == client.discovery["issuer"]


def test_o_40_bad_client_authentication_is_told_as_the_specification_says(person: Walker, client: RelyingParty) -> None:
    form = {"grant_type": "authorization_code", "code": "x", "redirect_uri": client.redirect_uri}
    own = {"client_id": client.client_id, "client_secret": client.secret}
    wrong: list[dict[str, Any]] = [
        {"form": form, "auth": (client.client_id, "wrong")},
        {"form": form, "auth": ("unknown", "wrong")},
        {"form": form | {"client_id": client.client_id}, "auth": None},
        {"form": form | own, "auth": None},
        {"form": form, "auth": None},
    ]
    for attempt in wrong:
        response = client.token(attempt["form"], auth=attempt["auth"])
        assert response.status_code in (400, 401)
        assert response.json()["error"] in ("invalid_client", "invalid_request")
        if response.status_code == 401:
            assert "Basic" in response.headers["WWW-Authenticate"]
    assert client.token(form | own).status_code in (400, 401)  # two methods at once
    for header in ("Basic", "Basic !!!", "Basic bm9jb2xvbg==", "Bearer x", "Basic /////w==", "Digest x"):
        response = client.token(form, auth=None, headers={"Authorization": header})
        assert response.status_code in (400, 401), header
    doubled = [*form.items(), ("code", "y")]
    assert is_error(client.token(doubled), "invalid_request")
    got = requests.get(client.discovery["token_endpoint"], timeout=10)
    assert got.status_code == 405
    assert "POST" in got.headers["Allow"]


def refresh(client: RelyingParty, token: str, **changes: str) -> requests.Response:
    return client.token({"grant_type": "refresh_token", "refresh_token": token} | changes)


def offline_tokens(person: Walker, client: RelyingParty) -> dict[str, Any]:
    code, verifier = client.sign_in(person, scope="openid email offline_access", prompt="consent")
    tokens: dict[str, Any] = client.exchange(code, verifier).json()
    assert "refresh_token" in tokens
    return tokens


def test_o_41_a_refresh_token_is_its_client_s_alone_and_never_widens(
    system: System, person: Walker, client: RelyingParty
) -> None:
    token = offline_tokens(person, client)["refresh_token"]
    assert is_error(refresh(RelyingParty(system, 1), token), "invalid_grant")
    assert is_error(refresh(client, token, scope="openid email profile"), "invalid_scope")
    assert refresh(client, token, scope="openid").status_code == 200


def test_o_42_refresh_tokens_rotate_and_reuse_kills_the_family(person: Walker, client: RelyingParty) -> None:
    first = offline_tokens(person, client)
    second = refresh(client, first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    # The reply may have been lost: the same successor, until that is used.
    assert refresh(client, first["refresh_token"]).json()["refresh_token"] == second["refresh_token"]
    third = refresh(client, second["refresh_token"]).json()
    assert is_error(refresh(client, first["refresh_token"]), "invalid_grant")
    assert is_error(refresh(client, third["refresh_token"]), "invalid_grant")
    assert client.userinfo(third["access_token"]).status_code == 401


def test_o_42_of_eight_refreshes_at_once_at_most_one_wins(person: Walker, client: RelyingParty) -> None:
    token = offline_tokens(person, client)["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: refresh(client, token), range(8)))
    # All of one client within the grace: one rotation, told to each.
    assert len({answer.json().get("refresh_token") for answer in answers if answer.status_code == 200}) <= 1
    assert {answer.status_code for answer in answers} <= {200, 400}


def test_o_43_only_an_access_token_in_its_place_opens_userinfo(person: Walker, client: RelyingParty) -> None:
    code, verifier = client.sign_in(person)
    tokens = client.exchange(code, verifier).json()
    endpoint = client.discovery["userinfo_endpoint"]
    in_query = requests.get(endpoint, params={"access_token": tokens["access_token"]}, timeout=10)
    assert in_query.status_code == 401
    assert "Bearer" in in_query.headers["WWW-Authenticate"]
    for bad in (tokens["id_token"], code, "x", ""):
        response = client.userinfo(bad)
        assert response.status_code == 401
        assert "Bearer" in response.headers["WWW-Authenticate"]
    assert requests.get(endpoint, timeout=10).status_code == 401
    posted = requests.post(endpoint, data={"access_token": tokens["access_token"]}, timeout=10)
    assert posted.status_code == 200


def test_o_44_claims_never_widen_what_the_client_may_know(system: System, person: Walker, client: RelyingParty) -> None:
    code, verifier = client.sign_in(
        person,
        scope="openid",
        claims='{"userinfo": {"supann_etu_id": {"essential": true}, "eduperson_affiliation": null}}',
    )
    tokens = client.exchange(code, verifier).json()
    assert set(client.userinfo(tokens["access_token"]).json()) <= {"sub", *_claims_of_scopes(system, client)}


def _claims_of_scopes(system: System, client: RelyingParty) -> set[str]:
    from idp.domain.claims import SCOPES

    registered = client.registered["scope"].split()
    return {claim for scope in registered for claim in SCOPES.get(scope, ())}


def test_o_45_a_logout_that_nobody_vouches_for_asks_the_person(system: System, client: RelyingParty) -> None:
    walker = Walker()
    steps.enrol(walker, system, INES)
    code, verifier = client.sign_in(walker)
    id_token = client.exchange(code, verifier).json()["id_token"]
    endpoint = client.discovery["end_session_endpoint"]
    header, body, signature = id_token.split(".")
    none = "eyJhbGciOiJub25lIn0"
    for hint in (f"{none}.{body}.", f"{none}.{body}.{signature}", f"{header}.{body}.AAAA", "junk", "", None):
        for after in (client.redirect_uri, "https://evil.example/", system.portal + "/"):
            query = {"post_logout_redirect_uri": after, "state": "s"} | (
                {} if hint is None else {"id_token_hint": hint}
            )
            answer = walker.session.get(endpoint, params=query, allow_redirects=False, timeout=20)
            assert answer.status_code < 500
            assert not answer.is_redirect
            assert steps.is_signed_in(walker, system)
    unregistered = {"id_token_hint": id_token, "post_logout_redirect_uri": "https://evil.example/"}
    answer = walker.session.get(endpoint, params=unregistered, allow_redirects=False, timeout=20)
    assert "evil.example" not in answer.headers.get("Location", "")
    page = walker.get(endpoint)
    assert page.submit("Se déconnecter").step == "signed-out"
    assert not steps.is_signed_in(walker, system)


def test_rp_initiated_logout_kills_session_and_tokens(system: System, client: RelyingParty) -> None:
    walker = Walker()
    steps.enrol(walker, system, INES)
    tokens = offline_tokens(walker, client)
    query = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": system.portal + "/", "state": "fin"}
    answer = walker.session.get(
        client.discovery["end_session_endpoint"], params=query, allow_redirects=False, timeout=20
    )
    assert answer.headers["Location"] == f"{system.portal}/?state=fin"
    assert not steps.is_signed_in(walker, system)
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert is_error(refresh(client, tokens["refresh_token"]), "invalid_grant")


def test_o_46_operators_json_and_floods_of_parameters_are_400(
    system: System, person: Walker, client: RelyingParty
) -> None:
    token_endpoint = client.discovery["token_endpoint"]
    basic = (client.client_id, client.secret)
    for body in ("code[$ne]=x&grant_type=authorization_code", "&".join(f"a{n}={n}" for n in range(50_000))):
        response = requests.post(
            token_endpoint,
            data=body,
            auth=basic,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            timeout=20,
        )
        assert response.status_code == 400
    assert requests.post(token_endpoint, json={"code": {"$ne": "x"}}, auth=basic, timeout=20).status_code == 400
    walker = Walker()
    page = steps.start(walker, system)
    form = page.form("Se connecter", "email")
    token = {"csrf_token": form.fields["csrf_token"]}
    assert walker.post(form.action, token | {"email[$ne]": "x"}).status == 400
    assert walker.session.post(form.action, json={"email": {"$ne": "x"}}, timeout=20).status_code == 400
    assert walker.post(form.action, token | {f"a{n}": "x" for n in range(50_000)}).status == 400


def test_o_47_nothing_personal_is_stored_by_caches(system: System, person: Walker, client: RelyingParty) -> None:
    code, verifier = client.sign_in(person)
    token = client.exchange(code, verifier)
    userinfo = client.userinfo(token.json()["access_token"])
    walker = Walker()
    page = steps.give_address(walker, system, BERENICE)
    code_page = page.submit("Recevoir le code")
    for response in (token, userinfo, page.response, code_page.response):
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Pragma"] == "no-cache"
        assert "Cookie" in response.headers["Vary"]


def test_o_50_markup_and_line_breaks_are_escaped_everywhere(client: RelyingParty) -> None:
    told = ("error", "error_description", "error_uri")
    for name in ("client_id", "redirect_uri", "state", "scope", "prompt", "nonce", "login_hint", "ui_locales", *told):
        answer = client.authorize(
            Walker(), client.request(VERIFIER, **{name: "<script>alert(1)</script>\r\nX-Evil: 1"})
        )
        assert answer.status < 500
        assert "<script>alert" not in answer.text
        assert "\n" not in answer.location
    evil = quote("\r\nSet-Cookie: evil=1")
    response = requests.get(f"{client.provider}/sign-in/{evil}?lang={evil}", timeout=10)
    assert "evil" not in response.cookies
    assert response.status_code in (400, 404)
