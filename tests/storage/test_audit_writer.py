"""What each event of the audit trail carries, also where writing fails and where many threads write."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.errors import AutoReconnect

from idp.domain.errors import ServiceUnavailable
from idp.domain.keyed import SecretKey
from idp.storage.audit import AuditTrail
from idp.storage.audit_proofs import AuditProofs, EventsRead
from idp.storage.database import Database
from tests.storage.sealing import SECRET

NOW = datetime(2026, 11, 24, 8, 0, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)


def append(trail: AuditTrail, number: int = 0) -> None:
    trail.append("sign_in.succeeded", at=NOW, reference=f"R{number}", account_id=None, client_id="moodle")


def read(database: Database, secret: SecretKey = SECRET) -> EventsRead:
    return AuditProofs(database, secret).read(now=LATER)


def places(database: Database) -> list[dict[str, Any]]:
    return [event["proof"] for event in database.collection("audit").find().sort("proof.number", 1)]


class Failing:
    """Fails as a database does, before or after the document has arrived."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, trail: AuditTrail) -> None:
        self._insert = trail._events.insert_one
        self.fails, self.arrives = False, False
        monkeypatch.setattr(trail._events, "insert_one", self)

    def __call__(self, document: dict[str, Any]) -> None:
        if not self.fails or self.arrives:
            self._insert(document)
        if self.fails:
            raise AutoReconnect("cut")


def test_events_are_counted_and_proven_from_the_beginning(trail: AuditTrail, indexed_database: Database) -> None:
    for number in range(3):
        append(trail, number)
    append(AuditTrail(indexed_database, SECRET))
    first = places(indexed_database)
    assert [place["number"] for place in first] == [1, 1, 2, 3]
    assert len({place["writer"] for place in first}) == 2
    found = read(indexed_database)
    assert (found.proven, found.findings, found.oldest) == (4, [], NOW.replace(microsecond=123000))


def gaps(database: Database, *, now: datetime = LATER) -> list[str]:
    findings = AuditProofs(database, SECRET).read(now=now).findings
    return [finding.detail.partition(" of ")[0] for finding in findings if finding.kind == "gap"]


def test_the_first_events_of_a_writer_are_missed_while_they_cannot_have_been_purged(
    trail: AuditTrail, indexed_database: Database
) -> None:
    for number in range(4):
        append(trail, number)
    indexed_database.collection("audit").delete_many({"proof.number": {"$lte": 2}})
    assert gaps(indexed_database) == ["numbers 1 to 2"]


def test_the_first_events_of_a_writer_that_has_served_for_long_may_have_been_purged(
    indexed_database: Database,
) -> None:
    kept = timedelta(days=30)
    trail = AuditTrail(indexed_database, SECRET, kept)
    for days in (0, 1, 29):
        trail.append("sign_in.succeeded", at=NOW + timedelta(days=days), reference="R")
    indexed_database.collection("audit").delete_many({"proof.number": {"$lte": 2}})
    assert gaps(indexed_database, now=NOW + timedelta(days=29, hours=1)) == ["numbers 1 to 2"]
    assert gaps(indexed_database, now=NOW + kept + timedelta(days=2)) == []


def test_workers_of_the_release_before_tell_no_beginning(indexed_database: Database) -> None:
    trail = AuditTrail(indexed_database, SECRET)
    begin = trail._writer.begin

    def as_before(at: datetime) -> Any:
        place = begin(at)
        del place.document["since"]
        return place

    trail._writer.begin = as_before  # type: ignore[method-assign]
    for number in range(2):
        append(trail, number)
    indexed_database.collection("audit").delete_one({"proof.number": 1})
    assert gaps(indexed_database) == []


def test_nobody_without_the_secret_key_makes_a_proof(trail: AuditTrail, indexed_database: Database) -> None:
    append(trail)
    assert [finding.kind for finding in read(indexed_database, SecretKey(b"another key, made up")).findings] == [
        "changed"
    ]


@pytest.mark.parametrize("arrives", [False, True])
def test_a_write_that_failed_is_declared_by_the_next_event(
    trail: AuditTrail, indexed_database: Database, monkeypatch: pytest.MonkeyPatch, arrives: bool
) -> None:
    database = Failing(monkeypatch, trail)
    append(trail)
    database.fails, database.arrives = True, arrives
    for _ in range(3):
        with pytest.raises(ServiceUnavailable):
            append(trail)
    database.fails = False
    append(trail)
    append(trail)
    *_, declaring, last = places(indexed_database)
    assert (declaring["number"], declaring["lost"]) == (5, [[2, 4]])
    assert (last["number"], "lost" in last) == (6, False)
    assert read(indexed_database).findings == []


def test_what_is_in_flight_is_told_by_whoever_writes_beside_it(
    trail: AuditTrail, indexed_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert, beside = trail._events.insert_one, threading.Event()

    def slow(document: dict[str, Any]) -> None:
        if document["proof"]["number"] == 1:
            assert beside.wait(10)
        insert(document)

    monkeypatch.setattr(trail._events, "insert_one", slow)
    first = threading.Thread(target=append, args=(trail,))
    first.start()
    while not trail._writer._open:
        pass
    append(trail, 2)
    beside.set()
    first.join()
    append(trail, 3)
    assert [place.get("open") for place in places(indexed_database)] == [None, [1], None]
    assert read(indexed_database).findings == []


def test_many_threads_give_no_false_alarm(
    trail: AuditTrail, indexed_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = trail._events.insert_one

    def cut_now_and_then(document: dict[str, Any]) -> None:
        number = document["proof"]["number"]
        if number % 10 != 3:
            insert(document)
        if number % 10 in (3, 7):
            raise AutoReconnect("cut")

    def work(_: int) -> None:
        for number in range(25):
            try:
                append(trail, number)
            except ServiceUnavailable:
                continue

    monkeypatch.setattr(trail._events, "insert_one", cut_now_and_then)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    found = read(indexed_database)
    assert (found.proven, found.findings) == (180, [])


def test_what_is_shown_of_an_event_has_nothing_of_its_proof(trail: AuditTrail) -> None:
    trail.append("sign_in.succeeded", at=NOW, reference="R0", account_id="a7")
    (shown,) = trail.by_account("a7")
    assert shown.keys() == {"event", "at", "reference", "account_id", "fields", "purge_at"}


def test_a_worker_of_the_release_before_can_show_an_event_as_json(
    trail: AuditTrail, indexed_database: Database
) -> None:
    append(trail)
    (event,) = indexed_database.collection("audit").find({}, {"_id": 0, "at": 0, "purge_at": 0})
    assert json.dumps(event)
