"""The aggregate of invented universities is what a federation's file must be, and what is shown of one is readable."""

from base64 import b64decode, b64encode
from pathlib import Path

from idp.saml.entity_details import entity_details
from idp.saml.federation import FederationFolder
from idp.saml.synthetic_aggregate import FILE_NAME, KEY_NAME, write_test_aggregate
from tests.saml import aggregates
from tests.saml import identity_provider as university


def test_test_aggregate_is_accepted_by_its_own_key_alone(tmp_path: Path, clock: aggregates.Clock) -> None:
    steps: list[int] = []
    write_test_aggregate(tmp_path / "made", 130, steps.append, now=clock())
    assert sum(steps) == 130
    trust = f'[files."{FILE_NAME}"]\nsigning_keys = ["{KEY_NAME}"]\n'
    (tmp_path / "made" / "overrides.toml").write_text(trust)
    folder = FederationFolder(tmp_path / "made", clock, state=tmp_path / "state")
    [status] = folder.refresh()
    assert (status.providers, status.problem) == (130, None)
    found = folder.current.by_address_domain("etu.univ-7.example")
    assert [provider.entity_id for provider in found] == ["https://idp.univ-7.example/idp"]
    assert folder.current.file_of("https://idp.univ-7.example/idp") == FILE_NAME
    write_test_aggregate(tmp_path / "other", 1, steps.append, now=clock())
    (tmp_path / "made" / KEY_NAME).write_bytes((tmp_path / "other" / KEY_NAME).read_bytes())
    assert [bool(status.problem) for status in folder.refresh()] == [True]


def test_details_tell_kinds_and_dates_and_count_what_is_no_certificate(key: university.Key) -> None:
    curve = university.new_key("ec", curve=True)
    xml = university.entity_descriptor(university.ENTITY_ID, (key, curve, key))
    first = key.certificate_text.encode()
    details = entity_details(xml[: xml.rindex(first)] + b"bm9uZQ==" + xml[xml.rindex(first) + len(first) :])
    assert [found.kind for found in details.keys] == ["RSA 2048", "EC secp256r1"]
    assert details.unreadable == 1
    assert details.keys[0].not_before < details.keys[0].not_after
    assert [found.binding for found in details.endpoints] == ["HTTP-Redirect", "HTTP-POST"]
    assert entity_details(b"<!DOCTYPE a><a/>") == entity_details(b"")


def test_a_certificate_with_a_key_of_an_unknown_kind_counts_as_unreadable(key: university.Key) -> None:
    rsa = bytes.fromhex("06092a864886f70d010101")
    der = b64decode(key.certificate_text).replace(rsa, rsa[:-1] + b"\x63")
    xml = university.entity_descriptor(university.ENTITY_ID, (key,))
    details = entity_details(xml.replace(key.certificate_text.encode(), b64encode(der)))
    assert (details.keys, details.unreadable) == ((), 1)
