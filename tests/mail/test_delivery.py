"""Handing mails to a real SMTP server, and reading its answers."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import compat32
from email.utils import parseaddr
from pathlib import Path
from threading import Event

import pytest
from aiosmtpd.smtp import AuthResult

from idp.demo.ports import free_port
from idp.domain.errors import ServiceUnavailable
from idp.domain.outcomes import Deferred, Outcome, Refused
from idp.mail.delivery import Accepted, MailServer, SmtpDelivery
from idp.mail.messages import Rendered
from tests.mail.certificate import self_signed, tls_context
from tests.mail.smtp_server import HOST, Mailbox, mute_server, serving
from tests.waiting import PATIENCE_SECONDS

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
TO = "zoe.lefebvre@etu.univ-exemple.fr"
MAIL = Rendered(
    "123456 est votre code", "Votre code : 123456\n", "<html><p>Votre code été : 123456</p></html>", ("123456",)
)


def delivery(port: int, **changes: object) -> SmtpDelivery:
    server = MailServer(HOST, port, **{"timeout": PATIENCE_SECONDS, **changes})  # type: ignore[arg-type]
    return SmtpDelivery(server, from_address="idp@example.org", from_name="Santé, Études")


def unrecorded(outcome: Outcome) -> None:
    """Nobody writes it down."""


@pytest.fixture
def port() -> int:
    return free_port()


def test_an_accepted_mail_is_text_and_html_with_steady_headers(port: int) -> None:
    mailbox = Mailbox()
    with serving(mailbox, port):
        assert delivery(port).send(MAIL, TO, "id-1", unrecorded, now=NOW) == Accepted("250 OK: queued as 1")
        delivery(port).send(MAIL, TO, "id-1", unrecorded, now=NOW + timedelta(minutes=1))
        delivery(port).send(MAIL, TO, "id-2", unrecorded, now=NOW)
    first, again, other = mailbox.messages
    assert first.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in first.iter_parts()] == ["text/plain", "text/html"]
    assert [part.get_content().strip() for part in first.iter_parts()] == [MAIL.text.strip(), MAIL.html]
    assert first["Subject"] == MAIL.subject
    assert first["From"].addresses[0].display_name == "Santé, Études"
    assert first["From"].addresses[0].addr_spec == "idp@example.org"
    assert first["To"] == TO
    assert first["Date"].datetime == NOW
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert first["Message-ID"].endswith("@example.org>")
    assert first["Message-ID"] == again["Message-ID"] != other["Message-ID"]
    assert mailbox.recipients == [TO] * 3


@pytest.mark.parametrize(
    "name",
    [
        "Université Numérique en Santé et Sport",
        "École d’été « Médecine »",
        "Université Côte d’Azur – Faculté de médecine – Études à distance, évaluations à l’écran",
        "Connexion",
        "Sport, Study @ Work",
        'The "Open" University',
        "é" * 70,
    ],
)
def test_names_with_accents_are_read_as_they_were_written(port: int, name: str) -> None:
    """A line may end at any word, and programs drop what is between two encoded ones (RFC 2047 section 6.2)."""
    subject = f"123456 est votre code pour confirmer votre adresse – {name} / 123456 is your code – {name}"
    mailbox = Mailbox()
    with serving(mailbox, port):
        server = MailServer(HOST, port, timeout=PATIENCE_SECONDS)
        sender = SmtpDelivery(server, from_address="idp@example.org", from_name=name)
        sender.send(replace(MAIL, subject=subject), TO, "id-1", unrecorded, now=NOW)
    (raw,) = mailbox.as_sent
    assert max(len(line) for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n")) <= 78
    sent = message_from_bytes(raw, policy=compat32)
    assert _decoded(_unfolded(sent["Subject"])) == subject
    read_name, read_address = parseaddr(_unfolded(sent["From"]))
    assert (_decoded(read_name), read_address) == (name, "idp@example.org")


def _unfolded(header: str) -> str:
    return header.replace("\r\n", "").replace("\n", "")


def _decoded(header: str) -> str:
    return str(make_header(decode_header(header)))


@pytest.mark.parametrize(
    ("mailbox", "outcome"),
    [
        (Mailbox("451 4.3.0 try later"), Deferred("451 4.3.0 try later")),
        (Mailbox("554 5.7.1 no, thank you"), Refused("554 5.7.1 no, thank you")),
        (Mailbox(to_recipient=("450 4.2.1 greylisted",)), Deferred("450 4.2.1 greylisted")),
        (Mailbox(to_recipient=("550 5.1.1 no such user",)), Refused("550 5.1.1 no such user")),
        (Mailbox(to_recipient=("530 5.7.0 log in first",)), Deferred("530 5.7.0 log in first")),
    ],
)
def test_the_class_of_the_answer_decides(port: int, mailbox: Mailbox, outcome: object) -> None:
    with serving(mailbox, port):
        assert delivery(port).send(MAIL, TO, "id-1", unrecorded, now=NOW) == outcome
    assert mailbox.messages == []


@pytest.mark.parametrize("answer", ["530 5.7.0 Must issue a STARTTLS command first", "550 5.7.1 not from this sender"])
def test_a_server_that_wants_nothing_from_us_loses_no_mail(port: int, answer: str) -> None:
    """Said of the sender: the person's address is not wrong, and the mail goes when the administrator has mended it."""
    with serving(Mailbox(to_sender=answer), port):
        assert delivery(port).send(MAIL, TO, "id-1", unrecorded, now=NOW) == Deferred(answer)


