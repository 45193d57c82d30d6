"""A server under measurement: started, asked what it has used, stopped. Figures come from /proc."""

import http.client
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

START_SECONDS = 60
STOP_SECONDS = 25
_POLL_SECONDS = 0.01
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class ServerFailed(Exception):
    """A server did not start or gave a wrong answer; the text says which and where its log is."""


@dataclass
class Server:
    """One program with its children, in a session of its own, on one loopback port."""

    name: str
    arguments: Sequence[str]
    environment: dict[str, str]
    folder: Path
    log_file: Path
    port: int
    ready_path: str
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def start(self) -> float:
        """Seconds from the start of the program to its first good answer."""
        started = time.perf_counter()
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                self.arguments,
                cwd=self.folder,
                env=surroundings() | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        while not self._answers():
            self._check(started)
            time.sleep(_POLL_SECONDS)
        return time.perf_counter() - started

    def cpu_seconds(self) -> float:
        """User and system time of all its processes since they started, in steps of a tick (10 ms)."""
        return sum(process_cpu_seconds(pid) for pid in self._family())

    def memory_bytes(self) -> int:
        """Proportional set size of all its processes: pages that they share are counted once."""
        return sum(pss_bytes(pid) for pid in self._family())

    def processes(self) -> int:
        return len(self._family())

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for the whole session when that is not enough."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    def _family(self) -> list[int]:
        return family(self._process.pid) if self._process else []

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", self.ready_path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _check(self, started: float) -> None:
        ended = self._process is None or self._process.poll() is not None
        if ended or time.perf_counter() - started > START_SECONDS:
            self.stop()
            raise ServerFailed(f"{self.name} does not start, see {self.log_file}")


def surroundings() -> dict[str, str]:
    """Our environment without the settings of whichever provider is run from this terminal."""
    return {name: value for name, value in os.environ.items() if not name.startswith("IDP_")}


def family(root: int) -> list[int]:
    """The process and everything that descends from it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += parents.get(pid, [])
    return found


def process_cpu_seconds(pid: int) -> float:
    """User and system time of one process; 0 where it has ended."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND if fields else 0.0


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on, proc(5): the second may hold spaces."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def pss_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
