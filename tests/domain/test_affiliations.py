"""Until when a status counts that a university vouched for."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from idp.domain.affiliations import AffiliationPeriods, Period, read_period

PARIS = ZoneInfo("Europe/Paris")
EVERY = ("student", "faculty", "staff", "employee", "member", "affiliate", "alum", "library-walk-in")


@pytest.mark.parametrize(
    ("checked", "last"),
    [
        ("2025-09-01T00:00", "2026-10-31"),
        ("2025-10-31T23:59", "2026-10-31"),
        ("2025-11-01T00:00", "2026-10-31"),
        ("2026-02-28T12:00", "2026-10-31"),
        ("2026-08-31T23:59", "2026-10-31"),
        ("2026-09-01T00:00", "2027-10-31"),
        ("2024-02-29T12:00", "2024-10-31"),
    ],
)
def test_an_academic_year_counts_through_the_31_october_after_it(checked: str, last: str) -> None:
    at = datetime.fromisoformat(checked).replace(tzinfo=PARIS)
    assert AffiliationPeriods().last_day("student", at) == date.fromisoformat(last)


def test_the_year_turns_at_midnight_in_paris_not_in_greenwich() -> None:
    at = datetime(2026, 8, 31, 22, 30, tzinfo=UTC)
    assert AffiliationPeriods().last_day("student", at) == date(2027, 10, 31)


def test_it_counts_to_the_last_second_of_the_last_day_in_paris() -> None:
    checked_at = datetime(2025, 9, 15, 8, tzinfo=UTC)
    end = AffiliationPeriods().ends_at("student", checked_at)
    assert end == datetime(2026, 11, 1, tzinfo=PARIS) == datetime(2026, 10, 31, 23, tzinfo=UTC)
    last_second = datetime(2026, 10, 31, 23, 59, 59, tzinfo=PARIS)
    assert AffiliationPeriods().counting(["student"], checked_at, now=last_second) == ("student",)
    assert AffiliationPeriods().counting(["student"], checked_at, now=end) == ()


@pytest.mark.parametrize("affiliation", EVERY)
def test_every_affiliation_may_have_a_period_of_its_own(affiliation: str) -> None:
    periods = AffiliationPeriods(own={affiliation: Period(days=10)})
    checked_at = datetime(2026, 1, 10, 8, tzinfo=UTC)
    assert periods.last_day(affiliation, checked_at) == date(2026, 1, 20)
    for other in {*EVERY, "researcher"} - {affiliation}:
        assert periods.last_day(other, checked_at) == date(2026, 10, 31)
    # Universities write them with capitals, too (eduPerson 202208 section 2.2.1: compared without regard to case).
    assert periods.last_day(affiliation.upper(), checked_at) == date(2026, 1, 20)
    scoped = [f"{value}@univ-exemple.fr" for value in EVERY]
    left = periods.counting(scoped, checked_at, now=datetime(2026, 1, 21, 12, tzinfo=UTC))
    assert set(scoped) - set(left) == {f"{affiliation}@univ-exemple.fr"}


@pytest.mark.parametrize(
    ("period", "checked", "last"),
    [
        # A day before September belongs to the calendar year after the one in which the academic year ended.
        ("03-31", date(2025, 10, 1), date(2027, 3, 31)),
        ("03-31", date(2026, 5, 1), date(2027, 3, 31)),
        ("09-01", date(2026, 8, 31), date(2026, 9, 1)),
        ("08-31", date(2025, 9, 1), date(2027, 8, 31)),
        ("02-29", date(2026, 10, 1), date(2028, 2, 29)),
        ("02-29", date(2025, 10, 1), date(2027, 2, 28)),
        ("02-29", date(2099, 3, 1), date(2100, 2, 28)),
        ("days:365", date(2024, 2, 29), date(2025, 2, 28)),
        ("days:366", date(2023, 2, 28), date(2024, 2, 29)),
        ("days:1", date(2026, 12, 31), date(2027, 1, 1)),
    ],
)
def test_days_of_the_year_and_numbers_of_days(period: str, checked: date, last: date) -> None:
    assert read_period(period).last_day(checked) == last


def test_a_period_is_never_over_before_it_began() -> None:
    for day in range(730):
        checked = date(2027, 3, 1) + timedelta(days=day)
        for period in ("10-31", "02-29", "09-01", "08-31", "days:1"):
            assert read_period(period).last_day(checked) > checked


@pytest.mark.parametrize(
    "text", ["", "31-10", "10-32", "13-01", "02-30", "00-10", "1-1", "10-31 ", "days:0", "days:", "days:36501", "never"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"neither|too many|day|month"):
        read_period(text)
