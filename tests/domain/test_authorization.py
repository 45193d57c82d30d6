from datetime import UTC, datetime, timedelta

from idp.domain.authorization import AuthorizationRequest, needs_sign_in
from idp.domain.sessions import ACR_BASIC, SignIn

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


def sign_in(ago: timedelta) -> SignIn:
    return SignIn("account", "sid", NOW - ago, ("pwd",), ACR_BASIC)


def request(**changes: object) -> AuthorizationRequest:
    return AuthorizationRequest("client", "https://client.example/cb", **changes)  # type: ignore[arg-type]


def test_without_a_sign_in_one_is_needed_and_with_one_none() -> None:
    assert needs_sign_in(request(), None, now=NOW)
    assert not needs_sign_in(request(), sign_in(timedelta(hours=5)), now=NOW)


def test_prompt_login_asks_again_until_somebody_signed_in_for_this_request() -> None:
    asked = NOW - timedelta(minutes=1)
    assert needs_sign_in(request(prompt=("login",)), sign_in(timedelta(seconds=90)), now=NOW, asked_at=asked)
    assert not needs_sign_in(request(prompt=("login",)), sign_in(timedelta(seconds=30)), now=NOW, asked_at=asked)


def test_max_age_is_enforced_also_when_it_is_zero() -> None:
    assert not needs_sign_in(request(max_age=60), sign_in(timedelta(seconds=60)), now=NOW)
    assert needs_sign_in(request(max_age=60), sign_in(timedelta(seconds=61)), now=NOW)
    assert needs_sign_in(request(max_age=0), sign_in(timedelta(seconds=1)), now=NOW)
    assert not needs_sign_in(request(max_age=0), sign_in(timedelta(0)), now=NOW, asked_at=NOW - timedelta(seconds=5))
