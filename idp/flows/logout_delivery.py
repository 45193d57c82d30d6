"""Telling applications that a sign-in ended: one notice at a time, tried again until its deadline."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from idp.domain.client_slots import ClientSlots
from idp.domain.logout import LogoutNotice
from idp.domain.measures import Hears, nobody
from idp.domain.references import under_reference
from idp.openid.logout_calls import LogoutCalls
from idp.storage.leased_queue import LEASE_MARGIN, Claim
from idp.storage.logout_notices import LogoutNotices

logger = logging.getLogger(__name__)

# The person may be at a shared computer: the first tries come fast. The last pause repeats until the deadline.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (2, 5, 15, 30, 60))
# Threads of each process that tell applications.
SENDERS = 4


@dataclass(frozen=True, slots=True)
class LogoutDelivery:
    """heard: told of each call."""

    notices: LogoutNotices
    calls: LogoutCalls
    heard: Hears = nobody
    # Never do all threads wait for the same client.
    _slots: ClientSlots = field(default_factory=lambda: ClientSlots(SENDERS - 1))
    # Held while a notice is chosen, so that each thread knows what the others have taken.
    _choosing: Lock = field(default_factory=Lock)

    def deliver_next(self, worker: str, now: datetime) -> bool:
        """Deliver the notice that is most overdue and record what became of it; False when none is due.

        worker: different for each thread that works at the same time. Raises ServiceUnavailable.
        """
        claim = self._claim(worker, now)
        if claim is None:
            return False
        try:
            with under_reference(claim.work.reference):
                self._deliver(claim, now)
        finally:
            self._slots.give_back(claim.work.application.client_id)
        return True

    def give_up_expired(self, now: datetime) -> bool:
        """Give up the notices whose deadline is over, all at once; False where there is none."""
        dropped = self.notices.drop_expired(now=now)
        if dropped:
            self.heard("logout.expired", {"count": str(dropped)})
        return dropped > 0

    def _claim(self, worker: str, now: datetime) -> Claim[LogoutNotice] | None:
        lease = self.calls.time_limit + LEASE_MARGIN
        with self._choosing:
            claim = self.notices.claim_for_others(self._slots.exhausted(), worker, now=now, lease=lease)
            if claim is not None:
                self._slots.take(claim.work.application.client_id)
        return claim

    def _deliver(self, claim: Claim[LogoutNotice], now: datetime) -> None:
        outcome = self.calls.send(claim.work, now=now)
        self.notices.settle(claim, outcome, PAUSES, now=now)
        application = claim.work.application
        fields = {"notice": claim.work.id, "client_id": application.client_id, "sid": application.sid}
        event = f"logout.{type(outcome).__name__.lower()}"
        logger.info(event, extra={"fields": fields | {"attempt": claim.attempt, "reply": outcome.reply}})
        self.heard(event, fields)
