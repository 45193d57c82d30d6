"""Metadata files that have an address: fetched on schedule, and put into the folder only when they are good.

One process of those that share the state directory fetches at a time. A download is looked at beside the folder, just
as a file that was dropped into it; what is refused there never replaces anything. What is remembered of each file lies
in the state directory, so that a restart asks for nothing anew.
"""

import fcntl
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Final

from idp.domain.downloads import Download, Validators
from idp.domain.errors import NotFetched
from idp.saml import federation_seen as seen_files
from idp.saml.federation_builder import UpdateFailed
from idp.saml.federation_check import check_apart
from idp.saml.overrides import FileTrust, parse_overrides

logger = logging.getLogger(__name__)

LOCK_NAME: Final = "download.lock"
DOWNLOADS_NAME: Final = "downloads.json"
_DRAFTS_NAME: Final = "download"
SOONEST, LATEST, USUAL = timedelta(minutes=10), timedelta(days=1), timedelta(hours=1)
FIRST_RETRY: Final = timedelta(minutes=1)
LAST_RETRY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of one file's address.

    trust: with which it was fetched. stamp: of the file as we put it. due: POSIX time. failures: in a row.
    """

    trust: str = ""
    etag: str = ""
    last_modified: str = ""
    stamp: str = ""
    due: float = 0.0
    interval: float = USUAL.total_seconds()
    failures: int = 0
    problem: str | None = None


def load(state: Path) -> dict[str, Remembered]:
    """By file name; nothing where nothing readable was kept."""
    try:
        content = json.loads((state / DOWNLOADS_NAME).read_text(encoding="utf-8"))
        return {name: Remembered(**kept) for name, kept in content.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


class FederationDownloads:
    """The files of one folder that have a ``url`` in its overrides. state: the folder's own, as its index has it."""

    def __init__(self, folder: Path, state: Path, clock: Callable[[], datetime], download: Download) -> None:
        self._folder, self._state, self._clock, self._download = folder, state, clock, download

    def fetch_due(self) -> None:
        """Fetch what is due, unless another process is at it. Raises OSError where the state cannot be written."""
        seen = seen_files.load(self._state)
        if seen is None or not self._folder.is_dir():
            return
        wanted = {name: trust for name, trust in parse_overrides(seen.overrides.encode()).files.items() if trust.url}
        if not wanted and not load(self._state):
            return
        with _only_one(self._state) as lock:
            if lock is None:
                return
            kept = {name: found for name, found in load(self._state).items() if name in wanted}
            self._save(kept)
            for name, trust in wanted.items():
                before = kept.get(name, Remembered())
                if str(trust) != before.trust or before.due <= self._clock().timestamp():
                    kept[name] = self._fetched(name, trust, before, seen.overrides, lock)
                    self._save(kept)

    def _fetched(self, name: str, trust: FileTrust, before: Remembered, overrides: str, lock: IO[bytes]) -> Remembered:
        """What to remember from now on."""
        if str(trust) != before.trust:
            before = Remembered(trust=str(trust))
        draft = self._state / _DRAFTS_NAME / name
        try:
            draft.parent.mkdir(exist_ok=True)
            after = self._brought(draft, trust, before, overrides, lock)
        except (NotFetched, UpdateFailed) as error:
            return self._failed(name, before, str(error))
        except OSError as error:
            return self._failed(name, before, error.strerror or type(error).__name__)
        finally:
            draft.unlink(missing_ok=True)
        return replace(after, due=self._clock().timestamp() + after.interval, failures=0, problem=None)

    def _brought(
        self, draft: Path, trust: FileTrust, before: Remembered, overrides: str, lock: IO[bytes]
    ) -> Remembered:
        place = self._folder / draft.name
        # The server does not know of a copy that somebody else has put there.
        is_ours = bool(before.stamp) and before.stamp == seen_files.stamp(place)
        known = Validators(before.etag, before.last_modified) if is_ours else Validators()
        with draft.open("wb") as into:
            found = self._download(trust.url, into, known)
        if found is None:
            return before
        checked = check_apart(draft, self._folder, self._state, overrides, lock, now=self._clock())
        if checked.problem:
            raise NotFetched(f"it {checked.problem}")
        if not _same(draft, place):
            _put(draft, place)
            logger.info("federation.file_downloaded", extra={"fields": {"file": place.name, "url": trust.url}})
        interval = min(max(checked.cache_duration or USUAL, SOONEST), LATEST)
        return replace(
            before,
            etag=found.etag,
            last_modified=found.last_modified,
            stamp=seen_files.stamp(place),
            interval=interval.total_seconds(),
        )

    def _failed(self, name: str, before: Remembered, reason: str) -> Remembered:
        pause = min(FIRST_RETRY * 2 ** min(before.failures, 10), LAST_RETRY)
        due = self._clock().astimezone(UTC) + pause
        problem = f"{name}: not downloaded: {reason}"
        fields = {"file": name, "problem": problem, "next_try": due.isoformat(timespec="seconds")}
        logger.error("federation.download_failed", extra={"fields": fields})
        return replace(before, due=due.timestamp(), failures=before.failures + 1, problem=problem)

    def _save(self, kept: dict[str, Remembered]) -> None:
        draft = self._state / f".{DOWNLOADS_NAME}.new"
        draft.write_text(json.dumps({name: asdict(found) for name, found in kept.items()}), encoding="utf-8")
        draft.replace(self._state / DOWNLOADS_NAME)


@contextmanager
def _only_one(state: Path) -> Iterator[IO[bytes] | None]:
    """The lock on the downloads of this state; None where another process has it."""
    with (state / LOCK_NAME).open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield lock


def _same(one: Path, other: Path) -> bool:
    return other.exists() and _digest(one) == _digest(other)


def _digest(path: Path) -> bytes:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").digest()


def _put(draft: Path, place: Path) -> None:
    """Put it there in one rename, also from another file system; until then its name is one that nobody reads."""
    copy = place.with_name(f".{place.name}.new")
    try:
        with draft.open("rb") as content, copy.open("wb") as out:
            shutil.copyfileobj(content, out)
            out.flush()
            os.fsync(out.fileno())
        copy.replace(place)
    finally:
        copy.unlink(missing_ok=True)
