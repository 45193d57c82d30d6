"""The page after signing out: which frames it holds, what it says stays open, which language it speaks."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from idp import app as application
from idp import settings
from idp.app import Services
from idp.domain.accounts import Account, Identity
from idp.domain.grants import Grant
from idp.domain.sessions import ACR_BASIC, ACR_UNIVERSITY, Session
from idp.storage.database import Database
from tests.openid.world import CHALLENGE, VERIFIER, query_of

HOST = {"Host": "localhost:5000"}
CLIENTS = """
[[client]]
client_id = "framed"
client_name = "En cadre"
client_secret = "a-secret-of-the-framed-one"
redirect_uris = ["https://framed.example/cb"]
post_logout_redirect_uris = ["https://framed.example/bye"]
frontchannel_logout_uri = "https://framed.example/logout?from=idp"

[[client]]
client_id = "beside"
client_secret = "a-secret-of-the-one-beside"
redirect_uris = ["https://framed.example/beside/cb"]
frontchannel_logout_uri = "https://framed.example/beside/logout"

[[client]]
client_id = "native"
token_endpoint_auth_method = "none"
application_type = "native"
redirect_uris = ["org.example.app:/cb"]
post_logout_redirect_uris = ["org.example.app:/bye"]

[[client]]
client_id = "silent"
client_name = "Muette"
client_secret = "a-secret-of-the-silent-one"
redirect_uris = ["https://silent.example/cb"]

[[client]]
client_id = "survey"
client_secret = "a-secret-of-the-survey-01"
redirect_uris = ["https://survey.example/cb"]
post_logout_redirect_uris = ["https://survey.example/bye"]
frontchannel_logout_uri = "https://survey.example/logout"
subject_type = "pairwise"

