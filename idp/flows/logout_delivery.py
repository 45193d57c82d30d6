"""Telling applications that a sign-in ended: one notice at a time, tried again until its deadline."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.logout import LogoutNotice
from idp.domain.measures import Hears, nobody
from idp.domain.references import under_reference
from idp.openid.logout_calls import Deferred, LogoutCalls, Outcome, Refused, Told
from idp.storage.leased_queue import Claim
from idp.storage.logout_notices import LogoutNotices

_log = logging.getLogger(__name__)

# The person may be at a shared computer: the first tries come fast. The last pause repeats until the deadline.
_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (2, 5, 15, 30, 60))
_LEASE_MARGIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class LogoutDelivery:
    """heard: told of each call."""

    notices: LogoutNotices
    calls: LogoutCalls
    heard: Hears = nobody

    def deliver_next(self, worker: str, now: datetime) -> bool:
        """Deliver the notice that is most overdue and record what became of it; False when none is due.

        worker: different for each thread that works at the same time. Raises ServiceUnavailable.
        """
        claim = self.notices.claim(worker, now=now, lease=self.calls.time_limit + _LEASE_MARGIN)
        if claim is None:
            return False
        with under_reference(claim.work.reference):
            self._deliver(claim, now)
        return True

    def give_up_expired(self, now: datetime) -> bool:
        """Give up the notices whose deadline is over, all at once; False where there is none."""
        dropped = self.notices.drop_expired(now=now)
        if dropped:
            self.heard("logout.expired", {"count": str(dropped)})
        return dropped > 0

    def _deliver(self, claim: Claim[LogoutNotice], now: datetime) -> None:
        outcome = self.calls.send(claim.work, now=now)
        self._record(claim, outcome, now)
        application = claim.work.application
        fields = {"notice": claim.work.id, "client_id": application.client_id, "sid": application.sid}
        event = f"logout.{type(outcome).__name__.lower()}"
        _log.info(event, extra={"fields": fields | {"attempt": claim.attempt, "reply": outcome.reply}})
        self.heard(event, fields)

    def _record(self, claim: Claim[LogoutNotice], outcome: Outcome, now: datetime) -> None:
        match outcome:
            case Told(reply):
                self.notices.done(claim, reply, now=now)
            case Deferred(reply):
                self.notices.deferred(claim, reply, now=now, retry_at=now + pause_after(claim.attempt))
            case Refused(reply):
                self.notices.refused(claim, reply, now=now)


def pause_after(attempt: int) -> timedelta:
    """How long to wait after this attempt, 1 being the first."""
    return _PAUSES[min(attempt, len(_PAUSES)) - 1]
