"""A page that refuses something can be read in the other language, and doing so does nothing."""

from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import html

from tests.web.proofing_world import CAMILLE, World
from tests.web.visitor import HOST, Visitor


def languages(visitor: Visitor) -> list[str]:
    return [str(link) for link in visitor.tree.xpath("//nav[@class='languages']//a/@href")]


def test_what_was_looked_for_in_vain_is_told_in_the_other_language(world: World) -> None:
    person = world.browser().get("/nowhere", q="é&b")
    assert (person.last.status_code, person.step) == (404, "error")
    (english,) = languages(person)
    assert parse_qs(urlsplit(english).query) == {"q": ["é&b"], "lang": ["en"]}
    person.get(english)
    assert (person.last.status_code, person.step) == (404, "error")
    assert "There is nothing at this address." in person.text
    (french,) = languages(person)
    assert "Il n’y a rien à cette adresse." in person.get(french).text


def test_the_refusal_of_an_application_s_request_is_told_in_the_other_language(world: World) -> None:
    person = world.browser().get("/authorize", client_id="unknown", response_type="code")
    assert (person.last.status_code, person.step) == (400, "error")
    assert person.get(*languages(person)).last.status_code == 400
    assert "not registered" in person.text
    assert list(world.services.database.collection("authorizations").find()) == []


def test_the_refusal_of_a_form_offers_no_language_for_it_would_have_to_be_sent_again(world: World) -> None:
    person = world.browser().start(CAMILLE)
    person.send(f"/sign-in/{world.handle()}/password", csrf_token="another", password="x")
    assert (person.last.status_code, person.step) == (403, "error")
    assert languages(person) == []


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example", "///evil.example"])
def test_no_language_link_leads_to_another_site(world: World, path: str) -> None:
    page = world.app.test_client().get("/", headers=HOST, environ_overrides={"PATH_INFO": path})
    assert page.status_code == 404
    (link,) = html.fromstring(page.text).xpath("//nav[@class='languages']//a/@href")
    assert link.startswith(("/evil.example", "/%5Cevil.example"))
