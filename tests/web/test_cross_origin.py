"""Applications that run in a browser call the endpoints for programs from their own origin; pages stay out of reach."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from idp.domain.errors import ServiceUnavailable
from tests.openid.test_dpop import proof
from tests.web.proofing_world import World
from tests.web.visitor import HOST, ISSUER

ORIGIN = "https://application.example"
FROM_A_PAGE = HOST | {"Origin": ORIGIN}
CALLED_BY_SCRIPTS = {"/token": "POST", "/userinfo": "GET, POST", "/revoke": "POST", "/par": "POST"} | {
    "/device-authorization": "POST"
}
PUBLIC = ["/jwks", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/openapi.json"]


@pytest.fixture
def app(world: World) -> Flask:
    return world.app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def preflight(client: FlaskClient, path: str, method: str = "POST") -> TestResponse:
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization,dpop"}
    return client.options(path, headers=FROM_A_PAGE | asked)


def cross_origin_headers(answer: TestResponse) -> set[str]:
    return {name for name, _ in answer.headers if name.startswith("Access-Control-")}


@pytest.mark.parametrize("path", CALLED_BY_SCRIPTS)
def test_a_browser_may_ask_first(client: FlaskClient, path: str) -> None:
    answer = preflight(client, path)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Methods"] == CALLED_BY_SCRIPTS[path]
    assert answer.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type, DPoP"
    assert int(answer.headers["Access-Control-Max-Age"]) > 0


@pytest.mark.parametrize("path", CALLED_BY_SCRIPTS)
def test_a_refusal_can_be_read_with_its_challenge(client: FlaskClient, path: str) -> None:
    answer = client.post(path, data={"client_id": "nobody"}, headers=FROM_A_PAGE)
    assert answer.status_code == 401
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert "WWW-Authenticate" in exposed
    assert "WWW-Authenticate" in answer.headers


def test_a_nonce_can_be_read(client: FlaskClient) -> None:
    headers = FROM_A_PAGE | {"DPoP": proof(f"{ISSUER}/par", now=datetime.now(UTC))}
    answer = client.post("/par", data={"client_id": "nobody"}, headers=headers)
    assert "DPoP-Nonce" in answer.headers["Access-Control-Expose-Headers"].split(", ")


@pytest.mark.parametrize("path", CALLED_BY_SCRIPTS)
def test_what_is_no_form_is_refused_readably(client: FlaskClient, path: str) -> None:
    answer = client.post(path, json={}, headers=FROM_A_PAGE)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (400, "*")


@pytest.mark.parametrize("error", [ServiceUnavailable("database"), RuntimeError("fault of ours")])
def test_a_failure_of_ours_can_be_read(app: Flask, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setitem(app.view_functions, "tokens.token", fail)
    monkeypatch.setitem(app.view_functions, "discovery.jwks", fail)
    client = app.test_client()
    for answer in (client.post("/token", headers=FROM_A_PAGE), client.get("/jwks", headers=FROM_A_PAGE)):
        assert (answer.status_code // 100, answer.headers["Access-Control-Allow-Origin"]) == (5, "*")


@pytest.mark.parametrize("path", PUBLIC)
def test_what_is_public_can_be_read_by_everybody(client: FlaskClient, path: str) -> None:
    assert client.get(path, headers=FROM_A_PAGE).headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("path", [*CALLED_BY_SCRIPTS, *PUBLIC])
def test_no_cookie_counts_or_is_set(client: FlaskClient, path: str) -> None:
    for answer in (client.open(path, method=way, headers=FROM_A_PAGE) for way in ("GET", "POST", "OPTIONS")):
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Set-Cookie" not in answer.headers


def test_no_page_and_nothing_else_is_open_to_scripts_of_other_sites(app: Flask) -> None:
    """Nor the authorization endpoint (RFC 9700 section 2.6), nor introspection, for which a secret is needed."""
    opened = {*CALLED_BY_SCRIPTS, *PUBLIC}
    closed = {rule.rule for rule in app.url_map.iter_rules() if rule.rule not in opened and "<path:" not in rule.rule}
    assert {"/authorize", "/account", "/introspect", "/end-session"} <= closed
    for path in closed:
        client = app.test_client()
        there = path.replace("<", "").replace(">", "")
        asked = (
            preflight(client, there),
            client.get(there, headers=FROM_A_PAGE),
            client.post(there, headers=FROM_A_PAGE),
        )
        assert [cross_origin_headers(answer) for answer in asked] == [set()] * 3, path
