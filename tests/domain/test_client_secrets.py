"""Client secrets at rest."""

import pytest

from idp.domain import client_secrets
from idp.domain.client_secrets import hash_secret, is_verifier, new_secret, verify_secret


def test_a_secret_is_recognised_by_its_verifier_alone() -> None:
    secret = new_secret()
    verifier = hash_secret(secret)
    assert verify_secret(secret, (verifier,))
    assert not verify_secret(secret + "x", (verifier,))
    assert not verify_secret("", (verifier,))
    assert secret not in verifier


def test_every_verifier_has_a_salt_of_its_own() -> None:
    assert hash_secret("the same secret") != hash_secret("the same secret")


def test_one_of_two_live_secrets_is_enough() -> None:
    verifiers = (hash_secret("old"), hash_secret("new"))
    assert verify_secret("old", verifiers)
    assert verify_secret("new", verifiers)
    assert not verify_secret("other", verifiers)


def test_nobody_has_no_secret() -> None:
    assert not verify_secret("", ())
    assert not verify_secret("anything", ())


def test_nobody_costs_as_much_as_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    digested: list[str] = []

    def digest(_salt: str, secret: str) -> str:
        digested.append(secret)
        return ""

    monkeypatch.setattr(client_secrets, "_digest", digest)
    verify_secret("anything", ())
    assert digested == ["anything"]


def test_any_text_may_be_presented() -> None:
    for secret in ("é", "\0", "\ud800", "x" * 100_000):
        assert not verify_secret(secret, (hash_secret("another"),))


def test_a_secret_in_clear_is_told_from_a_verifier() -> None:
    assert is_verifier(hash_secret("secret"))
    assert not is_verifier("secret")
    assert not is_verifier("sha256$x$y")
    assert not is_verifier(hash_secret("secret") + "\n")
