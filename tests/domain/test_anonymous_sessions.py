"""The session before a sign-in lives in its cookie alone: what we did not make, or what is over, is none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from idp.domain.anonymous_sessions import LIFETIME, cookie_of, is_anonymous, opened, read
from idp.domain.keyed import SecretKey, random_token
from idp.domain.sessions import Session

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
KEY = SecretKey(b"0123456789abcdef")


def test_a_browser_comes_back_with_the_same_session() -> None:
    session = opened(now=NOW)
    assert read(KEY, cookie_of(KEY, session), now=NOW) == session


def test_two_browsers_have_nothing_in_common() -> None:
    assert opened(now=NOW).browser != opened(now=NOW).browser


def test_it_knows_that_others_use_the_computer() -> None:
    shared = replace(opened(now=NOW), is_shared=True)
    assert read(KEY, cookie_of(KEY, shared), now=NOW) == shared


def test_it_ends() -> None:
    cookie = cookie_of(KEY, opened(now=NOW))
    assert read(KEY, cookie, now=NOW + LIFETIME - timedelta(seconds=1))
    assert read(KEY, cookie, now=NOW + LIFETIME) is None


def test_one_of_another_key_is_none() -> None:
    cookie = cookie_of(SecretKey(b"fedcba9876543210"), opened(now=NOW))
    assert read(KEY, cookie, now=NOW) is None


def changed(part: int, value: str) -> str:
    parts = cookie_of(KEY, Session("", "browser", NOW + LIFETIME)).split(".")
    parts[part] = value
    return ".".join(parts)


@pytest.mark.parametrize(
    "cookie",
    [
        changed(0, "other-browser"),
        changed(1, "99999999999"),
        changed(2, "shared"),
        changed(3, ""),
        changed(3, "\udc80é"),
        ".",
        "...",
        "browser.1.own",
        "a.b.c.d.e",
        "." * 5000,
    ],
)
def test_a_forged_one_is_none(cookie: str) -> None:
    assert read(KEY, cookie, now=NOW) is None


def test_cookies_of_kept_sessions_are_told_apart() -> None:
    assert is_anonymous(cookie_of(KEY, opened(now=NOW)))
    assert not is_anonymous(random_token())
