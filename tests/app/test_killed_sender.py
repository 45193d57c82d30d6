"""A process that sends mail is killed while the mail server has its messages and has not answered yet."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from idp import app, settings
from idp.domain.messages import Message
from idp.storage.database import Database
from idp.storage.outbox import Outbox
from tests.app.test_work import wait_until, work
from tests.mail.moody_server import Mood, MoodyServer
from tests.mail.smtp_server import HOST

# In hand: as many as a sender has threads. There are more, for whoever comes next.
MAILS, IN_HAND = 12, 4
LONG_AFTER = timedelta(minutes=5)


@pytest.fixture
def server() -> Iterator[MoodyServer]:
    with MoodyServer(Mood.HOLDING) as made:
        yield made


@pytest.fixture
def environment(server: MoodyServer, database: Database, mongodb_uri: str, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "federation").mkdir()
    database.create_indexes(app.INDEXES)
    return {
        "IDP_ISSUER": "http://localhost:5000",
        "IDP_MONGODB_URI": mongodb_uri,
        "IDP_MONGODB_DATABASE": database.name,
        "IDP_VAR_DIR": str(tmp_path / "var"),
        "IDP_KEYS_DIR": str(tmp_path / "keys"),
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
