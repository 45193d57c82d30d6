"""Two identities of a university and one mailbox (O-07, O-24, O-25): nobody gets in by having been there before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from idp.storage.database import Document
from tests.journeys import steps
from tests.journeys.conftest import System
from tests.journeys.forged_answers import EXEMPLE, RIVEMARINE, Asked, Site, ask, demo_site
from tests.journeys.relying_party import RelyingParty
from tests.journeys.walker import Page, Walker

OTHER_PASSWORD = "le mot de passe de l'intrus"


def proves(system: System, mail: str, name: str, *, at: Site | None = None, walker: Walker | None = None) -> Page:
    """The mailbox page of a browser whose person the university calls ``name`` and knows by this mail."""
    return posted(as_person(ask(system, walker=walker, at=at), mail, name, at or demo_site(system, EXEMPLE)))


def as_person(asked: Asked, mail: str, name: str, site: Site) -> Asked:
    attributes = {**asked.draft.attributes, "mail": (mail,), "eppn": (f"{name}@{site.scope}",)}
    return replace(asked, draft=asked.draft.changed(attributes=attributes))


def posted(asked: Asked) -> Page:
    page = asked.post(asked.right())
    assert page.step == "check-mailbox", page.main_text
    return page


def enrols(system: System, mail: str, name: str, password: str = steps.PASSWORD) -> Walker:
    """A browser that proves the mail as this person and is signed in."""
    already = len(system.mails(mail))
    page = steps.confirm_by_code(proves(system, mail, name), system, mail, already)
    assert page.submit("Créer", password=password).step == "portal-signed-in"
    return page.walker


def accounts(system: System, mail: str) -> list[Document]:
    return list(system.stored.collection("accounts").find({"addresses": mail}))


def names(account: Document) -> set[str]:
    return {identity["value"] for identity in account["identities"]}


@pytest.fixture
def mail() -> str:
    return f"partagee.{datetime.now(UTC):%H%M%S%f}@univ-exemple.fr"


def test_o_24_a_link_made_for_one_identity_is_dead_once_another_proved_the_same_mail(system: System, mail: str) -> None:
    waiting = proves(system, mail, f"x-{mail[9:20]}")
    received = system.next_mail(mail, already=0)
    link, code = received.link, received.code
    other = enrols(system, mail, f"y-{mail[9:20]}")
    for walker in (waiting.walker, other, Walker()):
        page = walker.get(link)
        assert 400 <= page.status < 500
        assert page.step == "error"
    assert 400 <= waiting.submit("Continuer", code=code).status < 500
    (account,) = accounts(system, mail)
    assert names(account) == {f"y-{mail[9:20]}@univ-exemple.fr"}
    assert steps.is_signed_in(other, system)
    assert not steps.is_signed_in(waiting.walker, system)


def test_o_25_nothing_of_another_identity_outlives_the_proof(system: System, mail: str) -> None:
    client = RelyingParty(system)
    intruder = enrols(system, mail, f"x-{mail[9:20]}", OTHER_PASSWORD)
    (before,) = accounts(system, mail)
    code, verifier = client.sign_in(intruder, scope="openid offline_access", prompt="consent")
    tokens = client.exchange(code, verifier).json()
    unused, its_verifier = client.sign_in(intruder)
    assert client.userinfo(tokens["access_token"]).status_code == 200

    victim = enrols(system, mail, f"y-{mail[9:20]}")

    assert not steps.is_signed_in(intruder, system)
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert client.token(refresh).json()["error"] == "invalid_grant"
    assert client.exchange(unused, its_verifier).json()["error"] == "invalid_grant"
    assert 400 <= steps.with_password(Walker(), system, mail, OTHER_PASSWORD).status < 500
    # Two people, two accounts, two subjects: the mail alone makes nobody the other.
    (after,) = accounts(system, mail)
    assert after["subject"] != before["subject"]
    assert names(after) == {f"y-{mail[9:20]}@univ-exemple.fr"}
    assert steps.is_signed_in(victim, system)


def test_o_07_another_university_s_person_with_the_same_name_gets_no_account_of_ours(system: System, mail: str) -> None:
    owner = enrols(system, mail, f"x-{mail[9:20]}")
    (before,) = accounts(system, mail)
    rivemarine = demo_site(system, RIVEMARINE)
    asked = as_person(ask(system, at=rivemarine), mail, f"x-{mail[9:20]}", rivemarine)
    page = asked.post(asked.right())
    assert 400 <= page.status < 500
    assert page.step == "error"
    assert accounts(system, mail) == [before]
    assert steps.is_signed_in(owner, system)


def test_o_16_and_o_23_code_and_link_die_of_old_age(system: System, mail: str) -> None:
    """Ten minutes and a day, brought about in the database; what the pages say of it is the product's own."""
    enrols(system, mail, f"x-{mail[9:20]}")
    already = len(system.mails(mail))
    code_page = steps.give_address(Walker(), system, mail).submit("Recevoir le code")
    code = system.next_code(mail, already)
    already = len(system.mails(mail))
    mailbox = proves(system, mail, f"x-{mail[9:20]}")
    link = system.next_mail(mail, already).link
    _make_older(system, mail)
    late = code_page.submit("Se connecter", code=code)
    assert (late.step, 400 <= late.status < 500) == ("code", True)
    page = mailbox.walker.get(link)
    assert (page.step, 400 <= page.status < 500) == ("error", True)
    assert page.reference


def _make_older(system: System, mail: str) -> None:
    past = {"$set": {"expires_at": datetime.now(UTC) - timedelta(seconds=1)}}
    for collection in ("one_time_codes", "proofings"):
        assert system.stored.collection(collection).update_many({"address": mail}, past).matched_count
