"""The folder of the federation: it keeps the snapshot in use (``federation_snapshot``) up to date.

A file that goes bad changes nothing: the copy that was good stays until its own end. Files are looked at again when
their size or time of change differs, so asking often costs next to nothing. What was read lies in one index for all
processes of the machine (``federation_index``), and outlives them.
"""

import hashlib
import logging
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import IO, Final

from idp.domain.downloads import Download
from idp.domain.errors import ServiceUnavailable
from idp.domain.federation import FileDifference, FileReport, MetadataFileStatus
from idp.domain.pinned_keys import PinnedKey
from idp.saml import federation_changes as changes
from idp.saml import federation_downloads as downloads
from idp.saml import federation_index as index
from idp.saml import federation_seen as seen_files
from idp.saml.federation_builder import UpdateFailed, locked, run_update
from idp.saml.federation_index import IndexedFile
from idp.saml.federation_seen import Seen
from idp.saml.federation_snapshot import FederationSnapshot
from idp.saml.federation_update import check_file
from idp.saml.overrides import FILE_NAME, parse_overrides
from idp.saml.pinned_keys import pinned_keys

logger = logging.getLogger(__name__)

_TOLD_EVERY: Final = timedelta(hours=1)
_FOLDER: Final = "federation folder"
_TRIED_EVERY: Final = timedelta(minutes=10)
_KEPT_AGAIN: Final = timedelta(minutes=1)

Clock = Callable[[], datetime]


