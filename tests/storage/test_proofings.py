"""Journeys of proof on a real database: of several that are under way, each act means those that it names."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from idp.domain.accounts import Identity
from idp.domain.proofing import ConfirmedBy, Proofing, ProofingState
from idp.storage.database import Database
from idp.storage.proofings import ProofingStore

NOW = datetime(2050, 9, 1, 12, tzinfo=UTC)
END = NOW + timedelta(hours=1)
IDP = "https://idp.example"
ADDRESS, OTHER_ADDRESS = "ines@univ-exemple.fr", "noe@univ-exemple.fr"


@pytest.fixture
def store(database: Database) -> ProofingStore:
    return ProofingStore(database)


def put(store: ProofingStore, name: str, state: ProofingState = ProofingState.VOUCHED, **changes: Any) -> Proofing:
    """One under way; its request and its link are called after it."""
    made = Proofing(
        id=name,
        browser="browser",
        authorization_id="authorization",
        entity_id=IDP,
        request_id=f"_{name}",
        reference="ABCD-EFGH",
        created_at=NOW,
        expires_at=END,
        state=state,
        **changes,
    )
    store.put(made, link_hash=f"link of {name}")
    return made


def there(store: ProofingStore, *names: str) -> list[str]:
    return [name for name in names if store.find(name, now=NOW)]


def test_a_proof_comes_back_as_it_was_put_by_whatever_names_it(store: ProofingStore) -> None:
    put(store, "first")
    whole = put(
        store,
        "whole",
        ProofingState.CONFIRMED,
        identities=(Identity(IDP, "eppn", "ines@univ-exemple.fr"),),
        address=ADDRESS,
        attributes={"displayName": ("Inès", "I.")},
        authn_instant=NOW,
        authn_context="context",
        assertion_id="_assertion",
        metadata_digest="digest",
        account_id="ines",
        has_earlier_account=True,
        is_new_account=True,
        link_browser="another",
        followed_as="followed",
        mails=(ADDRESS, OTHER_ADDRESS),
        address_given=True,
        provider_name="Université",
        registration_authority="https://federation.example",
        answered_at=NOW,
        vouched_at=NOW + timedelta(seconds=1),
        confirmed_at=NOW + timedelta(seconds=2),
        confirmed_by=ConfirmedBy.CODE,
    )
    put(store, "last")
    assert store.find("whole", now=NOW) == whole
    assert store.by_request("_whole", now=NOW) == whole
    assert store.by_link("link of whole", now=NOW) == whole


def test_one_proof_moves_with_what_is_new_of_it_and_says_when(store: ProofingStore) -> None:
    before = put(store, "before")
    put(store, "this")
    named = (Identity(IDP, "eppn", "ines@univ-exemple.fr"),)
    later = NOW + timedelta(minutes=1)
    moved = store.move(
        "this", ProofingState.VOUCHED, ProofingState.CONFIRMED, now=later, identities=named, address=ADDRESS
    )
    assert moved
    assert (moved.id, moved.state, moved.confirmed_at) == ("this", ProofingState.CONFIRMED, later)
    assert (moved.identities, moved.address) == (named, ADDRESS)
    assert store.find("this", now=NOW) == moved
    assert store.find("before", now=NOW) == before


def test_one_proof_is_followed(store: ProofingStore) -> None:
    before = put(store, "before")
    put(store, "this")
    assert store.follow("this", "elsewhere", now=NOW)
    followed = store.find("this", now=NOW)
    assert followed
    assert followed.followed_as == "elsewhere"
    assert store.find("before", now=NOW) == before


@pytest.mark.parametrize("end", [ProofingStore.forget, ProofingStore.deny])
def test_one_proof_ends(store: ProofingStore, end: Callable[[ProofingStore, str], None]) -> None:
    put(store, "before")
    put(store, "this")
    end(store, "this")
    assert there(store, "before", "this") == ["before"]


OF_AN_ACCOUNT = ("address", "account", "both", "completed", "other")


def of_an_account(store: ProofingStore) -> None:
    put(store, "address", address=ADDRESS)
    put(store, "account", account_id="ines", address="moved@univ-exemple.fr")
    put(store, "both", account_id="ines", address=ADDRESS)
    put(store, "completed", ProofingState.COMPLETED, account_id="ines", address=ADDRESS)
    put(store, "other", account_id="noe", address=OTHER_ADDRESS)


def test_o_25_what_leads_into_an_account_ends_and_nothing_else(store: ProofingStore) -> None:
    of_an_account(store)
    both = store.find("both", now=NOW)
    assert both is not None
    store.void_account("ines", ADDRESS, by=replace(both, confirmed_at=NOW))
    assert there(store, *OF_AN_ACCOUNT) == ["both", "completed", "other"]
    store.void_account("ines", ADDRESS)
    assert there(store, *OF_AN_ACCOUNT) == ["completed", "other"]


def test_what_stands_of_an_erased_account_goes_finished_or_not(store: ProofingStore) -> None:
    of_an_account(store)
    put(store, "address completed", ProofingState.COMPLETED, address=ADDRESS)
    store.forget_account("ines", ADDRESS)
    assert there(store, *OF_AN_ACCOUNT, "address completed") == ["other"]


def test_message_ids_are_kept_until_they_expire(store: ProofingStore, database: Database) -> None:
    assert store.first_use(IDP, "_response", "_assertion", expires_at=END)
    kept = database.collection("saml_messages").find()
    assert {(one["_id"], one["expires_at"]) for one in kept} == {
        (f"{IDP} _response", END),
        (f"{IDP} _assertion", END),
    }
