"""When an account counts as unused, and when it may be closed for that; what was not watched counts as used."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# Looked at so much later than planned, nobody knows what happened meanwhile: the work stood still, an old backup was
# restored, or the clock ran ahead.
UNWATCHED = timedelta(days=7)


class InactivityState(StrEnum):
    """How far it is.

    due: unused for long, and not told yet. told: mailed, or about to be. untold: no mail left, which is tried again.
    closing: being closed.
    """

    IN_USE = ""
    DUE = "due"
    TOLD = "told"
    UNTOLD = "untold"
    CLOSING = "closing"


@dataclass(frozen=True, slots=True)
class ClosingNotice:
    """The mail that tells of it. closes_at: what it says. handed_over_at: when a mail server took the last one."""

    id: str
    reference: str
    at: datetime
    closes_at: datetime
    handed_over_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Inactivity:
    """What the rule found at its last look at an account.

    since: the last use that is known, or the first look where that was later. look_at: when it is looked at next.
    """

    since: datetime
    look_at: datetime
    state: InactivityState = InactivityState.IN_USE
    notice: ClosingNotice | None = None


@dataclass(frozen=True, slots=True)
class InactivityRule:
    """unused: for how long before its person is told. notice: between the mail and the closing. longest: between two
    looks, so that the security log still has everything that happened since the one before."""

    unused: timedelta
    notice: timedelta
    longest: timedelta

    def begun(self, since: datetime, *, now: datetime) -> Inactivity:
        """The state of an account whose last known use was then, with the time of the next look."""
        return Inactivity(since, min(max(since + self.unused, now), now + self.longest))

    def was_watched(self, before: Inactivity, *, now: datetime) -> bool:
        """Whether this look comes about when it was planned. A wrong clock may have planned one too far ahead."""
        return now - UNWATCHED <= before.look_at <= now + self.longest

    def is_unused(self, since: datetime, *, now: datetime) -> bool:
        return now - since >= self.unused

    def closes_at(self, notice: ClosingNotice) -> datetime:
        """On the day that the mail says, or later where the mail left late."""
        return max(notice.closes_at, (notice.handed_over_at or notice.at) + self.notice)
