"""Who is signed in and proves it again at the university: no mail, no new password, nothing ends."""

from datetime import timedelta
from typing import Any

import pytest

from idp.app import flows
from idp.domain.accounts import Account, Identity
from idp.domain.proofing import ConfirmedBy
from idp.domain.sessions import ACR_UNIVERSITY
from idp.storage.accounts import AccountStore
from tests.web.proofing_world import CAMILLE, EXEMPLE, PASSWORD, World

CDURAND = Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr")


@pytest.fixture
def camille(world: World) -> Account:
    return world.account("camille", CAMILLE, CDURAND, password=PASSWORD)


def test_a_step_up_goes_straight_back_to_the_application(world: World, camille: Account) -> None:
    here, elsewhere = world.browser().signed_in(camille), world.browser().signed_in(camille)
    before = here.session
    here.ask_for_a_proof().prove()
    assert here.location.startswith("https://exams.example/cb?")
    assert "code" in here.answer
    assert world.mails(CAMILLE) == []
    now = here.session.sign_in
    assert now
    assert before.sign_in
    assert (now.acr, now.methods, now.sid) == (ACR_UNIVERSITY, ("pwd",), before.sign_in.sid)
    assert now.at > before.sign_in.at
    assert (here.session.id == before.id, here.session.browser == before.browser) == (False, True)
    assert elsewhere.get("/account").step == "account"
    fresh = world.browser().start(CAMILLE)
    assert fresh.press("Se connecter", password=PASSWORD).step == "account"


def test_what_the_university_says_now_is_recorded(world: World, camille: Account) -> None:
    person = world.browser().signed_in(camille)
    attributes = dict(world.draft().attributes) | {
        "displayName": ("Camille Nouveau",),
        "mail": ("new@univ-exemple.fr",),
    }
    person.ask_for_a_proof().prove(world.draft(**attributes))
    account = world.services.stores.accounts.find(camille.id)
    assert account
    assert account.attributes["displayName"] == ("Camille Nouveau",)
    assert account.proved_at
    assert account.addresses == (CAMILLE,), "a new address counts once its mailbox is proven"
    assert account.password_hash
    (record,) = world.services.stores.proofing_records.of_account(camille.id)
    assert (record.mailbox, record.confirmed_by) == (CAMILLE, str(ConfirmedBy.SIGN_IN))
    assert len(world.events("proofing.renewed")) == 1


def test_a_client_that_insists_makes_the_university_ask_for_its_password(world: World, camille: Account) -> None:
    person = world.browser().signed_in(camille).ask_for_a_proof()
    person.leave(EXEMPLE)
    assert person.request_xml.get("ForceAuthn") == "true"
    stranger = world.browser().start(CAMILLE)
    stranger.leave(EXEMPLE)
    assert stranger.request_xml.get("ForceAuthn") is None


def test_a_university_that_did_not_ask_anew_does_not_do_and_the_mailbox_proves_it(
    world: World, camille: Account
) -> None:
    person = world.browser().signed_in(camille).ask_for_a_proof()
    draft = world.draft()
    person.prove(draft.changed(authn_instant=draft.authn_instant - timedelta(hours=5)))
    assert person.step == "check-mailbox"
    assert len(world.mails(CAMILLE)) == 1


@pytest.mark.parametrize("is_anew", [False, True])
def test_for_our_own_page_the_time_of_sign_in_is_when_the_person_last_authenticated(
    world: World, camille: Account, is_anew: bool
) -> None:
    """One click and the university's own single sign-on: said again, but nobody typed anything."""
    person = world.browser().signed_in(camille)
    before = person.session.sign_in
    waiting = flows.authorization(world.services).begin_for_account_page(person.session, "/account")
    draft = world.draft()
    person.post(f"/sign-in/{waiting.pending.id}/university", entity_id=EXEMPLE)
    request_id = person.sent_request()
    assert person.request_xml.get("ForceAuthn") is None
    earlier = draft.authn_instant - timedelta(hours=5)
    person.come_back(request_id, draft if is_anew else draft.changed(authn_instant=earlier))
    assert person.step == "account"
    now = person.session.sign_in
    assert now
    assert before
    assert now.acr == ACR_UNIVERSITY
    assert (now.at > before.at) is is_anew
    assert world.mails(CAMILLE) == []


