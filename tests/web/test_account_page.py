"""The person's own page: who can reach the account, and ending each of it."""

from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from idp import app as application
from idp import settings
from idp.app import Services
from idp.domain.accounts import Account
from idp.domain.consent import Consent
from idp.domain.grants import Grant
from idp.domain.sessions import ACR_BASIC, SignedIn
from idp.storage.database import Database

HOST = {"Host": "localhost:5000"}
CLIENTS = """
[[client]]
client_id = "library"
client_name = "Ma bibliothèque"
client_secret = "a-secret-of-the-library"
redirect_uris = ["https://library.example/cb"]
backchannel_logout_uri = "https://library.example/logout"

[[client]]
client_id = "survey"
client_name = "Sondage"
client_secret = "a-secret-of-the-survey"
redirect_uris = ["https://survey.example/cb"]
"""


@pytest.fixture
def services(database: Database, mongodb_uri: str, tmp_path: Path) -> Services:
    (tmp_path / "clients.toml").write_text(CLIENTS)
    configured = settings.load(
        {
            "IDP_MONGODB_URI": mongodb_uri,
            "IDP_VAR_DIR": str(tmp_path / "var"),
            "IDP_KEYS_DIR": str(tmp_path / "keys"),
            "IDP_CLIENTS_FILE": str(tmp_path / "clients.toml"),
            "IDP_PASSWORDS_BCRYPT_COST": "4",
        }
    )
    database.create_indexes(application.INDEXES)
    built = application.build(configured, database=database)
    for name in ("ines", "noe"):
        built.stores.accounts.create(Account(name, f"subject-{name}", built.clock(), addresses=(f"{name}@b.example",)))
    return built


def signed_in(services: Services, account_id: str = "ines", method: str = "pwd") -> SignedIn:
    _, anonymous = services.browser_sessions.open()
    return services.browser_sessions.sign_in(
        anonymous, account_id=account_id, methods=(method,), acr=ACR_BASIC, device=None, now=services.clock()
    )


def opened(services: Services, who: SignedIn, client_id: str) -> None:
    sign_in = who.session.sign_in
    assert sign_in is not None
    services.stores.grants.add(
        Grant(
            id=f"{sign_in.sid} {client_id}",
            account_id=sign_in.account_id,
            client_id=client_id,
            subject="sub",
            scope=("openid",),
            redirect_uri="",
            sign_in=sign_in,
            code_hash=f"{sign_in.sid} {client_id}",
            code_expires_at=sign_in.at + timedelta(minutes=1),
            created_at=sign_in.at,
            expires_at=sign_in.at + timedelta(hours=1),
        )
    )


def browser_of(services: Services, who: SignedIn) -> FlaskClient:
    browser = application.create_app(services).test_client()
    browser.set_cookie("idp_session", who.session_cookie, domain="localhost")
    return browser


def press(browser: FlaskClient, path: str, **fields: str) -> str:
    """Post one of the page's forms; the page afterwards."""
    page = browser.get("/account", headers=HOST).text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {"csrf_token": token, **fields}
    answer = browser.post(path, data=form, headers=HOST, follow_redirects=True)
    assert answer.status_code == 200
    return answer.text


def test_applications_and_sessions_are_listed(services: Services) -> None:
    here, elsewhere = signed_in(services), signed_in(services, method="otp")
    opened(services, here, "library")
    services.stores.consents.add(Consent("ines", "survey", frozenset({"openid"}), frozenset(), services.clock()))
    opened(services, signed_in(services, "noe"), "survey")
    text = browser_of(services, here).get("/account", headers=HOST).text
    assert text.count("Ma bibliothèque") == text.count("Sondage") == 1
    assert text.count("Cet appareil") == text.count("Fermer cette session") == 1
    assert text.count("Par un code reçu par mail") == 1
    assert elsewhere.session.sign_in
    assert f'value="{elsewhere.session.sign_in.sid}"' in text


def test_taking_an_application_s_access_back_tells_it_and_ends_nothing_else(services: Services) -> None:
    here = signed_in(services)
    opened(services, here, "library")
    opened(services, here, "survey")
    services.stores.consents.add(Consent("ines", "library", frozenset({"openid"}), frozenset(), services.clock()))
    text = press(browser_of(services, here), "/account/applications/withdraw", client_id="library")
    assert "Ma bibliothèque" not in text
    assert "Sondage" in text
    assert services.stores.consents.find("ines", "library") is None
    assert services.stores.logout_notices.waiting(now=services.clock()) == 1


def test_another_browser_is_signed_out_from_here(services: Services) -> None:
    here, elsewhere = signed_in(services), signed_in(services)
    opened(services, elsewhere, "library")
    assert elsewhere.session.sign_in
    text = press(browser_of(services, here), "/account/sessions/end", sid=elsewhere.session.sign_in.sid)
    assert "Fermer cette session" not in text
    assert browser_of(services, elsewhere).get("/account", headers=HOST).status_code == 303
    assert services.stores.logout_notices.waiting(now=services.clock()) == 1


def test_nobody_ends_what_belongs_to_others(services: Services) -> None:
    here, other = signed_in(services), signed_in(services, "noe")
    opened(services, other, "library")
    assert other.session.sign_in
    browser = browser_of(services, here)
    press(browser, "/account/sessions/end", sid=other.session.sign_in.sid)
    press(browser, "/account/applications/withdraw", client_id="library")
    assert browser_of(services, other).get("/account", headers=HOST).status_code == 200
    assert services.stores.grants.used_by_account("noe")


@pytest.mark.parametrize("path", ["/account/sessions/end", "/account/applications/withdraw"])
def test_a_form_without_our_token_ends_nothing(services: Services, path: str) -> None:
    here, elsewhere = signed_in(services), signed_in(services)
    opened(services, here, "library")
    assert elsewhere.session.sign_in
    form = {"sid": elsewhere.session.sign_in.sid, "client_id": "library"}
    assert browser_of(services, here).post(path, data=form, headers=HOST).status_code == 403
    assert browser_of(services, elsewhere).get("/account", headers=HOST).status_code == 200
    assert services.stores.grants.used_by_account("ines")
