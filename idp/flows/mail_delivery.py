"""Sending what waits in the outbox: one message at a time, tried again until nobody waits for it any more."""

import logging
import secrets
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from idp.domain.errors import ServiceUnavailable
from idp.domain.messages import Message
from idp.mail.delivery import Accepted, Deferred, Outcome, Refused, SmtpDelivery
from idp.mail.messages import MessageRenderer, Unrenderable
from idp.storage.outbox import Claim, Outbox

_log = logging.getLogger(__name__)

# People wait before a page: the first tries come fast. The last pause repeats until the message expires.
_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (30, 60, 120, 300, 900))
_LEASE_MARGIN = timedelta(seconds=30)
_RECORDING_TRIES = 5
_POLL_SECONDS = 1.0
_LONGEST_BACK_OFF = 30.0


def deliver_next(
    outbox: Outbox, renderer: MessageRenderer, delivery: SmtpDelivery, now: datetime, *, worker: str = "sender"
) -> bool:
    """Send the most urgent message that is due and record what became of it; False when none is due.

    worker: different for each sender that works at the same time. Raises ServiceUnavailable.
    """
    outbox.drop_expired(now=now)
    claim = outbox.claim(worker, now=now, lease=delivery.time_limit + _LEASE_MARGIN)
    if claim is None:
        return False
    outcome = _attempted(claim.message, renderer, delivery, now)
    _record(outbox, claim, outcome, now)
    fields = {"message": claim.message.id, "kind": claim.message.kind, "reference": claim.message.reference}
    event = f"mail.{type(outcome).__name__.lower()}"
    _log.info(event, extra={"fields": fields | {"attempt": claim.attempt, "reply": outcome.reply}})
    return True


def _attempted(message: Message, renderer: MessageRenderer, delivery: SmtpDelivery, now: datetime) -> Outcome:
    try:
        rendered = renderer.render(message)
    except Unrenderable as fault:
        return Refused(f"not sent: {fault}")
    return delivery.send(rendered, message.to, message.id, now=now)


def _record(outbox: Outbox, claim: Claim, outcome: Outcome, now: datetime) -> None:
    """Insist: an unrecorded success is sent again when the lease ends."""
    for tries_left in reversed(range(_RECORDING_TRIES)):
        try:
            match outcome:
                case Accepted(reply):
                    outbox.sent(claim, reply, now=now)
                case Deferred(reply):
                    outbox.deferred(claim, reply, now=now, retry_at=now + pause_after(claim.attempt))
                case Refused(reply):
                    outbox.refused(claim, reply, now=now)
        except ServiceUnavailable:
            if not tries_left:
                raise
        else:
            return


def pause_after(attempt: int) -> timedelta:
    """How long to wait after this attempt, 1 being the first."""
    return _PAUSES[min(attempt, len(_PAUSES)) - 1]


class MailSender:
    """A thread that empties the outbox, at once for messages of its own process, else within a second.

    Any number of processes may each have one. clock: the time, aware, in UTC.
    """

    def __init__(
        self, outbox: Outbox, renderer: MessageRenderer, delivery: SmtpDelivery, clock: Callable[[], datetime]
    ) -> None:
        self._outbox = outbox
        self._renderer = renderer
        self._delivery = delivery
        self._clock = clock
        self._worker = secrets.token_hex(8)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; after a fork, not before one."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="mail-sender", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def stop(self, timeout: float = 10.0) -> None:
        """Let the message in hand be finished, for at most ``timeout`` seconds; the rest stays in the outbox."""
        self._stopping.set()
        self._outbox.arrivals.set()
        if self._thread:
            self._thread.join(timeout)

    def _run(self) -> None:
        pause = _POLL_SECONDS
        while not self._stopping.is_set():
            self._outbox.arrivals.clear()
            try:
                while not self._stopping.is_set() and self._deliver_next():
                    pass
                pause = _POLL_SECONDS
            except ServiceUnavailable as problem:
                pause = min(2 * pause, _LONGEST_BACK_OFF)
                _log.warning("mail.outbox_unavailable", extra={"fields": {"detail": problem.detail, "pause": pause}})
            except Exception:  # noqa: BLE001  # the last resort of this thread, which must not end
                pause = min(2 * pause, _LONGEST_BACK_OFF)
                _log.exception("mail.sender_failed")
            self._outbox.arrivals.wait(pause)

    def _deliver_next(self) -> bool:
        return deliver_next(self._outbox, self._renderer, self._delivery, self._clock(), worker=self._worker)
