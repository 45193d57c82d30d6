"""Sending what waits in the outbox: one message at a time, tried again until nobody waits for it any more."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from idp.domain.measures import Hears, nobody
from idp.domain.messages import Message, without_addresses
from idp.domain.outcomes import Outcome, Refused
from idp.domain.references import under_reference
from idp.mail.delivery import SmtpDelivery
from idp.mail.messages import MessageRenderer, Unrenderable
from idp.storage.leased_queue import LEASE_MARGIN, Claim
from idp.storage.outbox import Outbox

logger = logging.getLogger(__name__)

# People wait before a page: the first tries come fast. The last pause repeats until the message expires.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (30, 60, 120, 300, 900))


@dataclass(frozen=True, slots=True)
class MailDelivery:
    """heard: told of each message that was tried."""

    outbox: Outbox
    renderer: MessageRenderer
    delivery: SmtpDelivery
    heard: Hears = nobody

    def deliver_next(self, worker: str, now: datetime) -> bool:
        """Send the most urgent message that is due and record what became of it; False when none is due.

        worker: different for each sender that works at the same time. Raises ServiceUnavailable.
        """
        claim = self.outbox.claim(worker, now=now, lease=self.delivery.time_limit + LEASE_MARGIN)
        if claim is None:
            return False
        with under_reference(claim.work.reference):
            self._deliver(claim, now)
        return True

    def give_up_expired(self, now: datetime) -> bool:
        """Give up what nobody waits for any more, all at once, of whatever kind; False where there is none."""
        dropped = self.outbox.drop_expired(now=now)
        if dropped:
            self.heard("mail.expired", {"kind": "any", "count": str(dropped)})
        return dropped > 0

    def _deliver(self, claim: Claim[Message], now: datetime) -> None:
        outcome = self._attempted(claim, now)
        fields = {"message": claim.work.id, "kind": claim.work.kind}
        event = f"mail.{type(outcome).__name__.lower()}"
        reply = without_addresses(outcome.reply, claim.work.to)
        logger.info(event, extra={"fields": fields | {"attempt": claim.attempt, "reply": reply}})
        self.heard(event, fields)

    def _attempted(self, claim: Claim[Message], now: datetime) -> Outcome:
        message, record = claim.work, partial(self.outbox.settle, claim, pauses=PAUSES, now=now)
        try:
            rendered = self.renderer.render(message)
        except Unrenderable as fault:
            refused = Refused(f"not sent: {fault}")
            record(refused)
            return refused
        return self.delivery.send(rendered, message.to, message.id, record, now=now)
