"""Delivery by SMTP: Flask-Mail's connection, with time limits and checked certificates, and the server's answer.

Between the moment when a server may have taken a message and the moment when that is written down, nobody can know
whether it was sent. A process has one message at most in that state (``LastStep``): killed, it sends one a second time.
"""

import contextlib
import re
import smtplib
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from threading import Lock
from typing import Any, Self

import flask
import flask_mail

from idp.domain.addresses import PLAIN
from idp.domain.messages import message_id
from idp.domain.outcomes import Deferred, Done, Outcome, Refused
from idp.mail.headers import POLICY
from idp.mail.messages import Rendered

_REPLY_LIMIT = 500
# RFC 4954 section 6: a fault of our settings, at whichever step a server tells it.
_LOGIN_WANTED = (530, 534, 535, 538)


class Accepted(Done):
    """The server took the message."""


# Writes down what became of a message.
Records = Callable[[Outcome], None]
# Whose certificates are believed.
Trusts = Callable[[], ssl.SSLContext]


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over. tls: ``none``, ``starttls`` or ``tls``. timeout: seconds that it may stay silent."""

    host: str
    port: int
    username: str = ""
    password: str = ""
    tls: str = "none"
    timeout: float = 20


class LastStep:
    """The step in which only one message of a process is at a time.

    It begins with the message's text, which the server may accept from then on, and ends when the outcome is recorded.
    """

    def __init__(self, free: Lock) -> None:
        self._free = free
        self._is_mine = False

    def __enter__(self) -> Self:
        return self

    def begin(self, timeout: float) -> None:
        """Wait until no other message has it; raises TimeoutError."""
        if not self._free.acquire(timeout=timeout):
            raise TimeoutError("other messages took too long")
        self._is_mine = True

    def __exit__(self, *_: object) -> None:
        if self._is_mine:
            self._free.release()


class SmtpDelivery:
    """Hands mails to one server, one connection each."""

    def __init__(self, server: MailServer, *, from_address: str, from_name: str) -> None:
        self._server = server
        self._last_step_is_free = Lock()
        # Reading the authorities of this machine costs more than making a mail and sending it.
        self._trusts = cache(ssl.create_default_context)
        self._sender = Address(display_name=from_name, addr_spec=from_address)
        # Flask-Mail asks for an application; this one serves nothing else.
        self._app = flask.Flask(__name__, static_folder=None)
        self._app.config |= {"MAIL_SERVER": server.host, "MAIL_PORT": server.port, "MAIL_DEFAULT_SENDER": from_address}
        self._mail = flask_mail.Mail(self._app)

    @property
    def time_limit(self) -> timedelta:
        """The longest that one ``send`` can take, see ``_Session``."""
        return timedelta(seconds=4 * self._server.timeout)

    def send(self, rendered: Rendered, to: str, name: str, record: Records, *, now: datetime) -> Outcome:
        """Send one mail, and have ``record`` write down what became of it; what that raises is raised here.

        name: the message's id, the same for every attempt: mailboxes can tell a repetition.
        """
        with contextlib.ExitStack() as connected, LastStep(self._last_step_is_free) as step:
            outcome = self._outcome(rendered, to, name, now, connected, step)
            record(outcome)
        return outcome

    def _outcome(
        self, rendered: Rendered, to: str, name: str, now: datetime, connected: contextlib.ExitStack, step: LastStep
    ) -> Outcome:
        if not re.fullmatch(PLAIN, to):
            return Refused("not sent: the address has characters that mail cannot carry")
        message = _Alternatives(_composed(rendered, to, self._sender, name, now), to, self._sender.addr_spec)
        outcome = self._handed_over(message, connected, step)
        return type(outcome)(_one_line(outcome.reply, rendered.secrets))

    def _handed_over(self, message: "_Alternatives", connected: contextlib.ExitStack, step: LastStep) -> Outcome:
        """connected: ends the connection, once the outcome is recorded and others need not wait any more."""
        try:
            connected.enter_context(self._app.app_context())
            connection = connected.enter_context(_Connection(self._mail, self._server, self._trusts, step))
            connection.send(message)
            return Accepted(reply_text(*connection.answer))
        except smtplib.SMTPRecipientsRefused as refusal:
            return _by_class(*next(iter(refusal.recipients.values())))
        except smtplib.SMTPDataError as refusal:
            return _by_class(refusal.smtp_code, refusal.smtp_error)
        except smtplib.SMTPResponseException as refusal:
            # At the greeting, TLS, login or sender it is not this message that is wrong: it must not be lost.
            return Deferred(reply_text(refusal.smtp_code, refusal.smtp_error))
        except (smtplib.SMTPException, OSError) as failure:
            return Deferred(f"{type(failure).__name__}: {failure}")


def _composed(rendered: Rendered, to: str, sender: Address, name: str, now: datetime) -> EmailMessage:
    composed = EmailMessage(policy=POLICY)
    composed["Subject"] = rendered.subject
    composed["From"] = sender
    composed["To"] = to
    composed["Date"] = format_datetime(now)
    composed["Message-ID"] = message_id(name, sender.domain)
    # No holiday replies, please: RFC 3834 section 5, and what Exchange has for it (MS-OXCMAIL); its « All » would
    # forbid delivery reports as well.
    composed["Auto-Submitted"] = "auto-generated"
    composed["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    composed.set_content(rendered.text, cte="quoted-printable")
    composed.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
    return composed


def _by_class(code: int, reply: bytes | str) -> Outcome:
    """RFC 5321 section 4.2.1: the first digit decides, but for a login that is missed."""
    is_final = 500 <= code <= 599 and code not in _LOGIN_WANTED
    return Refused(reply_text(code, reply)) if is_final else Deferred(reply_text(code, reply))


def reply_text(code: int, reply: bytes | str) -> str:
    """A server's answer as it reads in a log."""
    return f"{code} {reply.decode('utf-8', 'replace') if isinstance(reply, bytes) else reply}"