class FederationFolder:
    """Reads ``*.xml`` and ``overrides.toml`` of one folder; ``current`` is swapped as a whole.

    clock: the present moment, aware, UTC. state: the directory of the index, shared by all processes that read this
    folder; made where it is missing. changed: told once what a new copy of a file changes, by whichever process is the
    first to see it; what it cannot keep (``ServiceUnavailable``) is told again later, also by another process.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        state: Path,
        changed: Callable[[FileDifference], None] | None = None,
    ) -> None:
        self._folder = folder
        self._clock = clock
        # One directory for each folder: looking at another folder must never cost the copies in use.
        self._state = state / hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:16]
        self._changed = changed
        self._lock = Lock()
        self._seen: Seen | None = None
        self._problem: str | None = None
        self._try_again: datetime | None = None
        self._told: dict[str, datetime] = {}
        self._index_stamp = ""
        self._is_usable = False
        self._changes: tuple[changes.Change, ...] = ()
        self._logged: set[str] = set()
        self._tell_again: datetime | None = None
        self._current = FederationSnapshot(None, clock)
        self._last_status: tuple[MetadataFileStatus, ...] = ()
        self._looked = self._reopen()
        self._last_status = self._status()

    @property
    def current(self) -> FederationSnapshot:
        """The federation in use; empty until the first refresh, unless another process has made an index by then."""
        if not self._looked and not self._current.is_real and (made := index.opened(self._state)):
            # Another process has made an index. It serves already, and so must this one, although its first look may
            # still have to wait for the lock.
            self._current = FederationSnapshot(made, self._clock)
        return self._current

    @property
    def loaded(self) -> bool:
        """Whether the folder was looked at, now or before a restart; else nothing is known about any university."""
        return self._looked

    def refresh(self) -> tuple[MetadataFileStatus, ...]:
        """Take over what has changed since the last time; the status of every file, ``overrides.toml`` last if bad.

        Waits while another process updates the index. Raises nothing for what is wrong on disk: the status tells.
        """
        with self._lock:
            try:
                self._update()
            except OSError as error:
                self._problem = f"federation state: {error.strerror or error}"
            self._looked = True
            self._last_status = self._status()
            self._tell()
            return self._last_status

    def status(self) -> tuple[MetadataFileStatus, ...]:
        """What the last refresh found; answers at once, also while a large file is being read."""
        return self._last_status

    def downloads(self, download: Download) -> downloads.FederationDownloads:
        """What fetches the files that have an address; ``refresh`` takes over what it brings."""
        return downloads.FederationDownloads(self._folder, self._state, self._clock, download)

    def check(self, file: Path) -> FileReport:
        """What would become of this file, wherever it lies, were it in the folder under its name; changes nothing.

        Raises ConfigurationError for overrides that cannot be read.
        """
        path = self._folder / FILE_NAME
        trust = parse_overrides(path.read_bytes() if path.exists() else b"").files.get(file.name)
        report = check_file(file, trust, now=self._clock(), state=self._state, keys=self._folder)
        return replace(report, signing_keys=pinned_keys(self._folder, trust) if trust else ())

    def pinned_keys(self) -> dict[str, tuple[PinnedKey, ...]]:
        """The keys that the overrides in use trust to sign each file, by file name."""
        trusted = parse_overrides((self._seen or Seen()).overrides.encode()).files
        return {name: pinned_keys(self._folder, trust) for name, trust in trusted.items()}

    def _update(self) -> None:
        self._reopen()
        if not self._is_stale():
            self._problem = None
            if not self._has_to_tell():
                return
        with locked(self._state) as lock:
            # The process that had the lock before us may have done everything.
            self._reopen()
            if self._is_stale() and not self._is_too_soon():
                before = seen_files.made(self._state)
                self._build(lock)
                is_ours = self._reopen() and seen_files.made(self._state) != before
                if not is_ours and not self._problem:
                    # Updates run the release that is installed now; a server that was not restarted after an upgrade
                    # still runs the older one, and cannot read what they make.
                    self._give_up("federation index: made by another release; restart this server")
            if self._has_to_tell():
                self._tell_changes()

    def _build(self, lock: IO[bytes]) -> None:
        now = self._clock()
        try:
            outcome = run_update(self._folder, self._state, lock, now=now)
        except UpdateFailed as failure:
            self._give_up(f"federation update: {failure}")
            return
        self._problem = self._try_again = None
        for event, fields in outcome.warnings:
            logger.warning(event, extra={"fields": fields})

    def _give_up(self, problem: str) -> None:
        self._problem, self._try_again = problem, self._clock() + _TRIED_EVERY

    def _has_to_tell(self) -> bool:
        return bool(self._changes) and (self._tell_again is None or self._clock() >= self._tell_again)

    def _tell_changes(self) -> None:
        """Tell what was changed, here or by a process that ended before it told; with the lock, so that one process
        tells it."""
        told = changes.told(self._state) & {change.id for change in self._changes}
        self._tell_again = self._clock() + _KEPT_AGAIN
        try:
            for change in self._changes:
                if change.id not in told:
                    self._tell_change(change)
                    told |= {change.id}
                    changes.note_told(self._state, told)
        except ServiceUnavailable as error:
            # The metadata is in use all the same, and the log has the difference.
            logger.error("federation.change_not_kept", extra={"fields": {"detail": error.detail}})
        else:
            self._changes, self._logged, self._tell_again = (), set(), None

    def _tell_change(self, change: changes.Change) -> None:
        difference = change.difference
        if change.id not in self._logged:
            self._logged.add(change.id)
            fields = {"file": difference.file, "summary": difference.summary, "lines": difference.lines()}
            if difference.file in {file.name for file in self._current.files}:
                logger.info("federation.file_read", extra={"fields": fields})
            else:
                logger.warning("federation.file_gone", extra={"fields": fields})
        if self._changed:
            self._changed(difference)

    def _is_stale(self) -> bool:
        seen = self._seen
        return seen is None or not seen.is_current(self._folder, self._clock()) or self._current.has_expired_files()

    def _is_too_soon(self) -> bool:
        """A file that ends the update of its reader should not be tried every few seconds."""
        return self._try_again is not None and self._clock() < self._try_again

    def _reopen(self) -> bool:
        """Use the index that is in place; whether there is one.

        An index that is gone, unreadable or of another release takes nothing away: the open index serves on.
        """
        stamp = seen_files.stamp(self._state / index.INDEX_NAME)
        if stamp != self._index_stamp:
            self._index_stamp = stamp
            connection = index.opened(self._state)
            self._is_usable = connection is not None
            if connection:
                self._use(connection)
        # An index that cannot be used is made anew, whatever was seen.
        self._seen = seen_files.load(self._state) if self._is_usable else None
        return self._seen is not None

    def _use(self, connection: sqlite3.Connection) -> None:
        self._current = FederationSnapshot(connection, self._clock)
        self._changes = changes.of(connection)
        logger.info("federation.in_use", extra={"fields": {"providers": len(self._current)}})

    def _status(self) -> tuple[MetadataFileStatus, ...]:
        seen, indexed = self._seen or Seen(), {file.name: file for file in self._current.files}
        fetched = {name: kept.problem for name, kept in downloads.load(self._state).items() if kept.problem}
        files = {name: file.problem for name, file in seen.files.items()}
        found = [
            _file_status(name, indexed.get(name), files.get(name), fetched.get(name)) for name in {**files, **fetched}
        ]
        problems = (
            (FILE_NAME, seen.overrides_problem),
            ("federation", self._problem),
            # Where the folder is gone, each file whose copy is in use tells it already.
            (_FOLDER, None if found else self._folder_problem()),
        )
        return (*found, *(MetadataFileStatus(name, 0, None, problem) for name, problem in problems if problem))

    def _folder_problem(self) -> str | None:
        """Without a folder there is no university, which is what a mistyped setting looks like."""
        if self._folder.is_dir():
            return None
        return f"federation.dir = {str(self._folder)!r}: no such folder; accepted: a folder (IDP_FEDERATION_DIR)"

    def _tell(self) -> None:
        """Say loudly what is wrong, and again every hour."""
        now = self._clock()
        problems = {status.problem: status.file for status in self._last_status if status.problem}
        self._told = {problem: told for problem, told in self._told.items() if problem in problems}
        for problem, file in problems.items():
            if problem not in self._told or now - self._told[problem] >= _TOLD_EVERY:
                self._told[problem] = now
                if file == _FOLDER:
                    logger.warning("federation.no_folder", extra={"fields": {"problem": problem}})
                else:
                    logger.error("federation.file_refused", extra={"fields": {"file": file, "problem": problem}})


def _file_status(
    name: str, file: IndexedFile | None, problem: str | None, download_problem: str | None
) -> MetadataFileStatus:
    if file is None:
        return MetadataFileStatus(name, 0, None, problem, None, download_problem)
    return MetadataFileStatus(name, file.providers, file.valid_until, problem, file.loaded_at, download_problem)
