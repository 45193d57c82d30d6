"""What is kept of a proof: by whom, when, on what grounds; never a value but the address."""

from dataclasses import FrozenInstanceError, asdict, replace
from datetime import UTC, datetime, timedelta

import pytest

from idp.domain.accounts import Identity
from idp.domain.keyed import SecretKey
from idp.domain.proofing import ConfirmedBy, Proofing
from idp.domain.proofing_record import record_of, value_hash

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
SECRET = SecretKey(b"a secret key for tests alone")
PROOFING = Proofing(
    id="proofing-1",
    browser="browser",
    authorization_id="authorization",
    entity_id="https://idp.univ-exemple.fr/idp",
    request_id="request",
    reference="K7QM-2XWD",
    created_at=NOW - timedelta(minutes=5),
    expires_at=NOW + timedelta(hours=24),
    identities=(
        Identity("https://idp.univ-exemple.fr/idp", "subject-id", "s-4711@univ-exemple.fr"),
        Identity("https://idp.univ-exemple.fr/idp", "eppn", "cexemple@univ-exemple.fr"),
    ),
    address="camille.exemple@univ-exemple.fr",
    attributes={"displayName": ("Camille Exemple",), "eduPersonAffiliation": ("student", "member"), "sn": ()},
    authn_instant=NOW - timedelta(minutes=4),
    authn_context="urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
    assertion_id="_assertion",
    metadata_digest="d1" * 32,
    provider_name="Université d’Exemple",
    registration_authority="https://federation.example/",
    answered_at=NOW - timedelta(minutes=3),
    vouched_at=NOW - timedelta(minutes=2),
    confirmed_at=NOW - timedelta(minutes=1),
    confirmed_by=ConfirmedBy.CODE,
)


def test_a_record_tells_who_vouched_on_what_grounds_and_when() -> None:
    record = record_of(PROOFING, "account-1", SECRET, now=NOW)
    assert (record.id, record.account_id, record.reference) == ("proofing-1", "account-1", "K7QM-2XWD")
    assert (record.entity_id, record.provider_name) == ("https://idp.univ-exemple.fr/idp", "Université d’Exemple")
    assert (record.registration_authority, record.metadata_digest) == ("https://federation.example/", "d1" * 32)
    assert (record.assertion_id, record.authn_instant) == ("_assertion", PROOFING.authn_instant)
    assert record.authn_context.endswith("PasswordProtectedTransport")
    assert (record.identifier_kind, record.mailbox) == ("subject-id", "camille.exemple@univ-exemple.fr")
    assert record.confirmed_by == "code"
    steps = (record.started_at, record.answered_at, record.mailed_at, record.confirmed_at, record.completed_at)
    assert steps == tuple(NOW - timedelta(minutes=minutes) for minutes in (5, 3, 2, 1, 0))


def test_no_value_that_the_university_released_stands_in_it() -> None:
    record = record_of(PROOFING, "account-1", SECRET, now=NOW)
    assert set(record.attributes) == {"displayName", "eduPersonAffiliation", "subject-id", "eppn"}
    text = str(asdict(record))
    for value in ("Camille Exemple", "student", "member", "s-4711", "cexemple"):
        assert value not in text


def test_whoever_has_the_key_and_the_value_sees_that_it_was_used() -> None:
    record = record_of(PROOFING, "account-1", SECRET, now=NOW)
    used = record.attributes["eduPersonAffiliation"]
    assert value_hash(SECRET, "proofing-1", "eduPersonAffiliation", ["member", "student"]) == used
    assert value_hash(SECRET, "proofing-1", "eduPersonAffiliation", ["student"]) != used
    other_key = SecretKey(b"another secret key")
    assert value_hash(other_key, "proofing-1", "eduPersonAffiliation", ["member", "student"]) != used


def test_two_people_of_one_status_have_nothing_in_common() -> None:
    first = record_of(PROOFING, "account-1", SECRET, now=NOW)
    second = record_of(replace(PROOFING, id="proofing-2"), "account-2", SECRET, now=NOW)
    assert not set(first.attributes.values()) & set(second.attributes.values())


def test_a_proof_without_a_mail_says_so() -> None:
    light = replace(PROOFING, vouched_at=None, confirmed_at=None, confirmed_by=ConfirmedBy.SIGN_IN)
    record = record_of(light, "account-1", SECRET, now=NOW)
    assert (record.mailed_at, record.confirmed_at, record.confirmed_by) == (None, NOW, "sign-in")


def test_a_record_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        record_of(PROOFING, "account-1", SECRET, now=NOW).mailbox = "other"  # type: ignore[misc]
