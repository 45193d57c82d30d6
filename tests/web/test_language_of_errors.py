"""A page that refuses something can be read in the other language, and doing so does nothing."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import html

from tests.web.proofing_world import CAMILLE, EXEMPLE, World
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


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_date_beside_a_reference_is_that_of_a_clock_on_the_wall(world: World, language: str) -> None:
    person = world.browser().get("/nowhere", lang=language)
    (date,) = person.tree.xpath("//dt[text()='Date']/../dd/text()")
    assert re.fullmatch(r"\d{1,2} \w+ \d{4} \d\d:\d\d:\d\d", date), "no offset from UTC"


def test_the_refusal_of_an_application_s_request_is_told_in_the_other_language(world: World) -> None:
    person = world.browser().get("/authorize", client_id="unknown", response_type="code")
    assert (person.last.status_code, person.step) == (400, "error")
    assert person.get(*languages(person)).last.status_code == 400
    assert "not registered" in person.text
    assert list(world.services.database.collection("authorizations").find()) == []


def test_the_refusal_of_a_form_is_told_in_both_languages_for_it_would_have_to_be_sent_again(world: World) -> None:
    person = world.browser().start(CAMILLE)
    person.send(f"/sign-in/{world.handle()}/password", csrf_token="another", password="x")
    assert (person.last.status_code, person.step) == (403, "error")
    assert languages(person) == []
    assert "Rien n’a été modifié." in person.text
    (english,) = person.tree.xpath("//main//*[@lang='en']")
    assert "Nothing was changed." in english.text_content()
    assert "Rien" not in english.text_content()


def test_the_refusal_of_a_university_s_answer_is_told_in_both_languages(world: World) -> None:
    person = world.browser().start(CAMILLE)
    asked = person.leave(EXEMPLE)
    person.keep_cookie("idp_language", "en")
    person.come_back(asked, world.draft().changed(status=("urn:oasis:names:tc:SAML:2.0:status:Responder",)))
    assert person.step == "error"
    (french,) = person.tree.xpath("//main//*[@lang='fr']")
    assert "Votre université a répondu sans confirmer votre identité" in french.text_content()
    assert "Your university" in person.text


def test_what_was_looked_for_in_vain_is_told_in_one_language_at_a_time(world: World) -> None:
    assert not world.browser().get("/nowhere").tree.xpath("//main//*[@lang]")


def test_the_page_after_signing_out_is_there_in_the_other_language(world: World) -> None:
    person = world.browser().signed_in(world.account("camille", CAMILLE)).get("/account").press("Se déconnecter")
    assert person.get(*languages(person)).step == "signed-out"
    assert "To sign in here, you will have to identify yourself again." in person.text


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example", "///evil.example"])
def test_no_language_link_leads_to_another_site(world: World, path: str) -> None:
    page = world.app.test_client().get("/", headers=HOST, environ_overrides={"PATH_INFO": path})
    assert page.status_code == 404
    (link,) = html.fromstring(page.text).xpath("//nav[@class='languages']//a/@href")
    assert link.startswith(("/evil.example", "/%5Cevil.example"))
