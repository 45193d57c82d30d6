"""Whoever knows an address has all its mails sent: its owner, for whom a university vouches, still gets theirs."""

import pytest

from idp.app import assistance
from idp.domain import identity
from idp.domain.guessing import MAILS_PER_HOUR, VOUCHED_MAILS_PER_HOUR
from idp.domain.helpdesk import Act
from tests.web.proofing_world import AUTRE, CAMILLE, PASSWORD, World
from tests.web.test_given_address import CDURAND, without_mail


def kinds(world: World) -> list[str]:
    return [str(mail["kind"]) for mail in world.mails(CAMILLE)]


@pytest.fixture
def used_up(world: World) -> World:
    for _ in range(2 * MAILS_PER_HOUR):
        world.browser().start().press("Recevoir le code")
    assert len(kinds(world)) == MAILS_PER_HOUR
    return world


def test_who_comes_for_the_first_time_gets_in_all_the_same(used_up: World) -> None:
    person = used_up.browser().start().prove()
    assert kinds(used_up)[MAILS_PER_HOUR:] == ["proofing"]
    assert person.press("Continuer", code=used_up.code(CAMILLE)).press("Créer", password=PASSWORD).step == "account"


def test_where_no_stranger_used_them_up_the_person_has_all_mails_of_an_hour(world: World) -> None:
    for _ in range(2 * MAILS_PER_HOUR):
        world.browser().start().prove()
    assert kinds(world) == ["proofing"] * MAILS_PER_HOUR


def test_o_20_which_floods_nobody_s_mailbox_either(used_up: World) -> None:
    for _ in range(2 * MAILS_PER_HOUR):
        used_up.browser().start().prove()
    assert kinds(used_up)[MAILS_PER_HOUR:] == ["proofing"] * VOUCHED_MAILS_PER_HOUR


def test_o_20_nor_do_its_subaddresses(used_up: World) -> None:
    """They are other addresses and other accounts, but the mails for all of them come to the one mailbox (RFC 5233)."""
    local_part, _, domain = CAMILLE.partition("@")
    for number in range(3):
        address = f"{local_part}+{number}@{domain}"
        assert used_up.browser().start(address).press("Recevoir le code").step == "code"
        assert used_up.mails(address) == []


def test_another_university_that_may_vouch_there_uses_up_its_own_alone(
    used_up: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As one that shares the scope, or has the one above: its people are whom it says they are.
    monkeypatch.setattr(identity, "within", lambda *_: True)
    for _ in range(2 * MAILS_PER_HOUR):
        used_up.browser().start().prove(used_up.draft(AUTRE, mail=(CAMILLE,), eppn=("x@autre.fr",)))
    assert kinds(used_up)[MAILS_PER_HOUR:] == ["proofing"] * VOUCHED_MAILS_PER_HOUR
    used_up.browser().start().prove()
    assert len(kinds(used_up)) == MAILS_PER_HOUR + VOUCHED_MAILS_PER_HOUR + 1


def test_o_20_an_address_that_was_only_typed_gets_no_more_than_any_other(used_up: World) -> None:
    person = used_up.browser().start().prove(without_mail(used_up))
    assert person.step == "give-address"
    person.press("Recevoir le code", email=CAMILLE)
    assert len(kinds(used_up)) == MAILS_PER_HOUR


def test_who_helps_gives_them_back(used_up: World) -> None:
    used_up.account("camille", CAMILLE, CDURAND)
    for _ in range(VOUCHED_MAILS_PER_HOUR):
        used_up.browser().start().prove()
    assert assistance.people(used_up.services).unlock("camille", Act("alex", "appel"))
    for _ in range(MAILS_PER_HOUR):
        used_up.browser().start().press("Recevoir le code")
    before = len(kinds(used_up))
    used_up.browser().start().prove()
    assert len(kinds(used_up)) == before + 1


def test_a_mail_that_is_held_back_stands_in_the_security_log(used_up: World) -> None:
    for _ in range(VOUCHED_MAILS_PER_HOUR + 1):
        used_up.browser().start().prove()
    (event,) = used_up.events("proofing.mail_limit")
    assert event["reference"] not in {mail["reference"] for mail in used_up.mails(CAMILLE)}
