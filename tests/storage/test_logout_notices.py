"""Notices to clients: stored, leased, recorded, given up."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from pymongo.errors import AutoReconnect

from idp.domain.errors import ServiceUnavailable
from idp.domain.logout import ApplicationInUse, LogoutNotice
from idp.storage import logout_notices as logout_notices_module
from idp.storage.database import Database
from idp.storage.leased_queue import Attempt, Claim
from idp.storage.logout_notices import LogoutNotices

# Far ahead, so that MongoDB's own clock never clears away what a test has just stored.
NOW = datetime(2050, 9, 1, 8, 0, tzinfo=UTC)
LEASE = timedelta(minutes=1)


@pytest.fixture
def notices(database: Database) -> LogoutNotices:
    database.create_indexes([logout_notices_module.INDEXES])
    return LogoutNotices(database)


def notice(name: str, at: datetime = NOW) -> LogoutNotice:
    return LogoutNotice(name, ApplicationInUse("portail", "sub-1", "sid-1"), at, at + timedelta(minutes=10))


def claimed(notices: LogoutNotices, now: datetime = NOW, worker: str = "one") -> Claim[LogoutNotice]:
    claim = notices.claim(worker, now=now, lease=LEASE)
    assert claim is not None
    return claim


def test_a_notice_comes_out_as_it_went_in(notices: LogoutNotices) -> None:
    notices.put([notice("a")])
    claim = claimed(notices)
    assert (claim.work, claim.attempt) == (notice("a"), 1)
    assert notices.arrivals.acquire(blocking=False)


def test_nothing_to_put_is_no_arrival(notices: LogoutNotices) -> None:
    notices.put([])
    assert not notices.arrivals.acquire(blocking=False)


def test_the_one_due_for_longest_comes_first(notices: LogoutNotices) -> None:
    notices.put([notice(str(number), NOW + timedelta(seconds=number)) for number in (2, 0, 1)])
    later = NOW + timedelta(seconds=9)
    assert [claimed(notices, later).work.id for _ in range(3)] == ["0", "1", "2"]


def test_of_many_workers_one_gets_the_notice(notices: LogoutNotices) -> None:
    notices.put([notice(str(number)) for number in range(8)])
    with ThreadPoolExecutor(16) as pool:
        got = list(pool.map(lambda worker: notices.claim(str(worker), now=NOW, lease=LEASE), range(16)))
    assert sorted(claim.work.id for claim in got if claim) == [str(number) for number in range(8)]


def test_a_killed_workers_notice_comes_up_again(notices: LogoutNotices) -> None:
    notices.put([notice("a")])
    claimed(notices)
    assert notices.claim("two", now=NOW + LEASE - timedelta(seconds=1), lease=LEASE) is None
    assert claimed(notices, NOW + LEASE, "two").attempt == 2


def test_a_told_client_is_left_in_peace(notices: LogoutNotices) -> None:
    notices.put([notice("a")])
    notices.done(claimed(notices), "200", now=NOW)
    assert notices.claim("one", now=NOW + LEASE, lease=LEASE) is None
    assert notices.attempts("a") == (Attempt(NOW, "done", "200"),)
    assert notices.waiting(now=NOW) == 0


def test_a_deferred_notice_waits_for_its_time(notices: LogoutNotices) -> None:
    notices.put([notice("a")])
    due = NOW + timedelta(seconds=2)
    notices.deferred(claimed(notices), "503", now=NOW, retry_at=due)
    assert notices.claim("one", now=NOW + timedelta(seconds=1), lease=LEASE) is None
    assert notices.waiting(now=NOW) == 1
    notices.refused(claimed(notices, due), "400", now=due)
    assert [attempt.outcome for attempt in notices.attempts("a")] == ["deferred", "refused"]
    assert notices.waiting(now=due) == 0


def test_a_worker_that_lost_its_lease_can_only_report_success(notices: LogoutNotices) -> None:
    notices.put([notice("a")])
    slow = claimed(notices, worker="slow")
    later = NOW + LEASE
    claimed(notices, later, "other")
    notices.refused(slow, "400", now=later)
    notices.deferred(slow, "503", now=later, retry_at=NOW)
    assert notices.attempts("a") == ()
    notices.done(slow, "200", now=later)
    assert notices.waiting(now=later) == 0


class CutOff:
    """The connection breaks so often while an outcome is recorded, before the database hears of it or afterwards."""

    def __init__(self, write: Callable[..., object], times: int, *, is_heard: bool) -> None:
        self._write, self._left, self._is_heard = write, times, is_heard

    def __call__(self, *arguments: object) -> None:
        if not self._left:
            self._write(*arguments)
            return
        self._left -= 1
        if self._is_heard:
            self._write(*arguments)
        raise AutoReconnect("cut")


@pytest.mark.parametrize("is_heard", [False, True], ids=["not written", "written, and the answer lost"])
def test_what_was_done_is_recorded_once_although_the_connection_breaks_four_times(
    notices: LogoutNotices, monkeypatch: pytest.MonkeyPatch, is_heard: bool
) -> None:
    notices.put([notice("a")])
    claim = claimed(notices)
    monkeypatch.setattr(notices._queue, "update_one", CutOff(notices._queue.update_one, 4, is_heard=is_heard))
    notices.done(claim, "200", now=NOW)
    assert notices.attempts("a") == (Attempt(NOW, "done", "200"),)
    assert notices.claim("two", now=NOW + LEASE, lease=LEASE) is None


def test_what_cannot_be_recorded_is_told_in_the_end(notices: LogoutNotices, monkeypatch: pytest.MonkeyPatch) -> None:
    notices.put([notice("a")])
    claim = claimed(notices)
    monkeypatch.setattr(notices._queue, "update_one", CutOff(notices._queue.update_one, 5, is_heard=False))
    with pytest.raises(ServiceUnavailable):
        notices.done(claim, "200", now=NOW)
    assert notices.attempts("a") == ()


def test_past_its_deadline_a_notice_is_given_up(notices: LogoutNotices) -> None:
    notices.put([notice("a"), notice("b", NOW + timedelta(minutes=5))])
    end = NOW + timedelta(minutes=10)
    assert notices.drop_expired(now=end) == 1
    assert claimed(notices, end).work.id == "b"
    assert notices.attempts("a") == (Attempt(end, "expired", ""),)
