import base64
import re
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from idp.demo import xml_security
from idp.demo.keys import KeyPair
from idp.demo.ports import free_port
from idp.demo.service_provider import ServiceProviderUnknown, fetch_from, read_metadata
from idp.demo.universities import create_universities
from idp.demo.xml_security import ASSERTION, PROTOCOL
from tests.demo.conftest import ACS_URL, RequestingService

BASE = "http://localhost:5002"
SSO = f"{BASE}/univ-exemple/sso"


@pytest.fixture
def browser(service: RequestingService, keys_folder: Path) -> FlaskClient:
    return create_universities(BASE, keys_folder, lambda: service.known).test_client()


def begin(browser: FlaskClient, service: RequestingService) -> TestResponse:
    query = service.redirect_query(service.request(SSO))
    return browser.get(f"{SSO}?{query}", follow_redirects=True)


def fields(page: str) -> dict[str, str]:
    return {unescape(name): unescape(value) for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', page)}


def type_password(browser: FlaskClient, page: TestResponse, username: str, password: str) -> TestResponse:
    form = fields(page.text) | {"username": username, "password": password}
    return browser.post(f"{BASE}/univ-exemple/sign-in", data=form)


def test_a_person_signs_in_and_the_answer_goes_back(browser: FlaskClient, service: RequestingService) -> None:
    page = begin(browser, service)
    assert 'data-step="university-sign-in"' in page.text
    answer = type_password(browser, page, "cexemple", "bonjour")
    assert f'action="{ACS_URL}"' in answer.text
    assert fields(answer.text)["RelayState"] == "état & suite"
    response = xml_security.parse(base64.b64decode(fields(answer.text)["SAMLResponse"]))
    assert response.find(f"{{{ASSERTION}}}Assertion") is not None


def test_the_post_binding_works_too(browser: FlaskClient, service: RequestingService) -> None:
    form = {"SAMLRequest": service.post_field(service.request(SSO)), "RelayState": "x"}
    page = browser.post(SSO, data=form, follow_redirects=True)
    assert 'data-step="university-sign-in"' in page.text


def test_a_wrong_password_is_refused_and_may_be_typed_again(browser: FlaskClient, service: RequestingService) -> None:
    page = begin(browser, service)
    wrong = type_password(browser, page, "cexemple", "bonsoir")
    assert (wrong.status_code, "incorrect" in wrong.text) == (401, True)
    assert "SAMLResponse" in type_password(browser, wrong, "cexemple", "bonjour").text


def test_a_request_is_answered_once(browser: FlaskClient, service: RequestingService) -> None:
    page = begin(browser, service)
    type_password(browser, page, "cexemple", "bonjour")
    assert type_password(browser, page, "cexemple", "bonjour").status_code == 400


def test_cancelling_sends_a_signed_refusal(browser: FlaskClient, service: RequestingService) -> None:
    page = begin(browser, service)
    answer = browser.post(f"{BASE}/univ-exemple/cancel", data=fields(page.text))
    response = xml_security.parse(base64.b64decode(fields(answer.text)["SAMLResponse"]))
    codes = [code.get("Value", "") for code in response.iter(f"{{{PROTOCOL}}}StatusCode")]
    assert codes[1].endswith(":AuthnFailed")


def test_the_second_sign_in_asks_nothing_until_the_person_signs_out(
    browser: FlaskClient, service: RequestingService
) -> None:
    type_password(browser, begin(browser, service), "cexemple", "bonjour")
    assert 'data-step="university-answer"' in begin(browser, service).text
    browser.post(f"{BASE}/univ-exemple/sign-out")
    assert 'data-step="university-sign-in"' in begin(browser, service).text


def test_an_unsigned_request_is_refused(browser: FlaskClient, service: RequestingService) -> None:
    query = service.redirect_query(service.request(SSO), signed=False)
    assert_refused(browser.get(f"{SSO}?{query}"))
    assert_refused(browser.post(SSO, data={"SAMLRequest": service.post_field(service.request(SSO), signed=False)}))


def test_a_request_signed_by_a_stranger_is_refused(
    browser: FlaskClient, service: RequestingService, stranger: KeyPair
) -> None:
    request = service.request(SSO)
    assert_refused(browser.get(f"{SSO}?{service.redirect_query(request, stranger)}"))
    assert_refused(browser.post(SSO, data={"SAMLRequest": service.post_field(request, stranger)}))


def test_a_request_with_another_relay_state_is_refused(browser: FlaskClient, service: RequestingService) -> None:
    query = service.redirect_query(service.request(SSO)).replace("suite", "autre")
    assert_refused(browser.get(f"{SSO}?{query}"))


def test_an_answer_never_goes_to_an_address_outside_the_metadata(
    browser: FlaskClient, service: RequestingService
) -> None:
    request = service.request(SSO, acs_url="https://elsewhere.example/acs")
    assert_refused(browser.get(f"{SSO}?{service.redirect_query(request)}"))


def test_a_request_for_another_university_is_refused(browser: FlaskClient, service: RequestingService) -> None:
    request = service.request(f"{BASE}/univ-rivemarine/sso")
    assert_refused(browser.get(f"{SSO}?{service.redirect_query(request)}"))


def test_a_request_of_another_service_is_refused(browser: FlaskClient, service: RequestingService) -> None:
    request = service.request(SSO, issuer="https://elsewhere.example")
    assert_refused(browser.get(f"{SSO}?{service.redirect_query(request)}"))


@pytest.mark.parametrize("saml_request", ["", "x", "eA==", base64.b64encode(b"\xff\xfe").decode()])
def test_what_is_no_request_is_refused(browser: FlaskClient, saml_request: str) -> None:
    assert_refused(browser.get(f"{SSO}?{urlencode({'SAMLRequest': saml_request})}"))
    assert_refused(browser.post(SSO, data={"SAMLRequest": saml_request}))


def test_people_json_lists_every_account(browser: FlaskClient) -> None:
    people = browser.get("/people.json").get_json()
    assert len(people) >= 16
    for person in people:
        assert {"entity_id", "university", "username", "password", "mail", "typed_mail"} <= set(person)
    assert any(person["mail"] is None for person in people)
    assert any(person["mail"] not in (None, person["typed_mail"]) for person in people)


def test_the_first_page_shows_what_to_type(browser: FlaskClient) -> None:
    page = browser.get("/").text
    assert "camille.exemple@etu.univ-exemple.fr" in page
    assert "Université de Rivemarin" in page


def test_a_provider_that_is_down_is_said_plainly(keys_folder: Path, service: RequestingService) -> None:
    fetch = fetch_from(f"http://localhost:{free_port()}/saml/metadata")
    browser = create_universities(BASE, keys_folder, fetch).test_client()
    page = browser.get(f"{SSO}?{service.redirect_query(service.request(SSO))}")
    assert_refused(page)
    assert "ne répond pas" in page.text


def test_metadata_without_a_service_provider_is_unknown() -> None:
    with pytest.raises(ServiceProviderUnknown):
        read_metadata("<x/>")


def assert_refused(page: TestResponse) -> None:
    assert page.status_code == 400
    assert 'data-step="university-error"' in page.text
