"""Who vouched for a person, what is kept of it, the status confirmed with one click, and everything taken along."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from idp.app import assistance
from idp.domain.accounts import Account, Identity
from idp.domain.claims import claims_of
from idp.domain.helpdesk import Act
from idp.domain.merging import Merge, MergeState
from idp.domain.messages import Message
from idp.domain.passkeys import Credential, Passkey
from idp.domain.proofing import link_token
from idp.domain.sessions import ACR_UNIVERSITY
from tests.web.proofing_world import CAMILLE, EXEMPLE, PASSWORD, Traveller, World
from tests.web.visitor import HOST

CDURAND = Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr")
LONG = timedelta(days=800)


def proven(world: World) -> Traveller:
    """A new person, through the whole journey."""
    person = world.browser().start().prove()
    person.press("Continuer", code=world.code(CAMILLE)).press("Créer", password=PASSWORD)
    assert person.step == "account", person.text
    return person


def account_of(world: World) -> Account:
    found = world.services.stores.accounts.by_address(CAMILLE)
    assert found is not None
    return found


def exported(person: Traveller) -> dict[str, Any]:
    person.get("/account/export.json")
    assert person.last.headers["Content-Type"] == "application/json"
    assert person.last.headers["Content-Disposition"] == 'attachment; filename="export.json"'
    found: dict[str, Any] = json.loads(person.last.data)
    return found


def test_the_first_proof_is_recorded_once_with_every_step(world: World) -> None:
    proven(world)
    (record,) = world.services.stores.proofing_records.of_account(account_of(world).id)
    assert (record.entity_id, record.provider_name) == (EXEMPLE, "Université d’Exemple")
    assert (record.mailbox, record.confirmed_by) == (CAMILLE, "code")
    assert record.identifier_kind in ("subject-id", "pairwise-id", "eppn")
    assert len(record.metadata_digest) == 64
    assert record.assertion_id == "_assertion-1"
    assert record.answered_at
    assert record.mailed_at
    assert record.started_at <= record.answered_at <= record.mailed_at <= record.confirmed_at <= record.completed_at
    assert world.events("proofing.completed")[0]["reference"] == record.reference


def test_a_mailed_link_is_recorded_as_such(world: World) -> None:
    person = world.browser().start().prove()
    (message,) = world.mails(CAMILLE)
    token = link_token(world.services.secret, message["record_id"])
    person.get(f"/proofing/link/{token}").press("Confirmer")
    (record,) = world.services.stores.proofing_records.of_account(account_of(world).id)
    assert record.confirmed_by == "link"


def test_the_page_shows_the_proof_and_until_when_the_status_counts(world: World) -> None:
    person = proven(world)
    assert "A confirmé votre identité le" in person.text
    assert "jusqu’au 31 octobre" in person.text
    assert "par un code reçu par mail" in person.text
    assert "à confirmer depuis" not in person.text
    assert "les applications ne la reçoivent plus" not in person.text


def test_an_old_status_is_offered_for_confirmation_and_sign_in_goes_on(world: World) -> None:
    proven(world)
    world.clock.ahead = LONG
    person = world.browser().start().press("Se connecter", password=PASSWORD)
    assert person.step == "account"
    assert "les applications ne la reçoivent plus" in person.text
    assert "à confirmer depuis le 31 octobre" in person.text
    periods = world.services.settings.affiliations.periods
    claims = claims_of(account_of(world), periods, now=world.clock())
    assert "eduperson_affiliation" not in claims
    assert {"name", "email", "affiliation_checked_at"} <= claims.keys()


def test_one_click_confirms_it_at_the_university(world: World) -> None:
    person = proven(world)
    account = account_of(world)
    world.services.stores.accounts.renew_proof(
        account, identities=account.identities, attributes=account.attributes, now=world.clock() - LONG
    )
    assert "les applications ne la reçoivent plus" in person.get("/account").text
    mails = len(world.mails(CAMILLE))
    person.press("Confirmer mon appartenance")
    request_id = person.sent_request()
    person.come_back(request_id, world.draft())
    assert person.step == "account"
    assert "les applications ne la reçoivent plus" not in person.text
    assert "jusqu’au 31 octobre" in person.text
    assert len(world.mails(CAMILLE)) == mails
    records = world.services.stores.proofing_records.of_account(account_of(world).id)
    assert [record.confirmed_by for record in records] == ["sign-in", "code"]
    assert person.session.sign_in
    assert person.session.sign_in.acr == ACR_UNIVERSITY


def test_a_university_that_left_the_federation_leaves_the_choice(world: World) -> None:
    gone = replace(CDURAND, entity_id="https://idp.gone.example/idp")
    person = world.browser().signed_in(world.account("camille", CAMILLE, gone)).get("/account")
    assert "https://idp.gone.example/idp" in person.text
    assert person.press("Confirmer mon appartenance").step == "choose-university"


def test_the_proof_stays_on_the_page_where_its_identifiers_were_taken_away(world: World) -> None:
    person = proven(world)
    for identity in account_of(world).identities:
        assert world.services.stores.accounts.unlink(account_of(world).id, identity.value)
    # With the time: after a merge, or who confirms twice, there are two of one day.
    assert re.search(r"Preuve du \d+ \w+ \d{4} \d\d:\d\d\b", person.get("/account").text)
    assert "par un code reçu par mail" in person.text


def test_nothing_begins_without_our_form(world: World) -> None:
    person = world.browser().signed_in(world.account("camille", CAMILLE, CDURAND))
    client = person._client
    assert client.post("/account/affiliation", headers=HOST).status_code == 403
    assert person.get("/account/affiliation").step == "account"


def test_everything_can_be_taken_along(world: World) -> None:
    person = proven(world)
    export = exported(person)
    account = account_of(world)
    assert export["account"]["id"] == account.id
    assert export["account"]["has_password"] is True
    assert export["addresses"] == [CAMILLE]
    assert {identity["value"] for identity in export["identities"]} == {one.value for one in account.identities}
    assert export["attributes"] == {name: list(values) for name, values in account.attributes.items()}
    assert set(export["affiliations_count_until"]) >= {"student@univ-exemple.fr"}
    assert export["proofing_records"][0]["mailbox"] == CAMILLE
    assert len(export["sessions"]) == 1
    assert {"proofing.confirmed", "account.exported"} & {event["event"] for event in export["events"]}


def test_mails_and_known_browsers_are_in_it(world: World) -> None:
    person = proven(world)
    somebody_before = Message("m", "password_changed", CAMILLE, "fr", world.clock() - LONG, world.clock(), "REF-0")
    world.services.stores.outbox.put(somebody_before)
    export = exported(person)
    assert [(mail["kind"], mail["to"]) for mail in export["mails"]] == [("proofing", CAMILLE)]
    assert export["mails"][0].keys() == {"kind", "to", "created_at", "reference", "attempts"}
    assert export["known_browsers"] == 1


def test_nobody_else_is_in_it(world: World) -> None:
    """GDPR article 15(4): not which helper acted, nor whose an account is with which an address clashed."""
    person = proven(world)
    people, account = assistance.people(world.services), account_of(world)
    people.note("helpdesk.unlocked", account.id, Act("alex@univ-exemple.fr", "on the telephone"))
    conflict = {"entity_id": EXEMPLE, "kind": "address", "owner": "the-other-account"}
    now, audit = world.clock(), world.services.stores.audit
    audit.append("proofing.identity_conflict", at=now, reference="R", account_id=account.id, **conflict)
    audit.append("account.address_moved", at=now, reference="R", account_id=account.id, previous_account="the-previous")
    export = exported(person)
    fields = {event["event"]: event["fields"] for event in export["events"]}
    assert fields["helpdesk.unlocked"] == {"reason": "on the telephone"}
    assert fields["proofing.identity_conflict"] == {"entity_id": EXEMPLE, "kind": "address"}
    for other in ("alex", "the-other-account", "the-previous"):
        assert other not in json.dumps(export)


def test_no_secret_and_no_hash_of_one_is_in_it(world: World) -> None:
    person = proven(world)
    person.ask(nonce="a-nonce-of-the-client")
    account, session = account_of(world), person.session
    (grant,) = world.services.stores.grants.of_account(account.id)
    export = exported(person)
    assert export["applications"][0]["client_id"] == "exams"
    cookie = person._client.get_cookie("idp_session", domain="localhost")
    assert cookie
    text = json.dumps(export)
    secrets = (account.password_hash, session.id, session.browser, grant.code_hash, cookie.value, grant.code_challenge)
    for secret in (*secrets, "a-nonce-of-the-client"):
        assert secret is None or secret not in text
    for name in ("password_hash", "code_hash", "code_challenge", "nonce", "browser"):
        assert f'"{name}"' not in text


def test_passkeys_and_merges_are_in_it_without_what_the_server_checks_with(world: World) -> None:
    person = proven(world)
    account, stores, now = account_of(world), world.services.stores, world.clock()
    credential = Credential("the-id", b"the-public-key", 7, "the-model")
    assert stores.passkeys.add(Passkey(credential, account.id, b"the-handle", "Téléphone", now))
    merge = Merge("the-merge", account.id, "other", "other@b.example", now, now + timedelta(minutes=10))
    stores.merges.offer(merge, person.session.browser)
    assert exported(person)["merges"] == [], "an offer is no merge yet"
    assert stores.merges.begin(merge, ["exams"], until=now + timedelta(days=30), now=now)
    stores.merges.settle(merge, MergeState.DONE)
    export = exported(person)
    (passkey,), (merged,) = export["passkeys"], export["merges"]
    assert (passkey["id"], passkey["name"], passkey["used_at"]) == ("the-id", "Téléphone", None)
    assert (merged["address"], merged["clients"]) == ("other@b.example", ["exams"])
    assert "the-public-key" not in json.dumps(export)


def test_another_person_s_data_is_not_in_it(world: World) -> None:
    world.account("noe", "noe@autre.fr", Identity("https://idp.autre.fr/idp", "eppn", "noe@autre.fr"))
    assert "noe" not in json.dumps(exported(proven(world)))


def test_it_takes_a_fresh_sign_in(world: World) -> None:
    person = proven(world)
    world.clock.ahead = timedelta(minutes=30)
    assert person.get("/account/export.json").step == "email"
    assert world.events("account.exported") == []


@pytest.mark.parametrize("path", ["/account/export.json", "/account/affiliation"])
def test_nobody_gets_anything_without_a_sign_in(world: World, path: str) -> None:
    assert world.browser().get(path).step == "email"
