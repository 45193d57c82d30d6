import pytest
from flask import Flask, jsonify
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from idp.demo.portal import COOKIE, create_portal
from idp.demo.ports import free_port
from idp.demo.registration import metadata_settings
from idp.demo.relying_party import Registration
from idp.demo.web_server import WebServer

REGISTRATIONS = {name: Registration(name, "secret-of-" + name) for name in ("portail", "second")}


def portal(issuer: str) -> FlaskClient:
    return create_portal(issuer, "http://localhost:5001", REGISTRATIONS).test_client()


@pytest.fixture
def unreachable() -> str:
    return f"http://localhost:{free_port()}"


@pytest.mark.parametrize("path", ["/", "/second/"])
def test_the_first_page_needs_no_provider(unreachable: str, path: str) -> None:
    page = portal(unreachable).get(path)
    assert page.status_code == 200
    assert "Connectez-vous" in page.text


@pytest.mark.parametrize("path", ["/sign-in", "/second/sign-in", "/callback?code=x&state=y"])
def test_a_provider_that_is_down_is_said_plainly(unreachable: str, path: str) -> None:
    page = portal(unreachable).get(path)
    assert page.status_code == 502
    assert 'data-step="portal-error"' in page.text
    assert "ne répond pas" in page.text


@pytest.mark.parametrize(
    ("language", "words"), [("fr", "tout reste sur cette machine"), ("en", "all of it lies on this machine")]
)
def test_what_the_provider_s_pages_lead_to_is_there(unreachable: str, language: str, words: str) -> None:
    address = metadata_settings("http://localhost:5001")[f"IDP_SAML_METADATA_PRIVACY_URL_{language.upper()}"]
    page = portal(unreachable).get(address)
    assert page.status_code == 200
    assert words in page.text
    assert f'<main data-step="portal-privacy" lang="{language}">' in page.text


@pytest.mark.parametrize("path", ["/me.json", "/second/me.json"])
def test_nobody_signed_in_is_401(unreachable: str, path: str) -> None:
    answer = portal(unreachable).get(path)
    assert (answer.status_code, answer.get_json()) == (401, {"error": "signed_out"})


def test_signing_out_without_being_signed_in_leads_home(unreachable: str) -> None:
    answer = portal(unreachable).post("/second/sign-out")
    assert (answer.status_code, answer.headers["Location"]) == (303, "http://localhost:5001/second/")


def test_discovery_is_tried_again_when_the_provider_has_come_up(unreachable: str) -> None:
    browser = portal(unreachable)
    assert browser.get("/sign-in").status_code == 502
    server = discovering(unreachable)
    try:
        location = browser.get("/sign-in").headers["Location"]
    finally:
        server.stop()
    assert location.startswith(f"{unreachable}/authorize?")
    for parameter in ("state=", "nonce=", "code_challenge=", "code_challenge_method=S256", "response_type=code"):
        assert parameter in location
    assert browser.get_cookie(COOKIE) is not None


def test_an_issuer_other_than_the_configured_one_is_refused(unreachable: str) -> None:
    server = discovering(unreachable, issuer="https://elsewhere.example")
    try:
        page = portal(unreachable).get("/sign-in")
    finally:
        server.stop()
    assert (page.status_code, "invalid_issuer" in page.text) == (400, True)


@pytest.mark.parametrize("iss", ["", "&iss=https://elsewhere.example"])
def test_a_response_of_another_issuer_is_refused(unreachable: str, iss: str) -> None:
    server = discovering(unreachable)
    try:
        page = portal(unreachable).get(f"/callback?code=x&state=y{iss}")
    finally:
        server.stop()
    assert (page.status_code, "invalid_issuer" in page.text) == (400, True)


def after_error(issuer: str, error: str, description: str) -> TestResponse:
    server = discovering(issuer)
    try:
        return portal(issuer).get(f"/callback?error={error}&error_description={description}&state=y&iss={issuer}")
    finally:
        server.stop()


def test_who_went_back_without_signing_in_reads_so_in_french_and_may_try_again(unreachable: str) -> None:
    page = after_error(unreachable, "access_denied", "The person did not agree")
    assert page.status_code == 200
    assert 'data-error="access_denied"' in page.text
    assert "La connexion n’est pas faite" in page.text
    assert 'class="button" href="/sign-in">Réessayer' in page.text
    assert "The person" not in page.text


@pytest.mark.parametrize(
    ("error", "sentence"),
    [("invalid_scope", "n’a pas accepté la demande"), ("login_required", "doit d’abord vous montrer une page")],
)
def test_an_error_of_the_provider_is_told_in_french_its_own_words_escaped(
    unreachable: str, error: str, sentence: str
) -> None:
    page = after_error(unreachable, error, "<b>no</b>")
    assert page.status_code == 400
    assert f'data-error="{error}"' in page.text
    assert sentence in page.text
    assert "&lt;b&gt;no&lt;/b&gt;" in page.text
    assert "Réessayer" in page.text


def test_an_answer_to_no_question_is_refused(unreachable: str) -> None:
    server = discovering(unreachable)
    try:
        page = portal(unreachable).get(f"/callback?code=x&state=y&iss={unreachable}")
    finally:
        server.stop()
    assert (page.status_code, 'data-step="portal-error"' in page.text) == (400, True)


def discovering(url: str, issuer: str | None = None) -> WebServer:
    """A server that knows discovery alone, where the provider should be."""
    app = Flask("discovery")
    metadata = {
        "issuer": issuer or url,
        "authorization_endpoint": f"{url}/authorize",
        "token_endpoint": f"{url}/token",
        "authorization_response_iss_parameter_supported": True,
    }
    app.add_url_rule("/.well-known/openid-configuration", "discovery", lambda: jsonify(metadata))
    return WebServer(app, int(url.rpartition(":")[2])).start()