def test_a_server_that_is_not_there_defers(port: int) -> None:
    assert isinstance(delivery(port).send(MAIL, TO, "id-1", unrecorded, now=NOW), Deferred)


def test_a_mute_server_defers_in_time() -> None:
    with mute_server() as port:
        outcome = delivery(port, timeout=1).send(MAIL, TO, "id-1", unrecorded, now=NOW)
    assert isinstance(outcome, Deferred)
    assert "timed out" in outcome.reply.lower()


def test_a_code_that_the_server_quotes_does_not_come_back(port: int) -> None:
    with serving(Mailbox("554 spam: 'Subject: 123456 est votre code'"), port):
        assert delivery(port).send(MAIL, TO, "id-1", unrecorded, now=NOW) == Refused(
            "554 spam: 'Subject: … est votre code'"
        )


@pytest.mark.parametrize(
    "address",
    [
        "a@example.org\r\nBcc: b@example.net",
        "a@example.org\nBcc: b@example.net",
        "a@example.org, b@example.net",
        "a@example.org> RCPT TO:<b@example.net",
        "a b@example.org",
        "é@example.org",
        "a@example.org\x00",
        "",
    ],
)
def test_o_21_an_address_cannot_carry_a_second_recipient_or_header(port: int, address: str) -> None:
    mailbox = Mailbox()
    with serving(mailbox, port):
        assert isinstance(delivery(port).send(MAIL, address, "id-1", unrecorded, now=NOW), Refused)
    assert mailbox.recipients == []


def test_wrong_credentials_lose_no_mail(port: int) -> None:
    def nobody(*_: object) -> AuthResult:
        return AuthResult(success=False, handled=False)

    with serving(Mailbox(), port, authenticator=nobody, auth_require_tls=False):
        outcome = delivery(port, username="idp", password="wrong").send(MAIL, TO, "id-1", unrecorded, now=NOW)
    assert isinstance(outcome, Deferred)
    assert outcome.reply.startswith("535 ")
    assert "wrong" not in outcome.reply


@pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")
def test_credentials_are_presented(port: int) -> None:
    def somebody(_server: object, _session: object, _envelope: object, _mechanism: str, data: object) -> AuthResult:
        return AuthResult(success=getattr(data, "password", None) == b"right")

    mailbox = Mailbox()
    with serving(mailbox, port, authenticator=somebody, auth_require_tls=False, auth_required=True):
        outcome = delivery(port, username="idp", password="right").send(MAIL, TO, "id-1", unrecorded, now=NOW)
    assert isinstance(outcome, Accepted)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return self_signed(tmp_path)


@pytest.mark.parametrize(("tls", "option"), [("starttls", "tls_context"), ("tls", "ssl_context")])
def test_an_unknown_certificate_is_not_accepted(port: int, certificate: Path, tls: str, option: str) -> None:
    mailbox = Mailbox()
    with serving(mailbox, port, **{option: tls_context(certificate)}):
        outcome = delivery(port, tls=tls).send(MAIL, TO, "id-1", unrecorded, now=NOW)
    assert isinstance(outcome, Deferred)
    assert "CERTIFICATE_VERIFY_FAILED" in outcome.reply
    assert mailbox.messages == []


