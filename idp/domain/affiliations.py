"""How long what a university said of a person's status counts: affiliations are dated, and drop out when they are old.

The academic year begins on 1 September, Paris time. A period is either a day of the year (``10-31``: an affiliation
checked in the academic year 2025/26 counts through 31 October 2026) or a number of days (``days:365``: through the day
that comes so many days after the check).
"""

import re
from calendar import isleap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_ZONE = ZoneInfo("Europe/Paris")
_FIRST_MONTH = 9
_LEAP_YEAR = 2000
MOST_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Period:
    """Either ``month`` and ``day``, or ``days``."""

    month: int = 0
    day: int = 0
    days: int = 0

    def last_day(self, checked_on: date) -> date:
        """The last day on which a status checked on this day counts."""
        if self.days:
            return checked_on + timedelta(days=self.days)
        # The first such day after the academic year of the check has ended.
        ends_in = checked_on.year + (checked_on.month >= _FIRST_MONTH)
        return _day_of(ends_in + (self.month < _FIRST_MONTH), self.month, self.day)


def read_period(text: str) -> Period:
    """The period of this text, as in the settings; ``ValueError`` for any other text."""
    if match := re.fullmatch(r"days:([1-9][0-9]{0,4})", text):
        days = int(match[1])
        if days > MOST_DAYS:
            raise ValueError("too many days")
        return Period(days=days)
    if match := re.fullmatch(r"([0-9]{2})-([0-9]{2})", text):
        return _checked(Period(month=int(match[1]), day=int(match[2])))
    raise ValueError("neither a day of the year nor a number of days")


@dataclass(frozen=True, slots=True)
class AffiliationPeriods:
    """own: by affiliation (``student``, ``employee``, …), for those that have another period than the default."""

    default: Period = field(default_factory=lambda: Period(month=10, day=31))
    own: Mapping[str, Period] = field(default_factory=dict)

    def last_day(self, affiliation: str, checked_at: datetime) -> date:
        """The last day, Paris time, on which this value counts; a scope after ``@`` makes no difference."""
        period = self.own.get(affiliation.partition("@")[0].lower(), self.default)
        return period.last_day(checked_at.astimezone(_ZONE).date())

    def ends_at(self, affiliation: str, checked_at: datetime) -> datetime:
        """The first moment, in UTC, at which this value counts no longer: midnight after its last day."""
        following = self.last_day(affiliation, checked_at) + timedelta(days=1)
        return datetime.combine(following, time(), _ZONE).astimezone(UTC)

    def counting(self, values: Iterable[str], checked_at: datetime, *, now: datetime) -> tuple[str, ...]:
        """Those of the values that still count."""
        return tuple(value for value in values if now < self.ends_at(value, checked_at))


def _day_of(year: int, month: int, day: int) -> date:
    # 29 February stands for the last day of February; most years end that month on the 28th.
    return date(year, month, 28) if (month, day) == (2, 29) and not isleap(year) else date(year, month, day)


def _checked(period: Period) -> Period:
    date(_LEAP_YEAR, period.month, period.day)
    return period
