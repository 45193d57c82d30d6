"""An update of the federation's index, in a process that ends with it: ``python -m idp.saml.federation_update``.

Reads what to do as JSON from standard input, writes what came of it to standard output. Large files take hundreds of
megabytes while they are read; that memory goes with the process. The process that starts this one holds the lock of the
state directory.
"""

import gc
import hashlib
import json
import os
import resource
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from idp.domain.errors import ConfigurationError
from idp.domain.federation import FileDifference, FileReport, IdentityProvider
from idp.saml import federation_changes as changes
from idp.saml import federation_index as index
from idp.saml import federation_seen as seen_files
from idp.saml.federation_index import IndexedFile
from idp.saml.federation_seen import Seen, SeenFile
from idp.saml.metadata_trust import MetadataFault, MetadataFile, Validity, VerifiedMetadata, check_not_older, read_file
from idp.saml.overrides import FILE_NAME, FileTrust, Overrides, parse_overrides
from idp.saml.signature_aside import CheckAside, checked_aside

if TYPE_CHECKING:
    # Reading and writing are loaded when there is something to read, beside its check (``_Update._take_over``).
    from idp.saml.federation_draft import IndexDraft
    from idp.saml.metadata_reading import MetadataReader

# Twenty times the largest file that is read, and minutes more than it takes.
MAX_MEMORY_BYTES: Final = 4 << 30
MAX_CPU_SECONDS: Final = 300
_MOST_WARNINGS: Final = 20
_NO_PROVIDER: Final = "holds no identity provider with a sign-in endpoint and a signing key in a certificate"


@dataclass(slots=True)
class Outcome:
    """What an update has to say for the log; what it changed lies in the index (``federation_changes``)."""

    warnings: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Outcome":
        """Raises ValueError, KeyError or TypeError for what ``to_json`` has not written."""
        content = json.loads(text)
        return cls([(event, dict(fields)) for event, fields in content["warnings"]])


def check_file(
    path: Path, trust: FileTrust | None, *, now: datetime, state: Path | None, keys: Path | None = None
) -> FileReport:
    """What would become of this file, under the name that it has, were it in the federation folder; changes nothing.

    state: the directory of the index, where there is one. keys: where the trust's keys are; the file's folder if None.
    """
    connection = index.opened(state) if state else None
    try:
        before = _by_name(connection).get(path.name) if connection else None
        # Imported for a check alone: an update leaves these libraries to the process beside it.
        from idp.saml.metadata_files import verified
        from idp.saml.metadata_reading import MetadataReader

        file = read_file(path, trust, keys=keys)
        checked, reader = verified(file, now=now), MetadataReader(file.content, now)
        check_not_older(checked.validity, _validity(before), file.trust)
        found: dict[str, tuple[IdentityProvider, bytes]] = {}
        for provider, xml in _entities(reader):
            found.setdefault(provider.entity_id, (provider, xml))
        _check_same(checked, reader)
        if not found:
            raise MetadataFault(_NO_PROVIDER)
        digests = {entity_id: provider.metadata_digest for entity_id, (provider, _) in found.items()}
        told = _told_difference(connection, before, path.name, digests, {name: xml for name, (_, xml) in found.items()})
        return FileReport(None, len(found), checked.validity.valid_until, told)
    except MetadataFault as fault:
        return FileReport(str(fault))
    finally:
        if connection:
            connection.close()


def update(folder: Path, state: Path, *, now: datetime) -> Outcome:
    """Bring the index of this folder up to date; what is bad on disk leaves the good copy in it."""
    with _opened(state) as in_use:
        return _Update(folder, state, now, in_use).run()