def _one_line(reply: str, secrets: tuple[str, ...]) -> str:
    """A server may quote what it refuses: codes and links do not come back."""
    for secret in secrets:
        reply = reply.replace(secret, "…")
    return " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", reply).split())[:_REPLY_LIMIT]


class _Alternatives(flask_mail.Message):
    """A Flask-Mail message whose bytes are ours: multipart/alternative, and a Message-ID of our domain."""

    def __init__(self, composed: EmailMessage, to: str, sender: str) -> None:
        super().__init__(subject=composed["Subject"], recipients=[to], sender=sender)
        self._composed = composed

    def as_bytes(self) -> bytes:
        return self._composed.as_bytes()


class _Connection(flask_mail.Connection):
    """Flask-Mail's connection knows neither time limits nor certificate checks."""

    def __init__(self, mail: flask_mail.Mail, server: MailServer, trusts: Trusts, step: LastStep) -> None:
        super().__init__(mail)
        self._server = server
        self._trusts = trusts
        self._step = step
        self._session: _Session | None = None

    @property
    def answer(self) -> tuple[int, bytes]:
        """What the server said to the message; smtplib throws it away."""
        return self._session.answer_to_data if self._session else (0, b"")

    def configure_host(self) -> smtplib.SMTP:
        self._session = open_session(self._server, self._trusts)
        self._session.last_step = self._step
        return self._session

    def __exit__(self, *_: object) -> None:
        """The message is accepted or not by now; a server that stumbles over QUIT changes nothing."""
        if self._session:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                self._session.quit()
            self._session.close()


class _Session(smtplib.SMTP):
    """One SMTP session with an end: replies must come within twice the timeout in all, the message goes in one more.

    last_step: waited for before the message goes, for once the timeout at most.
    """

    def __init__(self, server: MailServer, **more: Any) -> None:
        self.last_step: LastStep | None = None
        self.answer_to_data = (0, b"")
        self._ends = time.monotonic() + 2 * server.timeout
        self._silence = server.timeout
        super().__init__(server.host, server.port, timeout=server.timeout, **more)

    def getreply(self) -> tuple[int, bytes]:
        remaining = self._ends - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the session took too long")
        if self.sock:
            self.sock.settimeout(min(self._silence, remaining))
        return super().getreply()

    def data(self, msg: Any) -> tuple[int, bytes]:
        if self.last_step:
            asked = time.monotonic()
            self.last_step.begin(self._silence)
            self._ends += time.monotonic() - asked
        self.answer_to_data = super().data(msg)
        return self.answer_to_data


class _TlsSession(_Session, smtplib.SMTP_SSL):
    """TLS from the first byte (RFC 8314 section 3.3)."""

    def __init__(self, server: MailServer, trusts: Trusts) -> None:
        super().__init__(server, context=trusts())


def open_session(server: MailServer, trusts: Trusts = ssl.create_default_context) -> _Session:
    """Connected, secured and signed in; raises what smtplib raises, and OSError."""
    session = _TlsSession(server, trusts) if server.tls == "tls" else _Session(server)
    try:
        if server.tls == "starttls":
            session.starttls(context=trusts())
        session.ehlo_or_helo_if_needed()
        if server.username:
            session.login(server.username, server.password)
    except BaseException:
        session.close()
        raise
    return session
