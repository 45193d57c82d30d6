"""Passkeys and the challenges that they answered: each used once, whoever tries at the same time."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from idp.domain.passkeys import CHALLENGE_LIFETIME, Credential, Passkey, PasskeyUse
from idp.storage.database import Database
from idp.storage.passkeys import PasskeyStore

NOW = datetime(2026, 11, 23, 20, tzinfo=UTC)
CREDENTIAL = Credential("id-1", b"key", 4, "00000000-0000-0000-0000-000000000000", ("internal",), True, False)
PASSKEY = Passkey(CREDENTIAL, "ines", b"handle", "Téléphone", NOW)


@pytest.fixture
def store(database: Database) -> PasskeyStore:
    return PasskeyStore(database)


def test_a_passkey_is_kept_as_it_was_made(store: PasskeyStore) -> None:
    assert store.add(PASSKEY)
    assert store.find("id-1") == PASSKEY
    assert store.of_account("ines") == (PASSKEY,)
    assert store.of_account("noe") == ()


def test_a_credential_belongs_to_one_account(store: PasskeyStore) -> None:
    assert store.add(PASSKEY)
    assert not store.add(replace(PASSKEY, account_id="noe"))
    found = store.find("id-1")
    assert found is not None
    assert found.account_id == "ines"


def test_a_challenge_is_answered_once_of_sixteen_times(store: PasskeyStore) -> None:
    with ThreadPoolExecutor(16) as pool:
        taken = list(pool.map(lambda _: store.take_challenge("challenge", now=NOW), range(16)))
    assert taken.count(True) == 1


def test_a_counter_is_used_once_of_sixteen_times(store: PasskeyStore) -> None:
    store.add(PASSKEY)
    with ThreadPoolExecutor(16) as pool:
        used = list(pool.map(lambda _: store.use(PASSKEY, PasskeyUse(5, True), now=NOW), range(16)))
    assert used.count(True) == 1
    found = store.find("id-1")
    assert found is not None
    assert (found.credential.sign_count, found.credential.is_backed_up, found.used_at) == (5, True, NOW)


def test_a_passkey_without_counter_is_used_again_and_again(store: PasskeyStore) -> None:
    store.add(replace(PASSKEY, credential=replace(CREDENTIAL, sign_count=0)))
    assert store.use(PASSKEY, PasskeyUse(0, False), now=NOW)
    assert store.use(PASSKEY, PasskeyUse(0, False), now=NOW)


def test_a_counter_never_goes_back_nor_stops(store: PasskeyStore) -> None:
    store.add(PASSKEY)
    assert not store.use(PASSKEY, PasskeyUse(4, False), now=NOW)
    assert not store.use(PASSKEY, PasskeyUse(0, False), now=NOW)


def test_a_suspected_passkey_is_used_no_more(store: PasskeyStore) -> None:
    store.add(PASSKEY)
    store.suspect(PASSKEY, now=NOW)
    assert not store.use(PASSKEY, PasskeyUse(9, False), now=NOW)


def test_nobody_renames_or_removes_what_belongs_to_somebody_else(store: PasskeyStore) -> None:
    store.add(PASSKEY)
    store.rename("id-1", "noe", "à moi")
    assert store.remove("id-1", "noe") is None
    assert store.find("id-1") == PASSKEY
    assert store.remove("id-1", "ines") == PASSKEY
    assert store.find("id-1") is None


def test_an_erased_account_leaves_no_passkey(store: PasskeyStore) -> None:
    others = replace(PASSKEY, credential=replace(CREDENTIAL, id="id-2"), account_id="noe")
    store.add(PASSKEY)
    store.add(others)
    store.remove_account("ines")
    assert store.find("id-1") is None
    assert store.find("id-2") == others


def test_an_answered_challenge_is_remembered_longer_than_it_counts(store: PasskeyStore, database: Database) -> None:
    """MongoDB clears it away when its time is over: until then nobody may answer it again."""
    store.take_challenge("challenge", now=NOW)
    (document,) = database.collection("passkey_challenges").find()
    assert document["expires_at"] > NOW + CHALLENGE_LIFETIME


def test_a_passkey_that_was_handed_over_meanwhile_does_not_open_the_account_of_before(store: PasskeyStore) -> None:
    store.add(replace(PASSKEY, account_id="noe"))
    assert not store.use(PASSKEY, PasskeyUse(9, False), now=NOW)


@pytest.mark.parametrize("by_the_release_before", [False, True])
def test_what_came_by_two_merges_goes_back_by_both(
    store: PasskeyStore, database: Database, by_the_release_before: bool
) -> None:
    store.add(PASSKEY)
    store.merge("ines", "noe", "merge-1")
    if by_the_release_before:
        database.collection("passkeys").update_one({"_id": PASSKEY.id}, {"$set": {"merge_id": "merge-1"}})
    store.merge("noe", "zoe", "merge-2")
    assert [one.account_id for one in store.of_account("zoe")] == ["zoe"]
    store.separate("merge-2", "noe")
    assert [one.account_id for one in store.of_account("noe")] == ["noe"]
    store.separate("merge-1", "ines")
    assert store.of_account("ines") == (PASSKEY,)
