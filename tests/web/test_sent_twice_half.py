"""Forms that are sent twice where the first one was cut half way, or is still under way."""

import pytest

from idp.app import first_time
from idp.domain.errors import ServiceUnavailable
from idp.storage.outbox import Outbox
from tests.web.proofing_world import CAMILLE, PASSWORD, Traveller, World
from tests.web.visitor import HOST


@pytest.fixture
def person(world: World) -> Traveller:
    """Has an account, and may ask for a code."""
    world.account("camille", CAMILLE, password=PASSWORD)
    return world.browser().start(CAMILLE)


def test_a_code_whose_mail_was_cut_is_mailed_when_it_is_asked_for_again_at_once(
    world: World, person: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = person.handle

    def away(*_: object) -> None:
        raise ServiceUnavailable("database", "cut")

    with monkeypatch.context() as cut:
        cut.setattr(Outbox, "put", away)
        assert person.press("Recevoir le code").last.status_code == 503
    assert world.mails(CAMILLE) == []
    person.post(f"/sign-in/{handle}/code/send")
    assert person.step == "code", person.text
    assert len(world.mails(CAMILLE)) == 1


def test_two_that_ask_at_once_without_seeing_the_mail_of_the_other_are_one_mail(
    world: World, person: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = person.handle
    monkeypatch.setattr(Outbox, "last_delivery", lambda *_: None)
    person.post(f"/sign-in/{handle}/code/send")
    person.post(f"/sign-in/{handle}/code/send")
    assert len(world.mails(CAMILLE)) == 1


def test_a_code_of_the_mailbox_that_is_sent_twice_at_once_is_no_wrong_one(world: World) -> None:
    person = world.browser().start(CAMILLE).prove()
    (found,) = world.services.database.collection("proofings").find()
    # Both have read it before either took the code.
    seen = world.services.stores.proofings.find(found["_id"], now=world.clock())
    assert seen is not None
    flow, code = first_time.mailbox(world.services), world.code(CAMILLE)
    assert flow.with_code(seen, person.session, code) is None
    assert flow.with_code(seen, person.session, code) is None


def test_a_form_that_is_sent_twice_ends_the_journey_by_the_answer_that_the_browser_follows(world: World) -> None:
    """Of two answers a browser follows the second one: had the first one ended the journey, it would lead nowhere."""
    person = world.browser().signed_in(world.account("camille", CAMILLE))
    person.ask_for_a_proof(client_id="survey", claims="{}")
    assert person.step == "consent", person.text
    form = {"csrf_token": person.tree.xpath("//input[@name='csrf_token']/@value")[0]}
    path, leads_to = f"/sign-in/{person.handle}/consent", f"/sign-in/{person.handle}"
    answers = [person._client.post(path, data=form, headers=HOST) for _ in range(2)]
    assert [answer.headers["Location"] for answer in answers] == [leads_to] * 2
    assert "code" in person.get(leads_to).answer
