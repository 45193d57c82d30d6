"""Two accounts of one person become one, and are parted again."""

import json
from base64 import urlsafe_b64decode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from idp.app import assistance, own_account
from idp.domain.accounts import Account, Identity
from idp.domain.claims import claims_of
from idp.domain.consent import Consent
from idp.domain.helpdesk import Act
from idp.domain.one_time_codes import digits
from idp.domain.passkeys import Credential, Passkey
from idp.domain.passwords import PasswordHasher
from idp.openid.release import with_former_subs
from tests.flows.one_person import at_the_end_of
from tests.openid.test_verified_claims import RECORD
from tests.openid.world import basic
from tests.web.proofing_world import AUTRE, EXEMPLE, PASSWORD, Traveller, World

OWN, OTHER = "ines@univ-exemple.fr", "ines@agence.example"
OTHER_PASSWORD = "un autre secret bien gardé"
OWN_ID, OTHER_ID = Identity(EXEMPLE, "eppn", "ines@univ-exemple.fr"), Identity(AUTRE, "eppn", "ines@autre.fr")


@pytest.fixture
def other(world: World) -> Account:
    account = world.account("other", OTHER, OTHER_ID, password=OTHER_PASSWORD)
    world.services.stores.consents.add(
        Consent("other", "exams", frozenset({"openid"}), frozenset({"email"}), world.clock())
    )
    return account


@pytest.fixture
def person(world: World, other: Account) -> Traveller:
    """Signed in, and the code for the other account's mailbox just typed."""
    return offered(world, world.browser().signed_in(world.account("own", OWN, OWN_ID, password=PASSWORD)))


def offered(world: World, person: Traveller, address: str = OTHER) -> Traveller:
    person.get("/account/addresses/new").press("Recevoir le code", email=address)
    code = digits(world.services.secret, world.mails(address)[-1]["record_id"])
    person.press("Ajouter cette adresse", code=code)
    return person


def account(world: World, name: str) -> Account:
    found = world.services.stores.accounts.find(name)
    assert found
    return found


def kinds(world: World, to: str) -> list[str]:
    return [mail["fields"]["change"] for mail in world.mails(to) if mail["kind"] == "accounts_merged"]


def test_the_mailbox_alone_merges_nothing_where_there_is_a_password(world: World, person: Traveller) -> None:
    assert person.step == "merge-accounts"
    assert "les séparer de nouveau depuis la page de votre compte" in person.text
    assert [event["fields"] for event in world.events("account.merge_offered")] == [{"other": "other"}]
    person.press("Réunir les deux comptes", password=PASSWORD)
    assert [event["account_id"] for event in world.events("account.merge_refused")] == ["other"]
    assert (person.step, person.last.status_code) == ("merge-accounts", 422)
    assert account(world, "other").addresses == (OTHER,)
    assert account(world, "own").addresses == (OWN,)


def test_merged_the_one_signed_in_goes_on(world: World, other: Account, person: Traveller) -> None:
    elsewhere = world.browser().signed_in(other)
    person.press("Réunir les deux comptes", password=OTHER_PASSWORD)
    assert person.step == "account", person.text
    own, gone = account(world, "own"), account(world, "other")
    assert own.addresses == (OWN, OTHER)
    assert own.identities == (OWN_ID, OTHER_ID)
    assert own.subject == "subject-own"
    assert (gone.addresses, gone.identities, gone.disabled) == ((), (), True)
    assert elsewhere.get("/account").step == "email"
    assert (kinds(world, OWN), kinds(world, OTHER)) == (["merged"], ["merged"])
    assert [event["account_id"] for event in world.events("account.merged")] == ["own", "other"]
    signed_in = world.browser().start(OTHER).press("Se connecter", password=PASSWORD)
    assert signed_in.step == "account", "the survivor's password, at any address"
    assert world.browser().start(OTHER).press("Se connecter", password=OTHER_PASSWORD).step == "sign-in"


def test_only_clients_that_knew_the_other_subject_are_told_it(world: World, person: Traveller) -> None:
    person.press("Réunir les deux comptes", password=OTHER_PASSWORD)
    services = world.services
    claims = claims_of(account(world, "own"), services.settings.affiliations.periods, now=world.clock())
    client = services.provider.client("exams")
    assert client
    subjects = services.provider._subjects
    assert with_former_subs(claims, client, subjects)["former_subs"] == ["subject-other"]
    stranger = replace(client, client_id="stranger")
    assert "former_subs" not in with_former_subs(claims, stranger, subjects)
    pairwise = replace(client, subject_type="pairwise")
    (seen,) = with_former_subs(claims, pairwise, subjects)["former_subs"]
    assert seen == subjects.of(pairwise, "subject-other") != "subject-other"


