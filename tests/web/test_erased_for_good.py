"""What is left of a person in the database once their account is erased: what the register says, and nothing else."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from bson import json_util

from idp.app import INDEXES, first_time, own_account
from idp.app.mail import bounces
from idp.domain.accounts import Account, Identity
from idp.domain.messages import message_id
from idp.domain.one_time_codes import digits
from idp.domain.proofing import Proofing
from idp.domain.routing import LearnedDomain
from tests.mail.reports import report
from tests.web.proofing_world import AUTRE, CAMILLE, EXEMPLE, PASSWORD, World

EXTRA = "camille.perso@mail.example"
EPPN = "cdurand@univ-exemple.fr"
RELEASED = {
    "mail": (CAMILLE,),
    "eppn": (EPPN,),
    "displayName": ("Camille Durand",),
    "affiliation": ("student@univ-exemple.fr",),
    "supannEtuId": ("E20261234",),
}
OF_CAMILLE = ("camille", "durand", "E20261234")


@pytest.fixture
def camille(world: World) -> Account:
    """Somebody who did what people do: a proof, wrong passwords, another address; and whose mail came back."""
    person = world.browser().start().prove(world.draft(EXEMPLE, **RELEASED))
    person.press("Continuer", code=world.code(CAMILLE)).press("Créer", password=PASSWORD)
    other = world.browser().start().press("Se connecter", password="pas la bonne phrase")
    other.press("Se connecter", password=PASSWORD)
    other.get("/account/addresses/new").press("Recevoir le code", email=EXTRA)
    other.press("Ajouter cette adresse", code=digits(world.services.secret, world.mails(EXTRA)[-1]["record_id"]))
    _send_everything(world)
    found = world.services.stores.accounts.by_address(EXTRA)
    assert found
    return found


def _send_everything(world: World) -> None:
    outbox = world.services.stores.outbox
    while claim := outbox.claim("one", now=world.clock(), lease=timedelta(minutes=1)):
        outbox.done(claim, f"250 2.1.5 <{claim.work.to}> recipient ok", now=world.clock())


def held(world: World) -> dict[str, list[dict[str, Any]]]:
    """Every document, by collection."""
    database = world.services.database
    raw = database.client[database.name]
    return {name: list(raw[name].find()) for name in raw.list_collection_names()}


def naming(world: World, *words: str) -> dict[str, list[str]]:
    """The documents in which one of these words stands, by collection."""
    texts = {name: [json_util.dumps(one, ensure_ascii=False) for one in found] for name, found in held(world).items()}
    lower = [word.lower() for word in words]
    named = {name: [text for text in found if _has_one(text.lower(), lower)] for name, found in texts.items()}
    return {name: found for name, found in named.items() if found}


def _has_one(text: str, words: list[str]) -> bool:
    return any(word in text for word in words)


def erased(world: World, account: Account) -> None:
    own_account.erasure(world.services).erase(account.id)
    assert own_account.erasure(world.services).erase_next(world.clock())
    assert world.services.stores.accounts.find(account.id) is None


def test_nothing_that_names_the_person_outlives_the_account(world: World, camille: Account) -> None:
    flow = bounces(world.services.settings, world.services.database, world.services.stores.audit)
    quoting = f"550 5.1.1 <{EXTRA}>: recipient rejected"
    returned = report(message_id(world.mails(EXTRA)[-1]["_id"], flow.domain), EXTRA, diagnostic=quoting)
    assert flow.take(returned, now=world.clock()) == 1
    assert {"accounts", "outbox", "proofings"} <= naming(world, *OF_CAMILLE).keys()
    erased(world, camille)
    assert naming(world, *OF_CAMILLE, camille.subject) == {}
    assert set(naming(world, camille.id)) == {"audit"}, "which knows the account by its id"


def test_what_stands_under_an_account_and_never_expires_goes_with_it(world: World, camille: Account) -> None:
    """Also of a collection that is new, and that the deeds of these tests do not reach."""
    database = world.services.database
    keys = {one.collection: [next(iter(model.document["key"])) for model in one.models] for one in INDEXES}
    expire = {one.collection for one in INDEXES if any("expireAfterSeconds" in model.document for model in one.models)}
    by_account = {name for name, firsts in keys.items() if "account_id" in firsts} - expire
    assert {"consents", "passkeys", "proofing_records"} <= by_account
    for name in by_account:
        database.collection(name).insert_one({"_id": "left", "account_id": camille.id})
    for forget in own_account.erasure(world.services).forgets:
        forget(camille.id)
    lost = sorted(name for name in by_account if database.collection(name).find_one({"account_id": camille.id}))
    assert not lost, f"forget these in erasure() of idp/app/own_account.py: {lost}; and show them in flows/export.py"


def test_a_domain_that_nobody_else_came_from_goes_with_the_account(world: World, camille: Account) -> None:
    """It may be the person's own, and tells at which university they are."""
    learned = world.services.database.collection("learned_domains")
    (alone,) = learned.find()
    assert (alone["domain"], len(alone["accounts"])) == ("etu.univ-exemple.fr", 1)
    erased(world, camille)
    assert list(learned.find()) == []


@pytest.mark.parametrize(("address", "entity_id"), [(EXTRA, EXEMPLE), (EXTRA, AUTRE)])
def test_so_does_what_any_address_taught_of_any_university(
    world: World, camille: Account, address: str, entity_id: str
) -> None:
    now, learned = world.clock(), world.services.database.collection("learned_domains")
    learned.delete_many({})
    proofing = Proofing("p", "browser", "over", entity_id, "r", "ref", now, now, address=address)
    first_time.mailbox_proof(world.services).learns(proofing, camille.id)
    taught = learned.count_documents({})
    both = replace(camille, identities=(*camille.identities, Identity(AUTRE, "eppn", "camille@autre.fr")))
    own_account.erasure(world.services).unlearns(both)
    assert (taught, learned.count_documents({})) == (1, 0)


@pytest.mark.parametrize(("others", "left"), [(1, 1), (2, 3)])
def test_a_domain_that_others_came_from_stays(world: World, camille: Account, others: int, left: int) -> None:
    """Once enough did, the hashes tell of none of them and hold what was learned."""
    known = world.services.stores.learned_domains
    for number in range(others):
        known.note(LearnedDomain("etu.univ-exemple.fr", EXEMPLE), f"hash-{number}", now=world.clock())
    erased(world, camille)
    (learned,) = world.services.database.collection("learned_domains").find()
    assert len(learned["accounts"]) == left


def test_a_mail_on_its_way_still_goes(world: World, camille: Account) -> None:
    """« Your account was closed » must not vanish with the account."""
    closing = own_account.closing(world.services)
    assert closing.close(camille)
    erased(world, camille)
    assert [(mail["kind"], mail["state"]) for mail in world.mails(CAMILLE)] == [("account_closed", "waiting")]
