"""What applications received is written where it is news, so that most sign-ins write nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from idp.domain.releases import Release, news

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HELD = ("email", "name")


def test_what_the_account_does_not_hold_was_not_received() -> None:
    asked = frozenset({"email", "supann_etu_id", "voperson_id"})
    assert news((), "library", asked, HELD, now=NOW) == Release("library", frozenset({"email", "voperson_id"}), NOW)


def test_the_same_again_on_the_same_day_is_no_news() -> None:
    known = (Release("library", frozenset(HELD), NOW - timedelta(hours=3)),)
    assert news(known, "library", frozenset({"email"}), HELD, now=NOW) is None
    assert news(known, "library", frozenset({"email", "supann_etu_id"}), HELD, now=NOW) is None


@pytest.mark.parametrize(
    ("client_id", "received", "at"),
    [
        ("library", frozenset({"name"}), NOW),
        ("library", frozenset(HELD), NOW - timedelta(days=1)),
        ("survey", frozenset(HELD), NOW),
    ],
)
def test_something_more_another_day_or_another_application_is_news(
    client_id: str, received: frozenset[str], at: datetime
) -> None:
    known = (Release(client_id, received, at),)
    assert news(known, "library", frozenset(HELD), HELD, now=NOW) == Release("library", frozenset(HELD), NOW)