def exchanged(world: World, account: Account) -> tuple[dict[str, Any], dict[str, Any]]:
    """The claims of the ID token and of userinfo after a sign-in at the application."""
    person = world.browser().signed_in(account)
    person.ask_for_a_proof(claims="{}")
    form = {
        "grant_type": "authorization_code",
        "code": person.answer["code"],
        "redirect_uri": "https://exams.example/cb",
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    }
    provider, now = world.services.provider, world.clock()
    tokens = provider.token(list(form.items()), basic("exams", "a-secret-of-the-exams"), now=now)
    payload = tokens["id_token"].split(".")[1]
    id_token = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return id_token, provider.userinfo(f"Bearer {tokens['access_token']}", now=now).claims


def test_an_application_that_knew_the_other_one_is_told_in_id_token_and_userinfo(world: World) -> None:
    other = world.account("other", OTHER)
    told = exchanged(world, other)
    assert all(claims["sub"] == "subject-other" and "former_subs" not in claims for claims in told)
    assert account(world, "other").clients == ("exams",)
    person = offered(world, world.browser().signed_in(world.account("own", OWN)))
    person.press("Réunir les deux comptes")
    for claims in exchanged(world, account(world, "own")):
        assert (claims["sub"], claims["former_subs"]) == ("subject-own", ["subject-other"])
    person.press("Séparer les deux comptes")
    for claims in exchanged(world, account(world, "own")):
        assert "former_subs" not in claims


def test_an_application_whose_access_was_ended_still_knew_the_other_one(world: World) -> None:
    other = world.account("other", OTHER)
    exchanged(world, other)
    world.browser().signed_in(other).get("/account").press("Retirer l’accès")
    assert world.services.stores.grants.opened_by_account("other") == {}
    person = offered(world, world.browser().signed_in(world.account("own", OWN)))
    person.press("Réunir les deux comptes")
    for claims in exchanged(world, account(world, "own")):
        assert claims["former_subs"] == ["subject-other"]


def test_so_does_one_that_was_told_while_the_password_was_checked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = world.account("other", OTHER, OTHER_ID, password=OTHER_PASSWORD)
    person = offered(world, world.browser().signed_in(world.account("own", OWN, OWN_ID)))
    # In a thread of its own: one within another request would share what that one knows of its browser.
    with ThreadPoolExecutor(1) as elsewhere:
        at_the_end_of(
            monkeypatch, (PasswordHasher, "verify"), lambda: elsewhere.submit(exchanged, world, other).result()
        )
        person.press("Réunir les deux comptes", password=OTHER_PASSWORD)
    for claims in exchanged(world, account(world, "own")):
        assert claims["former_subs"] == ["subject-other"]


def test_an_application_that_did_not_is_told_nothing(world: World) -> None:
    world.account("other", OTHER)
    person = offered(world, world.browser().signed_in(world.account("own", OWN)))
    person.press("Réunir les deux comptes")
    for claims in exchanged(world, account(world, "own")):
        assert "former_subs" not in claims


def test_what_the_other_account_had_open_ends_with_it(world: World) -> None:
    other = world.account("other", OTHER)
    exchanged(world, other)
    person = offered(world, world.browser().signed_in(world.account("own", OWN)))
    person.press("Réunir les deux comptes")
    assert world.services.stores.grants.of_account("other") == ()
    assert world.services.stores.sweeps.next_due(now=world.clock() + timedelta(minutes=2))


def test_a_merge_whose_process_was_killed_is_finished(world: World) -> None:
    other = world.account("other", OTHER)
    person = offered(world, world.browser().signed_in(world.account("own", OWN)))
    stores = world.services.stores
    merge = stores.merges.find(str(person.tree.xpath("//form[@method='post']/@action")[0]).rsplit("/", 1)[1])
    assert merge
    assert stores.merges.begin(merge, ("exams",), until=world.clock() + timedelta(days=30), now=world.clock())
    assert stores.merged_accounts.leave(merge)
    flow = own_account.merging(world.services)
    assert not flow.finish_next(world.clock())
    assert flow.finish_next(world.clock() + timedelta(minutes=2))
    assert account(world, "own").addresses == (OWN, *other.addresses)
    assert [one.id for one in flow.undoable(account(world, "own"))] == [merge.id]
    assert {event["account_id"] for event in world.events("account.merged")} == {"own", "other"}
    told = [[mail["kind"] for mail in world.mails(to)].count("accounts_merged") for to in (OWN, OTHER)]
    assert told == [1, 1]
    assert {mail["fields"]["kept"] for mail in (*world.mails(OWN), *world.mails(OTHER)[1:])} == {OWN}


