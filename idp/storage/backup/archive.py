"""The file of a backup: a gzipped tar with ``header.json``, one BSON file for each collection, ``manifest.json``.

``tar xzf`` and ``bsondump`` read it, too. The manifest stands last and has a checksum of everything before it: whoever
reads a file that ends early, or was changed on its way, notices. It does not show who made the file.
"""

import contextlib
import fcntl
import gzip
import hashlib
import io
import json
import os
import re
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from idp.domain.errors import ConfigurationError

FORMAT = "uness-idp backup"
FORMAT_VERSION = 1
HEADER, MANIFEST, KEYS = "header.json", "manifest.json", "keys.sealed"
_MEMBER = re.compile(r"[a-z_]{1,60}\.bson")
_MOST_JSON = 1_000_000
_PIECE = 1 << 20
_BROKEN = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, UnicodeError, ValueError)


@dataclass(frozen=True, slots=True)
class Header:
    """made_at: RFC 3339. migrations: numbers that were done. one_moment: whether everything is of the same moment."""

    made_at: str
    release: str
    issuer: str
    migrations: tuple[int, ...]
    one_moment: bool


@dataclass(frozen=True, slots=True)
class Member:
    """sha256: hex, of the member's bytes. documents: 0 where there are none in it."""

    sha256: str
    bytes: int
    documents: int


class ArchiveWriter:
    """Writes one member after the other; ``new_archive`` makes one."""

    def __init__(self, tar: tarfile.TarFile, folder: Path, header: Header) -> None:
        self._tar = tar
        self._folder = folder
        self.members: dict[str, Member] = {}
        self.add_bytes(HEADER, _json({"format": FORMAT, "version": FORMAT_VERSION, **asdict(header)}))

    def add_bytes(self, name: str, content: bytes) -> None:
        self._add(name, io.BytesIO(content), len(content), 0)

    def add_documents(self, collection: str, documents: Iterator[bytes]) -> int:
        """Each a BSON document; how many there were. They wait in a file without a name: tar wants to know the size."""
        count = 0
        with tempfile.TemporaryFile(dir=self._folder) as spool:
            for document in documents:
                spool.write(document)
                count += 1
            size = spool.tell()
            spool.seek(0)
            self._add(f"{collection}.bson", spool, size, count)
        return count

    def finish(self) -> None:
        self.add_bytes(MANIFEST, _json({name: asdict(member) for name, member in self.members.items()}))

    def _add(self, name: str, content: IO[bytes], size: int, documents: int) -> None:
        reading = _Hashing(content)
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        self._tar.addfile(member, reading)
        self.members[name] = Member(reading.hexdigest(), size, documents)


@contextlib.contextmanager
def new_archive(path: Path, header: Header) -> Iterator[ArchiveWriter]:
    """A file that appears whole, for its owner alone, once everything is in it; raises ConfigurationError."""
    try:
        if path.exists():
            raise ConfigurationError(f"{path}: is there already; name another file")
        with _draft(path) as (draft, file):
            with (
                gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6) as packed,
                tarfile.open(fileobj=packed, mode="w|") as tar,
            ):
                writer = ArchiveWriter(tar, path.parent, header)
                yield writer
                writer.finish()
            file.flush()
            os.fsync(file.fileno())
            os.link(draft, path)
    except OSError as problem:
        raise ConfigurationError(f"{path}: cannot be written: {problem.strerror}") from problem


@contextlib.contextmanager
def _draft(path: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """An empty file beside this one, for its owner alone, that is gone afterwards."""
    draft = path.with_name(path.name + ".part")
    # Through no link that somebody put there, and emptied once it is ours alone: of two backups at once the second
    # would write into the file of the first, which would tell of a whole one.
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600), "wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(f"{path}: another backup is being written there") from None
        try:
            os.fchmod(file.fileno(), 0o600)
            file.truncate()
            yield draft, file
        finally:
            draft.unlink(missing_ok=True)


