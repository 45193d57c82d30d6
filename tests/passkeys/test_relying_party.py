"""What authenticators answer, checked: every lie of a page, a browser or an authenticator is refused."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from idp.domain.passkeys import Passkey, PasskeyRefused
from idp.passkeys.relying_party import RelyingParty
from tests.passkeys.authenticator import BACKED_UP, ELIGIBLE, PRESENT, VERIFIED, Authenticator, b64

NOW = datetime(2026, 11, 23, 20, tzinfo=UTC)
HERE = RelyingParty.at("http://localhost:5000", "Exemple")
HANDLE = b"h" * 32
LIES = {
    "another challenge": {"client_data": {"challenge": b64(b"another")}},
    "another origin": {"origin": "http://localhost:5001"},
    "another rpId": {"rp_id": "example.org"},
    "a frame": {"client_data": {"crossOrigin": True}},
    "a frame by its top origin": {"client_data": {"topOrigin": "https://elsewhere.example"}},
    "another ceremony": {"client_data": {"type": "payment.get"}},
    "nobody present": {"flags": VERIFIED},
    "nobody verified": {"flags": PRESENT},
}


def made(authenticator: Authenticator) -> Passkey:
    answer = authenticator.create(HERE.creation_options("c", HANDLE, "ines@b.example", "Inès", ()))
    return Passkey(HERE.created(answer, "c"), "ines", HANDLE, "Téléphone", NOW)


def test_the_origin_and_the_host_are_those_of_the_issuer() -> None:
    assert RelyingParty.at("https://idp.example:8443/sub", "n") == RelyingParty(
        "idp.example", "https://idp.example:8443", "n"
    )


@pytest.mark.parametrize(
    ("issuer", "origin"), [("https://idp.example:443", "https://idp.example"), ("http://[::1]:80/a", "http://[::1]")]
)
def test_the_origin_is_without_the_port_that_browsers_leave_out(issuer: str, origin: str) -> None:
    assert RelyingParty.at(issuer, "n").origin == origin


def test_a_new_passkey_is_discoverable_and_verifies_its_person() -> None:
    existing = made(Authenticator())
    options = json.loads(HERE.creation_options("c", HANDLE, "ines@b.example", "Inès", (existing,)))
    assert options["rp"] == {"name": "Exemple", "id": "localhost"}
    assert options["user"] == {"id": b64(HANDLE), "name": "ines@b.example", "displayName": "Inès"}
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["attestation"] == "none"
    assert [one["id"] for one in options["excludeCredentials"]] == [existing.id]


def test_a_sign_in_asks_for_whichever_passkey_with_verification() -> None:
    options = json.loads(HERE.request_options("c"))
    assert (options["rpId"], options["userVerification"]) == ("localhost", "required")
    assert not options.get("allowCredentials")


@pytest.mark.parametrize(("flags", "synced", "backed_up"), [(0, False, False), (ELIGIBLE | BACKED_UP, True, True)])
def test_a_passkey_is_made_and_used(flags: int, synced: bool, backed_up: bool) -> None:
    authenticator = Authenticator(flags=PRESENT | VERIFIED | flags)
    passkey = made(authenticator)
    assert (passkey.credential.is_synced, passkey.credential.is_backed_up) == (synced, backed_up)
    assert (passkey.credential.sign_count, passkey.credential.transports) == (1, ("internal",))
    answer = authenticator.get(HERE.request_options("d"))
    assert HERE.presented(answer).credential_id == passkey.id
    assert HERE.presented(answer).user_handle == HANDLE
    assert HERE.used(answer, "d", passkey).sign_count == 2


@pytest.mark.parametrize("lie", LIES)
def test_a_new_passkey_with_a_lie_is_refused(lie: str) -> None:
    with pytest.raises(PasskeyRefused) as refused:
        made(Authenticator(**LIES[lie]))  # type: ignore[arg-type]
    assert refused.value.problem == "passkey.invalid"


@pytest.mark.parametrize("lie", LIES)
def test_a_use_with_a_lie_is_refused(lie: str) -> None:
    authenticator = Authenticator()
    passkey = made(authenticator)
    answer = replace(authenticator, **LIES[lie]).get(HERE.request_options("d"))  # type: ignore[arg-type]
    with pytest.raises(PasskeyRefused) as refused:
        HERE.used(answer, "d", passkey)
    assert refused.value.problem == "passkey.invalid"


def test_the_signature_of_another_key_is_refused() -> None:
    authenticator = Authenticator()
    passkey = made(authenticator)
    answer = Authenticator(id=authenticator.id, user_handle=HANDLE).get(HERE.request_options("d"))
    with pytest.raises(PasskeyRefused):
        HERE.used(answer, "d", passkey)


@pytest.mark.parametrize(("made_as", "used_as"), [(0, ELIGIBLE), (ELIGIBLE, 0)])
def test_a_passkey_that_changes_whether_it_may_be_copied_is_refused(made_as: int, used_as: int) -> None:
    authenticator = Authenticator(flags=PRESENT | VERIFIED | made_as)
    passkey = made(authenticator)
    answer = replace(authenticator, flags=PRESENT | VERIFIED | used_as).get(HERE.request_options("d"))
    with pytest.raises(PasskeyRefused) as refused:
        HERE.used(answer, "d", passkey)
    assert refused.value.problem == "passkey.invalid"


@pytest.mark.parametrize("origin", ["\ud800", "é\n" * 400])
def test_what_is_kept_of_a_refusal_is_a_short_line_of_ascii(origin: str) -> None:
    with pytest.raises(PasskeyRefused) as refused:
        made(Authenticator(origin=origin))
    assert refused.value.detail.isascii()
    assert refused.value.detail.isprintable()
    assert len(refused.value.detail) <= 200


def test_another_credential_than_the_one_looked_up_is_refused() -> None:
    authenticator = Authenticator()
    passkey = made(authenticator)
    answer = replace(authenticator, id=b"x" * 32).get(HERE.request_options("d"))
    with pytest.raises(PasskeyRefused):
        HERE.used(answer, "d", passkey)


@pytest.mark.parametrize(
    "answer", ["", "{}", "[]", "null", '{"id": 1}', "x" * 5000, '{"id":"a","rawId":"a","type":"public-key"}']
)
def test_what_is_no_answer_at_all_is_refused(answer: str) -> None:
    for check in (HERE.presented, lambda said: HERE.created(said, "c")):
        with pytest.raises(PasskeyRefused):
            check(answer)


def test_an_overlong_credential_id_is_refused() -> None:
    with pytest.raises(PasskeyRefused):
        made(Authenticator(id=b"x" * 1024))
