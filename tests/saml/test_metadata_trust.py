"""Whether a metadata file may be believed, and whether it may follow the copy in use."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from idp.saml import metadata_trust
from idp.saml.metadata_trust import MetadataFault, Validity, check_not_older, read_file
from idp.saml.overrides import FileTrust

NOW = datetime(2026, 3, 2, tzinfo=UTC)
BEFORE, AFTER = NOW - timedelta(days=1), NOW + timedelta(days=1)
SIGNED, PINNED = FileTrust(signing_keys=("federation.pem",)), FileTrust(sha256="0" * 64)


@pytest.mark.parametrize(
    ("found", "before", "problem"),
    [
        (Validity(NOW, NOW), None, None),
        (Validity(NOW, NOW), Validity(NOW, NOW), None),
        (Validity(NOW, BEFORE), Validity(NOW, NOW), "published"),
        # The creation decides, whatever the ends say.
        (Validity(AFTER, BEFORE), Validity(NOW, NOW), "published"),
        (Validity(BEFORE, AFTER), Validity(NOW, NOW), None),
        (Validity(BEFORE, NOW), Validity(NOW, NOW), "valid until"),
        (Validity(BEFORE, None), Validity(NOW, NOW), "valid until"),
        (Validity(BEFORE, NOW), Validity(NOW, None), "valid until"),
        (Validity(AFTER, None), Validity(NOW, NOW), None),
        (Validity(None, None), Validity(NOW, NOW), None),
    ],
)
def test_an_older_copy_never_follows_a_newer_one(found: Validity, before: Validity | None, problem: str | None) -> None:
    # Whoever set the fingerprint has chosen the very copy.
    check_not_older(found, before, PINNED)
    if problem is None:
        check_not_older(found, before, SIGNED)
        return
    with pytest.raises(MetadataFault, match=rf"older than the copy in use \({problem}"):
        check_not_older(found, before, SIGNED)


def test_a_file_needs_a_reason_to_be_believed_and_a_sane_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "fer.xml"
    with pytest.raises(MetadataFault, match="cannot be read: No such file"):
        read_file(file, SIGNED)
    file.write_bytes(b" \n")
    with pytest.raises(MetadataFault, match="is empty"):
        read_file(file, SIGNED)
    file.write_bytes(b"<a/>")
    for trust in (None, FileTrust()):
        with pytest.raises(MetadataFault, match="no trust is set"):
            read_file(file, trust)
    assert read_file(file, SIGNED).keys == tmp_path
    assert read_file(file, SIGNED, keys=tmp_path / "keys").keys == tmp_path / "keys"
    monkeypatch.setattr(metadata_trust, "MAX_BYTES", 4)
    assert read_file(file, PINNED).content == b"<a/>"
    monkeypatch.setattr(metadata_trust, "MAX_BYTES", 3)
    with pytest.raises(MetadataFault, match="larger than"):
        read_file(file, SIGNED)


def test_a_file_is_the_one_whose_fingerprint_was_set(tmp_path: Path) -> None:
    file = tmp_path / "fer.xml"
    file.write_bytes(b"<a/>")
    digest = hashlib.sha256(b"<a/>").hexdigest()
    assert read_file(file, SIGNED).checked_digest() == digest
    assert read_file(file, FileTrust(sha256=digest)).checked_digest() == digest
    with pytest.raises(MetadataFault, match=f"has SHA-256 {digest}"):
        read_file(file, PINNED).checked_digest()