class _Update:
    """One look at the folder. The draft is begun when the first file wants to be in it."""

    def __init__(self, folder: Path, state: Path, now: datetime, in_use: sqlite3.Connection | None) -> None:
        self._folder, self._state, self._now, self._in_use = folder, state, now, in_use
        self._before = seen_files.load(state) or Seen()
        self._indexed = _by_name(in_use) if in_use else {}
        self._is_lost = bool(self._indexed) and _is_lost(folder)
        self._next_file = max((file.id for file in self._indexed.values()), default=0) + 1
        self._draft: IndexDraft | None = None
        self._checks: list[CheckAside] = []
        self._outcome = Outcome()
        self._differences: list[FileDifference] = []
        self._files: dict[str, SeenFile] = {}
        self._kept: dict[str, IndexedFile] = {}
        self._added: dict[str, dict[str, str]] = {}

    def run(self) -> Outcome:
        # Stamps are taken before anything is read: what changes meanwhile is looked at again.
        stamps = seen_files.stamps(self._folder)
        overrides, text, problem = self._overrides()
        paths = self._paths()
        try:
            for path in paths:
                trust = overrides.files.get(path.name)
                stamps |= {
                    name: seen_files.stamp(self._folder / name) for name in (trust.signing_keys if trust else ())
                }
                self._look_at(path, trust)
            self._miss(overrides)
            shown = hashlib.sha256(text.encode()).hexdigest()
            if self._is_changed(shown):
                self._write(overrides)
        finally:
            if self._draft:
                self._draft.discard()
            # Only now: the checks give their memory back while the index is written.
            for check in self._checks:
                check.wait()
        seen_files.save(self._state, Seen(stamps, self._files, text, problem, shown))
        return self._outcome

    def _paths(self) -> list[Path]:
        """The metadata files; those in use where the folder itself has gone, which is an accident."""
        if self._is_lost:
            return [self._folder / name for name in self._indexed]
        return sorted(self._folder.glob("*.xml"))

    def _overrides(self) -> tuple[Overrides, str, str | None]:
        """The overrides, their text, and what is wrong with the file; the last good overrides where something is
        wrong."""
        try:
            path = self._folder / FILE_NAME
            content = path.read_bytes() if path.exists() else b""
            if self._is_lost:
                content = self._before.overrides.encode()
            return parse_overrides(content), content.decode(), None
        except ConfigurationError as error:
            problem = "; ".join(error.faults)
        except OSError as error:
            problem = f"{FILE_NAME}: cannot be read: {error.strerror}"
        return parse_overrides(self._before.overrides.encode()), self._before.overrides, problem

    def _look_at(self, path: Path, trust: FileTrust | None) -> None:
        name, indexed = path.name, self._in_time(path.name)
        keys = [seen_files.stamp(self._folder / key) for key in (trust.signing_keys if trust else ())]
        stamp = f"{seen_files.stamp(path)} {trust} {keys}"
        seen = self._before.files.get(name)
        if seen is None or seen.stamp != stamp or seen.is_due(self._now) or (indexed is None and seen.problem is None):
            seen = SeenFile(stamp, self._read(path, trust, indexed), self._now.timestamp())
        elif indexed:
            self._kept[name] = indexed
        self._files[name] = seen

    def _miss(self, overrides: Overrides) -> None:
        """Files that the overrides name and that are there no longer, perhaps by accident.

        A file that was never there may still be coming: its entry was written first.
        """
        for name, trust in overrides.files.items():
            if name in self._before.files and name not in self._files and not trust.url:
                problem = (
                    f"{name}: is not in the folder, though {FILE_NAME} names it; put it there, or remove its entry"
                )
                self._files[name] = SeenFile("", problem)

    def _in_time(self, name: str) -> IndexedFile | None:
        """The copy in use: until its own end, not longer (metadata section 2.2.1), whatever became of the file."""
        indexed = self._indexed.get(name)
        is_over = indexed is not None and indexed.valid_until is not None and indexed.valid_until <= self._now
        return None if is_over else indexed

    def _read(self, path: Path, trust: FileTrust | None, indexed: IndexedFile | None) -> str | None:
        """Take the file over; returns why it cannot be taken over, or None."""
        try:
            file = read_file(path, trust)
            with checked_aside(file, now=self._now) as check:
                self._checks.append(check)
                if indexed and file.digest() == indexed.digest:
                    check.result()
                    self._kept[path.name] = indexed
                else:
                    self._take_over(path.name, file, check, indexed)
        except MetadataFault as fault:
            reason = str(fault)
        except MemoryError:
            reason = "needs more memory to be read than it may have"
        else:
            return None
        if indexed:
            self._kept[path.name] = indexed
        return f"{path.name}: {reason}"

    def _take_over(self, name: str, file: MetadataFile, check: CheckAside, indexed: IndexedFile | None) -> None:
        draft, number = self._draft_begun(), self._next_file
        self._next_file += 1
        draft.begin_file()
        try:
            checked, digests = self._checked(number, file, check, indexed)
        except BaseException:
            draft.take_back()
            raise
        valid_until, created = checked.validity.valid_until, checked.validity.created
        draft.accept(IndexedFile(number, name, checked.digest, valid_until, created, self._now, len(digests)))
        self._added[name] = digests
        documents: dict[str, bytes] = {}
        if indexed and self._in_use:
            before = index.digests(self._in_use, indexed)
            documents = draft.documents(
                number, [key for key in digests if before.get(key, digests[key]) != digests[key]]
            )
        self._differences.append(_told_difference(self._in_use, indexed, name, digests, documents))

    def _checked(
        self, number: int, file: MetadataFile, check: CheckAside, indexed: IndexedFile | None
    ) -> tuple[VerifiedMetadata, dict[str, str]]:
        """Read into the draft while the file is checked aside; believed only when this returns."""
        from idp.saml.metadata_reading import MalformedMetadata, MetadataReader

        reader = MetadataReader(file.content, self._now)
        try:
            digests = self._draft_begun().add(number, reader)
        except MalformedMetadata as error:
            # The check says better what is wrong, if it finds anything.
            check.result()
            raise MetadataFault(f"is not acceptable XML ({error})") from None
        checked = check.result()
        check_not_older(checked.validity, _validity(indexed), file.trust)
        _check_same(checked, reader)
        if not digests:
            raise MetadataFault(_NO_PROVIDER)
        return checked, digests

    def _draft_begun(self) -> "IndexDraft":
        if self._draft is None:
            from idp.saml.federation_draft import IndexDraft

            self._draft = IndexDraft(self._state)
        return self._draft

    def _is_changed(self, shown: str) -> bool:
        gone = self._indexed.keys() - self._kept.keys()
        return self._in_use is None or bool(gone or self._added) or shown != self._before.shown

    def _write(self, overrides: Overrides) -> None:
        draft = self._draft_begun()
        for file in self._kept.values():
            if self._in_use:
                draft.keep(self._in_use, file)
        self._differences.extend(self._gone())
        for entity_id, other, file_in_use in draft.show(overrides)[:_MOST_WARNINGS]:
            fields = {"entity_id": entity_id, "file": file_in_use, "instead_of": other}
            self._outcome.warnings.append(("federation.entity_replaced", fields))
        for entity_id in draft.unknown(overrides.providers)[:_MOST_WARNINGS]:
            self._outcome.warnings.append(("federation.override_without_provider", {"entity_id": entity_id}))
        untold = changes.untold(self._state, self._in_use) if self._in_use else ()
        draft.announce(changes.encoded((*untold, *changes.new(self._differences))))
        draft.put_in_place()

    def _gone(self) -> list[FileDifference]:
        """Files that are in use no longer: taken away, or expired without a newer copy."""
        gone = (file for name, file in self._indexed.items() if name not in self._kept and name not in self._added)
        found = [(file.name, index.digests(self._in_use, file)) for file in gone if self._in_use]
        return [FileDifference(name, removed=tuple(digests)) for name, digests in found]