def read_members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Name and content of each member in order, each to be read before the next; raises ConfigurationError."""
    with refusing_broken(path), gzip.open(path) as packed, tarfile.open(fileobj=packed, mode="r|") as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isreg() else None
            if content is None or not (_MEMBER.fullmatch(member.name) or member.name in (HEADER, MANIFEST, KEYS)):
                raise ValueError(f"unknown member {member.name[:80]!r}")
            yield member.name, content
        # Up to the checksum at the very end, which tar does not ask for.
        while packed.read(_PIECE):
            pass


@contextlib.contextmanager
def refusing_broken(path: Path) -> Iterator[None]:
    """Whatever is wrong with the file becomes one line."""
    try:
        yield
    except _BROKEN as problem:
        detail = str(problem)[:200]
        raise ConfigurationError(f"{path}: is not a whole backup: {type(problem).__name__}: {detail}") from problem
    except OSError as problem:
        raise ConfigurationError(f"{path}: cannot be read: {problem.strerror or problem}") from problem


@dataclass(frozen=True, slots=True)
class VerifiedArchive:
    """An archive that is whole."""

    header: Header
    members: dict[str, Member]


def verify(path: Path) -> VerifiedArchive:
    """Read all of it; raises ConfigurationError where it ends early, was changed, or is something else."""
    found: dict[str, Member] = {}
    header: Header | None = None
    listed: dict[str, Member] | None = None
    with refusing_broken(path):
        for name, content in read_members(path):
            if listed is not None or name in found or (header is None) is not (name == HEADER):
                raise ValueError(f"{name} stands where it should not")
            reading = _Hashing(content)
            if name in (HEADER, MANIFEST):
                said = _read_json(reading)
                header, listed = (_header(said), None) if name == HEADER else (header, _listed(said))
            if name != MANIFEST:
                size = reading.drain()
                found[name] = Member(reading.hexdigest(), size, 0)
        if header is None or listed is None:
            raise EOFError("it ends before its manifest")
        _compare(found, listed)
    return VerifiedArchive(header, listed)


def _compare(found: dict[str, Member], listed: dict[str, Member]) -> None:
    if found.keys() != listed.keys():
        raise ValueError(f"members differ from the manifest: {', '.join(sorted(found.keys() ^ listed.keys()))}")
    for name, member in found.items():
        if (member.sha256, member.bytes) != (listed[name].sha256, listed[name].bytes):
            raise ValueError(f"{name}: its checksum is another one")


def _header(said: dict[str, Any]) -> Header:
    if said.pop("format", None) != FORMAT:
        raise ValueError("made by another program")
    version = said.pop("version", None)
    if version != FORMAT_VERSION:
        raise ValueError(f"format {version}, which this release does not know")
    try:
        return Header(**said | {"migrations": tuple(said["migrations"])})
    except (TypeError, KeyError) as problem:
        raise ValueError(f"{HEADER}: {problem}") from None


def _listed(said: dict[str, Any]) -> dict[str, Member]:
    try:
        return {name: Member(**member) for name, member in said.items()}
    except TypeError as problem:
        raise ValueError(f"{MANIFEST}: {problem}") from None


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def _read_json(content: "_Hashing") -> dict[str, Any]:
    said = json.loads(content.read(_MOST_JSON))
    if not isinstance(said, dict):
        raise ValueError("no object where one should be")  # one kind of fault for all that is in it
    return said


class _Hashing:
    """Reads on, and has the checksum and length of what was read."""

    def __init__(self, content: IO[bytes]) -> None:
        self._content = content
        self._hash = hashlib.sha256()
        self._size = 0

    def read(self, size: int = -1) -> bytes:
        piece = self._content.read(size)
        self._hash.update(piece)
        self._size += len(piece)
        return piece

    def drain(self) -> int:
        """Read the rest; how long everything was."""
        while self.read(_PIECE):
            pass
        return self._size

    def hexdigest(self) -> str:
        return self._hash.hexdigest()
