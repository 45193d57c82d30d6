"""User codes: read by people, typed on another machine."""

import pytest

from idp.domain.device_authorization import ALPHABET, clean_user_code, new_user_code


def test_a_new_code_has_two_groups_of_unmistakable_letters() -> None:
    code = new_user_code()
    assert (len(code), code[4]) == (9, "-")
    assert set(code) <= set(ALPHABET) | {"-"}
    assert not set(ALPHABET) & set("AEIOUY0123456789")


@pytest.mark.parametrize("typed", ["WDJB-MJHT", "wdjbmjht", " wdjb mjht\n", "W.D.J.B-M.J.H.T", "wdjb–mjht"])
def test_case_and_signs_between_do_not_matter(typed: str) -> None:
    assert clean_user_code(typed) == "WDJB-MJHT"


@pytest.mark.parametrize(
    "typed", ["", "WDJB", "WDJB-MJHTX", "ADJB-MJHT", "WDJB-MJH0", "{}", "W" * 1000, "ｗｄｊｂｍｊｈｔ"]
)
def test_what_cannot_be_a_code_is_none(typed: str) -> None:
    assert clean_user_code(typed) is None
