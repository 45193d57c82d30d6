import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from idp.demo import xml_security
from idp.demo.aggregate import METADATA, copy_federation, write_aggregate
from idp.demo.keys import KeyPair
from idp.demo.people import UNIVERSITIES
from idp.demo.xml_security import BadSignature, Element

NAMES = {"md": METADATA, "shibmd": "urn:mace:shibboleth:metadata:1.0", "mdui": "urn:oasis:names:tc:SAML:metadata:ui"}


def aggregate(folder: Path, keys_folder: Path) -> Element:
    write_aggregate(folder, "http://localhost:5002", keys_folder, now=datetime(2026, 3, 1, tzinfo=UTC))
    return xml_security.parse((folder / "demo.xml").read_bytes())


def test_the_aggregate_is_signed_by_the_key_that_overrides_names(tmp_path: Path, keys_folder: Path) -> None:
    root = aggregate(tmp_path, keys_folder)
    overrides = tomllib.loads((tmp_path / "overrides.toml").read_text())
    (key_file,) = overrides["files"]["demo.xml"]["signing_keys"]
    xml_security.verify(root, (tmp_path / key_file).read_bytes())


def test_two_demos_from_one_folder_leave_each_other_s_aggregate_alone(tmp_path: Path, keys_folder: Path) -> None:
    shared, own = tmp_path / "federation_metadata", tmp_path / "demo-6000"
    aggregate(shared, keys_folder)
    (shared / "mine.xml").write_text("mine")
    published = (shared / "demo.xml").read_bytes()
    for _ in range(2):
        copy_federation(shared, own)
        assert sorted(path.name for path in own.iterdir()) == ["keys", "mine.xml", "overrides.toml"]
        write_aggregate(own, "http://localhost:6002", tmp_path / "other-keys")
    assert (shared / "demo.xml").read_bytes() == published
    assert (shared / "keys/demo.pem").read_bytes() != (own / "keys/demo.pem").read_bytes()


def test_a_changed_aggregate_no_longer_verifies(tmp_path: Path, keys_folder: Path) -> None:
    root = aggregate(tmp_path, keys_folder)
    root[1].set("entityID", "http://elsewhere.example/idp")
    with pytest.raises(BadSignature):
        xml_security.verify(root, (tmp_path / "keys/demo.pem").read_bytes())


def test_the_aggregate_is_signed_by_nobody_else(tmp_path: Path, keys_folder: Path, stranger: KeyPair) -> None:
    with pytest.raises(BadSignature):
        xml_security.verify(aggregate(tmp_path, keys_folder), stranger.certificate)


def test_the_aggregate_is_valid_for_seven_days(tmp_path: Path, keys_folder: Path) -> None:
    assert aggregate(tmp_path, keys_folder).get("validUntil") == "2026-03-08T00:00:00Z"


def test_every_university_publishes_scope_names_and_both_bindings(tmp_path: Path, keys_folder: Path) -> None:
    root = aggregate(tmp_path, keys_folder)
    entities = root.findall("md:EntityDescriptor", NAMES)
    assert len(entities) == len(UNIVERSITIES)
    for entity, university in zip(entities, UNIVERSITIES, strict=True):
        assert texts(entity, ".//shibmd:Scope") == [university.scope]
        assert texts(entity, ".//mdui:DisplayName") == [university.name, university.english_name]
        bindings = [service.get("Binding", "") for service in entity.iterfind(".//md:SingleSignOnService", NAMES)]
        assert [binding.rpartition(":")[2] for binding in bindings] == ["HTTP-Redirect", "HTTP-POST"]
        assert [key.get("use") for key in entity.iterfind(".//md:KeyDescriptor", NAMES)] == ["signing"]


def test_writing_again_keeps_keys_and_leaves_no_other_file(tmp_path: Path, keys_folder: Path) -> None:
    aggregate(tmp_path, keys_folder)
    before = (tmp_path / "keys/demo.pem").read_bytes()
    aggregate(tmp_path, keys_folder)
    assert (tmp_path / "keys/demo.pem").read_bytes() == before
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert files == ["demo.xml", "keys/demo.pem", "overrides.toml"]


def test_private_keys_are_for_their_owner_alone(tmp_path: Path, keys_folder: Path) -> None:
    aggregate(tmp_path, keys_folder)
    assert {path.stat().st_mode & 0o777 for path in keys_folder.glob("*.key")} == {0o600}


def texts(entity: etree._Element, path: str) -> list[str]:
    return [element.text or "" for element in entity.iterfind(path, NAMES)]
