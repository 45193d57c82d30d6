"""A real SMTP server that answers as a test wants it to."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.waiting import PATIENCE_SECONDS

HOST = "127.0.0.1"


class Mailbox:
    """What arrived.

    The answers given are used up one by one, to recipients or to whole messages; then all is well. to_sender: what it
    always says to a sender.
    """

    def __init__(self, *answers: str, to_recipient: tuple[str, ...] = (), to_sender: str = "250 OK") -> None:
        self.messages: list[EmailMessage] = []
        self.as_sent: list[bytes] = []
        self.recipients: list[str] = []
        self.answers = list(answers)
        self.answers_to_recipient = list(to_recipient)
        self.answer_to_sender = to_sender

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.answer_to_sender

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answers_to_recipient:
            return self.answers_to_recipient.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.answers:
            return self.answers.pop(0)
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.as_sent.append(envelope.content)
        self.messages.append(message)
        self.recipients += envelope.rcpt_tos
        return f"250 OK: queued as {len(self.messages)}"


@contextmanager
def serving(mailbox: Mailbox, port: int, **options: Any) -> Iterator[None]:
    """Run an SMTP server for this mailbox."""
    controller = Controller(mailbox, hostname=HOST, port=port, ready_timeout=PATIENCE_SECONDS, **options)
    controller.start()
    try:
        yield
    finally:
        controller.stop()


@contextmanager
def mute_server() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server((HOST, 0)) as listener:
        yield listener.getsockname()[1]
