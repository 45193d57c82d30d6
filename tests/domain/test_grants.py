"""How long everything lives that comes from one authorization."""

from datetime import UTC, datetime, timedelta

from idp.domain.grants import Lifetimes

NOW = datetime(2050, 9, 1, 12, tzinfo=UTC)
CODE_ENDS = NOW + timedelta(seconds=60)
LIFETIMES = Lifetimes(access_token=timedelta(hours=1), refresh_absolute=timedelta(days=90))


def test_without_offline_access_nothing_outlives_the_token_that_the_code_buys_at_the_last_moment() -> None:
    assert LIFETIMES.family_ends(("openid",), CODE_ENDS, now=NOW) == CODE_ENDS + timedelta(hours=1)


def test_with_offline_access_the_family_lives_as_long_as_its_refresh_tokens_may() -> None:
    assert LIFETIMES.family_ends(("openid", "offline_access"), CODE_ENDS, now=NOW) == NOW + timedelta(days=90)
