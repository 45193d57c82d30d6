"""What happened to an account lately, for its person."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.accounts import Account
from idp.storage.audit import AuditTrail

SPAN = timedelta(days=90)
MOST_SHOWN = 20
# Of which only some mean anything to the person.
_MOST_READ = 500


@dataclass(frozen=True, slots=True)
class Happening:
    """One event. name: as in the audit trail. method: of a sign-in, else empty."""

    at: datetime
    name: str
    method: str


@dataclass(frozen=True, slots=True)
class RecentEvents:
    audit: AuditTrail
    clock: Callable[[], datetime]

    def of(self, account: Account, names: Collection[str]) -> tuple[Happening, ...]:
        """The account's events of these names in the last 90 days, the latest first, at most ``MOST_SHOWN``."""
        since = self.clock() - SPAN
        events = self.audit.events(account_ids=(account.id,), limit=_MOST_READ)
        told = [
            Happening(event.at, event.event, event.fields.get("method", ""))
            for event in reversed(events)
            if event.event in names and event.at >= since
        ]
        return tuple(told[:MOST_SHOWN])
