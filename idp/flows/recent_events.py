"""What happened to an account lately, for its person."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.accounts import Account
from idp.storage.audit import OF_STRANGERS, AuditTrail

SPAN = timedelta(days=90)
MOST_SHOWN = 20
MOST_OF_STRANGERS = 5


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
        of_strangers = self._lately(account, OF_STRANGERS.intersection(names), MOST_OF_STRANGERS)
        others = self._lately(account, frozenset(names) - OF_STRANGERS, MOST_SHOWN - len(of_strangers))
        return tuple(sorted((*of_strangers, *others), key=lambda one: one.at, reverse=True))

    def _lately(self, account: Account, names: Collection[str], most: int) -> tuple[Happening, ...]:
        found = self.audit.lately(account.id, names, since=self.clock() - SPAN, limit=most)
        return tuple(Happening(event.at, event.event, event.fields.get("method", "")) for event in found)