[[client]]
client_id = "census"
client_secret = "a-secret-of-the-census-01"
redirect_uris = ["https://census.example/cb"]
subject_type = "pairwise"
scope = "openid"
"""


@pytest.fixture
def services(database: Database, mongodb_uri: str, tmp_path: Path, keys_folder: Path) -> Services:
    (tmp_path / "clients.toml").write_text(CLIENTS)
    configured = settings.load(
        {
            "IDP_MONGODB_URI": mongodb_uri,
            "IDP_VAR_DIR": str(tmp_path / "var"),
            "IDP_KEYS_DIR": str(keys_folder),
            "IDP_CLIENTS_FILE": str(tmp_path / "clients.toml"),
            "IDP_PASSWORDS_BCRYPT_COST": "4",
        }
    )
    return application.build(configured, database=database)


@pytest.fixture
def app(services: Services) -> Flask:
    return application.create_app(services)


SignedIn = Callable[..., FlaskClient]


@pytest.fixture
def signed_in(app: Flask, services: Services) -> SignedIn:
    """A browser whose person is signed in, and uses these applications."""

    def sign_in(*client_ids: str, acr: str = ACR_BASIC) -> FlaskClient:
        now = services.clock()
        account = Account(
            "account-1", "subject-1", now, (Identity("https://idp.example", "eppn", "x"),), ("a@b.example",)
        )
        services.stores.accounts.create(account)
        _, anonymous = services.browser_sessions.open()
        done = services.browser_sessions.sign_in(
            anonymous, account_id=account.id, methods=("pwd",), acr=acr, device=None, now=now
        )
        for client_id in client_ids:
            services.stores.grants.add(_grant(client_id, done.session))
        browser = app.test_client()
        browser.set_cookie("idp_session", done.session_cookie, domain="localhost")
        return browser

    return sign_in


def _grant(client_id: str, session: Session) -> Grant:
    sign_in = session.sign_in
    assert sign_in is not None
    return Grant(
        id=client_id,
        account_id=sign_in.account_id,
        client_id=client_id,
        subject="sub",
        scope=("openid",),
        redirect_uri="",
        sign_in=sign_in,
        code_hash=client_id,
        code_expires_at=sign_in.at + timedelta(minutes=1),
        created_at=sign_in.at,
        expires_at=sign_in.at + timedelta(hours=1),
    )


def confirmed(browser: FlaskClient, **parameters: str) -> "tuple[str, dict[str, str]]":
    """The page after the person said yes, and its headers."""
    asked = browser.get("/end-session", query_string=parameters, headers=HOST)
    assert 'data-step="sign-out"' in asked.text
    token = asked.text.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {"csrf_token": token, **parameters}
    page = browser.post("/end-session/confirm", data=form, headers=HOST, follow_redirects=True)
    assert page.status_code == 200
    return page.text, dict(page.headers)


def test_a_frame_for_each_application_that_wants_one_and_for_no_other_origin(signed_in: SignedIn) -> None:
    text, headers = confirmed(signed_in("framed", "silent"))
    assert text.count("<iframe") == 1
    assert 'src="https://framed.example/logout?from=idp&amp;iss=http%3A%2F%2Flocalhost%3A5000&amp;sid=' in text
    policy = headers["Content-Security-Policy"].split("; ")
    assert "frame-src https://framed.example" in policy
    assert "default-src 'none'" in policy


def test_applications_side_by_side_have_a_frame_each_and_their_origin_is_named_once(signed_in: SignedIn) -> None:
    text, headers = confirmed(signed_in("framed", "beside"))
    assert text.count("<iframe") == 2
    assert "frame-src https://framed.example" in headers["Content-Security-Policy"].split("; ")


def test_without_such_applications_no_frame_is_allowed(signed_in: SignedIn) -> None:
    text, headers = confirmed(signed_in("silent"))
    assert "<iframe" not in text
    assert "frame-src" not in headers["Content-Security-Policy"]


def test_the_page_names_what_could_not_be_told_and_nothing_else(signed_in: SignedIn) -> None:
    text, _ = confirmed(signed_in("framed", "silent"))
    assert "<bdi>Muette</bdi>" in text
    assert "<bdi>En cadre</bdi>" not in text


def test_a_university_is_named_only_after_a_fresh_proof_there(signed_in: SignedIn) -> None:
    assert "peut rester ouverte" in confirmed(signed_in(acr=ACR_BASIC))[0]


def test_a_university_that_left_the_federation_is_not_named(signed_in: SignedIn) -> None:
    assert "peut rester ouverte" in confirmed(signed_in(acr=ACR_UNIVERSITY))[0]


def test_the_browser_goes_on_to_the_application_once_the_frames_were_loaded(
    signed_in: SignedIn, services: Services
) -> None:
    browser = signed_in("framed")
    session = services.database.collection("sessions").find_one({"sign_in": {"$exists": True}})
    assert session
    # The hint as the application keeps it.
    hint = _id_token(services, sid=session["sign_in"]["sid"])
    parameters = {"id_token_hint": hint, "post_logout_redirect_uri": "https://framed.example/bye", "state": "s 1"}
    page = browser.get("/end-session", query_string=parameters, headers=HOST)
    assert page.status_code == 200
    assert page.headers["Refresh"] == "3; url=https://framed.example/bye?state=s+1"
    assert 'href="https://framed.example/bye?state=s+1"' in page.text
    again = browser.get("/end-session", query_string=parameters, headers=HOST)
    assert (again.status_code, again.headers["Location"]) == (303, "https://framed.example/bye?state=s+1")


@pytest.mark.parametrize("hint", ["sub", "a@b.example", " A@B.example", "sid"])
def test_a_logout_hint_about_this_person_changes_nothing(signed_in: SignedIn, services: Services, hint: str) -> None:
    browser = signed_in("silent")
    parameters = _hinted(services)
    told = parameters["sid"] if hint == "sid" else hint
    answer = browser.get(
        "/end-session", query_string={"id_token_hint": parameters["hint"], "logout_hint": told}, headers=HOST
    )
    assert 'data-step="signed-out"' in answer.text


@pytest.mark.parametrize("hint", ["another-sub", "b@b.example", "a@b.example.evil", "é\0", "x" * 5000])
def test_o_45_a_logout_hint_about_somebody_else_lets_the_person_decide(
    signed_in: SignedIn, services: Services, hint: str
) -> None:
    browser = signed_in("silent")
    parameters = {"id_token_hint": _hinted(services)["hint"], "logout_hint": hint}
    assert browser.get("/account", headers=HOST).status_code == 200
    confirmed(browser, **parameters)
    assert browser.get("/account", headers=HOST).status_code == 303


def test_o_45_a_logout_hint_tells_no_application_whose_address_it_is(signed_in: SignedIn, services: Services) -> None:
    """One that may not have the address could try one after the other: the right one would sign out without a page."""
    browser = signed_in()
    hint, sid = _received(browser, services, "census")
    guess, known = ({"id_token_hint": hint, "logout_hint": about} for about in ("a@b.example", sid))
    asked = browser.get("/end-session", query_string=guess, headers=HOST)
    assert 'data-step="sign-out"' in asked.text
    done = browser.get("/end-session", query_string=known, headers=HOST)
    assert 'data-step="signed-out"' in done.text


def test_o_45_a_logout_hint_tells_nobody_the_other_addresses(signed_in: SignedIn, services: Services) -> None:
    browser = signed_in("silent")
    services.database.collection("accounts").update_one({}, {"$push": {"addresses": "other@b.example"}})
    parameters = {"id_token_hint": _hinted(services)["hint"], "logout_hint": "other@b.example"}
    assert 'data-step="sign-out"' in browser.get("/end-session", query_string=parameters, headers=HOST).text


def test_o_45_a_logout_hint_alone_ends_nothing(signed_in: SignedIn) -> None:
    browser = signed_in("silent")
    asked = browser.get("/end-session", query_string={"logout_hint": "a@b.example"}, headers=HOST)
    assert 'data-step="sign-out"' in asked.text
    assert browser.get("/account", headers=HOST).status_code == 200


def test_a_cross_site_post_without_our_cookie_ends_the_sign_in_that_its_hint_names(
    signed_in: SignedIn, services: Services, app: Flask
) -> None:
    browser = signed_in("framed")
    session = services.database.collection("sessions").find_one({"sign_in": {"$exists": True}})
    assert session
    hint = _id_token(services, sid=session["sign_in"]["sid"])
    form = {"id_token_hint": hint, "post_logout_redirect_uri": "https://framed.example/bye"}
    # SameSite=Lax: the browser sends no cookie along.
    answer = app.test_client().post("/end-session", data=form, headers=HOST, follow_redirects=True)
    assert answer.status_code == 200
    assert "<iframe" in answer.text
    assert browser.get("/account", headers=HOST).status_code == 303
    assert services.stores.grants.used_by_account("account-1") == ()


@pytest.mark.parametrize("with_cookie", [True, False])
def test_a_sign_out_that_an_application_asked_for_is_in_the_security_log(
    signed_in: SignedIn, services: Services, app: Flask, *, with_cookie: bool
) -> None:
    """Also without our cookie: whoever has an ID token of the person could sign them out again and again unseen."""
    browser = signed_in("framed")
    if with_cookie:
        browser.get("/end-session", query_string={"id_token_hint": _hinted(services)["hint"]}, headers=HOST)
    else:
        hint = {"id_token_hint": _hinted(services)["hint"]}
        app.test_client().post("/end-session", data=hint, headers=HOST, follow_redirects=True)
        app.test_client().post("/end-session", data=hint, headers=HOST, follow_redirects=True)
    events = services.stores.audit.events(account_ids=("account-1",))
    assert [event.fields.get("client_id") for event in events if event.event == "session.ended"] == ["framed"]


def test_o_45_a_cross_site_post_without_a_hint_ends_nothing(signed_in: SignedIn, app: Flask) -> None:
    browser = signed_in("framed")
    form = {"client_id": "framed", "state": "é &", "unknown": "x"}
    answer = app.test_client().post("/end-session", data=form, headers=HOST)
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (303, False)
    assert answer.headers["Location"] == "/end-session?client_id=framed&state=%C3%A9+%26"
    assert 'data-step="sign-out"' in browser.get(answer.headers["Location"], headers=HOST).text
    assert browser.get("/account", headers=HOST).status_code == 200


def test_the_form_that_asks_may_end_at_a_native_application(signed_in: SignedIn, services: Services) -> None:
    """Its sign-in was an earlier one, so that the person is asked; browsers hold form-action against the redirect."""
    browser = signed_in("native")
    hint = _id_token(services, sid="an earlier one", audience="native")
    parameters = {"id_token_hint": hint, "post_logout_redirect_uri": "org.example.app:/bye"}
    asked = browser.get("/end-session", query_string=parameters, headers=HOST)
    assert 'data-step="sign-out"' in asked.text
    policy = asked.headers["Content-Security-Policy"].split("; ")
    assert any(each.startswith("form-action ") and "org.example.app:" in each.split() for each in policy)
    token = asked.text.partition('name="csrf_token" value="')[2].partition('"')[0]
    answer = browser.post("/end-session/confirm", data={"csrf_token": token, **parameters}, headers=HOST)
    assert answer.headers["Location"] == "org.example.app:/bye"


def test_a_cross_site_post_too_long_for_a_link_is_answered_at_once(
    signed_in: SignedIn, services: Services, app: Flask
) -> None:
    browser = signed_in("silent")
    form = {"id_token_hint": _hinted(services)["hint"], "state": "s" * 8000, "ui_locales": "fr"}
    answer = app.test_client().post("/end-session", data=form, headers=HOST)
    assert 'data-step="signed-out"' in answer.text
    assert browser.get("/account", headers=HOST).status_code == 303


def test_o_45_a_sign_out_where_nobody_is_signed_in_leaves_a_waiting_sign_in_alone(app: Flask) -> None:
    browser = app.test_client()
    browser.get("/account", headers=HOST)
    waiting = browser.get_cookie("idp_session", domain="localhost")
    assert waiting is not None
    assert 'data-step="signed-out"' in browser.get("/end-session", headers=HOST).text
    assert browser.get_cookie("idp_session", domain="localhost") == waiting


def test_the_language_that_the_application_asks_for_is_spoken(signed_in: SignedIn) -> None:
    text, _ = confirmed(signed_in(), ui_locales="de en fr")
    assert '<html lang="en">' in text


def test_pairwise_applications_know_a_sign_in_by_names_of_their_own_and_end_it_by_them(
    signed_in: SignedIn, services: Services
) -> None:
    """With one ``sid`` for all they could tell that they speak of the same person (Core section 8.1)."""
    browser = signed_in()
    hint, sid = _received(browser, services, "survey")
    assert sid not in (_received(browser, services, "census")[1], _hinted(services)["sid"])
    page = browser.get("/end-session", query_string={"id_token_hint": hint, "logout_hint": sid}, headers=HOST)
    assert 'data-step="signed-out"' in page.text
    assert f"https://survey.example/logout?iss=http%3A%2F%2Flocalhost%3A5000&amp;sid={sid}" in page.text


def test_such_a_name_ends_the_sign_in_also_without_our_cookie(
    signed_in: SignedIn, services: Services, app: Flask
) -> None:
    browser = signed_in()
    hint, _ = _received(browser, services, "survey")
    form = {"id_token_hint": hint, "post_logout_redirect_uri": "https://survey.example/bye"}
    app.test_client().post("/end-session", data=form, headers=HOST, follow_redirects=True)
    assert browser.get("/account", headers=HOST).status_code == 303


def _received(browser: FlaskClient, services: Services, client_id: str) -> tuple[str, str]:
    """The ID token that this application gets of whoever is signed in, and the ``sid`` in it."""
    callback = f"https://{client_id}.example/cb"
    asked = {"client_id": client_id, "redirect_uri": callback, "response_type": "code", "scope": "openid"}
    asked |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    answer = browser.get("/authorize", query_string=asked, headers=HOST).headers["Location"]
    exchange = {"grant_type": "authorization_code", "redirect_uri": callback, "code_verifier": VERIFIER}
    token = browser.post(
        "/token",
        data=exchange | {"code": query_of(answer)["code"]},
        headers=HOST,
        auth=(client_id, f"a-secret-of-the-{client_id}-01"),
    ).get_json()["id_token"]
    claims = services.provider._id_tokens.read_hint(token)
    assert claims is not None
    return token, claims["sid"]


def _hinted(services: Services) -> dict[str, str]:
    """A good hint about the one sign-in that there is, and its ``sid``."""
    session = services.database.collection("sessions").find_one({"sign_in": {"$exists": True}})
    assert session
    sid = session["sign_in"]["sid"]
    return {"hint": _id_token(services, sid=sid), "sid": sid}


def _id_token(services: Services, *, sid: str, audience: str = "framed") -> str:
    from joserfc import jwt

    from idp.openid.keys import KeyStore

    keys = KeyStore(services.settings.keys.dir)
    claims = {"iss": services.settings.issuer, "sub": "sub", "aud": audience, "sid": sid, "iat": 1, "exp": 2}
    return jwt.encode({"alg": "RS256", "typ": "JWT", "kid": keys.signing().kid}, claims, keys.signing().key)
