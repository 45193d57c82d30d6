from datetime import UTC, datetime, timedelta

import pytest

from idp.domain.keyed import SecretKey
from idp.domain.one_time_codes import LIFETIME, CodePurpose, OneTimeCode, digits, is_right, typed_digits, why_no_digits

SECRET = SecretKey(b"0123456789abcdef0123456789abcdef")
NOW = datetime(2026, 9, 1, tzinfo=UTC)


def code(account_id: str | None = "account") -> OneTimeCode:
    return OneTimeCode("id", CodePurpose.SIGN_IN, "browser", "a@univ-exemple.fr", NOW, NOW + LIFETIME, account_id)


@pytest.mark.parametrize("typed", ["123456", " 123 456 ", "123-456", "12\u00a034\u200b56", "123.456"])
def test_spaces_and_hyphens_that_were_copied_along_do_no_harm(typed: str) -> None:
    assert typed_digits(typed) == "123456"


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "１２３４５６", "123456x", "9" * 100_000])
def test_what_is_not_six_digits_is_not_a_code(typed: str) -> None:
    assert typed_digits(typed) is None


@pytest.mark.parametrize(("typed", "why"), [("", "code.empty"), (" ", "code.empty"), ("12345", "code.malformed")])
def test_whoever_typed_nothing_is_not_told_that_it_was_wrong(typed: str, why: str) -> None:
    assert why_no_digits(typed) == why


def test_the_right_digits_are_right_and_others_wrong() -> None:
    right = digits(SECRET, "id")
    assert is_right(SECRET, code(), right)
    assert not is_right(SECRET, code(), f"{(int(right) + 1) % 1_000_000:06d}")


def test_a_code_without_an_account_is_never_right() -> None:
    assert not is_right(SECRET, code(account_id=None), digits(SECRET, "id"))


def test_o_16_a_code_lives_ten_minutes() -> None:
    assert timedelta(minutes=10) == LIFETIME
