"""Whoever writes to the database alone cannot change the audit trail unseen."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from idp.domain.keyed import SecretKey
from idp.flows.audit_verification import AuditVerification, Verification
from idp.storage import audit_seals
from idp.storage.audit import AuditTrail
from idp.storage.audit_seals import AuditSeals
from idp.storage.database import Database

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)
SECRET = SecretKey(b"a secret key of the installation")


@pytest.fixture
def trail(indexed_database: Database) -> AuditTrail:
    return AuditTrail(indexed_database)


@pytest.fixture
def seals(indexed_database: Database) -> AuditSeals:
    return AuditSeals(indexed_database, SECRET)


def write(trail: AuditTrail, count: int, at: datetime = NOW) -> None:
    for number in range(count):
        trail.append(
            "sign_in.succeeded", at=at + timedelta(milliseconds=number), reference=f"R{number}", account_id="a"
        )


def three_seals(trail: AuditTrail, seals: AuditSeals) -> None:
    for round_ in range(3):
        write(trail, 4, NOW + timedelta(minutes=10 * round_))
        assert seals.seal_next(now=LATER + timedelta(minutes=10 * round_))


def verified(seals: AuditSeals, now: datetime = LATER) -> Verification:
    return AuditVerification(seals, lambda: now).verify()


def kinds(found: Verification) -> list[tuple[int, str]]:
    return [(finding.seal, finding.kind) for finding in found.findings]


def test_what_nobody_touched_is_verified(trail: AuditTrail, seals: AuditSeals) -> None:
    three_seals(trail, seals)
    write(trail, 1, LATER)
    found = verified(seals)
    assert (found.seals, found.events, found.waiting, found.newest, found.findings) == (3, 12, 1, 3, ())


def test_young_events_wait_for_the_next_seal(trail: AuditTrail, seals: AuditSeals) -> None:
    write(trail, 2)
    assert not seals.seal_next(now=NOW + timedelta(seconds=40))
    write(trail, 1, NOW + timedelta(seconds=50))
    assert seals.seal_next(now=NOW + timedelta(seconds=70))
    assert (verified(seals).events, verified(seals).waiting) == (2, 1)


def test_an_event_that_comes_late_goes_into_the_next_seal(trail: AuditTrail, seals: AuditSeals) -> None:
    three_seals(trail, seals)
    write(trail, 1, NOW - timedelta(hours=1))
    assert seals.seal_next(now=LATER + timedelta(hours=1))
    found = verified(seals)
    assert (found.seals, found.events, found.findings) == (4, 13, ())


def test_a_changed_event_is_found(trail: AuditTrail, seals: AuditSeals, indexed_database: Database) -> None:
    three_seals(trail, seals)
    indexed_database.collection("audit").update_one({"seal": 2}, {"$set": {"account_id": "b"}})
    assert kinds(verified(seals)) == [(2, "changed")]


def test_a_removed_event_is_found(trail: AuditTrail, seals: AuditSeals, indexed_database: Database) -> None:
    three_seals(trail, seals)
    indexed_database.collection("audit").delete_one({"seal": 2})
    assert kinds(verified(seals)) == [(2, "removed")]


def test_an_event_whose_end_was_brought_forward_is_found(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    three_seals(trail, seals)
    audit = indexed_database.collection("audit")
    audit.update_one({"seal": 2}, {"$set": {"purge_at": NOW}})
    audit.delete_one({"purge_at": NOW})
    assert kinds(verified(seals)) == [(2, "removed")]


def test_an_inserted_event_is_found(trail: AuditTrail, seals: AuditSeals, indexed_database: Database) -> None:
    three_seals(trail, seals)
    indexed_database.collection("audit").insert_one({"seal": 2, "event": "sign_in.succeeded", "at": NOW})
    assert kinds(verified(seals)) == [(2, "inserted")]


def test_an_event_taken_out_of_its_seal_is_found(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    three_seals(trail, seals)
    indexed_database.collection("audit").update_one({"seal": 1}, {"$set": {"seal": 3}})
    assert sorted(kinds(verified(seals))) == [(1, "moved"), (3, "inserted")]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_removed_seal_is_found(trail: AuditTrail, seals: AuditSeals, indexed_database: Database, number: int) -> None:
    three_seals(trail, seals)
    indexed_database.collection("audit_seals").delete_one({"_id": number})
    assert kinds(verified(seals)) == [(number, "missing")]


def test_who_lacks_the_secret_key_cannot_seal_anew(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    three_seals(trail, seals)
    forger = AuditSeals(indexed_database, SecretKey(b"a key that the attacker made up"))
    indexed_database.collection("audit").update_many({"seal": 3}, {"$set": {"account_id": "b"}, "$unset": {"seal": 1}})
    indexed_database.collection("audit_seals").delete_one({"_id": 3})
    assert forger.seal_next(now=LATER + timedelta(hours=1))
    assert (3, "broken") in kinds(verified(seals))


def test_events_that_retention_removed_are_told_as_purged(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    three_seals(trail, seals)
    indexed_database.collection("audit").delete_many({"seal": 1})
    found = verified(seals, NOW + timedelta(days=366))
    assert (found.seals, found.events, found.purged, found.findings) == (3, 8, 4, ())


def test_a_sealer_killed_before_it_marked_is_made_up_for(
    trail: AuditTrail, seals: AuditSeals, indexed_database: Database
) -> None:
    write(trail, 4)
    assert seals.seal_next(now=LATER)
    indexed_database.collection("audit").update_many({}, {"$unset": {"seal": 1}})
    assert verified(seals).findings == ()
    assert seals.seal_next(now=LATER)
    assert not seals.seal_next(now=LATER)
    found = verified(seals)
    assert (found.seals, found.events, found.waiting, found.findings) == (1, 4, 0, ())


def test_many_sealers_at_once_seal_every_event_once(
    trail: AuditTrail, seals: AuditSeals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_seals, "MOST_EVENTS", 5)
    write(trail, 60)

    def work(_: int) -> None:
        for _attempt in range(20):
            seals.seal_next(now=LATER)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    found = verified(seals)
    assert (found.seals, found.events, found.waiting, found.findings) == (12, 60, 0, ())
