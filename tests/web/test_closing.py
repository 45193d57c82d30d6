"""A person closes their account, has it back for some time, and then it is gone."""

from datetime import timedelta

import pytest

from idp.app import own_account
from idp.app.assistance import account_closing
from idp.domain.accounts import Account, Identity
from idp.domain.consent import Consent
from idp.domain.one_time_codes import digits
from idp.domain.passkeys import Credential, Passkey
from tests.web.proofing_world import CAMILLE, EXEMPLE, PASSWORD, Traveller, World

CDURAND = Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr")


@pytest.fixture
def camille(world: World) -> Account:
    return world.account("camille", CAMILLE, CDURAND, password=PASSWORD)


@pytest.fixture
def closed(world: World, camille: Account) -> Traveller:
    """The browser in which the account has just been closed."""
    world.services.stores.consents.add(
        Consent("camille", "exams", frozenset({"openid"}), frozenset({"email"}), world.clock())
    )
    person = world.browser().signed_in(camille)
    person.get("/account/close")
    assert person.step == "close-account"
    assert "30 jours" in person.text
    assert "Le journal de sécurité garde encore pendant 365 jours" in person.text
    person.press("Fermer mon compte")
    assert person.step == "account-closed"
    return person


def account(world: World) -> Account | None:
    return world.services.stores.accounts.find("camille")


def sign_in_code(world: World) -> str:
    mails = [mail for mail in world.mails(CAMILLE) if mail["kind"] == "sign_in_code"]
    return digits(world.services.secret, mails[-1]["record_id"])


def test_looking_at_the_page_closes_nothing(world: World, camille: Account) -> None:
    world.browser().signed_in(camille).get("/account/close")
    found = account(world)
    assert found
    assert not found.disabled


def test_closing_ends_everything_at_once(world: World, camille: Account) -> None:
    stores = world.services.stores
    stores.consents.add(Consent("camille", "exams", frozenset({"openid"}), frozenset({"email"}), world.clock()))
    stores.passkeys.add(Passkey(Credential("id", b"key", 0, ""), "camille", b"handle", "Clé", world.clock()))
    elsewhere = world.browser().start().press("Se connecter", password=PASSWORD)
    assert stores.devices.of_account("camille")
    person = world.browser().signed_in(camille)
    person.get("/account/close").press("Fermer mon compte")
    found = account(world)
    assert found
    assert found.disabled
    assert elsewhere.get("/account").step == "email"
    assert person.get("/account").step == "email"
    assert stores.sessions.of_account("camille", now=world.clock()) == ()
    assert stores.consents.of_account("camille") == ()
    assert stores.passkeys.of_account("camille") == ()
    assert stores.devices.of_account("camille") == ()
    assert [mail["kind"] for mail in world.mails(CAMILLE)] == ["account_closed"]


def test_what_was_under_way_ends_a_minute_later(world: World, closed: Traveller, camille: Account) -> None:
    late = world.browser().signed_in(camille)
    assert not world.services.ends_sign_ins.sweep_next(world.clock())
    assert world.services.ends_sign_ins.sweep_next(world.clock() + timedelta(minutes=2))
    assert world.services.stores.sessions.of_account("camille", now=world.clock()) == ()
    assert late.get("/account").step == "email"


def test_the_password_of_a_closed_account_does_nothing(world: World, closed: Traveller) -> None:
    person = world.browser().start(CAMILLE).press("Se connecter", password=PASSWORD)
    assert (person.step, person.last.status_code) == ("sign-in", 422)


def test_a_mailed_code_offers_to_open_it_again(world: World, closed: Traveller) -> None:
    person = world.browser().start(CAMILLE)
    person.press("Recevoir le code")
    person.press("Se connecter", code=sign_in_code(world))
    assert person.step == "reopen-account", person.text
    assert person.get("/account/addresses/new").step == "reopen-account", "nothing else works"
    found = account(world)
    assert found
    assert found.disabled
    person.get("/account")
    assert person.step == "reopen-account"
    person.press("Rouvrir mon compte")
    assert person.step == "account"
    found = account(world)
    assert found
    assert (found.disabled, found.subject) == (False, "subject-camille")
    assert [mail["fields"]["change"] for mail in world.mails(CAMILLE) if mail["kind"] == "account_closed"] == [
        "closed",
        "reopened",
    ]


def test_the_university_offers_to_open_it_again(world: World, closed: Traveller) -> None:
    person = world.browser().start(CAMILLE).prove()
    person.press("Continuer", code=world.code(CAMILLE))
    person.press("Créer", password=PASSWORD)
    assert person.step == "reopen-account", person.text
    assert person.press("Rouvrir mon compte").step == "account"


def test_it_may_stay_closed(world: World, closed: Traveller) -> None:
    person = world.browser().start(CAMILLE)
    person.press("Recevoir le code").press("Se connecter", code=sign_in_code(world))
    person.press("Le laisser fermé")
    assert person.step == "signed-out"
    found = account(world)
    assert found
    assert found.disabled


def test_an_account_closed_by_the_administration_cannot_be_opened_by_its_person(world: World, camille: Account) -> None:
    assert account_closing(world.services).close("camille")
    person = world.browser().start(CAMILLE)
    person.press("Recevoir le code")
    assert [mail["kind"] for mail in world.mails(CAMILLE)] == ["unknown_account"]
    other = world.browser().start(CAMILLE).prove()
    assert (other.step, other.last.status_code) == ("error", 403)


def test_after_its_time_it_is_erased_and_the_subject_never_given_again(world: World, closed: Traveller) -> None:
    erasure = own_account.erasure(world.services)
    assert not erasure.erase_next(world.clock())
    world.clock.ahead += timedelta(days=31)
    assert world.browser().start(CAMILLE).press("Recevoir le code").step == "code"
    assert [mail["kind"] for mail in world.mails(CAMILLE)][-1] == "unknown_account", "too late to open it"
    assert erasure.erase_next(world.clock())
    assert not erasure.erase_next(world.clock())
    database = world.services.database
    assert account(world) is None
    for name in ("consents", "proofing_records", "sessions", "grants", "passkeys"):
        assert database.collection(name).count_documents({"account_id": "camille"}) == 0, name
    events = list(database.collection("audit").find({"account_id": "camille"}))
    assert {event["event"] for event in events} >= {"account.closed", "account.erased"}
    assert CAMILLE not in str(events)
    world.clock.ahead = timedelta()
    person = world.browser().start(CAMILLE).prove()
    (proofing,) = [mail for mail in world.mails(CAMILLE) if mail["kind"] == "proofing"]
    code = digits(world.services.secret, proofing["fields"]["code_record_id"])
    person.press("Continuer", code=code).press("Créer", password=PASSWORD)
    found = world.services.stores.accounts.by_address(CAMILLE)
    assert found
    assert found.subject != "subject-camille"
