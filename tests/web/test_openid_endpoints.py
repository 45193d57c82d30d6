"""Pushing, registering and rotating keys over HTTP, on the whole application."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from idp import app as application
from idp import settings
from idp.storage.database import Database

HOST = {"Host": "connexion.univ-exemple.fr"}
BASE = "https://connexion.univ-exemple.fr"
PORTAL = ("portail", "portail-secret-de-developpement")
REQUEST = {
    "client_id": "portail",
    "redirect_uri": "http://localhost:5001/callback",
    "response_type": "code",
    "scope": "openid",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}


@pytest.fixture
def environment(mongodb_uri: str, database: Database, tmp_path: Path, keys_folder: Path) -> dict[str, str]:
    return {
        "IDP_ISSUER": BASE,
        "IDP_SECRET_KEY": "une clé secrète assez longue pour le test",
        "IDP_MONGODB_URI": mongodb_uri,
        "IDP_MONGODB_DATABASE": database.name,
        "IDP_VAR_DIR": str(tmp_path / "var"),
        "IDP_KEYS_DIR": str(keys_folder),
        "IDP_PASSWORDS_BCRYPT_COST": "10",
    }


def served(environment: dict[str, str], database: Database, **more: str) -> FlaskClient:
    services = application.build(settings.load(environment | more), database=database)
    return application.create_app(services).test_client()


def register(client: FlaskClient, token: str, **metadata: object) -> TestResponse:
    body = {"redirect_uris": ["https://new.example/cb"]} | metadata
    return client.post("/register", headers=HOST | {"Authorization": f"Bearer {token}"}, json=body)


def test_a_pushed_request_leads_to_the_sign_in_once(environment: dict[str, str], database: Database) -> None:
    client = served(environment, database)
    pushed = client.post("/par", headers=HOST, auth=PORTAL, data=REQUEST)
    assert pushed.status_code == 201
    assert pushed.headers["Cache-Control"] == "no-store"
    query = {"client_id": "portail", "request_uri": pushed.get_json()["request_uri"]}
    first = client.get("/authorize", headers=HOST, query_string=query)
    assert (first.status_code, first.headers["Location"].partition("/sign-in/")[1]) == (303, "/sign-in/")
    again = client.get("/authorize", headers=HOST, query_string=query)
    assert again.status_code == 400
    assert 'data-step="error"' in again.get_data(as_text=True)


def test_pushing_is_refused_as_json(environment: dict[str, str], database: Database) -> None:
    client = served(environment, database)
    nobody = client.post("/par", headers=HOST, data=REQUEST)
    assert (nobody.status_code, nobody.get_json()["error"]) == (401, "invalid_client")
    wrong = client.post("/par", headers=HOST, auth=PORTAL, data=REQUEST | {"scope": "email"})
    assert (wrong.status_code, wrong.get_json()["error"]) == (400, "invalid_scope")
    assert client.get("/par", headers=HOST).status_code == 405


def test_registration_is_off_by_default(environment: dict[str, str], database: Database) -> None:
    client = served(environment, database)
    assert client.post("/register", headers=HOST, json={}).status_code in (400, 404)
    assert "registration_endpoint" not in client.get("/.well-known/openid-configuration", headers=HOST).get_json()


def test_an_application_registers_with_a_token_of_the_administrator(
    environment: dict[str, str], database: Database
) -> None:
    client = served(environment, database, IDP_REGISTRATION_ENABLED="true")
    document = client.get("/.well-known/openid-configuration", headers=HOST).get_json()
    assert document["registration_endpoint"] == f"{BASE}/register"
    administration = application.administration(settings.load(environment))
    token = administration.clients.initial_token(uses=1, days=1, now=application.utc_now())
    assert register(client, "wrong").status_code == 401
    assert register(client, token, redirect_uris=["javascript:alert(1)"]).get_json()["error"] == "invalid_redirect_uri"
    answer = register(client, token)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    made = answer.get_json()
    pushed = REQUEST | {"client_id": made["client_id"], "redirect_uri": "https://new.example/cb"}
    credentials = (made["client_id"], made["client_secret"])
    assert client.post("/par", headers=HOST, auth=credentials, data=pushed).status_code == 201
    own = made["registration_client_uri"].removeprefix(BASE)
    managing = HOST | {"Authorization": f"Bearer {made['registration_access_token']}"}
    assert client.get(own, headers=managing).get_json()["client_id"] == made["client_id"]
    changed = {"client_id": made["client_id"], "redirect_uris": ["https://new.example/other"]}
    assert client.put(own, headers=managing, json=changed).status_code == 200
    deleted = client.delete(own, headers=managing)
    assert (deleted.status_code, deleted.data) == (204, b"")
    assert "Content-Type" not in deleted.headers
    assert client.get(own, headers=managing).status_code == 401
    assert client.post("/par", headers=HOST, auth=credentials, data=pushed).status_code == 401


def test_the_key_set_says_how_long_it_may_be_kept(environment: dict[str, str], database: Database) -> None:
    response = served(environment, database, IDP_KEYS_EDDSA="true").get("/jwks", headers=HOST)
    assert {key["alg"] for key in response.get_json()["keys"]} == {"RS256", "ES256", "EdDSA"}
    assert response.headers["Cache-Control"] == "public, max-age=300"
