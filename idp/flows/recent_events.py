"""What happened to an account lately, for its person."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.accounts import Account
from idp.storage.audit import AuditTrail

SPAN = timedelta(days=90)
MOST_SHOWN = 20
# What anybody makes happen who knows an address, and how much of it is shown: it must not push out the rest.
_OF_ANYBODY = frozenset({"sign_in.failed"})
_MOST_OF_ANYBODY = 5


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
        """The account's events of these names in the last 90 days, the latest first, at most ``MOST_SHOWN``.

        Of refused sign-ins some alone: whoever took the account over would hide it behind wrong passwords.
        """
        of_anybody = self._lately(account, frozenset(names) & _OF_ANYBODY, _MOST_OF_ANYBODY)
        others = self._lately(account, frozenset(names) - _OF_ANYBODY, MOST_SHOWN - len(of_anybody))
        return tuple(sorted((*of_anybody, *others), key=lambda one: one.at, reverse=True))

    def _lately(self, account: Account, names: Collection[str], most: int) -> tuple[Happening, ...]:
        found = self.audit.lately(account.id, names, since=self.clock() - SPAN, limit=most)
        return tuple(Happening(event.at, event.event, event.fields.get("method", "")) for event in found)