@pytest.mark.parametrize(("tls", "option"), [("starttls", "tls_context"), ("tls", "ssl_context")])
def test_mail_travels_by_tls_to_a_server_that_can_be_checked(
    port: int, certificate: Path, tls: str, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    mailbox = Mailbox()
    with serving(mailbox, port, **{option: tls_context(certificate)}):
        outcome = delivery(port, tls=tls).send(MAIL, TO, "id-1", unrecorded, now=NOW)
    assert isinstance(outcome, Accepted)
    assert len(mailbox.messages) == 1


def test_starttls_is_not_given_up_where_the_server_has_none(port: int) -> None:
    mailbox = Mailbox()
    with serving(mailbox, port):
        assert isinstance(delivery(port, tls="starttls").send(MAIL, TO, "id-1", unrecorded, now=NOW), Deferred)
    assert mailbox.messages == []


@pytest.mark.parametrize(
    ("mailbox", "to", "outcome"),
    [
        (Mailbox(), TO, Accepted("250 OK: queued as 1")),
        (Mailbox("451 4.3.0 try later"), TO, Deferred("451 4.3.0 try later")),
        (Mailbox(to_recipient=("550 5.1.1 no such user",)), TO, Refused("550 5.1.1 no such user")),
        (Mailbox(), "zoé@x.example", Refused("not sent: the address has characters that mail cannot carry")),
    ],
)
def test_every_outcome_is_written_down_once(mailbox: Mailbox, to: str, outcome: Outcome, port: int) -> None:
    recorded: list[Outcome] = []
    with serving(mailbox, port):
        assert delivery(port).send(MAIL, to, "id-1", recorded.append, now=NOW) == outcome
    assert recorded == [outcome]


def test_until_it_is_written_down_that_a_message_was_taken_no_other_is_handed_over(port: int) -> None:
    """A process that is killed may send again what it had handed over and not recorded: one message at most."""
    mailbox, sender, is_handed_over, may_end = Mailbox(), delivery(port), Event(), Event()

    def record(outcome: Outcome) -> None:
        is_handed_over.set()
        assert may_end.wait(PATIENCE_SECONDS)

    with serving(mailbox, port), ThreadPoolExecutor(2) as pool:
        first = pool.submit(sender.send, MAIL, TO, "id-1", record, now=NOW)
        assert is_handed_over.wait(PATIENCE_SECONDS)
        second = pool.submit(sender.send, MAIL, TO, "id-2", unrecorded, now=NOW)
        # The other session waits before its text; nothing tells from outside that it does.
        with pytest.raises(TimeoutError):
            second.result(timeout=1)
        assert len(mailbox.messages) == 1
        may_end.set()
        assert (first.result(PATIENCE_SECONDS), second.result(PATIENCE_SECONDS)) == (
            Accepted("250 OK: queued as 1"),
            Accepted("250 OK: queued as 2"),
        )


def test_who_waits_for_another_message_for_too_long_is_sent_later(port: int) -> None:
    mailbox, sender, outcomes = Mailbox(), delivery(port, timeout=1), list[Outcome]()

    def record(_: Outcome) -> None:
        outcomes.append(sender.send(MAIL, TO, "id-2", unrecorded, now=NOW))

    with serving(mailbox, port):
        sender.send(MAIL, TO, "id-1", record, now=NOW)
        assert outcomes == [Deferred("TimeoutError: other messages took too long")]
        assert len(mailbox.messages) == 1
        assert isinstance(sender.send(MAIL, TO, "id-2", unrecorded, now=NOW), Accepted)


def test_what_cannot_be_written_down_is_told_and_holds_nobody_up(port: int) -> None:
    mailbox, sender = Mailbox(), delivery(port)

    def record(_: Outcome) -> None:
        raise ServiceUnavailable("database", "away")

    with serving(mailbox, port):
        with pytest.raises(ServiceUnavailable):
            sender.send(MAIL, TO, "id-1", record, now=NOW)
        assert isinstance(sender.send(MAIL, TO, "id-2", unrecorded, now=NOW), Accepted)
