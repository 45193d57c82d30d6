"""Sending what waits in the outbox: one message at a time, tried again until nobody waits for it any more."""

import logging
from datetime import datetime, timedelta
from functools import partial

from idp.domain.measures import Hears, nobody
from idp.domain.messages import Message, without_addresses
from idp.domain.references import under_reference
from idp.mail.delivery import Accepted, Deferred, Outcome, Records, Refused, SmtpDelivery
from idp.mail.messages import MessageRenderer, Unrenderable
from idp.storage.leased_queue import LEASE_MARGIN, Claim, pause_after
from idp.storage.outbox import Outbox

_log = logging.getLogger(__name__)

# People wait before a page: the first tries come fast. The last pause repeats until the message expires.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (30, 60, 120, 300, 900))


def deliver_next(
    outbox: Outbox,
    renderer: MessageRenderer,
    delivery: SmtpDelivery,
    now: datetime,
    *,
    worker: str = "sender",
    heard: Hears = nobody,
) -> bool:
    """Send the most urgent message that is due and record what became of it; False when none is due.

    worker: different for each sender that works at the same time. heard: told of it. Raises ServiceUnavailable.
    """
    claim = outbox.claim(worker, now=now, lease=delivery.time_limit + LEASE_MARGIN)
    if claim is None:
        return False
    with under_reference(claim.work.reference):
        outcome = _attempted(claim.work, renderer, delivery, partial(_record, outbox, claim, now=now), now)
        fields = {"message": claim.work.id, "kind": claim.work.kind}
        event = f"mail.{type(outcome).__name__.lower()}"
        reply = without_addresses(outcome.reply, claim.work.to)
        _log.info(event, extra={"fields": fields | {"attempt": claim.attempt, "reply": reply}})
        heard(event, fields)
    return True


def give_up_expired(outbox: Outbox, now: datetime, *, heard: Hears = nobody) -> bool:
    """Give up what nobody waits for any more, all at once, of whatever kind; False where there is none."""
    dropped = outbox.drop_expired(now=now)
    if dropped:
        heard("mail.expired", {"kind": "any", "count": str(dropped)})
    return dropped > 0


def _attempted(
    message: Message, renderer: MessageRenderer, delivery: SmtpDelivery, record: Records, now: datetime
) -> Outcome:
    try:
        rendered = renderer.render(message)
    except Unrenderable as fault:
        refused = Refused(f"not sent: {fault}")
        record(refused)
        return refused
    return delivery.send(rendered, message.to, message.id, record, now=now)


def _record(outbox: Outbox, claim: Claim[Message], outcome: Outcome, *, now: datetime) -> None:
    match outcome:
        case Accepted(reply):
            outbox.done(claim, reply, now=now)
        case Deferred(reply):
            outbox.deferred(claim, reply, now=now, retry_at=now + pause_after(claim.attempt, PAUSES))
        case Refused(reply):
            outbox.refused(claim, reply, now=now)
