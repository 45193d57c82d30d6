"""Other people's scanners over our code and what it needs; run by ``make lint``.

``bandit`` (settings in pyproject.toml) reads the code; ``detect-secrets`` what changed since its last good run, against
the allow-list .secrets.baseline; ``pip-audit`` asks PyPI once a day whether an installed package has a known fault.
Where PyPI tells nothing, that is said in one line and fails nothing: lint must work on a train.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BASELINE = ROOT / ".secrets.baseline"
# In tests, passwords and random-looking values are made up by the hundred: there, only what is surely a secret counts.
ONLY_SURE = ("KeywordDetector", "Base64HighEntropyString", "HexHighEntropyString", "BasicAuthDetector")
# Advisories that were read and do not concern us, each with its reason; see docs/dependencies.md.
ANSWERED: dict[str, str] = {}
UNTOLD = "pip-audit: PyPI tells no advisories here; the packages were not looked at\n"


def _tool(name: str, *arguments: str, quiet: bool = False) -> subprocess.CompletedProcess[str]:
    program = shutil.which(name, path=str(Path(sys.executable).parent)) or name
    output = subprocess.PIPE if quiet else None
    return subprocess.run([program, *arguments], cwd=ROOT, stdout=output, stderr=output, text=True, check=False)


def _stamp(name: str) -> Path:
    return Path(sys.prefix) / f".scanned-{name}"


def code() -> bool:
    ran = _tool("bandit", "--quiet", "--recursive", "--configfile=pyproject.toml", "idp", "benchmarks")
    return ran.returncode == 0


def secrets() -> bool:
    """Whether nothing that changed since the last good run looks like a secret that is not on the allow-list."""
    stamp = _stamp("for-secrets")
    since = stamp.stat().st_mtime if stamp.exists() else 0.0
    if BASELINE.stat().st_mtime > since:
        since = 0.0
    begun = datetime.now().timestamp()
    changed = [name for name in _files() if (ROOT / name).stat().st_mtime > since]
    ours = [name for name in changed if not name.startswith("tests/") and name != BASELINE.name]
    tests = [name for name in changed if name.startswith("tests/")]
    fine = no_secret(ours) and no_secret(tests, *(f"--disable-plugin={name}" for name in ONLY_SURE))
    if fine:
        stamp.touch()
        os.utime(stamp, (begun, begun))
    return fine


def _files() -> list[str]:
    listed = _tool("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", quiet=True)
    names = listed.stdout.split("\0") if listed.returncode == 0 else []
    return [name for name in names if (ROOT / name).is_file()]


def no_secret(names: Sequence[str], *options: str) -> bool:
    if not names:
        return True
    with tempfile.NamedTemporaryFile(suffix=".json") as copy:
        # The tool rewrites the line numbers of what it is given.
        copy.write(BASELINE.read_bytes())
        copy.flush()
        known = () if options else ("--baseline", copy.name)
        # 3: only line numbers of the allow-list have moved.
        return _tool("detect-secrets-hook", "--no-verify", *known, *options, *names).returncode in (0, 3)


def packages() -> bool:
    """Whether PyPI knows of no fault in what is installed here, or tells nothing."""
    stamp = _stamp("for-advisories")
    if not _is_of_today(stamp):
        asked = _tool("pip-audit", "--local", "--format=json", "--progress-spinner=off", "--timeout=10", quiet=True)
        stamp.write_text(findings(_read(asked.stdout)))
    found = stamp.read_text()
    sys.stdout.write(found)
    return found in ("", UNTOLD)


def _is_of_today(stamp: Path) -> bool:
    """Asked within a day, and since the packages were installed."""
    installed = Path(sys.prefix) / ".installed-test"
    oldest = max(
        (datetime.now() - timedelta(days=1)).timestamp(), installed.stat().st_mtime if installed.exists() else 0
    )
    return stamp.exists() and stamp.stat().st_mtime > oldest


def findings(packages: list[dict[str, Any]]) -> str:
    """A line for each advisory that nobody answered."""
    told = [package for package in packages if "skip_reason" not in package]
    if len(told) <= len(packages) / 2:
        return UNTOLD
    return "".join(
        f"{package['name']} {package['version']}: {fault['id']}, mended in {fault['fix_versions'] or 'no version'}\n"
        for package in told
        for fault in package["vulns"]
        if fault["id"] not in ANSWERED
    )


def _read(answer: str) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = json.loads(answer)["dependencies"]
    except (ValueError, KeyError):
        return []
    return found


if __name__ == "__main__":
    sys.exit(0 if all([code(), secrets(), packages()]) else 1)
