"""A process that sends mail is killed, or stopped, while the mail server has its messages and has not answered yet."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from idp import app, settings
from idp.domain.messages import Message
from idp.storage.database import Database
from idp.storage.outbox import Outbox
from tests.app.test_work import work
from tests.chaos.provider import Provider
from tests.mail.moody_server import Mood, MoodyServer
from tests.mail.smtp_server import HOST
from tests.waiting import PATIENCE_SECONDS, wait_until

# In hand: as many as a sender has threads. There are more, for whoever comes next.
MAILS, IN_HAND = 12, 4
LONG_AFTER = timedelta(minutes=5)


@pytest.fixture
def server() -> Iterator[MoodyServer]:
    with MoodyServer(Mood.HOLDING) as made:
        yield made


@pytest.fixture
def environment(
    server: MoodyServer, database: Database, mongodb_uri: str, tmp_path: Path, keys_folder: Path
) -> dict[str, str]:
    (tmp_path / "federation").mkdir()
    database.create_indexes(app.INDEXES)
    return {
        "IDP_ISSUER": "http://localhost:5000",
        "IDP_MONGODB_URI": mongodb_uri,
        "IDP_MONGODB_DATABASE": database.name,
        "IDP_VAR_DIR": str(tmp_path / "var"),
        "IDP_KEYS_DIR": str(keys_folder),
        "IDP_FEDERATION_DIR": str(tmp_path / "federation"),
        "IDP_SMTP_HOST": HOST,
        "IDP_SMTP_PORT": str(server.port),
    }


@contextmanager
def sender(environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    with work(environment) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def sender_of_the_future(environment: dict[str, str]) -> Iterator[None]:
    """The product's background work in this process, some minutes from now."""
    services = app.build(settings.load(environment), clock=lambda: datetime.now(UTC) + LONG_AFTER)
    background = app.background(services)
    background.start()
    try:
        yield
    finally:
        background.stop()
        services.database.close()


def test_a_sender_killed_mid_send_loses_nothing_and_sends_one_mail_twice_at_most(
    environment: dict[str, str], server: MoodyServer, database: Database
) -> None:
    outbox, queue, now = Outbox(database), database.collection("outbox"), datetime.now(UTC)
    for number in range(MAILS):
        until = now + timedelta(minutes=10)
        outbox.put(Message(f"m{number}", "sign_in_code", f"p{number}@x.example", "fr", now, until, "R", f"c{number}"))
    with sender(environment) as killed:
        wait_until(lambda: server.arrived and queue.count_documents({"tries": 1}) == IN_HAND)
        killed.kill()
        killed.wait()
    # Of those in hand, the server was given one.
    assert len(server.arrived) == 1
    in_hand = {f"<{found['_id']}@localhost>" for found in queue.find({"tries": 1})}
    server.become(Mood.WELL)
    # Whoever comes next sends the others at once, and leaves alone what somebody may still be sending.
    with sender(environment):
        wait_until(lambda: queue.count_documents({"state": "done"}) == MAILS - len(in_hand))
    before = server.copies()
    assert set(before.values()) == {1}
    with sender_of_the_future(environment):
        wait_until(lambda: queue.count_documents({"state": "done"}) == MAILS)
    twice = {name for name, copies in server.copies().items() if copies > 1}
    assert len(twice) == 1
    assert twice == in_hand & before.keys()
    assert server.copies() == dict.fromkeys(server.copies(), 1) | dict.fromkeys(twice, 2)
    assert len(server.copies()) == MAILS


def test_pages_that_are_stopped_finish_the_mails_that_they_have_in_hand(
    server: MoodyServer, mongodb_uri: str, tmp_path: Path, keys_folder: Path
) -> None:
    """Else these come when their leases end, two minutes later, and one of them a second time."""
    # However long the start takes, the server is not given up meanwhile.
    mail = {"IDP_SMTP_HOST": HOST, "IDP_SMTP_PORT": str(server.port), "IDP_SMTP_TIMEOUT": "120", "IDP_WEB_WORKERS": "1"}
    provider = Provider(tmp_path, mongodb_uri, mail | {"IDP_KEYS_DIR": str(keys_folder)})
    services, now = provider.services(), datetime.now(UTC)
    queue, until = services.database.collection("outbox"), now + timedelta(minutes=10)
    for number in range(MAILS):
        to = f"p{number}@x.example"
        services.stores.outbox.put(Message(f"m{number}", "sign_in_code", to, "fr", now, until, "R", f"c{number}"))
    provider.start()
    try:
        wait_until(lambda: server.arrived and queue.count_documents({"tries": 1}) == IN_HAND)
        provider.signal_master(signal.SIGTERM)
        assert provider.master
        wait_until(lambda: not _listens(provider.port))
        with suppress(subprocess.TimeoutExpired):
            provider.master.wait(2)
        server.become(Mood.WELL)
        provider.master.wait(PATIENCE_SECONDS)
        found = {(mail["state"], mail["tries"]) for mail in queue.find()}
    finally:
        provider.stop()
        services.database.close()
    assert found == {("done", 1), ("waiting", 0)}
    assert len(server.arrived) == len(server.copies()) == IN_HAND


def _listens(port: int) -> bool:
    with socket.socket() as visitor:
        return visitor.connect_ex((HOST, port)) == 0
