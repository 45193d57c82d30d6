"""What a passkey's challenge is good for, what its counter tells, and which passkeys somebody may rely on alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from idp.domain.keyed import SecretKey
from idp.domain.passkeys import (
    CHALLENGE_LIFETIME,
    LONGEST_NAME,
    Ceremony,
    Credential,
    Passkey,
    cleaned_name,
    counter_went_back,
    is_by_passkey,
    is_live_challenge,
    new_challenge,
    problem_with_only,
    user_handle,
)

NOW = datetime(2026, 11, 23, 20, tzinfo=UTC)
SECRET = SecretKey(b"a key for these tests alone")
CREDENTIAL = Credential("id-1", b"key", 4, "00000000-0000-0000-0000-000000000000")
UNTRIED = Passkey(CREDENTIAL, "ines", b"handle", "Téléphone", NOW)
USED = replace(UNTRIED, used_at=NOW)
BACKED_UP = replace(USED, credential=replace(CREDENTIAL, is_synced=True, is_backed_up=True))


@pytest.mark.parametrize(
    ("ceremony", "browser", "account_id", "later", "is_live"),
    [
        (Ceremony.REGISTRATION, "browser", "ines", timedelta(), True),
        (Ceremony.REGISTRATION, "browser", "ines", CHALLENGE_LIFETIME, True),
        (Ceremony.REGISTRATION, "browser", "ines", CHALLENGE_LIFETIME + timedelta(seconds=1), False),
        # The clocks of two machines are never quite the same; further than that, nobody gave it.
        (Ceremony.REGISTRATION, "browser", "ines", timedelta(seconds=-1), True),
        (Ceremony.REGISTRATION, "browser", "ines", timedelta(seconds=-2), False),
        (Ceremony.SIGN_IN, "browser", "ines", timedelta(), False),
        (Ceremony.REGISTRATION, "another", "ines", timedelta(), False),
        # Somebody else who signs in to the same browser.
        (Ceremony.REGISTRATION, "browser", "noe", timedelta(), False),
        (Ceremony.REGISTRATION, "browser", "", timedelta(), False),
    ],
)
def test_a_challenge_counts_for_one_purpose_browser_and_account_and_for_a_while(
    ceremony: Ceremony, browser: str, account_id: str, later: timedelta, is_live: bool
) -> None:
    challenge = new_challenge(SECRET, Ceremony.REGISTRATION, "browser", "ines", now=NOW)
    assert is_live_challenge(SECRET, challenge, ceremony, browser, account_id, now=NOW + later) is is_live


def test_no_challenge_is_given_twice_nor_prolonged_by_its_browser() -> None:
    first = new_challenge(SECRET, Ceremony.SIGN_IN, "browser", now=NOW)
    assert first != new_challenge(SECRET, Ceremony.SIGN_IN, "browser", now=NOW)
    nonce, issued, seal = first.split(".")
    later = NOW + timedelta(hours=1)
    for forged in (f"{nonce}.{int(issued) + 3600}.{seal}", f"x{nonce}.{issued}.{seal}"):
        assert not is_live_challenge(SECRET, forged, Ceremony.SIGN_IN, "browser", now=later)


@pytest.mark.parametrize(
    ("stored", "told", "went_back"),
    [(0, 0, False), (0, 1, False), (4, 5, False), (4, 4, True), (4, 3, True), (4, 0, True), (1, 0, True)],
)
def test_a_counter_has_to_grow_unless_the_key_has_none(stored: int, told: int, went_back: bool) -> None:
    """WebAuthn level 3, section 7.2, step 22."""
    assert counter_went_back(stored, told) is went_back


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        ((), "passkey.untried"),
        ((UNTRIED, UNTRIED), "passkey.untried"),
        ((USED,), "passkey.only_one"),
        ((USED, UNTRIED), None),
        ((BACKED_UP,), None),
        # One that is no longer accepted leads nobody in.
        ((USED, replace(USED, suspected_at=NOW)), "passkey.only_one"),
        ((USED, replace(BACKED_UP, suspected_at=NOW)), "passkey.only_one"),
        ((UNTRIED, replace(BACKED_UP, suspected_at=NOW)), "passkey.untried"),
        # Copies may be made of it, and none was.
        ((replace(USED, credential=replace(CREDENTIAL, is_synced=True)),), "passkey.only_one"),
    ],
)
def test_only_passkeys_that_were_tried_and_are_not_lost_with_one_device_are_relied_on(
    found: tuple[Passkey, ...], problem: str | None
) -> None:
    assert problem_with_only(found) == problem


@pytest.mark.parametrize(
    ("methods", "is_one"), [(("hwk", "user"), True), (("swk",), True), (("pwd",), False), (("user", "otp"), False)]
)
def test_a_sign_in_was_one_by_passkey_or_not(methods: tuple[str, ...], is_one: bool) -> None:
    assert is_by_passkey(methods) is is_one


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("  Clé\t rouge\n", "Clé rouge"), ("\x00\u202e", ""), ("x" * (LONGEST_NAME + 1), "x" * LONGEST_NAME)],
)
def test_a_name_is_one_readable_line(typed: str, kept: str) -> None:
    assert cleaned_name(typed) == kept


def test_an_authenticator_knows_each_account_by_a_handle_of_its_own() -> None:
    handle = user_handle(SECRET, "ines")
    assert (len(handle), handle) == (32, user_handle(SECRET, "ines"))
    assert handle != user_handle(SECRET, "noe")
    assert handle != user_handle(SecretKey(b"another installation's key ....."), "ines")
