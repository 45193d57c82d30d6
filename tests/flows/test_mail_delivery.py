"""Sending the outbox through a real SMTP server: tried again, given up, never twice."""

import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from idp.demo.ports import free_port
from idp.domain.keyed import SecretKey
from idp.domain.messages import Message
from idp.domain.one_time_codes import digits
from idp.flows.mail_delivery import PAUSES, MailDelivery
from idp.mail.delivery import MailServer, SmtpDelivery
from idp.mail.messages import MessageRenderer
from idp.queue_worker import QueueWorker
from idp.storage import outbox as outbox_module
from idp.storage.database import Database
from idp.storage.leased_queue import Claim, pause_after
from idp.storage.outbox import Outbox
from tests.mail.smtp_server import HOST, Mailbox, mute_server, serving
from tests.waiting import PATIENCE_SECONDS

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
SECRET = SecretKey(b"a key for the tests of mails only")
CODE = digits(SECRET, "record-1")


@pytest.fixture
def outbox(database: Database) -> Outbox:
    database.create_indexes([outbox_module.INDEXES])
    return Outbox(database)


@pytest.fixture
def renderer(tmp_path: Path) -> MessageRenderer:
    folder = tmp_path / "sign_in_code"
    folder.mkdir()
    (folder / "subject.txt").write_text("{{ code }} est votre code")
    (folder / "text.txt").write_text("Votre code : {{ code }}")
    (folder / "html.html").write_text("<p>{{ code }}</p>")
    return MessageRenderer(
        SECRET, "https://idp.example.org", service_name="UNESS", help_url="", translations=tmp_path, templates=tmp_path
    )


@pytest.fixture
def port() -> int:
    return free_port()


def delivery(port: int, timeout: float = PATIENCE_SECONDS) -> SmtpDelivery:
    return SmtpDelivery(MailServer(HOST, port, timeout=timeout), from_address="idp@example.org", from_name="UNESS")


def message(
    name: str = "a", *, kind: str = "sign_in_code", to: str = "zoe@univ-exemple.fr", at: datetime = NOW
) -> Message:
    return Message(name, kind, to, "fr", at, at + timedelta(minutes=10), "REF-1", record_id="record-1")


def outcomes(outbox: Outbox, name: str = "a") -> list[str]:
    return [attempt.outcome for attempt in outbox.attempts(name)]


def test_a_message_is_sent_with_its_code_first_in_the_subject(
    outbox: Outbox, renderer: MessageRenderer, port: int
) -> None:
    mailbox = Mailbox()
    outbox.put(message())
    with serving(mailbox, port):
        assert MailDelivery(outbox, renderer, delivery(port)).deliver_next("sender", NOW)
        assert not MailDelivery(outbox, renderer, delivery(port)).deliver_next("sender", NOW + timedelta(hours=1))
    assert mailbox.messages[0]["Subject"] == f"{CODE} est votre code"
    assert outbox.attempts("a")[0].reply == "250 OK: queued as 1"


def test_4xx_is_tried_again_and_then_accepted(outbox: Outbox, renderer: MessageRenderer, port: int) -> None:
    mailbox = Mailbox("451 4.3.0 try later")
    outbox.put(message())
    with serving(mailbox, port):
        assert MailDelivery(outbox, renderer, delivery(port)).deliver_next("sender", NOW)
        assert not MailDelivery(outbox, renderer, delivery(port)).deliver_next("sender", NOW + timedelta(seconds=29))
        assert MailDelivery(outbox, renderer, delivery(port)).deliver_next("sender", NOW + timedelta(seconds=30))
    assert outcomes(outbox) == ["deferred", "done"]
    assert len(mailbox.messages) == 1


