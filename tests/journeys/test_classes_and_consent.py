"""What a client may ask of a sign-in, against the whole system: a fresh proof, a first time, an answer by form."""

import json
import secrets
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet
from playwright.sync_api import Page as BrowserPage
from playwright.sync_api import Route

from tests.journeys import steps
from tests.journeys.conftest import System, go_on_without_scripts
from tests.journeys.relying_party import RelyingParty
from tests.journeys.walker import Page, Walker

MAIL = "francois.delamer@etu.univ-rivemarine.fr"
UNIVERSITY = "urn:uness:acr:university"
ESSENTIAL = json.dumps({"id_token": {"acr": {"essential": True, "value": UNIVERSITY}}})


@pytest.fixture
def client(system: System) -> RelyingParty:
    return RelyingParty(system)


def ask(walker: Walker, client: RelyingParty, **changes: str) -> tuple[Page, str]:
    """The page that an authorization request leads to, and the request's code verifier."""
    verifier = secrets.token_urlsafe(40)
    parameters = client.request(verifier, **changes)
    return walker.get(client.discovery["authorization_endpoint"], params=parameters), verifier


def back_from_university(page: Page, walker: Walker, system: System, mail: str) -> Page:
    """From the choice of the university to the page behind its answer."""
    person = system.person(mail)
    page = page.submit("Sélection")
    if page.tree.xpath("//input[@name='password']"):
        form = next(form for form in page.forms() if "password" in form.fields)
        page = walker.submit(form, username=person["username"], password=person["password"])
    return walker.submit(next(form for form in page.forms() if "SAMLResponse" in form.fields))


def through_university(page: Page, walker: Walker, system: System, mail: str) -> Page:
    """From the choice of the university to the end of the journey."""
    already = len(system.mails(mail))
    page = back_from_university(page, walker, system, mail)
    assert page.step == "check-mailbox", page.main_text
    return steps.confirm_by_code(page, system, mail, already).submit("Créer", password=steps.PASSWORD)


def id_token(page: Page, verifier: str, client: RelyingParty) -> dict[str, object]:
    """The claims that the code at the end of this journey buys."""
    addresses = [page.url, *(answer.headers.get("Location", "") for answer in page.response.history)]
    callback = next(address for address in addresses if address.startswith(client.redirect_uri))
    tokens = client.exchange(dict(parse_qsl(urlsplit(callback).query))["code"], verifier).json()
    keys = KeySet.import_key_set(requests.get(client.discovery["jwks_uri"], timeout=10).json())
    return dict(jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims)


def test_somebody_signed_in_proves_it_again_where_the_client_insists(system: System, client: RelyingParty) -> None:
    walker = Walker()
    steps.enrol(walker, system, MAIL)
    # Another browser, signed in by password alone.
    walker = Walker()
    assert steps.with_password(walker, system, MAIL).step == "portal-signed-in"
    page, verifier = ask(walker, client, claims=ESSENTIAL)
    assert page.step == "choose-university"
    already = len(system.mails(MAIL))
    claims = id_token(back_from_university(page, walker, system, MAIL), verifier, client)
    assert claims["acr"] == UNIVERSITY
    assert claims["amr"] == ["pwd"]
    assert len(system.mails(MAIL)) == already


def test_a_client_may_begin_with_the_first_time(system: System, client: RelyingParty) -> None:
    assert "create" in client.discovery["prompt_values_supported"]
    walker = Walker()
    page, verifier = ask(walker, client, prompt="create", login_hint=MAIL)
    assert page.step == "email"
    page = page.submit("Se connecter", email=MAIL)
    assert page.step == "choose-university"
    assert id_token(through_university(page, walker, system, MAIL), verifier, client)["acr"] == UNIVERSITY


def test_the_answer_is_posted_by_a_real_browser(system: System, client: RelyingParty, page: BrowserPage) -> None:
    """With scripts by itself, without them by its button; the content policy lets it through."""
    walker = Walker()
    steps.enrol(walker, system, MAIL)
    for cookie in walker.session.cookies:
        if cookie.name.startswith("idp_"):
            page.context.add_cookies([{"name": cookie.name, "value": cookie.value or "", "url": system.provider}])
    posted: list[dict[str, str]] = []

    def receive(route: Route) -> None:
        posted.append(dict(parse_qsl(route.request.post_data or "")))
        route.fulfill(body="<h1>ok</h1>", content_type="text/html")

    page.route(client.redirect_uri, receive)
    verifier = secrets.token_urlsafe(40)
    query = requests.Request("GET", client.discovery["authorization_endpoint"])
    query.params = client.request(verifier, response_mode="form_post")
    page.goto(query.prepare().url or "")
    go_on_without_scripts(page, "form-post")
    page.wait_for_selector("text=ok")
    assert posted[0]["iss"] == client.discovery["issuer"]
    assert client.exchange(posted[0]["code"], verifier).status_code == 200
