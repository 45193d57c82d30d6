"""A proof of identity that is cut half way: who had the account or the mailbox before is out all the same."""

import pytest

from idp.domain.accounts import Account, Identity
from idp.domain.errors import ServiceUnavailable
from idp.storage.proofing_records import ProofingRecordStore
from idp.storage.sessions import SessionStore
from idp.storage.sweeps import SECOND_SWEEP
from tests.web.proofing_world import CAMILLE, EXEMPLE, PASSWORD, World

OWN = Identity(EXEMPLE, "eppn", "cdurand@univ-exemple.fr")


def sweep(world: World) -> None:
    while world.services.ends_sign_ins.sweep_next(world.services.clock() + SECOND_SWEEP):
        continue


def made(world: World, *identities: Identity) -> Account:
    return world.account("somebody", CAMILLE, *identities, password=PASSWORD)


@pytest.mark.parametrize("identities", [(), (OWN,)], ids=["of somebody else", "of the same person"])
def test_who_was_signed_in_before_is_out_a_minute_later(
    world: World, monkeypatch: pytest.MonkeyPatch, identities: tuple[Identity, ...]
) -> None:
    before = world.browser().signed_in(made(world, *identities))
    assert before.get("/account").step == "account"
    person = world.browser().start(CAMILLE).prove()

    def away(*_: object, **__: object) -> None:
        raise ServiceUnavailable("database", "cut")

    with monkeypatch.context() as cut:
        cut.setattr(SessionStore, "end_account", away)
        assert person.press("Continuer", code=world.code(CAMILLE)).last.status_code == 503
    assert before.get("/account").step == "account"
    sweep(world)
    assert before.get("/account").step != "account"


def test_who_has_just_proven_it_stays_signed_in(world: World) -> None:
    made(world)
    person = world.browser().start(CAMILLE).prove()
    person.press("Continuer", code=world.code(CAMILLE)).press("Créer", password="trois pommes vertes et un lac")
    sweep(world)
    assert person.get("/account").step == "account"


@pytest.mark.parametrize("identities", [(), (OWN,)], ids=["of somebody else", "of the same person"])
def test_o_25_who_was_signed_in_before_is_out_at_once_where_nothing_is_cut(
    world: World, identities: tuple[Identity, ...]
) -> None:
    before = world.browser().start()
    made(world, *identities)
    assert before.press("Se connecter", password=PASSWORD).step == "account"
    person = world.browser().start(CAMILLE).prove().press("Continuer", code=world.code(CAMILLE))
    assert person.step == "new-password"
    assert before.get("/account").step == "email"
    devices = world.services.database.collection("devices")
    assert devices.count_documents({"accounts": "somebody"}) == 0, "nor has any browser guesses of its own"
    moved = [event["fields"] for event in world.events("account.address_moved")]
    assert moved == ([] if identities else [{"previous_account": "somebody"}])


def test_an_account_whose_making_was_cut_is_found_again_and_freed_like_any_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = world.browser().start(CAMILLE).prove()

    def away(*_: object, **__: object) -> None:
        raise ServiceUnavailable("database", "cut")

    with monkeypatch.context() as cut:
        cut.setattr(ProofingRecordStore, "add", away)
        assert person.press("Continuer", code=world.code(CAMILLE)).last.status_code == 503
    account = world.services.stores.accounts.by_address(CAMILLE)
    assert account is not None
    meanwhile = world.browser().signed_in(account)
    person.get(f"/sign-in/{person.handle}").press("Créer", password="trois pommes vertes et un lac")
    assert person.step == "account", person.text
    assert world.services.database.collection("accounts").count_documents({}) == 1
    assert meanwhile.get("/account").step != "account"
