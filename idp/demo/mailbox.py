"""The mailbox: an SMTP server that keeps what it receives, and a page that shows it."""

import itertools
import threading
from collections import deque
from dataclasses import asdict, dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask, Response, abort, jsonify, render_template

from idp.demo.ports import HOST

CAPACITY = 1000


@dataclass(frozen=True, slots=True)
class Mail:
    """One received message; ``to`` and ``sender`` are the envelope's, the subject is decoded (RFC 2047)."""

    id: int
    to: str
    recipients: list[str]
    sender: str
    subject: str
    date: str
    text: str
    html: str
    headers: dict[str, str]


class Mailbox:
    """Receives mail at ``localhost:<smtp_port>`` and keeps the newest thousand messages in memory.

    refusals: address → SMTP reply (``"550 no such user"``), for tests of mail that is deferred or refused.
    """

    def __init__(self, smtp_port: int) -> None:
        self.refusals: dict[str, str] = {}
        self._mails: deque[Mail] = deque(maxlen=CAPACITY)
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._controller = Controller(self, hostname=HOST, port=smtp_port, ready_timeout=30)

    def start(self) -> "Mailbox":
        """Begins to listen."""
        self._controller.start()
        return self

    def stop(self) -> None:
        """Stops listening; the messages stay."""
        self._controller.stop()

    def mails(self) -> list[Mail]:
        """What has arrived, newest last."""
        with self._lock:
            return list(self._mails)

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        """Accepts a recipient, or answers what ``refusals`` says."""
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keeps the message."""
        content = envelope.content
        data = content.encode() if isinstance(content, str) else content or b""
        with self._lock:
            self._mails.append(_read(next(self._ids), envelope, data))
        return "250 OK"


def create_mailbox(mailbox: Mailbox) -> Flask:
    """The pages that show this mailbox."""
    app = Flask("mailbox", root_path=str(Path(__file__).parent))
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.add_url_rule("/", "index", lambda: render_template("mailbox/index.html", mails=mailbox.mails()[::-1]))
    app.add_url_rule("/messages.json", "messages", lambda: jsonify([asdict(mail) for mail in mailbox.mails()]))
    app.add_url_rule("/messages/<int:mail_id>", "message", lambda mail_id: _message_page(mailbox, mail_id))
    app.after_request(_never_stored)
    return app


def _message_page(mailbox: Mailbox, mail_id: int) -> str:
    mail = next((mail for mail in mailbox.mails() if mail.id == mail_id), None)
    return render_template("mailbox/message.html", mail=mail or abort(404))


def _read(mail_id: int, envelope: Envelope, data: bytes) -> Mail:
    message = message_from_bytes(data, policy=policy.default)
    recipients = list(envelope.rcpt_tos)
    return Mail(
        id=mail_id,
        to=", ".join(recipients),
        recipients=recipients,
        sender=envelope.mail_from or "",
        subject=str(message.get("Subject", "")),
        date=str(message.get("Date", "")),
        text=_body(message, "plain"),
        html=_body(message, "html"),
        headers={name: str(value) for name, value in message.items()},
    )


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return "" if part is None else str(part.get_content()).replace("\r\n", "\n")


def _never_stored(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    return response