def _is_lost(folder: Path) -> bool:
    """Whether the folder is gone, or so empty that it looks like the place where it should be mounted."""
    return not (folder / FILE_NAME).exists() and not any(folder.glob("*.xml"))


def _told_difference(
    connection: sqlite3.Connection | None,
    before: IndexedFile | None,
    name: str,
    digests: dict[str, str],
    documents: dict[str, bytes],
) -> FileDifference:
    """What the file changes against the copy in use. documents: at least of the providers whose digest has changed."""
    if connection is None or before is None:
        return FileDifference(name, added=tuple(digests))
    old = index.digests(connection, before)
    differing = [entity_id for entity_id, digest in digests.items() if old.get(entity_id, digest) != digest]
    old_documents = index.documents(connection, before.id, differing)
    # Imported where there is something to compare.
    from idp.saml.differences import difference

    return difference(name, old, digests, old_documents.get, documents.get)


def _entities(reader: "MetadataReader") -> Iterator[tuple[IdentityProvider, bytes]]:
    from idp.saml.metadata_reading import MalformedMetadata

    try:
        yield from reader
    except MalformedMetadata as error:
        raise MetadataFault(f"is not acceptable XML ({error})") from None


def _check_same(checked: VerifiedMetadata, reader: "MetadataReader") -> None:
    """What was read is what was verified: two parsers saw the same document."""
    if checked.outline != reader.outline():
        raise MetadataFault("is read differently by two parsers")


def _by_name(connection: sqlite3.Connection) -> dict[str, IndexedFile]:
    return {file.name: file for file in index.indexed_files(connection)}


def _validity(file: IndexedFile | None) -> Validity | None:
    return Validity(file.valid_until, file.created) if file else None


@contextmanager
def _opened(state: Path) -> Iterator[sqlite3.Connection | None]:
    connection = index.opened(state)
    try:
        yield connection
    finally:
        if connection:
            connection.close()


def main() -> None:
    """Do what standard input asks for."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
    # A process this short has no garbage worth the search for it.
    gc.disable()
    asked = json.load(sys.stdin)
    outcome = update(Path(asked["folder"]), Path(asked["state"]), now=datetime.fromisoformat(asked["now"]))
    sys.stdout.write(outcome.to_json())
    sys.stdout.flush()
    # Taking large trees down piece by piece would take longer than reading some files.
    os._exit(0)


if __name__ == "__main__":
    main()
