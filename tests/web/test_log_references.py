"""Every line that a journey writes has its one reference, and none of them holds what lets anybody in."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from idp.domain.references import present_reference, under_reference
from idp.log import JsonFormatter
from tests.openid.world import basic
from tests.web.proofing_world import CAMILLE, PASSWORD, VERIFIER, Traveller, World
from tests.web.visitor import HOST


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the provider writes, down to the debug lines."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    ours = logging.getLogger("idp")
    ours.addHandler(handler)
    before = ours.level
    ours.setLevel(logging.DEBUG)
    yield written
    ours.removeHandler(handler)
    ours.setLevel(before)


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def arrived(world: World) -> Traveller:
    """From the application to the university, the mailbox, a refused and a good password, and back with a code."""
    person = world.browser().ask(scope="openid email")
    person.press("Se connecter", email=CAMILLE).prove()
    person.press("Continuer", code=world.code(CAMILLE))
    person.press("Créer", password="motdepasse").press("Créer", password=PASSWORD)
    return person


def exchange(world: World, person: Traveller) -> dict[str, str]:
    form = {"grant_type": "authorization_code", "code": person.answer["code"], "code_verifier": VERIFIER}
    form |= {"redirect_uri": "https://exams.example/cb"}
    headers = HOST | {"Authorization": basic("exams", "a-secret-of-the-exams")}
    answer = world.app.test_client().post("/token", data=form, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def use(world: World, access_token: str) -> None:
    client = world.app.test_client()
    bearer = {"Authorization": f"Bearer {access_token}"}
    assert client.get("/userinfo", headers=HOST | bearer).status_code == 200
    headers = HOST | {"Authorization": basic("exams", "a-secret-of-the-exams")}
    assert client.post("/introspect", data={"token": access_token}, headers=headers).json["active"]  # type: ignore[index]


def test_a_journey_has_one_reference_from_the_first_request_to_the_tokens(world: World, log: io.StringIO) -> None:
    person = arrived(world)
    use(world, exchange(world, person)["access_token"])
    (mail,) = world.mails(CAMILLE)
    written = lines(log)
    assert {line["reference"] for line in written} == {mail["reference"]}
    answered = [line for line in written if line["event"] == "request.answered"]
    routes = [f"{line['method']} {line['route']} {line['status']}" for line in answered]
    assert routes[0] == "GET /authorize 303"
    assert "POST /saml/acs 303" in routes
    assert "POST /sign-in/<authorization_id>/new-password 422" in routes
    assert routes[-3:] == ["POST /token 200", "GET /userinfo 200", "POST /introspect 200"]
    assert {"proofing.started", "proofing.vouched", "proofing.completed"} <= {line["event"] for line in written}


def test_no_line_holds_a_code_link_token_password_cookie_or_address(world: World, log: io.StringIO) -> None:
    person = arrived(world)
    cookies = [cookie.value for cookie in person.cookies.values()]
    code = person.answer["code"]
    tokens = exchange(world, person)
    person.get("/proofing/link/abcdefghijklmnopqrstuvwxyz0123456789")
    text = log.getvalue()
    secrets = [PASSWORD, CAMILLE, code, world.code(CAMILLE), *cookies, tokens["access_token"], tokens["id_token"]]
    assert [secret for secret in secrets if secret in text] == []
    assert "abcdefghijklmnopqrstuvwxyz" not in text
    assert "/proofing/link/<token>" in text


def test_another_request_has_a_reference_of_its_own(world: World, log: io.StringIO) -> None:
    world.browser().get("/accessibility")
    world.browser().get("/accessibility")
    first, second = (line["reference"] for line in lines(log) if line["event"] == "request.answered")
    assert first != second


def test_a_method_that_nobody_knows_is_not_repeated(world: World, log: io.StringIO) -> None:
    world.app.test_client().open("/accessibility", method="CAMILLE", headers=HOST)
    (line,) = (line for line in lines(log) if line["event"] == "request.answered")
    assert line["method"] == "other"


def test_the_error_page_shows_the_reference_of_its_lines(world: World, log: io.StringIO) -> None:
    person = world.browser()
    person.get("/sign-in/nothing/methods")
    assert person.step == "error"
    assert {line["reference"] for line in lines(log)} == {person.tree.xpath("string(//main/@data-reference)")}


def test_outside_of_any_request_each_reference_is_new() -> None:
    assert present_reference() != present_reference()
    with under_reference("ABCD-2345"):
        assert present_reference() == "ABCD-2345"
    with under_reference():
        assert present_reference() == present_reference()
