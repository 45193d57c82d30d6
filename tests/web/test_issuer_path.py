"""An issuer with a path (OpenID Connect Discovery 1.0 section 4): every address of ours is below it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask

from idp import app as application
from idp import settings
from idp.app import Services
from idp.domain.accounts import Account
from idp.storage.database import Database
from tests.web.proofing_world import CLIENTS
from tests.web.visitor import HOST, Visitor

BASE = "http://localhost:5000/idp"
ADDRESS = "ines@univ-exemple.fr"
PASSWORD = "trois pommes vertes sur la table"
CALLBACK = "https://exams.example/cb"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
REQUEST = {
    "client_id": "exams",
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "scope": "openid email",
    "state": "s",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}


@pytest.fixture
def services(database: Database, mongodb_uri: str, tmp_path: Path, keys_folder: Path) -> Services:
    (tmp_path / "clients.toml").write_text(CLIENTS)
    environment = {
        "IDP_ISSUER": f"{BASE}/",
        "IDP_MONGODB_URI": mongodb_uri,
        "IDP_VAR_DIR": str(tmp_path / "var"),
        "IDP_KEYS_DIR": str(keys_folder),
        "IDP_CLIENTS_FILE": str(tmp_path / "clients.toml"),
        "IDP_FEDERATION_DIR": str(tmp_path / "federation"),
        "IDP_PASSWORDS_BCRYPT_COST": "4",
        "IDP_HELPDESK_ENABLED": "true",
    }
    built = application.build(settings.load(environment), database=database)
    password = built.hasher.hash(PASSWORD)
    built.stores.accounts.create(
        Account(id="ines", subject="sub", created_at=datetime.now(UTC), addresses=(ADDRESS,), password_hash=password)
    )
    return built


@pytest.fixture
def app(services: Services) -> Flask:
    return application.create_app(services)


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    return Visitor(app.test_client())


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = app.test_client().get("/idp/.well-known/openid-configuration", headers=HOST).get_json()
    return found


def own_addresses(visitor: Visitor) -> list[str]:
    """Where this page leads and what it loads, as far as that is with us."""
    named = [str(one) for one in visitor.tree.xpath("//@href|//@src|//@action|//@data-suggestions")]
    return [one for one in named if one.startswith("/")]


def signed_in(visitor: Visitor, document: dict[str, Any]) -> Visitor:
    """From the application's request to its answer, every page on the way looked at."""
    steps = []
    visitor.get(urlsplit(document["authorization_endpoint"]).path, **REQUEST)
    for typed in ({"email": ADDRESS}, {"password": PASSWORD}):
        steps.append(visitor.step)
        assert own_addresses(visitor)
        assert [one for one in own_addresses(visitor) if not one.startswith("/idp/")] == []
        visitor.press("Se connecter", **typed)
    if visitor.step == "consent":
        visitor.press("Continuer")
    assert steps == ["email", "sign-in"]
    return visitor


def test_discovery_answers_below_the_path_and_names_addresses_there(app: Flask, document: dict[str, Any]) -> None:
    assert document["issuer"] == BASE
    addresses = [value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))]
    assert [one for one in addresses if not one.startswith(f"{BASE}/")] == []
    # RFC 8414 section 3.1: there the path comes last.
    between = app.test_client().get("/.well-known/oauth-authorization-server/idp", headers=HOST)
    assert between.get_json() == document


def test_a_whole_journey_from_authorization_to_sign_out(app: Flask, document: dict[str, Any], visitor: Visitor) -> None:
    code = signed_in(visitor, document).answer["code"]
    program = app.test_client()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    credentials = ("exams", "a-secret-of-the-exams")
    answered = program.post(urlsplit(document["token_endpoint"]).path, data=form, auth=credentials, headers=HOST)
    tokens = answered.get_json()
    bearer = HOST | {"Authorization": f"Bearer {tokens['access_token']}"}
    claims = program.get(urlsplit(document["userinfo_endpoint"]).path, headers=bearer).get_json()
    assert claims["email"] == ADDRESS
    assert program.get(urlsplit(document["jwks_uri"]).path, headers=HOST).get_json()["keys"]
    visitor.get(urlsplit(document["end_session_endpoint"]).path, id_token_hint=tokens["id_token"])
    assert visitor.step == "signed-out"
    assert {cookie.path for cookie in visitor.cookies.values()} == {"/"}


def test_a_request_that_another_site_posts_is_led_on_below_the_path(app: Flask) -> None:
    answer = app.test_client().post("/idp/authorize", data=REQUEST, headers=HOST)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/idp/authorize?client_id=exams&")


def test_the_own_page_and_its_parts(visitor: Visitor, document: dict[str, Any]) -> None:
    signed_in(visitor, document)
    visitor.get("/idp")
    assert (visitor.step, visitor.last.request.path) == ("account", "/idp/account")
    addresses = own_addresses(visitor)
    assert [one for one in addresses if not one.startswith("/idp/")] == []
    for loaded in visitor.tree.xpath("//link/@href|//script/@src|//img/@src"):
        assert visitor.get(loaded).last.status_code == 200, loaded
    assert visitor.get("/idp/account", lang="en").tree.get("lang") == "en"


def test_the_language_link_of_a_page_and_of_a_refusal(visitor: Visitor) -> None:
    for page, step in (("/idp/account", "email"), ("/idp/nowhere", "error")):
        assert visitor.get(page).step == step
        (link,) = visitor.tree.xpath("//nav[@class='languages']//a/@href")
        assert link.startswith("/idp/")
        assert visitor.get(link).tree.get("lang") == "en"
        assert visitor.step == step
        visitor.get(page, lang="fr")


def test_a_refusal_leads_on_below_the_path(visitor: Visitor) -> None:
    visitor.get("/idp/sign-in/of-nobody/methods")
    assert visitor.step == "error"
    assert [one for one in own_addresses(visitor) if not one.startswith("/idp/")] == []
    visitor.get(visitor.tree.xpath("//main//a/@href")[0])
    assert visitor.step == "email"


def test_the_helpdesk_signs_in_below_the_path(app: Flask) -> None:
    asked = app.test_client().get("/idp/helpdesk", headers=HOST)
    assert asked.headers["Location"].startswith("/idp/authorize?")


def test_our_saml_metadata_name_addresses_below_it(app: Flask) -> None:
    metadata = app.test_client().get("/idp/saml/metadata", headers=HOST).get_data(as_text=True)
    assert f'entityID="{BASE}/saml/metadata"' in metadata
    assert f'Location="{BASE}/saml/acs"' in metadata


def test_a_proxy_may_take_the_path_away(app: Flask) -> None:
    """Pages name it all the same; what says otherwise of where we are counts for nothing."""
    behind = app.test_client()
    page = behind.get("/account", headers=HOST, environ_overrides={"SCRIPT_NAME": "/evil"})
    assert page.headers["Location"].startswith("/idp/sign-in/")
    assert behind.get("/healthz").status_code == 200
    assert behind.get("/idpaccount", headers=HOST).status_code == 404
