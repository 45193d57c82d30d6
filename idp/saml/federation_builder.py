"""Starting an update in a process of its own: one at a time on this machine, within bounds, without our secrets."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Final

import idp
from idp.saml.federation_update import Outcome

LOCK_NAME: Final = "lock"
MAX_SECONDS: Final = 600


class UpdateFailed(Exception):
    """The update ended without a result; the text says how. The federation is as it was."""


@contextmanager
def locked(state: Path) -> Iterator[IO[bytes]]:
    """Be the only one to update this state directory, which is made where it is missing; waits for others.

    Raises OSError where the directory cannot be written.
    """
    state.mkdir(parents=True, exist_ok=True)
    with (state / LOCK_NAME).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def run_update(folder: Path, state: Path, lock: IO[bytes], *, now: datetime) -> Outcome:
    """Update the index in a short-lived process. Raises UpdateFailed.

    lock: the new process holds it as well, should this process die before the new one.
    """
    asked = {"folder": str(folder.absolute()), "state": str(state.absolute()), "now": now.isoformat()}
    try:
        return Outcome.from_json(run_apart("idp.saml.federation_update", asked, lock))
    except (ValueError, KeyError, TypeError):
        raise UpdateFailed("no readable result") from None


def run_apart(module: str, asked: dict[str, str], lock: IO[bytes]) -> str:
    """Run this module as a short-lived process of its own; its answer to what it is asked. Raises UpdateFailed."""
    with subprocess.Popen(  # noqa: S603 -- a module of ours
        [sys.executable, "-m", module],
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=(lock.fileno(),),
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(json.dumps(asked), timeout=MAX_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise UpdateFailed(f"not done after {MAX_SECONDS} s") from None
    if process.returncode != 0:
        raise UpdateFailed(
            f"exit status {process.returncode}: {(err.strip().splitlines() or ['no message'])[-1][:300]}"
        )
    return out


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IDP_")}
    project = str(Path(idp.__path__[0]).parent)
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, (project, kept.get("PYTHONPATH"))))}
