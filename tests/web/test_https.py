"""What changes when people reach the provider by https: cookies and headers (O-31, O-49)."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from idp import app as application
from idp import settings
from idp.storage.database import Database


@pytest.fixture
def client(database: Database, mongodb_uri: str, tmp_path: Path, keys_folder: Path) -> FlaskClient:
    """A provider behind a proxy that ends TLS."""
    configured = settings.load(
        {
            "IDP_ISSUER": "https://connexion.univ-exemple.fr",
            "IDP_SECRET_KEY": "une clé secrète assez longue pour le test",
            "IDP_MONGODB_URI": mongodb_uri,
            "IDP_VAR_DIR": str(tmp_path / "var"),
            "IDP_KEYS_DIR": str(keys_folder),
            "IDP_PASSWORDS_BCRYPT_COST": "10",
        }
    )
    services = application.build(configured, database=database)
    return application.create_app(services).test_client()


HOST = {"Host": "connexion.univ-exemple.fr"}


def test_o_31_cookies_are_secure_and_bound_to_the_host(client: FlaskClient) -> None:
    cookie = client.get("/account", headers=HOST).headers["Set-Cookie"]
    assert cookie.startswith("__Host-idp_session=")
    for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert flag in cookie
    assert "Domain" not in cookie


def test_o_49_https_is_insisted_on_and_plain_http_no_form_target(client: FlaskClient) -> None:
    response = client.get("/signed-out", headers=HOST)
    assert response.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    directives = response.headers["Content-Security-Policy"].split("; ")
    targets = next(directive for directive in directives if directive.startswith("form-action"))
    assert "http:" not in targets.split()


@pytest.mark.parametrize("host", ["connexion.univ-exemple.fr:443", "Connexion.Univ-Exemple.fr"])
def test_proxies_may_name_the_issuer_s_host_in_another_way(client: FlaskClient, host: str) -> None:
    answer = client.get("/account", headers={"Host": host})
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(("/", "https://connexion.univ-exemple.fr/"))


@pytest.mark.parametrize("host", ["connexion.univ-exemple.fr:80", "connexion.univ-exemple.fr:", "connexion"])
def test_o_22_what_names_another_one_is_refused(client: FlaskClient, host: str) -> None:
    assert client.get("/account", headers={"Host": host}).status_code == 400


def test_o_22_the_issuer_s_host_alone_is_served_and_named(client: FlaskClient) -> None:
    assert client.get("/account", headers={"Host": "localhost"}).status_code == 400
    document = client.get("/.well-known/openid-configuration", headers=HOST).get_json()
    assert document["issuer"] == "https://connexion.univ-exemple.fr"
    addresses = [value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))]
    assert addresses
    assert all(address.startswith("https://connexion.univ-exemple.fr/") for address in addresses)


PROTECTING = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "font-src 'self'; form-action 'self' https:; frame-ancestors 'none'; base-uri 'none'",
}
KEPT_BY_NOBODY = {"Cache-Control": "no-store", "Pragma": "no-cache", "Vary": "Cookie, Authorization"}


def told(client: FlaskClient, path: str, headers: dict[str, str] = HOST) -> dict[str, str]:
    """Those of the answer's headers that protect, and those that tell caches what to keep."""
    asked = PROTECTING | KEPT_BY_NOBODY
    return {name: value for name, value in client.get(path, headers=headers).headers if name in asked}


@pytest.mark.parametrize("path", ["/signed-out", "/account", "/authorize", "/nothing", "/static/nothing"])
def test_o_49_whatever_a_window_shows_carries_every_protecting_header(client: FlaskClient, path: str) -> None:
    """A page, a redirect, a refusal and what is not there: no list of pages, which the next one would be missing in."""
    assert told(client, path) == PROTECTING | KEPT_BY_NOBODY


def test_o_49_what_a_program_reads_is_neither_guessed_at_nor_kept(client: FlaskClient) -> None:
    found = told(client, "/userinfo")
    assert found == KEPT_BY_NOBODY | {name: PROTECTING[name] for name in found.keys() & PROTECTING.keys()}
    assert found.keys() & PROTECTING.keys() == {"Strict-Transport-Security", "X-Content-Type-Options"}


def test_what_is_the_same_for_everybody_may_be_kept(client: FlaskClient) -> None:
    """Scripts and styles: loaded anew with every page they would cost more than all the rest of it."""
    known = client.get("/static/app.css", headers=HOST).headers["ETag"]
    for asked in (HOST, HOST | {"If-None-Match": known}):
        found = told(client, "/static/app.css", asked)
        assert "no-store" not in found.pop("Cache-Control")
        assert found == PROTECTING
