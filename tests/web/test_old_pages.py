"""Who sends a form twice or comes back to an old page is told where they stand, and led on from there."""

import pytest

from idp.domain.accounts import Identity
from idp.domain.errors import ServiceUnavailable
from idp.domain.guessing import MAILS_PER_HOUR
from idp.flows.authorization import AuthorizationFlow
from idp.flows.browser_sessions import BrowserSessions
from tests.web.proofing_world import CAMILLE, EXEMPLE, PASSWORD, Traveller, World
from tests.web.test_given_address import without_mail
from tests.web.test_same_work import operations
from tests.web.visitor import HOST

GIVEN = "camille@etu.univ-exemple.fr"


def twice(person: Traveller, button: str, **typed: str) -> Traveller:
    """Send the form, and the same form once more."""
    page = person.last
    person.press(button, **typed)
    person.last = page
    return person.press(button, **typed)


def test_an_address_that_is_given_twice_leads_on_to_the_mailbox(world: World) -> None:
    person = twice(world.browser().start().prove(without_mail(world)), "Recevoir le code", email=GIVEN)
    assert (person.last.status_code, person.step) == (400, "error")
    assert "Étape déjà passée" in person.text
    assert person.get(person.tree.xpath("//a[@class='button']/@href")[0]).step == "check-mailbox"
    assert len(world.mails(GIVEN)) == 1


def test_a_page_of_a_sign_in_that_is_over_says_that_one_is_signed_in(world: World) -> None:
    world.account("camille", CAMILLE, Identity(EXEMPLE, "eppn", "c@univ-exemple.fr"), password=PASSWORD)
    person = world.browser().start()
    old = person.last.request.path
    assert person.press("Se connecter", password=PASSWORD).step == "account"
    assert person.get(old).last.status_code == 400
    assert "La connexion est déjà faite" in person.text
    assert person.get(person.tree.xpath("//a[@class='button']/@href")[0]).step == "account"


def test_an_error_page_looks_its_journey_up_once(world: World) -> None:
    world.account("camille", CAMILLE, Identity(EXEMPLE, "eppn", "c@univ-exemple.fr"), password=PASSWORD)
    person = world.browser().start()
    old = person.last.request.path
    person.press("Se connecter", password=PASSWORD)
    asked = operations(world, lambda person: person.get(old), person)
    assert "La connexion est déjà faite" in person.text
    # The page that was asked for, and the one that says why it cannot be shown.
    assert asked.count(("query", "authorizations")) == 2


def test_o_30_the_page_of_somebody_else_s_journey_says_no_more_than_that_it_is_over(world: World) -> None:
    here = world.browser().start()
    there = world.browser().get(here.last.request.path)
    assert there.last.status_code == 400
    assert "Le temps est écoulé" in there.text
    assert [link.get("href") for link in there.tree.xpath("//a[@class='button']")] == ["/account"]


def test_no_mail_is_promised_where_none_goes_out_any_more(world: World) -> None:
    for _ in range(MAILS_PER_HOUR):
        world.browser().start().prove()
    person = world.browser().start().prove()
    assert person.step == "check-mailbox"
    assert "Aucun nouveau message n’est parti" in person.text
    assert "Un message vous y attend" not in person.text
    assert len(world.mails(CAMILLE)) == MAILS_PER_HOUR


@pytest.mark.parametrize(
    ("part", "question"), [(BrowserSessions, "find"), (AuthorizationFlow, "reference_of")], ids=["session", "journey"]
)
def test_a_refusal_is_told_as_such_also_where_the_database_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch, part: type, question: str
) -> None:
    person = world.browser().start()

    def is_away(*_: object) -> None:
        raise ServiceUnavailable("database")

    monkeypatch.setattr(part, question, is_away)
    answer = person._client.post(person.last.request.path, data="x", content_type="text/plain", headers=HOST)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("portal_session", "of another application on this host", "Les cookies sont nécessaires"),
        ("idp_language", "fr", "Le temps est écoulé"),
    ],
    ids=["keeps none of ours", "keeps another one of ours"],
)
def test_a_browser_without_its_session_is_told_why(world: World, name: str, value: str, told: str) -> None:
    person = world.browser().start()
    person.forget_cookies().keep_cookie(name, value)
    page = person.press("Se connecter", password=PASSWORD)
    assert page.last.status_code == 400
    assert told in page.text
