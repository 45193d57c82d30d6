"""Whoever writes to the database alone cannot change the audit trail unseen."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from idp.domain.keyed import SecretKey
from idp.storage import audit_seals
from idp.storage.audit import AuditTrail
from idp.storage.audit_seals import AuditSeals
from idp.storage.database import Database
from tests.profiled import profiled
from tests.storage.sealing import LATER, NOW, SECRET, described, kinds, verified, write

MUCH_LATER = NOW + timedelta(hours=2)


def three_seals(trail: AuditTrail, seals: AuditSeals) -> None:
    for round_ in range(3):
        write(trail, 4, NOW + timedelta(minutes=10 * round_))
        assert seals.seal_next(now=LATER + timedelta(minutes=10 * round_))


def test_what_nobody_touched_is_verified(trail: AuditTrail, seals: AuditSeals, indexed_database: Database) -> None:
    three_seals(trail, seals)
    write(trail, 1, MUCH_LATER)
    found = verified(indexed_database, MUCH_LATER)
    assert (found.seals, found.proven, found.events, found.waiting, found.newest) == (3, 13, 12, 1, 3)
    assert found.findings == ()


def test_young_events_wait_for_the_next_seal(trail: AuditTrail, seals: AuditSeals, indexed_database: Database) -> None:
    write(trail, 2)
    assert not seals.seal_next(now=NOW + timedelta(seconds=40))
    write(trail, 1, NOW + timedelta(seconds=50))
    assert seals.seal_next(now=NOW + timedelta(seconds=70))
    assert (verified(indexed_database).events, verified(indexed_database).waiting) == (2, 1)


def test_events_are_not_read_before_a_slice_of_them_is_due(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    """Every worker asks every few seconds: with a crowd there are always a thousand of them on their way."""
    write(trail, 20)
    with profiled(indexed_database, "audit") as asked:
        assert not seals.seal_next(now=NOW + timedelta(seconds=50))
    assert [one["nreturned"] for one in asked if one["op"] == "query"] == [0]


def test_an_event_that_comes_late_goes_into_the_next_seal(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    three_seals(trail, seals)
    write(trail, 1, NOW - timedelta(hours=1))
    assert seals.seal_next(now=LATER + timedelta(hours=1))
    found = verified(indexed_database)
    assert (found.seals, found.events, found.findings) == (4, 13, ())


def test_a_changed_event_is_found(trail: AuditTrail, seals: AuditSeals, indexed_database: Database) -> None:
    three_seals(trail, seals)
    indexed_database.collection("audit").update_one({"seal": 2}, {"$set": {"account_id": "b"}})
    assert kinds(verified(indexed_database)) == [(2, "changed")]


def test_a_removed_event_is_found(trail: AuditTrail, seals: AuditSeals, indexed_database: Database) -> None:
    three_seals(trail, seals)
    indexed_database.collection("audit").delete_one({"seal": 2})
    assert kinds(verified(indexed_database)) == [(2, "removed")]


def test_an_event_whose_end_was_brought_forward_is_found(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    three_seals(trail, seals)
    audit = indexed_database.collection("audit")
    audit.update_one({"seal": 2}, {"$set": {"purge_at": NOW}})
    audit.delete_one({"purge_at": NOW})
    assert kinds(verified(indexed_database)) == [(2, "removed")]


def test_an_inserted_event_is_found(trail: AuditTrail, seals: AuditSeals, indexed_database: Database) -> None:
    three_seals(trail, seals)
    indexed_database.collection("audit").insert_one({"seal": 2, "event": "sign_in.succeeded", "at": NOW})
    assert kinds(verified(indexed_database)) == [(2, "inserted")]


def test_an_event_taken_out_of_its_seal_is_found(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    three_seals(trail, seals)
    indexed_database.collection("audit").update_one({"seal": 1}, {"$set": {"seal": 3}})
    assert sorted(kinds(verified(indexed_database))) == [(1, "moved"), (3, "inserted")]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_removed_seal_is_found(trail: AuditTrail, seals: AuditSeals, indexed_database: Database, number: int) -> None:
    three_seals(trail, seals)
    indexed_database.collection("audit_seals").delete_one({"_id": number})
    assert kinds(verified(indexed_database)) == [(number, "missing")]


def test_who_lacks_the_secret_key_cannot_seal_anew(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    three_seals(trail, seals)
    forger = AuditSeals(indexed_database, SecretKey(b"a key that the attacker made up"))
    indexed_database.collection("audit").update_many({"seal": 3}, {"$set": {"account_id": "b"}, "$unset": {"seal": 1}})
    indexed_database.collection("audit_seals").delete_one({"_id": 3})
    assert forger.seal_next(now=LATER + timedelta(hours=1))
    assert (3, "broken") in kinds(verified(indexed_database))


def test_a_seal_of_another_fork_of_the_chain_is_found_although_it_is_of_the_same_key(
    trail: AuditTrail, indexed_database: Database
) -> None:
    """The chain alone tells: every seal is whole, its events are all there, and no event knows a seal."""
    unheard = AuditSeals(indexed_database, SECRET)
    three_seals(trail, unheard)
    collection = indexed_database.collection("audit_seals")
    second, third = collection.find({"_id": {"$gt": 1}}).sort("_id", 1)
    collection.delete_many({"_id": {"$gt": 1}})
    audit(indexed_database).update_many({"seal": 2}, {"$unset": {"seal": 1}})
    assert unheard.seal_next(now=MUCH_LATER)
    (forked,) = collection.find({"_id": 2})
    assert forked["entries"] == second["entries"]
    assert forked["mac"] != second["mac"]
    collection.insert_one(third)
    assert kinds(verified(indexed_database, MUCH_LATER)) == [(3, "broken")]


def test_events_that_retention_removed_are_told_as_purged(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    three_seals(trail, seals)
    indexed_database.collection("audit").delete_many({"seal": 1})
    found = verified(indexed_database, NOW + timedelta(days=366))
    assert (found.seals, found.events, found.purged, found.findings) == (3, 8, 4, ())


def test_a_sealer_killed_before_it_marked_is_made_up_for(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    write(trail, 4)
    assert seals.seal_next(now=LATER)
    indexed_database.collection("audit").update_many({}, {"$unset": {"seal": 1}})
    assert verified(indexed_database).findings == ()
    assert seals.seal_next(now=LATER)
    assert not seals.seal_next(now=LATER)
    found = verified(indexed_database)
    assert (found.seals, found.events, found.waiting, found.findings) == (1, 4, 0, ())


def test_many_sealers_at_once_seal_every_event_once(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_seals, "MOST_EVENTS", 5)
    write(trail, 60)

    def work(_: int) -> None:
        for _attempt in range(20):
            seals.seal_next(now=LATER)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    found = verified(indexed_database)
    assert (found.seals, found.events, found.waiting, found.findings) == (12, 60, 0, ())


def audit(database: Database) -> Any:
    return database.collection("audit")


def begin_anew(database: Database, seals: AuditSeals, now: datetime) -> None:
    """Whoever may write to the database has the provider make other seals."""
    audit(database).update_many({}, {"$unset": {"seal": 1}})
    database.collection("audit_seals").delete_many({})
    while seals.seal_next(now=now):
        pass


def test_an_event_changed_before_it_was_sealed_is_found(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    write(trail, 3)
    audit(indexed_database).update_one({"reference": "R1"}, {"$set": {"fields.reason": "other"}})
    assert kinds(verified(indexed_database, NOW)) == [(0, "changed")]
    assert seals.seal_next(now=LATER)
    assert kinds(verified(indexed_database)) == [(0, "changed")]


def test_an_event_removed_before_it_was_sealed_is_found(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    write(trail, 4)
    audit(indexed_database).delete_many({"reference": {"$in": ["R1", "R2"]}})
    assert seals.seal_next(now=LATER)
    (finding,) = verified(indexed_database).findings
    assert finding.kind == "gap"
    assert finding.detail.startswith("numbers 2 to 3 of writer ")


def test_an_event_that_is_there_twice_is_found(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    write(trail, 2)
    copy = audit(indexed_database).find_one({"reference": "R0"}, {"_id": 0})
    audit(indexed_database).insert_one(copy)
    assert seals.seal_next(now=LATER)
    assert kinds(verified(indexed_database)) == [(0, "repeated")]


def test_falsified_history_is_found_although_the_provider_sealed_it_anew(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    three_seals(trail, seals)
    write(trail, 4, MUCH_LATER)
    audit(indexed_database).update_one({"proof.number": 2}, {"$set": {"account_id": "b"}})
    audit(indexed_database).delete_one({"proof.number": 6})
    # No other event of this writer came after it: its number alone would not show that it is gone.
    audit(indexed_database).delete_one({"proof.number": 16})
    begin_anew(indexed_database, seals, MUCH_LATER + timedelta(minutes=10))
    found = kinds(verified(indexed_database, MUCH_LATER + timedelta(minutes=10)))
    assert {(0, "changed"), (0, "gap"), (1, "replaced")} <= set(found)


def test_seals_that_begin_anew_are_found_where_no_event_was_touched(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    three_seals(trail, seals)
    begin_anew(indexed_database, seals, MUCH_LATER)
    assert described(verified(indexed_database, MUCH_LATER)) == [
        (1, "replaced", ""),
        (2, "missing", "events know the seals 2 to 2"),
    ]


def test_the_newest_seals_cannot_be_cut_off_alone(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    """Whatever was written since the seal was made would have to go with it."""
    three_seals(trail, seals)
    write(trail, 1, MUCH_LATER)
    audit(indexed_database).delete_many({"seal": {"$gte": 2}})
    indexed_database.collection("audit_seals").delete_many({"_id": {"$gte": 2}})
    assert described(verified(indexed_database, MUCH_LATER)) == [(3, "missing", "events know the seals 3 to 3")]


def test_a_fork_whose_two_sides_events_know_is_found_whichever_side_is_there(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    """Those who write on both sides of a fork tell of two values of one seal."""
    write(trail, 4)
    assert seals.seal_next(now=LATER)
    first = indexed_database.collection("audit_seals").find_one({})
    assert first is not None
    # The event that is read first knows the value that is there: it must not settle the matter.
    begin_anew(indexed_database, seals, MUCH_LATER)
    write(trail, 1, MUCH_LATER)
    trail.saw_seal(first["_id"], first["mac"])
    write(trail, 1, MUCH_LATER)
    assert kinds(verified(indexed_database, MUCH_LATER)) == [(1, "replaced")]


def test_events_that_no_seal_takes_are_found(trail: AuditTrail, seals: AuditSeals, indexed_database: Database) -> None:
    write(trail, 2)
    assert verified(indexed_database, NOW + timedelta(minutes=4)).findings == ()
    late = NOW + timedelta(minutes=6)
    assert described(verified(indexed_database, late)) == [
        (0, "unsealed", "2 events, the oldest of 2026-11-24T08:00:00Z")
    ]
    # Nor does a mark help that is no seal's number.
    audit(indexed_database).update_many({}, {"$set": {"seal": 0}})
    assert kinds(verified(indexed_database, late)) == [(0, "unsealed")]


def test_purged_events_leave_no_gap_in_whatever_order_they_go(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    # The second one took less time between its beginning and its end.
    for at in (NOW + timedelta(seconds=1), NOW, NOW + timedelta(days=30)):
        write(trail, 1, at)
    assert seals.seal_next(now=LATER)
    assert seals.seal_next(now=LATER + timedelta(days=30))
    audit(indexed_database).delete_one({"at": NOW})
    assert verified(indexed_database, NOW + timedelta(days=365)).findings == ()
    audit(indexed_database).delete_one({"at": NOW + timedelta(seconds=1)})
    found = verified(indexed_database, NOW + timedelta(days=366))
    assert (found.purged, found.findings) == (2, ())


def old_event(at: datetime = NOW) -> dict[str, Any]:
    """As a release before the proofs appended it."""
    return {"event": "sign_in.succeeded", "at": at, "reference": "OLD", "account_id": "a", "fields": {}, "purge_at": at}


def test_events_of_an_older_release_are_verified_by_their_seals(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    audit(indexed_database).insert_many([old_event() for _ in range(3)])
    assert seals.seal_next(now=LATER)
    assert verified(indexed_database, LATER).findings == ()
    # Old workers serve beside new ones, for a while.
    write(trail, 2, LATER)
    audit(indexed_database).insert_one(old_event(LATER + timedelta(days=2)))
    assert seals.seal_next(now=LATER + timedelta(days=2, minutes=2))
    assert verified(indexed_database, LATER + timedelta(days=20)).findings == ()


def test_an_event_without_a_proof_that_comes_when_no_old_worker_serves_is_found(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    write(trail, 2)
    assert seals.seal_next(now=LATER)
    # However old it says that it is: the seal tells since when it has been there.
    audit(indexed_database).insert_one(old_event(NOW - timedelta(days=3)))
    assert seals.seal_next(now=NOW + timedelta(days=8))
    assert described(verified(indexed_database, NOW + timedelta(days=8))) == [
        (2, "unproven", "1 events without a proof")
    ]


@pytest.mark.parametrize(
    "seal",
    [
        {"_id": 4},
        {"_id": "x", "entries": 3, "mac": 5},
        {"_id": 2, "at": NOW, "entries": [], "previous": "", "mac": "0"},
    ],
)
def test_seals_that_somebody_made_up_are_found(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database, seal: dict[str, Any]
) -> None:
    three_seals(trail, seals)
    indexed_database.collection("audit_seals").replace_one({"_id": seal["_id"]}, seal, upsert=True)
    assert (0 if seal["_id"] == "x" else seal["_id"], "broken") in kinds(verified(indexed_database))


def test_the_check_has_few_seals_in_memory_however_many_there_are(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    for round_ in range(12):
        write(trail, 1, NOW + timedelta(minutes=10 * round_))
        assert seals.seal_next(now=LATER + timedelta(minutes=10 * round_))
    with profiled(indexed_database, "audit_seals") as done:
        assert verified(indexed_database, MUCH_LATER).seals == 12
    assert max(operation.get("nreturned", 0) for operation in done) <= 5