def test_without_a_password_the_code_is_enough(world: World) -> None:
    world.account("other", OTHER)
    person = offered(world, world.browser().signed_in(world.account("own", OWN)))
    assert not person.tree.xpath("//input[@name='password']")
    assert person.press("Réunir les deux comptes").step == "account"
    assert account(world, "own").addresses == (OWN, OTHER)


def test_an_offer_is_for_one_browser_and_ten_minutes(world: World, person: Traveller) -> None:
    path = str(person.tree.xpath("//form[.//input[@name='password']]/@action")[0])
    stranger = world.browser().signed_in(account(world, "own"))
    stranger.get("/account").send(path, password=OTHER_PASSWORD)
    assert account(world, "other").addresses == (OTHER,)
    world.clock.ahead += timedelta(minutes=11)
    fresh = world.browser().signed_in(account(world, "own"))
    fresh.get("/account").send(path, password=OTHER_PASSWORD)
    assert account(world, "other").addresses == (OTHER,)


def test_guesses_at_the_other_password_are_limited(world: World, person: Traveller) -> None:
    for _ in range(10):
        person.press("Réunir les deux comptes", password="faux")
    person.press("Réunir les deux comptes", password=OTHER_PASSWORD)
    assert person.last.status_code == 422
    assert account(world, "other").addresses == (OTHER,)


def test_parted_again_both_are_as_before(world: World, other: Account, person: Traveller) -> None:
    person.press("Réunir les deux comptes", password=OTHER_PASSWORD)
    person.press("Séparer les deux comptes")
    own, back = account(world, "own"), account(world, "other")
    assert (own.addresses, own.identities, own.former_subjects) == ((OWN,), (OWN_ID,), ())
    assert (back.addresses, back.identities, back.disabled) == ((OTHER,), (OTHER_ID,), False)
    assert (back.subject, back.password_hash) == (other.subject, other.password_hash)
    assert kinds(world, OTHER) == ["merged", "parted"]
    assert world.browser().start(OTHER).press("Se connecter", password=OTHER_PASSWORD).step == "account"
    assert "Séparer les deux comptes" not in person.get("/account").text


def test_parted_again_each_has_its_own_passkeys_and_proofs_and_no_browser_is_known(
    world: World, other: Account
) -> None:
    stores = world.services.stores
    own = world.account("own", OWN, OWN_ID, password=PASSWORD)
    for name in ("own", "other"):
        stores.passkeys.add(Passkey(Credential(name, b"key", 0, ""), name, b"handle", "Clé", world.clock()))
        stores.proofing_records.add(replace(RECORD, id=name, account_id=name))
    world.browser().start(OTHER).press("Se connecter", password=OTHER_PASSWORD)
    person = offered(world, world.browser().signed_in(own)).press("Réunir les deux comptes", password=OTHER_PASSWORD)
    assert kept(world, "own") == (["other", "own"], ["other", "own"])
    assert stores.devices.of_account("other") == ()
    world.browser().start(OTHER).press("Se connecter", password=PASSWORD)
    assert stores.devices.of_account("own")
    person.press("Séparer les deux comptes")
    assert [kept(world, name) for name in ("own", "other")] == [(["own"], ["own"]), (["other"], ["other"])]
    assert stores.devices.of_account("own") == ()


def kept(world: World, name: str) -> tuple[list[str], list[str]]:
    """Ids of this account's passkeys and of its proofs."""
    stores = world.services.stores
    passkeys = [passkey.credential.id for passkey in stores.passkeys.of_account(name)]
    return sorted(passkeys), sorted(record.id for record in stores.proofing_records.of_account(name))


def test_parted_again_nobody_stays_by_what_went_back(world: World, person: Traveller) -> None:
    """They were two people: the other one came into the account by their own mailbox meanwhile."""
    person.press("Réunir les deux comptes", password=OTHER_PASSWORD)
    theirs = world.browser().start(OTHER).press("Recevoir le code")
    code = digits(world.services.secret, world.mails(OTHER)[-1]["record_id"])
    assert theirs.press("Se connecter", code=code).step == "account"
    person.press("Séparer les deux comptes")
    assert theirs.get("/account").step == "email"
    assert person.get("/account").step == "email"


def test_parting_does_not_bring_back_an_identifier_that_was_taken_away_meanwhile(
    world: World, person: Traveller
) -> None:
    """It named the wrong person: it leads to nobody until somebody proves it again."""
    person.press("Réunir les deux comptes", password=OTHER_PASSWORD)
    assert assistance.people(world.services).unlink("own", OTHER_ID.value, Act("alex", "identifiant réattribué"))
    # Whoever was signed in is put out, and comes back.
    person.signed_in(account(world, "own")).get("/account").press("Séparer les deux comptes")
    assert (account(world, "own").identities, account(world, "other").identities) == ((OWN_ID,), ())


