"""A look at one metadata file, in a process that ends with it: ``python -m idp.saml.federation_check``.

As ``federation_update``, for a file that is not in the folder yet: reads what to do as JSON from standard input, writes
the answer to standard output.
"""

import json
import re
import resource
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final

from idp.saml.federation_builder import UpdateFailed, run_apart
from idp.saml.federation_update import MAX_CPU_SECONDS, MAX_MEMORY_BYTES, check_file
from idp.saml.overrides import parse_overrides

_HEAD_BYTES: Final = 65_536
_CACHE_DURATION: Final = re.compile(
    rb'\scacheDuration="P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})D)?'
    rb'(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,8})(?:\.\d+)?S)?)?"'
)
_FIRST_TAG: Final = re.compile(rb"(?:\s|<\?.*?\?>|<!--.*?-->)*<[^>]*>", re.DOTALL)
_UNITS: Final = (365 * 86_400, 30 * 86_400, 86_400, 3600, 60, 1)


@dataclass(frozen=True, slots=True)
class Checked:
    """problem: why the file would be refused. cache_duration: what it asks for itself, None where it does not."""

    problem: str | None
    cache_duration: timedelta | None


def check_apart(file: Path, folder: Path, state: Path, overrides: str, lock: IO[bytes], *, now: datetime) -> Checked:
    """The file under its name, judged by the folder's keys and the copy in use. Raises UpdateFailed."""
    asked = {"file": str(file.absolute()), "folder": str(folder.absolute()), "state": str(state.absolute())}
    out = run_apart(__name__, asked | {"overrides": overrides, "now": now.isoformat()}, lock)
    try:
        answer = json.loads(out)
        seconds = answer["cache_seconds"]
        return Checked(answer["problem"], None if seconds is None else timedelta(seconds=seconds))
    except (ValueError, KeyError, TypeError):
        raise UpdateFailed("no readable result") from None


def _answer(asked: dict[str, str]) -> dict[str, Any]:
    file, folder = Path(asked["file"]), Path(asked["folder"])
    trust = parse_overrides(asked["overrides"].encode()).files.get(file.name)
    now = datetime.fromisoformat(asked["now"])
    report = check_file(file, trust, now=now, state=Path(asked["state"]), keys=folder)
    return {"problem": report.problem, "cache_seconds": None if report.problem else _cache_seconds(file)}


def _cache_seconds(file: Path) -> int | None:
    """The document's own cacheDuration (metadata section 2.3.1): before its first entity, which may have another."""
    with file.open("rb") as content:
        start = _FIRST_TAG.match(content.read(_HEAD_BYTES).removeprefix(b"\xef\xbb\xbf"))
    found = _CACHE_DURATION.search(start[0]) if start else None
    return sum(int(number or 0) * unit for number, unit in zip(found.groups(), _UNITS, strict=True)) if found else None


def main() -> None:
    """Do what standard input asks for."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
    json.dump(_answer(json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main()