def test_the_log_holds_no_address_that_a_server_quotes(
    outbox: Outbox, renderer: MessageRenderer, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    outbox.put(message())
    with serving(Mailbox("550 5.1.1 <zoe@univ-exemple.fr>: no mailbox zoe here"), port):
        assert MailDelivery(outbox, renderer, delivery(port)).deliver_next("sender", NOW)
    (told,) = [record for record in caplog.records if record.getMessage() == "mail.refused"]
    assert told.fields["reply"] == "550 5.1.1 <…>: no mailbox … here"  # type: ignore[attr-defined]
    assert outbox.attempts("a")[0].reply == "550 5.1.1 <zoe@univ-exemple.fr>: no mailbox zoe here"


class AnotherWorker(Mailbox):
    """While it takes a message, another worker looks for one, as late as sending may still last."""

    def __init__(self, outbox: Outbox, later: datetime) -> None:
        super().__init__()
        self.outbox, self.later = outbox, later
        self.got: list[Claim[Message] | None] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.got.append(self.outbox.claim("two", now=self.later, lease=timedelta(minutes=1)))
        return await super().handle_DATA(server, session, envelope)


def test_nobody_else_takes_a_message_for_as_long_as_sending_may_last(
    outbox: Outbox, renderer: MessageRenderer, port: int
) -> None:
    sending = delivery(port)
    mailbox = AnotherWorker(outbox, NOW + sending.time_limit)
    outbox.put(message())
    with serving(mailbox, port):
        assert MailDelivery(outbox, renderer, sending).deliver_next("sender", NOW)
    assert mailbox.got == [None]
    assert outcomes(outbox) == ["done"]


def test_5xx_stops(outbox: Outbox, renderer: MessageRenderer, port: int) -> None:
    outbox.put(message())
    with serving(Mailbox("554 5.7.1 no"), port):
        assert MailDelivery(outbox, renderer, delivery(port)).deliver_next("sender", NOW)
        assert not MailDelivery(outbox, renderer, delivery(port)).deliver_next("sender", NOW + timedelta(minutes=9))
    assert outcomes(outbox) == ["refused"]


def test_nothing_is_lost_while_the_server_is_away(outbox: Outbox, renderer: MessageRenderer, port: int) -> None:
    outbox.put(message())
    assert MailDelivery(outbox, renderer, delivery(port)).deliver_next("sender", NOW)
    assert MailDelivery(outbox, renderer, delivery(port)).deliver_next("sender", NOW + timedelta(seconds=30))
    mailbox = Mailbox()
    with serving(mailbox, port):
        assert MailDelivery(outbox, renderer, delivery(port)).deliver_next("sender", NOW + timedelta(seconds=90))
    assert outcomes(outbox) == ["deferred", "deferred", "done"]
    assert len(mailbox.messages) == 1


def test_a_mute_server_defers(outbox: Outbox, renderer: MessageRenderer) -> None:
    outbox.put(message())
    with mute_server() as port:
        assert MailDelivery(outbox, renderer, delivery(port, timeout=1)).deliver_next("sender", NOW)
    assert outcomes(outbox) == ["deferred"]


def test_pauses_grow_to_a_quarter_of_an_hour() -> None:
    seconds = [pause_after(attempt, PAUSES).total_seconds() for attempt in range(1, 8)]
    assert seconds == [30, 60, 120, 300, 900, 900, 900]


def test_an_expired_message_is_dropped(outbox: Outbox, renderer: MessageRenderer, port: int) -> None:
    mailbox = Mailbox()
    outbox.put(message())
    with serving(mailbox, port):
        assert not MailDelivery(outbox, renderer, delivery(port)).deliver_next("sender", NOW + timedelta(minutes=10))
    assert mailbox.messages == []
    heard: list[tuple[str, Mapping[str, str]]] = []
    mails = MailDelivery(outbox, renderer, delivery(port), lambda *told: heard.append(told))
    for _ in range(2):
        mails.give_up_expired(NOW + timedelta(minutes=10))
    assert outcomes(outbox) == ["expired"]
    assert heard == [("mail.expired", {"kind": "any", "count": "1"})]


def test_a_message_that_cannot_be_made_does_not_stop_the_others(
    outbox: Outbox, renderer: MessageRenderer, port: int
) -> None:
    mailbox = Mailbox()
    outbox.put(message("good"))
    outbox.put(message("bad", kind="proofing", at=NOW + timedelta(seconds=1)))
    later = NOW + timedelta(seconds=2)
    with serving(mailbox, port):
        assert MailDelivery(outbox, renderer, delivery(port)).deliver_next("sender", later)
        assert MailDelivery(outbox, renderer, delivery(port)).deliver_next("sender", later)
    assert (outcomes(outbox, "bad"), outcomes(outbox, "good")) == (["refused"], ["done"])


def test_o_21_a_line_break_in_the_address_adds_no_recipient(
    outbox: Outbox, renderer: MessageRenderer, port: int
) -> None:
    mailbox = Mailbox()
    outbox.put(message(to="zoe@univ-exemple.fr\r\nBcc: other@example.net"))
    with serving(mailbox, port):
        assert MailDelivery(outbox, renderer, delivery(port)).deliver_next("sender", NOW)
    assert mailbox.recipients == []
    assert outcomes(outbox) == ["refused"]


def test_neither_the_outbox_nor_the_log_ever_holds_a_code(
    outbox: Outbox, renderer: MessageRenderer, port: int, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    outbox.put(message())
    held = [str(database.collection("outbox").find_one())]
    with serving(Mailbox(f"451 {CODE} est votre code: greylisted"), port):
        for moment in (NOW, NOW + timedelta(seconds=30)):
            MailDelivery(outbox, renderer, delivery(port)).deliver_next("sender", moment)
            held.append(str(database.collection("outbox").find_one()))
    ours = [record for record in caplog.records if record.name.startswith("idp")]
    assert [record.getMessage() for record in ours] == ["mail.deferred", "mail.accepted"]
    assert not any(CODE in text for text in held + [str(vars(record)) for record in ours])


def sender_of(outbox: Outbox, renderer: MessageRenderer, port: int) -> QueueWorker:
    work = MailDelivery(outbox, renderer, delivery(port)).deliver_next
    return QueueWorker("mail-sender of this test", work, outbox.arrivals, lambda: datetime.now(UTC))


@pytest.fixture
def senders(outbox: Outbox, renderer: MessageRenderer, port: int) -> Iterator[list[QueueWorker]]:
    made = [sender_of(outbox, renderer, port) for _ in range(2)]
    yield made
    for sender in made:
        sender.stop()


def test_a_sender_killed_between_sending_and_recording_makes_one_duplicate_that_mailboxes_can_tell(
    outbox: Outbox, renderer: MessageRenderer, port: int
) -> None:
    mailbox = Mailbox()
    outbox.put(message())
    with serving(mailbox, port):
        killed = delivery(port)
        claim = outbox.claim("killed", now=NOW, lease=killed.time_limit)
        assert claim is not None
        killed.send(renderer.render(claim.work), claim.work.to, claim.work.id, lambda _: None, now=NOW)
        assert not MailDelivery(outbox, renderer, delivery(port)).deliver_next("sender", NOW + timedelta(seconds=1))
        later = NOW + killed.time_limit
        assert MailDelivery(outbox, renderer, delivery(port)).deliver_next("sender", later)
        assert not MailDelivery(outbox, renderer, delivery(port)).deliver_next("sender", later + timedelta(minutes=5))
    assert [mail["Message-ID"] for mail in mailbox.messages] == ["<a@example.org>"] * 2


def test_4xx_is_tried_again_by_the_schedule_until_the_message_expires(
    outbox: Outbox, renderer: MessageRenderer, port: int
) -> None:
    outbox.put(replace(message(), expires_at=NOW + timedelta(minutes=50)))
    pauses = [timedelta(seconds=seconds) for seconds in (0, 30, 60, 120, 300, 900, 900)]
    moment, mails = NOW, MailDelivery(outbox, renderer, delivery(port))
    with serving(Mailbox(*["451 4.3.0 try later"] * 20), port):
        for pause in pauses:
            moment += pause
            assert not pause or not mails.deliver_next("sender", moment - timedelta(seconds=1))
            assert mails.deliver_next("sender", moment)
        assert not mails.deliver_next("sender", NOW + timedelta(minutes=51))
    assert mails.give_up_expired(NOW + timedelta(minutes=51))
    assert outcomes(outbox) == ["deferred"] * len(pauses) + ["expired"]


def test_with_ten_thousand_waiting_a_fresh_code_is_sent_next(
    outbox: Outbox, renderer: MessageRenderer, port: int, database: Database
) -> None:
    outbox.put(message("pattern", kind="password_changed"))
    pattern = database.collection("outbox").find_one_and_delete({})
    assert pattern is not None
    database.collection("outbox").insert_many([pattern | {"_id": f"waiting-{number}"} for number in range(10_000)])
    mailbox = Mailbox()
    outbox.put(message("older", to="older@univ-exemple.fr", at=NOW + timedelta(seconds=1)))
    outbox.put(message("fresh", to="fresh@univ-exemple.fr", at=NOW + timedelta(seconds=2)))
    with serving(mailbox, port):
        for _ in range(2):
            MailDelivery(outbox, renderer, delivery(port)).deliver_next("sender", NOW + timedelta(seconds=3))
    assert mailbox.recipients == ["fresh@univ-exemple.fr", "older@univ-exemple.fr"]
    assert outbox.waiting(now=NOW) == 10_000


def _is_running(name: str) -> bool:
    return any(thread.name == name for thread in threading.enumerate())


def _await(true: threading.Event) -> None:
    assert true.wait(PATIENCE_SECONDS)


class Counting(Mailbox):
    """Tells when the expected number of mails has come."""

    def __init__(self, expected: int) -> None:
        super().__init__()
        self.expected = expected
        self.complete = threading.Event()

    async def handle_DATA(self, *arguments: object) -> str:  # noqa: N802
        answer = await super().handle_DATA(*arguments)  # type: ignore[arg-type]
        if len(self.messages) >= self.expected:
            self.complete.set()
        return answer


def test_two_senders_never_send_the_same_message_twice(outbox: Outbox, senders: list[QueueWorker], port: int) -> None:
    mailbox = Counting(20)
    now = datetime.now(UTC)
    for number in range(20):
        outbox.put(message(str(number), to=f"p{number}@univ-exemple.fr", at=now))
    with serving(mailbox, port):
        for sender in senders:
            sender.start()
        _await(mailbox.complete)
        for sender in senders:
            sender.stop()
    assert sorted(mailbox.recipients) == sorted(f"p{number}@univ-exemple.fr" for number in range(20))


def test_a_sender_starts_at_once_on_a_message_of_its_process(
    outbox: Outbox, senders: list[QueueWorker], port: int
) -> None:
    mailbox = Counting(1)
    with serving(mailbox, port):
        senders[0].start()
        outbox.put(message(at=datetime.now(UTC)))
        _await(mailbox.complete)
        senders[0].stop()


def test_a_sender_outlives_an_absent_database(
    renderer: MessageRenderer, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    absent = Database(f"mongodb://{HOST}:{free_port()}/?directConnection=true", "idp", timeout_ms=100)
    sender = sender_of(Outbox(absent), renderer, port)
    warned = threading.Event()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == "queue.unavailable":
                warned.set()

    listener = Listener()
    logging.getLogger("idp.queue_worker").addHandler(listener)
    try:
        sender.start()
        _await(warned)
        assert _is_running("mail-sender of this test")
    finally:
        sender.stop()
        logging.getLogger("idp.queue_worker").removeHandler(listener)
        absent.close()
    assert not _is_running("mail-sender of this test")