@pytest.mark.parametrize("is_anew", [False, True])
def test_after_another_password_too_only_who_authenticates_has_just_authenticated(
    world: World, camille: Account, is_anew: bool
) -> None:
    """Whoever found a browser that was left signed in stays fresh neither by a new password nor by the university."""
    person = world.browser().signed_in(camille)
    before = person.session.sign_in
    person.get("/account/password").press("Créer", password="un voleur passe sous la fenêtre ouverte")
    person.press("Confirmer mon appartenance")
    draft = world.draft()
    earlier = draft.authn_instant - timedelta(hours=5)
    person.come_back(person.sent_request(), draft if is_anew else draft.changed(authn_instant=earlier))
    now = person.session.sign_in
    assert now
    assert before
    assert now.acr == ACR_UNIVERSITY
    assert (now.proven_at > before.proven_at) is is_anew


def test_an_account_that_was_closed_is_not_proven_again(world: World, camille: Account) -> None:
    """It may be had back, and its person may prove who they are for that, by their mailbox as well."""
    person = world.browser().signed_in(camille).ask_for_a_proof()
    request_id = person.leave(EXEMPLE)
    closed = world.services.stores.closed_accounts.close(camille.id, reopens_until=world.clock() + timedelta(days=1))
    assert closed
    person.come_back(request_id, world.draft())
    assert person.step == "reopen-account"
    assert world.events("proofing.renewed") == []


def test_an_identity_that_another_account_got_at_the_same_moment_is_refused_and_no_failure_of_ours(
    world: World, camille: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = world.browser().signed_in(camille).ask_for_a_proof()
    subject = Identity(EXEMPLE, "subject-id", "s1@univ-exemple.fr")
    attributes = dict(world.draft().attributes) | {"subject-id": (subject.value,)}
    renew = AccountStore.renew_proof

    def overtaken(*arguments: Any, **proof: Any) -> Any:
        world.account("other", "other@univ-exemple.fr", subject)
        return renew(*arguments, **proof)

    monkeypatch.setattr(AccountStore, "renew_proof", overtaken)
    person.prove(world.draft(**attributes))
    assert (person.last.status_code, person.step) == (400, "error")
    assert world.events("proofing.renewed") == []


def test_the_same_answer_twice_signs_in_once(world: World, camille: Account) -> None:
    person = world.browser().signed_in(camille).ask_for_a_proof()
    draft = world.draft()
    request_id = person.leave(EXEMPLE)
    assert "code" in person.come_back(request_id, draft).answer
    person.come_back(request_id, draft)
    assert (person.last.status_code, person.step) == (400, "error")


def test_nobody_signed_in_takes_the_whole_way(world: World, camille: Account) -> None:
    assert world.services.stores.accounts.find(camille.id)
    assert world.browser().start(CAMILLE).prove().step == "check-mailbox"
    assert len(world.mails(CAMILLE)) == 1


def test_a_new_name_of_the_same_account_is_taken_over_and_a_conflict_is_not(world: World) -> None:
    subject = Identity(EXEMPLE, "subject-id", "s1@univ-exemple.fr")
    account = world.account("camille", CAMILLE, subject, CDURAND)
    attributes = dict(world.draft().attributes) | {"subject-id": ("s2@univ-exemple.fr",)}
    person = world.browser().signed_in(account).ask_for_a_proof().prove(world.draft(**attributes))
    assert (person.last.status_code, person.step) == (403, "error")
    (event,) = world.events("proofing.identity_conflict")
    assert event["fields"] == {"entity_id": EXEMPLE, "kind": "subject-id"}
    attributes |= {"subject-id": ("s1@univ-exemple.fr",), "eppn": ("cnouveau@univ-exemple.fr",)}
    person = world.browser().signed_in(account).ask_for_a_proof().prove(world.draft(**attributes))
    assert "code" in person.answer
    found = world.services.stores.accounts.find(account.id)
    assert found
    assert Identity(EXEMPLE, "eppn", "cnouveau@univ-exemple.fr") in found.identities
