"""The process that runs an embedded mongod for others, see ``embedded``: ``python -m … DIRECTORY PROGRAM``.

Detached from every terminal and parent. Starts mongod, starts it again should it die, and stops it once no process has
held ``users.lock`` for a few seconds. mongod ends with its supervisor, even with a killed one.
"""

import contextlib
import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

from idp.parent_death import end_with_parent
from idp.storage.embedded import locked, socket_path

_READY_SECONDS = 90
_STOP_SECONDS = 30
_GRACE_SECONDS = 3.0
_POLL_SECONDS = 0.25
_LOG_LIMIT = 10_000_000  # bytes


def main() -> None:
    """Supervise the mongod of the directory that the command line names; tells its parent when it is ready."""
    if os.fork():
        os._exit(0)  # our parent waits for this exit, then for the end of what its child says
    directory, mongod = Path(sys.argv[1]), sys.argv[2]
    os.chdir(directory)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with locked(directory / "supervisor.lock") as lock:
        supervise(directory, mongod, lock)


def supervise(directory: Path, mongod: str, lock: int) -> None:
    """Run mongod until nobody needs it.

    lock: mongod inherits it, so that a supervisor that follows a killed one waits until the old mongod is gone.
    """
    process = _start_mongod(directory, mongod, lock)
    try:
        _await_ready(process, directory)
        _detach("ready")
        while not _abandoned(directory / "users.lock"):
            if process.poll() is not None:
                time.sleep(1)
                process = _start_mongod(directory, mongod, lock)
            time.sleep(_POLL_SECONDS)
    finally:
        _stop(process)
        with contextlib.suppress(OSError):
            socket_path(directory).parent.rmdir()


def _start_mongod(directory: Path, mongod: str, lock: int) -> "subprocess.Popen[bytes]":
    endpoint = socket_path(directory)
    (directory / "data").mkdir(mode=0o700, exist_ok=True)
    _private(endpoint.parent)
    log = directory / "mongod.log"
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
    command = [mongod, "--dbpath", str(directory / "data"), "--logpath", str(log), "--logappend", "--quiet"]
    command += ["--bind_ip", str(endpoint), "--port", "0", "--unixSocketPrefix", str(endpoint.parent)]
    command += ["--filePermissions", "0700", "--wiredTigerCacheSizeGB", "0.25"]
    command += ["--setParameter", "diagnosticDataCollectionEnabled=false"]
    # A slow command would stand in the log with the addresses that it looks for: none is so slow.
    command += ["--slowms", "2147483647"]
    with (directory / "mongod.err").open("wb") as errors:
        return subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            pass_fds=[lock],
            preexec_fn=_die_with_parent,  # safe here: the supervisor has one thread
        )


def _private(directory: Path) -> None:
    """Make the directory; in a shared place somebody else may have made it before us."""
    directory.mkdir(mode=0o700, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{directory} is not a private directory of ours")


def _die_with_parent() -> None:
    """mongod ends should the supervisor be killed."""
    end_with_parent(signal.SIGTERM)


def _await_ready(process: "subprocess.Popen[bytes]", directory: Path) -> None:
    """Wait for the socket to answer: mongod opens it when recovery is over."""
    for _ in range(int(_READY_SECONDS / 0.05)):
        with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
            probe.connect(str(socket_path(directory)))
            return
        if process.poll() is not None:
            sys.exit(_last_words(directory))
        time.sleep(0.05)
    sys.exit(f"not ready after {_READY_SECONDS} s, see {directory / 'mongod.log'}")


def _last_words(directory: Path) -> str:
    """Why mongod ended: what the loader said (a library is missing), else where to look."""
    lines = (directory / "mongod.err").read_text("utf-8", "replace").strip().splitlines()
    said = [line for line in lines if not line.startswith("{")]  # JSON lines are mongod's ordinary log
    return said[-1] if said else f"see the end of {directory / 'mongod.log'}"


def _detach(last_word: str) -> None:
    """Say the last word to whoever started us, and let go of their pipe."""
    print(last_word, flush=True)  # noqa: T201
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


def _abandoned(file: Path) -> bool:
    """Whether nobody has used us for the whole grace time; if so, newcomers wait from now on until we have ended."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    ends = time.monotonic() + _GRACE_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        if time.monotonic() >= ends:
            return True  # still locked: held until this process ends
        fcntl.flock(handle, fcntl.LOCK_UN)
        time.sleep(_POLL_SECONDS)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """SIGTERM makes mongod write everything and leave."""
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
