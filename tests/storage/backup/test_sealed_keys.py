"""What comes out of the keys of a backup lies in the folder that was named, and is files."""

import io
import tarfile
from pathlib import Path

import pytest

from idp.domain.errors import ConfigurationError
from idp.storage.backup import sealed_keys

PASSPHRASE = "a passphrase of the tests"


def packed(member: tarfile.TarInfo) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        tar.addfile(member)
    return made.getvalue()


def named(name: str, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, "/etc/passwd"
    return member


@pytest.mark.parametrize(
    "member",
    [
        named("../out"),
        named("keys/../../out"),
        named("/tmp/out"),
        named("keys/a", tarfile.SYMTYPE),
        named("keys", tarfile.DIRTYPE),
    ],
    ids=lambda member: str(member.name),
)
def test_nothing_else_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, member: tarfile.TarInfo) -> None:
    monkeypatch.setattr(sealed_keys, "_packed", lambda *_: packed(member))
    sealed = sealed_keys.seal(tmp_path, "secret", PASSPHRASE)
    with pytest.raises(ConfigurationError, match="no file that a backup holds"):
        sealed_keys.unseal(sealed, PASSPHRASE, tmp_path / "back")
    assert list(tmp_path.rglob("*")) == [tmp_path / "back"]
