"""Endpoints for applications over HTTP: methods, headers and bodies as the specifications want them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from idp import app as application
from idp import settings
from idp.storage.database import Database
from tests.openid.test_dpop import proof
from tests.openid.world import asking
from tests.web.visitor import HOST, ISSUER

PORTAL = ("portail", "portail-secret-de-developpement")
ENDPOINTS = ["/token", "/revoke", "/introspect", "/par", "/device-authorization"]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: RSA keys cost more than a test."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def client(database: Database, mongodb_uri: str, tmp_path: Path, keys: Path) -> FlaskClient:
    environment = {
        "IDP_MONGODB_URI": mongodb_uri,
        "IDP_VAR_DIR": str(tmp_path / "var"),
        "IDP_KEYS_DIR": str(keys),
        "IDP_PASSWORDS_BCRYPT_COST": "4",
    }
    services = application.build(settings.load(environment), database=database)
    return application.create_app(services).test_client()


def test_introspection_is_json_and_kept_by_nobody(client: FlaskClient) -> None:
    response = client.post("/introspect", auth=PORTAL, data={"token": "x"}, headers=HOST)
    assert (response.status_code, response.get_json()) == (200, {"active": False})
    assert response.headers["Cache-Control"] == "no-store"


def test_revocation_answers_with_json_that_says_nothing(client: FlaskClient) -> None:
    """oidc-client-ts takes a type that is not JSON for a failure, simple-oauth2 takes none at all for one, too."""
    response = client.post("/revoke", auth=PORTAL, data={"token": "x"}, headers=HOST)
    assert (response.status_code, response.get_json()) == (200, {})
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"


def test_why_a_client_is_refused_stands_in_the_audit_trail_alone(client: FlaskClient, database: Database) -> None:
    name, secret = PORTAL
    refused = client.post("/token", data={"client_id": name, "client_secret": secret}, headers=HOST)
    assert refused.get_json() == {"error": "invalid_client", "error_description": "Client authentication failed"}
    (entry,) = database.collection("audit").find({"event": "request.refused"})
    why = f"{name}: client_secret_post sent, client_secret_basic registered"
    assert entry["fields"]["detail"] == f"Client authentication failed: {why}"


@pytest.mark.parametrize("path", ENDPOINTS)
def test_o_40_nobody_is_answered_without_authentication_and_by_get(client: FlaskClient, path: str) -> None:
    refused = client.post(path, data={"token": "x"}, headers=HOST)
    assert (refused.status_code, refused.get_json()["error"]) == (401, "invalid_client")
    assert refused.headers["WWW-Authenticate"].startswith("Basic")
    by_get = client.get(path, headers=HOST)
    assert (by_get.status_code, by_get.get_json()["error"]) == (405, "invalid_request")
    assert "POST" in by_get.headers["Allow"]


@pytest.mark.parametrize("path", ["/userinfo", "/jwks", "/.well-known/openid-configuration"])
def test_a_program_that_asks_by_another_method_reads_json_too(client: FlaskClient, path: str) -> None:
    answer = client.put(path, headers=HOST)
    assert (answer.status_code, answer.get_json()["error"]) == (405, "invalid_request")
    assert "GET" in answer.headers["Allow"]


def test_a_person_who_comes_to_a_page_by_another_method_reads_a_page(client: FlaskClient) -> None:
    assert client.put("/authorize", headers=HOST).mimetype == "text/html"


@pytest.mark.parametrize("path", ENDPOINTS)
def test_o_46_any_body_is_refused_and_never_an_error_of_ours(client: FlaskClient, path: str) -> None:
    form = "application/x-www-form-urlencoded"
    for body in (b"\xff\xfe=\x00", b"token[$ne]=x", b"&" * 50_000, b"token=x&token=y", b"%%%=%"):
        answer = client.post(path, auth=PORTAL, data=body, content_type=form, headers=HOST)
        assert answer.status_code in (400, 401)
    not_a_form = client.post(path, auth=PORTAL, json={"token": "x"}, headers=HOST)
    assert (not_a_form.status_code, not_a_form.get_json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", ["/jwks", "/.well-known/openid-configuration", "/userinfo"])
def test_o_22_a_program_that_asks_another_host_reads_json(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Host": "evil.example"})
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_who_sends_a_proof_is_told_a_nonce(client: FlaskClient) -> None:
    request = dict(asking(redirect_uri="http://localhost:5001/callback"))
    plain = client.post("/par", auth=PORTAL, data=request, headers=HOST)
    proved = client.post("/par", auth=PORTAL, data=request, headers=HOST | {"DPoP": fresh_proof("/par")})
    assert (plain.status_code, proved.status_code) == (201, 201)
    assert "DPoP-Nonce" not in plain.headers
    assert proved.headers["DPoP-Nonce"]


def test_of_two_proofs_none_counts(client: FlaskClient) -> None:
    two = [("DPoP", fresh_proof("/token")), ("DPoP", fresh_proof("/token"))]
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    refused = client.post("/token", auth=PORTAL, data=form, headers=[*HOST.items(), *two])
    assert (refused.status_code, refused.get_json()["error"]) == (400, "invalid_dpop_proof")


def fresh_proof(path: str) -> str:
    return proof(ISSUER + path, now=datetime.now(UTC))
