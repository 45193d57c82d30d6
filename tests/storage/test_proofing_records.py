"""Records of proofs on the real database: written once, never changed."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from idp.domain.proofing_record import ProofingRecord, record_of
from idp.storage import proofing_records
from idp.storage.database import Database
from idp.storage.proofing_records import ProofingRecordStore
from tests.domain.test_proofing_record import NOW, PROOFING, SECRET


@pytest.fixture
def store(database: Database) -> ProofingRecordStore:
    database.create_indexes((proofing_records.INDEXES,))
    return ProofingRecordStore(database)


def record(proofing_id: str = "proofing-1", account_id: str = "account-1", hours: int = 0) -> ProofingRecord:
    return record_of(replace(PROOFING, id=proofing_id), account_id, SECRET, now=NOW + timedelta(hours=hours))


def test_a_record_comes_back_as_it_was_written(store: ProofingRecordStore) -> None:
    dotted = replace(record(), attributes={"urn:oid:2.5.4.4": "h", "$set": "i"})
    assert store.add(dotted)
    assert store.of_account("account-1") == (dotted,)


def test_the_latest_comes_first_and_each_account_has_its_own(store: ProofingRecordStore) -> None:
    for each in (record("1", hours=1), record("2", hours=3), record("3", hours=2), record("4", "account-2", 9)):
        store.add(each)
    assert [each.id for each in store.of_account("account-1")] == ["2", "3", "1"]
    latest = store.latest("account-1")
    assert latest is not None
    assert latest.id == "2"
    assert store.latest("nobody") is None


def test_who_proves_it_without_end_does_not_fill_the_memory_of_who_looks(
    store: ProofingRecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A university answers whoever is signed in there without a question: a script proves it as often as it likes.
    monkeypatch.setattr(proofing_records, "MOST_FOUND", 2, raising=False)
    for number in range(4):
        store.add(record(str(number), hours=number))
    assert [each.id for each in store.of_account("account-1")] == ["3", "2"]


def test_the_first_record_of_a_proofing_stands(store: ProofingRecordStore) -> None:
    assert store.add(record())
    assert not store.add(replace(record(), account_id="account-2", mailbox="other@univ-exemple.fr"))
    assert store.of_account("account-1") == (record(),)
    assert store.of_account("account-2") == ()


def test_of_sixteen_writers_one_wins(store: ProofingRecordStore) -> None:
    with ThreadPoolExecutor(16) as threads:
        outcomes = list(threads.map(lambda number: store.add(record(account_id=f"account-{number}")), range(16)))
    assert outcomes.count(True) == 1


def test_nothing_in_the_store_changes_a_record() -> None:
    methods = {name for name in vars(ProofingRecordStore) if not name.startswith("_")}
    # A merge of two accounts changes whose it is, and parting them changes it back; never what it says.
    assert methods == {"add", "of_account", "latest", "merge", "separate", "forget_account"}


def test_records_go_with_their_account(store: ProofingRecordStore) -> None:
    store.add(record("1"))
    store.add(record("2", "account-2"))
    store.forget_account("account-1")
    assert store.of_account("account-1") == ()
    assert len(store.of_account("account-2")) == 1


def test_records_follow_a_merge_and_come_back(store: ProofingRecordStore) -> None:
    mine, other = record("proofing-1", "own"), record("proofing-2", "other", hours=1)
    store.add(mine)
    store.add(other)
    store.merge("other", "own", "merge-1")
    assert store.of_account("own") == (replace(other, account_id="own"), mine)
    store.separate("merge-1", "other")
    assert (store.of_account("own"), store.of_account("other")) == ((mine,), (other,))


def test_what_came_by_two_merges_goes_back_by_both(store: ProofingRecordStore) -> None:
    mine = record("1", "mine")
    store.add(mine)
    store.merge("mine", "hers", "merge-1")
    store.add(record("2", "hers"))
    store.merge("hers", "theirs", "merge-2")
    assert {each.id for each in store.of_account("theirs")} == {"1", "2"}
    store.separate("merge-2", "hers")
    assert {each.id for each in store.of_account("hers")} == {"1", "2"}
    store.separate("merge-1", "mine")
    assert store.of_account("mine") == (mine,)
    assert [each.id for each in store.of_account("hers")] == ["2"]
    assert store.of_account("theirs") == ()


def test_a_record_that_was_merged_by_an_earlier_release_comes_back(
    store: ProofingRecordStore, database: Database
) -> None:
    store.add(record("proofing-1", "own"))
    database.collection("proofing_records").update_one({}, {"$set": {"merge_id": "merge-1"}})
    store.separate("merge-1", "other")
    assert store.of_account("other") == (record("proofing-1", "other"),)
