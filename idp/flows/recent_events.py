"""What happened to an account lately, for its person."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.accounts import Account
from idp.storage.audit import AuditEvent, AuditTrail

SPAN = timedelta(days=90)
MOST_SHOWN = 20
# Of which only some mean anything to the person.
_MOST_READ = 500


@dataclass(frozen=True, slots=True)
class RecentEvents:
    audit: AuditTrail
    clock: Callable[[], datetime]

    def of(self, account: Account, names: Collection[str]) -> tuple[AuditEvent, ...]:
        """The account's events of these names in the last 90 days, the latest first, at most ``MOST_SHOWN``."""
        since = self.clock() - SPAN
        events = self.audit.events(account_ids=(account.id,), limit=_MOST_READ)
        told = [event for event in reversed(events) if event.event in names and event.at >= since]
        return tuple(told[:MOST_SHOWN])
