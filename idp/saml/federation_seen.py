"""What the last update saw of the federation folder: by this every process knows whether there is anything to do.

Kept as a small JSON file beside the index, replaced as a whole.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from idp.saml.federation_index import VERSION
from idp.saml.overrides import FILE_NAME

SEEN_NAME: Final = f"seen-{VERSION}.json"
_ABSENT: Final = "absent"
# Time alone may mend a file: an end too far ahead comes nearer, a wrong clock is set right, a disk answers again.
_LOOKED_AGAIN_EVERY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SeenFile:
    """stamp: of the file, its keys and its trust. problem: why it is not the copy in use, with its name.

    looked_at: POSIX time at which it was read; 0 for one that was not there.
    """

    stamp: str
    problem: str | None
    looked_at: float = 0.0

    def is_due(self, now: datetime) -> bool:
        """Whether it was refused so long before that it is worth another look, or on a day that has not come yet."""
        is_refused = self.problem is not None and self.looked_at > 0
        return is_refused and abs(now.timestamp() - self.looked_at) >= _LOOKED_AGAIN_EVERY.total_seconds()


@dataclass(frozen=True, slots=True)
class Seen:
    """watched: stamps by path relative to the folder. overrides: the last good text of ``overrides.toml``.

    shown: digest of the overrides that the index was made with.
    """

    watched: dict[str, str] = field(default_factory=dict)
    files: dict[str, SeenFile] = field(default_factory=dict)
    overrides: str = ""
    overrides_problem: str | None = None
    shown: str = ""

    def is_current(self, folder: Path, now: datetime) -> bool:
        """Whether nothing has changed in the folder since, and nothing that was refused is due."""
        is_due = any(file.is_due(now) for file in self.files.values())
        return not is_due and self.watched == stamps(folder, self.watched)


def stamps(folder: Path, others: Iterable[str] = ()) -> dict[str, str]:
    """Size and times of change of every metadata file, the overrides, and other files of interest."""
    names = {path.name for path in folder.glob("*.xml")} | {FILE_NAME, *others}
    return {name: found for name in sorted(names) if (found := stamp(folder / name)) != _ABSENT or name in others}


def stamp(path: Path) -> str:
    """Changes when the file does, or who may read it."""
    try:
        found = path.stat()
    except OSError:
        return _ABSENT
    return f"{found.st_mtime_ns} {found.st_ctime_ns} {found.st_size}"


def made(state: Path) -> str:
    """Changes whenever an update of this version has ended."""
    return stamp(state / SEEN_NAME)


def load(state: Path) -> Seen | None:
    """What was kept, or None where nothing readable is."""
    try:
        content = json.loads((state / SEEN_NAME).read_text(encoding="utf-8"))
        files = {name: SeenFile(**seen) for name, seen in content.pop("files").items()}
        return Seen(files=files, **content)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def save(state: Path, seen: Seen) -> None:
    """Keep this instead."""
    draft = state / f".{SEEN_NAME}.{os.getpid()}.new"
    draft.write_text(json.dumps(asdict(seen)), encoding="utf-8")
    draft.replace(state / SEEN_NAME)
