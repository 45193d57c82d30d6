"""Whatever is posted to a page for people, in the right browser and with the form's own token, no answer is a 5xx."""

import secrets
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from idp import app as application
from idp import settings as product_settings
from idp.app import Services
from idp.domain.accounts import Account
from idp.domain.sessions import ACR_BASIC, Session
from idp.storage.database import Database
from tests.openid.world import CHALLENGE
from tests.web.test_any_request import BASE, FORM, VALUES

NAMES = st.sampled_from(
    [
        "email",
        "suggested",
        "password",
        "code",
        "q",
        "entity_id",
        "entityID",
        "SAMLResponse",
        "RelayState",
        "user_code",
        "client_id",
        "sid",
        "id_token_hint",
        "logout_hint",
        "post_logout_redirect_uri",
        "state",
        "wait",
        "lang",
        "email[$ne]",
    ]
)
LIKE_OURS = st.sampled_from(
    [
        b"ines@univ-exemple.fr",
        b"ines@univ-exmeple.fr",
        b"123456",
        b"BDWP-HQPK",
        b"PHNhbWxwOlJlc3BvbnNlLz4=",
        b"https://idp.example/shibboleth",
        "université".encode(),
        b'{"$gt": ""}',
    ]
)
# No federation is loaded here, and these say so.
WITHOUT_FEDERATION = ("/readyz", "/university", "/leave")
# What applications and universities send, with a proof of another kind.
OF_NO_PAGE_OF_OURS = {
    "/authorize",
    "/device-authorization",
    "/end-session",
    "/introspect",
    "/par",
    "/revoke",
    "/saml/acs",
    "/token",
    "/userinfo",
}
# Where a page leads that is shown to whoever is not signed in as well; and the ways out, which open nothing.
SHOWN_BEFORE = {
    "/account/sign-out",
    "/end-session/confirm",
    "/proofing/link/<token>",
    "/sign-in/<authorization_id>/address",
    "/sign-in/<authorization_id>/address/forget",
    "/sign-in/<authorization_id>/address/remembered",
    "/sign-in/<authorization_id>/cancel",
    "/sign-in/<authorization_id>/code",
    "/sign-in/<authorization_id>/code/send",
    "/sign-in/<authorization_id>/leave",
    "/sign-in/<authorization_id>/mailbox",
    "/sign-in/<authorization_id>/mailbox/send",
    "/sign-in/<authorization_id>/methods",
    "/sign-in/<authorization_id>/new-password",
    "/sign-in/<authorization_id>/not-me",
    "/sign-in/<authorization_id>/not-me/again",
    "/sign-in/<authorization_id>/passkey",
    "/sign-in/<authorization_id>/person",
    "/sign-in/<authorization_id>/university",
    "/sign-in/<authorization_id>/university-address",
    "/sign-in/<authorization_id>/university/forget",
}
FIELDS = st.lists(st.tuples(NAMES, VALUES | LIKE_OURS), max_size=5).map(
    lambda pairs: [f"{name}={quote_from_bytes(value)}" for name, value in pairs]
)
CLIENTS = """
[[client]]
client_id = "own"
client_secret = "a-secret-of-this-client-1"
redirect_uris = ["https://rp.example/cb"]
consent = "always"
"""
ASKING = {
    "client_id": "own",
    "redirect_uri": "https://rp.example/cb",
    "response_type": "code",
    "scope": "openid",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@pytest.fixture
def services(mongodb_uri: str, database: Database, tmp_path: Path, keys_folder: Path) -> Services:
    (tmp_path / "clients.toml").write_text(CLIENTS)
    configured = product_settings.load(
        {
            "IDP_MONGODB_URI": mongodb_uri,
            "IDP_VAR_DIR": str(tmp_path / "var"),
            "IDP_KEYS_DIR": str(keys_folder),
            "IDP_CLIENTS_FILE": str(tmp_path / "clients.toml"),
            "IDP_FEDERATION_DIR": str(tmp_path / "federation"),
            "IDP_PASSWORDS_BCRYPT_COST": "4",
        }
    )
    database.create_indexes(application.INDEXES)
    built = application.build(configured, database=database)
    built.stores.accounts.create(
        Account("account-1", "subject-1", datetime.now(UTC), addresses=("ines@univ-exemple.fr",))
    )
    return built


@pytest.fixture
def app(services: Services) -> Flask:
    return application.create_app(services)


def sign_in(browser: FlaskClient, services: Services, before: Session) -> None:
    done = services.browser_sessions.sign_in(
        before, account_id="account-1", methods=("pwd",), acr=ACR_BASIC, device=None, now=services.clock()
    )
    browser.set_cookie("idp_session", done.session_cookie, domain="localhost")


def browser_at(app: Flask, services: Services, *, signed_in: bool) -> tuple[FlaskClient, str, str]:
    """A browser with a request that waits: itself, the request's handle, and the token of its forms."""
    browser = app.test_client()
    if signed_in:
        sign_in(browser, services, services.browser_sessions.open()[1])
    waiting = browser.get("/authorize", base_url=BASE, query_string=ASKING, follow_redirects=True)
    handle = waiting.request.path.split("/")[2]
    return browser, handle, waiting.text.partition('name="csrf_token" value="')[2].partition('"')[0]


def at(path: str, name: str) -> str:
    """The address of this page for whatever has this name."""
    for parameter in ("authorization_id", "proofing_id", "token", "client_id"):
        path = path.replace(f"<{parameter}>", name)
    return path


def every_page(app: Flask) -> list[tuple[str, str]]:
    """Every address with each method that it takes, those that programs call among them."""
    return sorted(
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )


def forms_of_ours(app: Flask) -> list[str]:
    """Where our own pages post to."""
    return [path for method, path in every_page(app) if method == "POST" and path not in OF_NO_PAGE_OF_OURS]


def test_every_endpoint_is_among_those_tried(app: Flask) -> None:
    paths = {path for _, path in every_page(app)}
    assert {"/saml/acs", "/device", "/end-session/confirm", "/sign-in/<authorization_id>/address", "/par"} <= paths
    assert {"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/introspect"} <= paths


@pytest.mark.parametrize("token", [None, "x" * 43])
def test_o_30_no_form_does_anything_without_our_token(app: Flask, services: Services, token: str | None) -> None:
    """Each one that there is, also one that is new: whoever forgets to ask for the token is told here."""
    browser, handle, _ = browser_at(app, services, signed_in=True)
    fields = {"client_id": "own", "sid": "x"} | ({} if token is None else {"csrf_token": token})
    answers = {path: browser.post(at(path, handle), base_url=BASE, data=fields) for path in forms_of_ours(app)}
    assert len(answers) > 40
    assert {path: answer.status_code for path, answer in answers.items() if answer.status_code != 403} == {}


def test_o_30_a_token_from_before_the_sign_in_is_for_what_was_shown_before(app: Flask, services: Services) -> None:
    """Each other one, also one that is new, wants a token of the sign-in."""
    browser, handle, known = browser_at(app, services, signed_in=False)
    cookie = browser.get_cookie("idp_session", domain="localhost")
    assert cookie
    before = services.browser_sessions.find(cookie.value)
    assert before
    fields = {"client_id": "own", "sid": "x", "csrf_token": known}
    good = set()
    for path in forms_of_ours(app):
        sign_in(browser, services, before)
        if browser.post(at(path, handle), base_url=BASE, data=fields).status_code != 403:
            good.add(path)
    assert good == SHOWN_BEFORE


@settings(max_examples=200)
@given(data=st.data(), body=FIELDS, query=FIELDS, signed_in=st.booleans(), is_whole=st.booleans())
def test_no_page_answers_with_a_5xx(
    app: Flask,
    services: Services,
    data: st.DataObject,
    body: list[str],
    query: list[str],
    signed_in: bool,
    is_whole: bool,
) -> None:
    browser, handle, csrf = browser_at(app, services, signed_in=signed_in)
    assert csrf
    method, path = data.draw(st.sampled_from(every_page(app)))
    path = at(path, handle if is_whole else secrets.token_hex(4))
    text = "&".join(query)
    builder = EnvironBuilder(
        path,
        base_url=BASE,
        method=method,
        data="&".join([f"csrf_token={csrf}", *body]).encode() if method == "POST" else None,
        query_string=text if len(text) < 8_000 else "",
        content_type=FORM,
    )
    response = browser.open(builder)
    is_said_so = response.status_code == 503 and path.endswith(WITHOUT_FEDERATION)
    assert response.status_code < 500 or is_said_so, (method, path, response.get_data(as_text=True))