def test_parting_leaves_nobody_without_an_address(world: World, person: Traveller) -> None:
    person.press("Réunir les deux comptes", password=OTHER_PASSWORD)
    person.send("/account/addresses/remove", address=OWN)
    person.press("Séparer les deux comptes")
    assert "ajoutez-en une" in person.text
    assert account(world, "own").addresses == (OTHER,)
    assert account(world, "other").disabled
    assert not own_account.merging(world.services).finish_next(world.clock() + timedelta(days=1)), "it is over"


def test_after_thirty_days_the_other_one_is_let_go_and_its_subject_stays_known(world: World, person: Traveller) -> None:
    person.press("Réunir les deux comptes", password=OTHER_PASSWORD)
    world.clock.ahead += timedelta(days=31)
    erasure = own_account.erasure(world.services)
    assert erasure.end_next_merge(world.clock())
    assert erasure.erase_next(world.clock())
    assert world.services.stores.accounts.find("other") is None
    own = account(world, "own")
    assert own.addresses == (OWN, OTHER)
    assert [former.subject for former in own.former_subjects] == ["subject-other"]
    again = world.browser().signed_in(own)
    assert "Séparer les deux comptes" not in again.get("/account").text


def test_whom_no_university_vouched_for_takes_the_proof_along(world: World) -> None:
    stores = world.services.stores
    world.account("own", OWN)
    other = world.account("other", OTHER, OTHER_ID)
    stores.accounts.renew_proof(
        other, identities=(OTHER_ID,), attributes={"displayName": ("Inès Petit",)}, now=world.clock()
    )
    person = offered(world, world.browser().signed_in(account(world, "own"))).press("Réunir les deux comptes")
    assert account(world, "own").attributes == {"displayName": ("Inès Petit",)}
    person.press("Séparer les deux comptes")
    assert (account(world, "own").attributes, account(world, "own").proved_at) == ({}, None)


@pytest.mark.parametrize("kind", ["eppn", "subject-id"])
def test_two_logins_at_one_university_lead_to_the_one_account_by_turns(world: World, kind: str) -> None:
    logins = {OWN: "ines@univ-exemple.fr", "ines@etu.univ-exemple.fr": "e21904532@univ-exemple.fr"}
    own, other = (
        world.account(name, address, Identity(EXEMPLE, kind, login))
        for name, (address, login) in zip(("own", "other"), logins.items(), strict=True)
    )
    person = offered(world, world.browser().signed_in(own), other.address)
    assert person.press("Réunir les deux comptes").step == "account"
    for address, login in (*logins.items(), *logins.items()):
        back = world.browser().start(address).prove(world.draft(**{"mail": (address,), kind: (login,)}))
        assert back.step == "check-mailbox", back.text
        back.press("Continuer", code=world.code(address)).press("Créer", password=PASSWORD)
        assert account(world, "own").address == address
    assert sorted(account(world, "own").addresses) == sorted(logins)


def test_an_address_of_a_closed_account_is_neither_added_nor_offered(world: World, other: Account) -> None:
    assert world.services.stores.accounts.set_disabled("other", disabled=True)
    person = offered(world, world.browser().signed_in(world.account("own", OWN, OWN_ID, password=PASSWORD)))
    assert (person.last.status_code, person.step) == (422, "new-address-code")
    assert "appartient à un compte fermé" in person.text
    assert not person.tree.xpath("//input[@aria-invalid]"), "the code was right"
    assert world.events("account.merge_offered") == []
    assert account(world, "own").addresses == (OWN,)


def test_an_account_that_was_closed_since_is_not_offered_any_more(world: World, person: Traveller) -> None:
    assert person.step == "merge-accounts"
    assert world.services.stores.accounts.set_disabled("other", disabled=True)
    assert person.get(person.last.request.path).step != "merge-accounts"


def test_nobody_merges_an_account_with_itself_by_hand(world: World, other: Account) -> None:
    before = account(world, "other")
    assert not own_account.merging(world.services).merge_by_hand("other", "other")
    assert account(world, "other") == before


def test_nobody_merges_anything_into_a_closed_account_by_hand_until_it_is_open_again(
    world: World, other: Account
) -> None:
    world.account("own", OWN, OWN_ID, password=PASSWORD)
    merging, accounts = own_account.merging(world.services), world.services.stores.accounts
    accounts.set_disabled("own", disabled=True)
    before = account(world, "other")
    assert not merging.merge_by_hand("own", "other")
    assert account(world, "other") == before
    accounts.set_disabled("own", disabled=False)
    assert merging.merge_by_hand("own", "other")
    assert not merging.merge_by_hand("own", "other"), "nothing is left of it to merge"
