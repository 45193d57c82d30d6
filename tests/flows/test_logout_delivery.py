"""Telling applications: ended sign-ins become notices, notices become calls, tried again until their deadline."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from idp.domain.clients import Client
from idp.domain.grants import Grant
from idp.domain.logout import ApplicationInUse
from idp.domain.references import under_reference
from idp.domain.sessions import SignIn
from idp.flows.logout_delivery import PAUSES, SENDERS, LogoutDelivery
from idp.flows.sign_outs import DEADLINE, SignOuts
from idp.log import JsonFormatter
from idp.openid.keys import KeyStore
from idp.openid.logout_calls import LogoutCalls
from idp.openid.logout_token import LogoutTokens
from idp.outbound.safe_fetch import post_form
from idp.queue_worker import QueueWorker
from idp.storage import grants as grants_module
from idp.storage import logout_notices as logout_notices_module
from idp.storage.accounts import AccountStore
from idp.storage.database import Database
from idp.storage.grants import GrantStore
from idp.storage.leased_queue import pause_after
from idp.storage.logout_notices import LogoutNotices
from idp.storage.sessions import SessionStore
from idp.storage.sweeps import SweepStore
from tests.web_server import Silent, answering

# Far ahead, so that MongoDB's own clock never clears away what a test has just stored.
NOW = datetime(2050, 9, 1, 8, 0, tzinfo=UTC)
ACCOUNT = "account-1"


class Application(ThreadingHTTPServer):
    """An application that answers with the statuses it was given, then with 200.

    meanwhile: what happens before one of its answers.
    """

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.statuses = list(statuses)
        self.calls = 0
        self.called = threading.Event()
        self.meanwhile: list[Callable[[], None]] = []


class _Answers(Silent, BaseHTTPRequestHandler):
    server: Application

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls += 1
        if self.server.meanwhile:
            self.server.meanwhile.pop()()
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.end_headers()
        self.server.called.set()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    return KeyStore(tmp_path_factory.mktemp("keys"))


@dataclass
class World:
    """People signed in to « told », which has an endpoint, and to « silent », which has none."""

    database: Database
    grants: GrantStore
    notices: LogoutNotices
    sign_outs: SignOuts
    delivery: LogoutDelivery
    application: Application
    clients: dict[str, Client]

    def sign_in(self, sid: str, *client_ids: str, account_id: str = ACCOUNT) -> None:
        for client_id in client_ids:
            sign_in = SignIn(account_id, sid, NOW, ("pwd",), "acr", NOW + timedelta(hours=12))
            self.grants.add(_grant(f"{sid} {client_id}", client_id, sign_in))

    def notice(self) -> dict[str, Any]:
        found = self.database.collection("logout_notices").find_one()
        assert found
        return found

    def outcomes(self) -> list[str]:
        return [attempt.outcome for attempt in self.notices.attempts(self.notice()["_id"])]


def _grant(name: str, client_id: str, sign_in: SignIn) -> Grant:
    return Grant(
        id=name,
        account_id=sign_in.account_id,
        client_id=client_id,
        subject=f"sub at {client_id}",
        scope=("openid",),
        redirect_uri="http://localhost/cb",
        sign_in=sign_in,
        code_hash=name,
        code_expires_at=NOW + timedelta(minutes=1),
        created_at=NOW,
        expires_at=NOW + timedelta(hours=1),
    )


@pytest.fixture
def world(database: Database, keys: KeyStore) -> Iterator[World]:
    database.create_indexes([grants_module.INDEXES, logout_notices_module.INDEXES])
    application = Application()
    clients = {"silent": Client("silent", ("http://localhost/cb",))}
    grants, notices = GrantStore(database), LogoutNotices(database)
    post = partial(post_form, allow_loopback=True)
    calls = LogoutCalls(LogoutTokens("http://localhost:5000", keys), clients.get, post)
    sign_outs = SignOuts(
        AccountStore(database), SessionStore(database), grants, notices, SweepStore(database), clients.get, lambda: NOW
    )
    with answering(application) as address:
        clients["told"] = Client("told", ("http://localhost/cb",), backchannel_logout_uri=f"{address}/")
        yield World(database, grants, notices, sign_outs, LogoutDelivery(notices, calls), application, clients)


def test_each_application_of_the_sign_in_is_told_once_where_it_can_be(world: World) -> None:
    world.sign_in("sid-1", "told", "silent")
    world.sign_in("sid-2", "told")
    ended = world.sign_outs.of_session("sid-1")
    assert {application.client_id for application in ended} == {"told", "silent"}
    assert world.notice()["application"] == {"client_id": "told", "subject": "sub at told", "sid": "sid-1"}
    assert world.delivery.deliver_next("one", NOW)
    assert not world.delivery.deliver_next("one", NOW + DEADLINE)
    assert world.application.calls == 1
    assert world.outcomes() == ["done"]
    assert world.grants.used_by_account(ACCOUNT) == (ApplicationInUse("told", "sub at told", "sid-2"),)


def test_the_whole_account_ends_and_nobody_elses(world: World) -> None:
    world.sign_in("sid-1", "told")
    world.sign_in("sid-2", "told")
    world.sign_in("sid-3", "told", account_id="account-2")
    assert {application.sid for application in world.sign_outs.of_account(ACCOUNT)} == {"sid-1", "sid-2"}
    assert world.notices.waiting(now=NOW) == 2
    assert world.grants.used_by_session("sid-3")


def test_nothing_ended_is_nothing_told(world: World) -> None:
    assert world.sign_outs.of_session("unknown") == ()
    assert not world.delivery.deliver_next("one", NOW)


def test_an_application_whose_tokens_have_expired_is_told_while_the_sign_in_lasts(world: World) -> None:
    world.sign_in("sid-1", "told")
    kept = world.database.collection("grants").find_one()
    assert kept
    assert kept["purge_at"] >= NOW + timedelta(hours=12)


def test_a_failing_application_is_tried_again_after_pauses(world: World) -> None:
    world.application.statuses = [500, 503]
    world.sign_in("sid-1", "told")
    world.sign_outs.of_session("sid-1")
    assert world.delivery.deliver_next("one", NOW)
    assert not world.delivery.deliver_next("one", NOW + timedelta(seconds=1))
    assert world.delivery.deliver_next("one", NOW + timedelta(seconds=2))
    assert world.delivery.deliver_next("one", NOW + timedelta(seconds=7))
    assert world.outcomes() == ["deferred", "deferred", "done"]


def test_an_application_that_says_no_is_left_alone(world: World) -> None:
    world.application.statuses = [400]
    world.sign_in("sid-1", "told")
    world.sign_outs.of_session("sid-1")
    assert world.delivery.deliver_next("one", NOW)
    assert not world.delivery.deliver_next("one", NOW + timedelta(minutes=1))
    assert world.outcomes() == ["refused"]


def test_nobody_else_takes_a_notice_for_as_long_as_a_call_may_last(world: World) -> None:
    world.sign_in("sid-1", "told")
    world.sign_outs.of_session("sid-1")
    later, taken = NOW + LogoutCalls.time_limit, list[bool]()
    world.application.meanwhile.append(lambda: taken.append(world.delivery.deliver_next("two", later)))
    assert world.delivery.deliver_next("one", NOW)
    assert taken == [False]
    assert world.application.calls == 1


def test_an_application_that_keeps_us_waiting_leaves_a_thread_to_the_others(world: World) -> None:
    """With many sign-outs waiting for it, each of its calls would be followed by its next one in every thread."""
    told: list[bool] = []
    with answering(Application()) as address:
        world.clients["prompt"] = Client("prompt", ("http://localhost/cb",), backchannel_logout_uri=f"{address}/")
        for number in range(SENDERS):
            world.sign_in(f"sid-{number}", "told")
            world.sign_outs.of_session(f"sid-{number}")
        world.sign_in("sid-last", "prompt")
        world.sign_outs.of_session("sid-last")
        threads = (f"thread {number}" for number in range(SENDERS))

        def next_thread() -> None:
            told.append(world.delivery.deliver_next(next(threads), NOW))

        # While each call lasts the next thread looks for work.
        world.application.meanwhile = [next_thread] * (SENDERS - 1)
        next_thread()
    assert told == [True] * SENDERS
    assert world.application.calls == SENDERS - 1
    assert world.delivery.deliver_next("afterwards", NOW)
    assert world.application.calls == SENDERS


def test_a_delivery_is_logged_under_the_reference_of_the_sign_out(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(caplog.handler, "formatter", JsonFormatter())
    world.sign_in("sid-1", "told")
    with under_reference("ABCD-2345"):
        world.sign_outs.of_session("sid-1")
    assert world.delivery.deliver_next("one", NOW)
    (line,) = (json.loads(line) for line in caplog.text.splitlines())
    assert (line["event"], line["reference"]) == ("logout.told", "ABCD-2345")


def test_after_the_deadline_it_is_given_up(world: World) -> None:
    world.sign_in("sid-1", "told")
    world.sign_outs.of_session("sid-1")
    assert not world.delivery.deliver_next("one", NOW + DEADLINE)
    assert world.delivery.give_up_expired(NOW + DEADLINE)
    assert world.outcomes() == ["expired"]
    assert world.application.calls == 0


def test_pauses_grow_to_a_minute() -> None:
    assert [pause_after(attempt, PAUSES).total_seconds() for attempt in range(1, 8)] == [2, 5, 15, 30, 60, 60, 60]


def test_neither_the_queue_nor_the_log_ever_holds_a_token(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.sign_in("sid-1", "told")
    world.sign_outs.of_session("sid-1")
    world.delivery.deliver_next("one", NOW)
    ours = [record for record in caplog.records if record.name.startswith("idp")]
    assert [record.getMessage() for record in ours] == ["logout.told"]
    assert not any("eyJ" in text for text in [str(world.notice()), *(str(vars(record)) for record in ours)])


def test_a_worker_starts_at_once_on_a_notice_of_its_process(world: World) -> None:
    worker = QueueWorker(
        "logout-sender of this test", world.delivery.deliver_next, world.notices.arrivals, lambda: NOW, threads=3
    )
    worker.start()
    world.sign_in("sid-1", "told")
    world.sign_outs.of_session("sid-1")
    assert world.application.called.wait(20)
    worker.stop()
    assert not any(thread.name == "logout-sender of this test" for thread in threading.enumerate())
    assert world.application.calls == 1


def test_a_worker_outlives_its_failures() -> None:
    tried = threading.Event()
    failures: list[Exception] = [RuntimeError("a fault of ours")]

    def work(worker: str, now: datetime) -> bool:
        if failures:
            raise failures.pop()
        tried.set()
        return False

    arrivals = threading.Semaphore(0)
    worker = QueueWorker("some queue", work, arrivals, lambda: NOW)
    worker.start()
    assert tried.wait(20)
    worker.stop()
