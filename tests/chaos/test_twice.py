"""Impatient people: every form sent twice, « Back », and pages of long ago. The end is the same, with one mail.

In this process; quick enough for every run.
"""

from typing import Any

import pytest

from idp.domain.one_time_codes import digits
from tests.chaos.test_clock import world  # noqa: F401 - a fixture
from tests.web.conftest import _built, university_folder, university_keys  # noqa: F401
from tests.web.proofing_world import CAMILLE, PASSWORD, Traveller, World
from tests.web.visitor import HOST

FRIENDLY = (200, 303, 400, 403, 422)


class Impatient(Traveller):
    """Sends every form twice before looking at an answer; it looks at the one that ``sees`` says."""

    def __init__(self, world: World, sees: int) -> None:  # noqa: F811
        super().__init__(world)
        self.sees = sees
        self.pages: list[tuple[str, dict[str, str]]] = []

    def press(self, button: str, **typed: str) -> "Impatient":
        for form in self.tree.xpath("//form[@method='post']"):
            if " ".join(form.find(".//button").text_content().split()).startswith(button):
                sent = form.xpath(".//input[@name][not(@type='checkbox') or @checked]")
                fields = {field.get("name"): field.get("value") or "" for field in sent} | typed
                self.send_twice(str(form.get("action")), fields)
                return self
        raise AssertionError(f"no button « {button} » on {self.step}: {self.text}")

    def send_twice(self, path: str, fields: dict[str, str]) -> None:
        self.pages.append((path, fields))
        answers = [self._client.post(path, data=fields, headers=HOST) for _ in range(2)]
        for answer in answers:
            assert answer.status_code in FRIENDLY, answer.text
        self.last = answers[self.sees]
        self._follow()

    def replay(self) -> None:
        """Every page of this journey once more, as it was sent the first time; each has a page of its own to say so."""
        for path, fields in self.pages:
            self.last = self._client.post(path, data=fields, headers=HOST)
            assert self.last.status_code in FRIENDLY, (path, self.last.text)
            self._follow()
            assert self.last.status_code in FRIENDLY
            assert self.step or "://" in self.location, path


def mails(world: World) -> list[dict[str, Any]]:  # noqa: F811
    return world.mails(CAMILLE)


@pytest.mark.parametrize("sees", [0, 1])
def test_the_first_time_sent_twice_makes_one_account_with_one_mail(world: World, sees: int) -> None:  # noqa: F811
    person = Impatient(world, sees)
    person.get("/account")
    person.press("Se connecter", email=CAMILLE)
    person.prove()
    assert person.step == "check-mailbox", person.text
    assert len(mails(world)) == 1
    person.press("Continuer", code=world.code(CAMILLE))
    assert person.step == "new-password", person.text
    person.press("Créer", password=PASSWORD)
    # Whoever sees the second answer is told that it is done already.
    assert person.step == "account" or "Étape déjà passée" in person.text
    assert person.get("/account").step == "account"
    assert world.services.database.collection("accounts").count_documents({}) == 1
    told = len(mails(world))
    person.replay()
    assert world.services.database.collection("accounts").count_documents({}) == 1
    assert len(mails(world)) == told
    person.get("/account")
    assert person.step == "account"


@pytest.mark.parametrize("sees", [0, 1])
def test_a_password_sent_twice_signs_in_once(world: World, sees: int) -> None:  # noqa: F811
    world.account("camille", CAMILLE, password=PASSWORD)
    person = Impatient(world, sees)
    person.get("/account")
    person.press("Se connecter", email=CAMILLE).press("Se connecter", password=PASSWORD)
    assert person.step == "account", person.text
    person.replay()
    person.get("/account")
    assert person.step == "account"
    signed_in = world.services.database.collection("sessions").count_documents({"sign_in.account_id": "camille"})
    assert signed_in <= 2


@pytest.mark.parametrize("sees", [0, 1])
def test_a_mailed_code_asked_for_and_sent_twice_is_one_mail_and_one_sign_in(
    world: World,  # noqa: F811
    sees: int,
) -> None:
    world.account("camille", CAMILLE, password=PASSWORD)
    person = Impatient(world, sees)
    person.get("/account")
    person.press("Se connecter", email=CAMILLE).press("Recevoir le code")
    assert person.step == "code", person.text
    codes = {digits(world.services.secret, mail["record_id"]) for mail in mails(world)}
    assert len(mails(world)) == 1
    person.press("Se connecter", code=codes.pop())
    assert person.get("/account").step == "account"


def test_back_after_signing_in_leads_on_instead_of_asking_again(world: World) -> None:  # noqa: F811
    world.account("camille", CAMILLE, password=PASSWORD)
    person = world.browser().start(CAMILLE)
    handle = person.handle
    person.press("Se connecter", password=PASSWORD)
    assert person.step == "account"
    for page in ("address", "methods", "code", "university", "mailbox", "new-password"):
        person.get(f"/sign-in/{handle}/{page}")
        assert person.last.status_code in FRIENDLY, page
        assert person.step, page
        assert "Traceback" not in person.last.text


def test_two_tabs_end_at_the_application_each(world: World) -> None:  # noqa: F811
    world.account("camille", CAMILLE, password=PASSWORD)
    first, second = world.browser(), world.browser()
    second._client = first._client
    first.ask_for_a_proof(claims="{}", state="first")
    second.ask_for_a_proof(claims="{}", state="second")
    first.press("Se connecter", email=CAMILLE)
    second.press("Se connecter", email=CAMILLE)
    first.press("Se connecter", password=PASSWORD)
    assert first.answer["state"] == "first"
    second.press("Se connecter", password=PASSWORD)
    if "state" not in second.answer:
        second.get(f"/sign-in/{second.handle}")
    assert second.answer["state"] == "second", second.text


def test_who_asks_for_another_mail_receives_it_at_once(world: World) -> None:  # noqa: F811
    world.account("camille", CAMILLE, password=PASSWORD)
    person = world.browser().start(CAMILLE).press("Recevoir le code").press("Renvoyer le code")
    assert person.step == "code"
    assert len({mail["record_id"] for mail in mails(world)}) == 1
    assert len(mails(world)) == 2
