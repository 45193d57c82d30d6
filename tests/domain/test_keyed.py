import pytest

from idp.domain.keyed import SecretKey, random_token, same, token_hash

KEY = SecretKey(b"0123456789abcdef0123456789abcdef")


def test_purposes_and_parts_keep_derivations_apart() -> None:
    values = {
        KEY.derive("a", "bc"),
        KEY.derive("ab", "c"),
        KEY.derive("a", "b", "c"),
        KEY.derive("a", "bc", ""),
        KEY.derive("b", "bc"),
        SecretKey(b"another key, another installation").derive("a", "bc"),
    }
    assert len(values) == 6


def test_an_upgrade_derives_what_the_release_before_did() -> None:
    """Mails under way, names at applications and every password depend on it."""
    derived = "d86a317e88cbaa53607fd43fd98f2b42ca1981eae3a72a23aa7f28acddb9f714"
    assert KEY.derive("purpose", "é", "\ud800").hex() == derived
    assert KEY.code("one-time-code", "id") == "716368"
    assert KEY.token("proofing-link", "id") == "AFeNEBml5KZb6rHiNhxoea1BMSuToqdtyXlqKrNcQm4"


def test_a_code_is_six_digits_and_stable() -> None:
    codes = {KEY.code("one-time-code", str(number)) for number in range(500)}
    assert all(len(code) == 6 and code.isdigit() for code in codes)
    assert len(codes) > 490
    assert KEY.code("one-time-code", "1") == KEY.code("one-time-code", "1")


def test_tokens_have_256_bits_and_are_stored_as_hashes() -> None:
    token = random_token()
    assert len(token) == 43
    assert len(KEY.token("proofing-link", "id")) == 43
    assert token_hash(token) != token
    assert len(token_hash(token)) == 64


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        SecretKey(b"short")


def test_the_key_never_shows_itself() -> None:
    assert "0123" not in repr(KEY)


def test_odd_text_is_compared_without_an_error() -> None:
    assert same("é\ud800", "é\ud800")
    assert not same("é", "e")
