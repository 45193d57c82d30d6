"""The outbox: who may send what next, and what is written down about it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from idp.domain.messages import Message
from idp.storage import outbox as outbox_module
from idp.storage.database import Database
from idp.storage.leased_queue import Attempt
from idp.storage.outbox import Outbox

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
LEASE = timedelta(minutes=1)


@pytest.fixture
def outbox(database: Database) -> Outbox:
    database.create_indexes([outbox_module.INDEXES])
    return Outbox(database)


def message(name: str, *, kind: str = "sign_in_code", at: datetime = NOW) -> Message:
    return Message(
        id=name,
        kind=kind,
        to="zoe.lefebvre@etu.univ-exemple.fr",
        locale="fr",
        created_at=at,
        expires_at=at + timedelta(minutes=10),
        reference="REF-1",
        record_id="record-1",
        fields={"application": "Portail"},
    )


def claimed(outbox: Outbox, now: datetime, worker: str = "one") -> str | None:
    claim = outbox.claim(worker, now=now, lease=LEASE)
    return claim.work.id if claim else None


def test_a_message_comes_out_as_it_went_in(outbox: Outbox) -> None:
    outbox.put(message("a"))
    claim = outbox.claim("one", now=NOW, lease=LEASE)
    assert claim is not None
    assert (claim.work, claim.attempt) == (message("a"), 1)
    assert outbox.arrivals.acquire(blocking=False)


def test_fresh_codes_come_first(outbox: Outbox) -> None:
    for number, kind in enumerate(["sign_in_code", "password_changed", "proofing", "unknown_account"]):
        outbox.put(message(f"{number} {kind}", kind=kind, at=NOW + timedelta(seconds=number)))
    later = NOW + timedelta(seconds=9)
    order = [claimed(outbox, later) for _ in range(5)]
    assert order == ["3 unknown_account", "2 proofing", "0 sign_in_code", "1 password_changed", None]


def test_a_claimed_message_is_nobody_elses_until_its_lease_ends(outbox: Outbox) -> None:
    outbox.put(message("a"))
    assert claimed(outbox, NOW) == "a"
    assert claimed(outbox, NOW + LEASE - timedelta(seconds=1), "two") is None
    assert claimed(outbox, NOW + LEASE, "two") == "a"


def test_of_many_workers_one_gets_the_message(outbox: Outbox) -> None:
    for number in range(8):
        outbox.put(message(str(number)))
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda worker: claimed(outbox, NOW, str(worker)), range(16)))
    assert sorted(filter(None, got)) == [str(number) for number in range(8)]


def test_a_sent_message_is_done_with(outbox: Outbox) -> None:
    outbox.put(message("a"))
    claim = outbox.claim("one", now=NOW, lease=LEASE)
    assert claim is not None
    outbox.done(claim, "250 OK", now=NOW)
    assert claimed(outbox, NOW + LEASE) is None
    assert outbox.attempts("a") == (Attempt(NOW, "done", "250 OK"),)
    assert outbox.waiting(now=NOW) == 0


def test_a_deferred_message_comes_up_again_when_it_is_due(outbox: Outbox) -> None:
    outbox.put(message("a"))
    claim = outbox.claim("one", now=NOW, lease=LEASE)
    assert claim is not None
    due = NOW + timedelta(seconds=30)
    outbox.deferred(claim, "451 later", now=NOW, retry_at=due)
    assert claimed(outbox, due - timedelta(seconds=1)) is None
    again = outbox.claim("two", now=due, lease=LEASE)
    assert again is not None
    assert again.attempt == 2
    assert outbox.waiting(now=NOW) == 1


def test_a_refused_message_never_comes_up_again(outbox: Outbox) -> None:
    outbox.put(message("a"))
    claim = outbox.claim("one", now=NOW, lease=LEASE)
    assert claim is not None
    outbox.refused(claim, "550 no such user", now=NOW)
    assert claimed(outbox, NOW + LEASE) is None
    assert outbox.attempts("a") == (Attempt(NOW, "refused", "550 no such user"),)


@pytest.mark.parametrize("by", ["other", "slow"])
def test_a_worker_that_lost_its_lease_can_only_report_success(outbox: Outbox, by: str) -> None:
    """Whoever has claimed it since, the same worker's next claim included."""
    outbox.put(message("a"))
    slow = outbox.claim("slow", now=NOW, lease=LEASE)
    other = outbox.claim(by, now=NOW + LEASE, lease=LEASE)
    assert slow is not None
    assert other is not None
    outbox.deferred(slow, "451 later", now=NOW + LEASE, retry_at=NOW)
    outbox.refused(slow, "550 no", now=NOW + LEASE)
    assert claimed(outbox, NOW + LEASE, "third") is None
    assert outbox.attempts("a") == ()
    outbox.done(slow, "250 OK", now=NOW + LEASE)
    outbox.deferred(other, "451 later", now=NOW + LEASE, retry_at=NOW)
    outbox.refused(other, "550 no", now=NOW + LEASE)
    assert claimed(outbox, NOW + 2 * LEASE) is None
    assert outbox.attempts("a") == (Attempt(NOW + LEASE, "done", "250 OK"),), "what was taken stays taken"


def test_what_expired_is_dropped_unsent(outbox: Outbox) -> None:
    outbox.put(message("a"))
    outbox.put(message("b", at=NOW + timedelta(minutes=5)))
    end = NOW + timedelta(minutes=10)
    assert outbox.waiting(now=end) == 1
    assert outbox.drop_expired(now=end) == 1
    assert outbox.drop_expired(now=end) == 0
    assert claimed(outbox, end) == "b"
    assert outbox.attempts("a") == (Attempt(end, "expired", ""),)


def test_an_expired_message_is_not_sent_even_before_it_is_dropped(outbox: Outbox) -> None:
    outbox.put(message("a"))
    assert claimed(outbox, NOW + timedelta(minutes=10)) is None


def test_the_next_message_is_found_by_index(outbox: Outbox, database: Database) -> None:
    outbox.put(message("a"))
    query = {"state": "waiting", "due_at": {"$lte": NOW}, "expires_at": {"$gt": NOW}}
    order = [("urgency", -1), ("created_at", -1)]
    plan = str(database.collection("outbox").find(query).sort(order).explain()["queryPlanner"]["winningPlan"])
    assert "'indexName': 'next'" in plan
    assert "SORT" not in plan
