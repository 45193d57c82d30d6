"""What is wrong with a file is told in one line, before anything of it is used."""

import gzip
import io
import json
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import bson
import pytest

from idp.domain.data_protection import REGISTER
from idp.domain.errors import ConfigurationError
from idp.storage.backup import archive, sealed_keys
from idp.storage.backup.policy import KEPT, SCHEMA, VOID
from tests.unprivileged import closed

HEADER = archive.Header("2050-09-01T00:00:00Z", "1", "https://connexion.exemple.fr", (1,), True)
PHRASE = "une phrase assez longue"


def make(path: Path, documents: int = 3) -> Path:
    with archive.new_archive(path, HEADER) as writer:
        writer.add_documents("accounts", (bson.encode({"_id": str(number)}) for number in range(documents)))
    return path


def rewrite(path: Path, change: Callable[[dict[str, bytes]], dict[str, bytes]]) -> None:
    """The same archive with other members, in the order that is given."""
    with tarfile.open(path) as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    with tarfile.open(path, "w:gz") as tar:
        for name, content in change(members).items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def test_every_collection_of_the_register_is_kept_or_void() -> None:
    classes = [set(KEPT), set(VOID) - {"doctor"}, {SCHEMA}]
    lost = sorted(set(REGISTER) - set().union(*classes))
    assert not lost, f"say in storage/backup/policy.py whether a backup takes these: {lost}"
    assert set().union(*classes) == set(REGISTER)
    assert sum(map(len, classes)) == len(REGISTER)


def test_a_whole_archive_is_read_back_and_belongs_to_its_owner(tmp_path: Path) -> None:
    path = make(tmp_path / "a.backup")
    verified = archive.verify(path)
    assert verified.header == HEADER
    assert verified.members["accounts.bson"].documents == 3
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["a.backup"]


def test_a_folder_that_may_not_be_entered_is_told(tmp_path: Path) -> None:
    with closed(tmp_path), pytest.raises(ConfigurationError, match=r"a\.backup: cannot be written: Permission denied"):
        make(tmp_path / "a.backup")


def test_of_two_backups_to_one_file_one_is_whole_and_the_other_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.backup"
    with archive.new_archive(path, HEADER) as writer:
        with pytest.raises(ConfigurationError, match="another backup is being written there"):
            make(path, documents=9)
        writer.add_documents("accounts", iter([bson.encode({"_id": "0"})]))
    assert archive.verify(path).members["accounts.bson"].documents == 1


def test_what_a_killed_backup_left_is_written_anew_and_a_link_is_not_followed(tmp_path: Path) -> None:
    left = tmp_path / "a.backup.part"
    left.write_bytes(b"x" * 100_000)
    left.chmod(0o666)
    path = make(tmp_path / "a.backup")
    assert archive.verify(path).members["accounts.bson"].documents == 3
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (tmp_path / "b.backup.part").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        make(tmp_path / "b.backup")
    assert not (tmp_path / "elsewhere").exists()


def test_nothing_is_left_of_a_backup_that_failed(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError), archive.new_archive(tmp_path / "a.backup", HEADER):
        raise OSError(28, "No space left on device")
    assert [*tmp_path.iterdir()] == []


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    path = make(tmp_path / "a.backup")
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="is there already"):
        make(path)
    assert path.read_bytes() == before


def test_what_fails_half_way_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), archive.new_archive(tmp_path / "a.backup", HEADER):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_truncated_archive_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    whole = make(tmp_path / "a.backup", 50).read_bytes()
    short = tmp_path / "short.backup"
    for length in (*range(0, len(whole), 97), len(whole) - 1):
        short.write_bytes(whole[:length])
        with pytest.raises(ConfigurationError, match="is not a whole backup"):
            archive.verify(short)


def test_one_changed_byte_is_noticed(tmp_path: Path) -> None:
    whole = gzip.decompress(make(tmp_path / "a.backup").read_bytes())
    at = whole.index(bson.encode({"_id": "1"})) + 10
    path = tmp_path / "changed.backup"
    path.write_bytes(gzip.compress(whole[:at] + b"X" + whole[at + 1 :]))
    with pytest.raises(ConfigurationError, match="checksum"):
        archive.verify(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda members: {"etc/passwd": b"", **members},
        lambda members: {**members, "accounts.txt": b""},
        lambda members: {name: content for name, content in members.items() if name != "accounts.bson"},
        lambda members: dict(reversed(members.items())),
        lambda members: {**members, "header.json": b"[]"},
        lambda members: {**members, "header.json": b'{"format": "mongodump"}'},
        lambda members: {**members, "header.json": json.dumps({"format": archive.FORMAT, "version": 9}).encode()},
        lambda members: {**members, "header.json": json.dumps({"format": archive.FORMAT, "version": 1}).encode()},
        lambda members: {**members, "manifest.json": b'{"accounts.bson": {}}'},
    ],
)
def test_members_that_should_not_be_there_are_refused(
    tmp_path: Path, change: Callable[[dict[str, bytes]], dict[str, bytes]]
) -> None:
    path = make(tmp_path / "a.backup")
    rewrite(path, change)
    with pytest.raises(ConfigurationError, match="is not a whole backup"):
        archive.verify(path)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"hello", gzip.compress(b"hello", mtime=0), gzip.compress(b"", mtime=0)]
)
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "foreign"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="is not a whole backup"):
        archive.verify(path)


def test_keys_come_back_as_they_were_and_only_for_the_passphrase(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    (keys / "saml-1").mkdir(parents=True)
    (keys / "saml-1" / "key.pem").write_text("private")
    (keys / "pairwise.key").write_text("pairwise")
    sealed = sealed_keys.seal(keys, "the secret key", PHRASE)
    assert b"private" not in sealed
    with pytest.raises(ConfigurationError, match="does not open"):
        sealed_keys.unseal(sealed, PHRASE + "!", tmp_path / "back")
    with pytest.raises(ConfigurationError, match="does not open"):
        sealed_keys.unseal(sealed[:-1], PHRASE, tmp_path / "back")
    sealed_keys.unseal(sealed, PHRASE, tmp_path / "back")
    assert (tmp_path / "back/secret_key").read_text() == "the secret key\n"
    for name in ("saml-1/key.pem", "pairwise.key"):
        back, there = tmp_path / "back/keys" / name, keys / name
        assert back.read_text() == there.read_text()
        assert back.stat().st_mtime == there.stat().st_mtime
        assert stat.S_IMODE(back.stat().st_mode) == 0o600
    with pytest.raises(ConfigurationError, match="is there already"):
        sealed_keys.unseal(sealed, PHRASE, tmp_path / "back")


def test_every_folder_that_is_made_for_keys_is_its_owner_s_alone(tmp_path: Path) -> None:
    (tmp_path / "keys" / "saml-1").mkdir(parents=True)
    (tmp_path / "keys" / "saml-1" / "key.pem").write_text("private")
    sealed = sealed_keys.seal(tmp_path / "keys", "the secret key", PHRASE)
    sealed_keys.unseal(sealed, PHRASE, tmp_path / "new" / "er" / "back")
    folders = [path for path in (tmp_path / "new", *(tmp_path / "new").rglob("*")) if path.is_dir()]
    assert {
        path.relative_to(tmp_path).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in folders
    } == dict.fromkeys(("new", "new/er", "new/er/back", "new/er/back/keys", "new/er/back/keys/saml-1"), 0o700)


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="at least 12"):
        sealed_keys.seal(tmp_path, "the secret key", "short")
