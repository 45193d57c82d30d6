"""The part itself: what is run, in which order, and the tables."""

import compileall
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.federation import response
from benchmarks.federation.naming import FILE_NAME
from benchmarks.federation.side import Measured
from benchmarks.federation.synthetic import make_folder
from benchmarks.goals import Goal
from benchmarks.parts import Options
from benchmarks.servers import ServerFailed
from benchmarks.tables import megabytes, ratio, say, table

PROJECT = Path(__file__).resolve().parents[2]
LOAD = "verify and index, against pysaml2's load"
PROCESS = "the same, whole processes with their imports"
MEMORY = "memory of a worker, against pysaml2's"
ON_DEMAND = "one provider on demand, ms"
SEARCH = "search, ms"
RESPONSE = "one signed response checked, against the xmlsec1 program"

# Measured more often.
_FEW = 1_000
# In the order of _Run's lists.
_ALTERNATING = ("pysaml2_load", "our_load", "pysaml2_process", "our_process")


@dataclass(frozen=True)
class _Run:
    """The measurements of one size: a list a side, one entry a round; the worker's once.

    plain, ours: after imports. plain_process, our_process: from the start of a process to its end.
    """

    providers: int
    bytes: int
    plain: list[Measured]
    ours: list[Measured]
    plain_process: list[Measured]
    our_process: list[Measured]
    worker: Measured

    def load_ratio(self) -> float:
        return _ratio(self.ours, self.plain)

    def process_ratio(self) -> float:
        return _ratio(self.our_process, self.plain_process)

    def memory_ratio(self) -> float:
        return max(0.0, self.worker["memory"]) / median(plain["memory"] for plain in self.plain)


def run(options: Options) -> None:
    """Measure everything and print it; raises ``ServerFailed``."""
    options.folder.mkdir(parents=True, exist_ok=True)
    say("federation: synthetic aggregates, alternating rounds, each measurement in a fresh process")
    _compile()
    runs = [_measured(options.folder, size, _rounds(options, size)) for size in options.providers]
    _print_loads(runs)
    _print_workers(runs)
    rows = [row for run in runs for row in _reached(run)]
    rows.append(_response_row(options))
    table("To reach", ("", "measured", "must", "aim", "reached"), rows)


def _compile() -> None:
    """An installation has the bytecode of either side; a checkout may have pysaml2's alone."""
    for package in ("idp", "benchmarks"):
        compileall.compile_dir(PROJECT / package, quiet=2)


def _rounds(options: Options, providers: int) -> int:
    """Rounds of both sides: more of the short ones, in which whatever else the machine does weighs more."""
    if options.rounds == 1:
        return 1
    return options.rounds * 3 if providers <= _FEW else min(options.rounds, 3)


def _measured(folder: Path, providers: int, rounds: int) -> _Run:
    federation = make_folder(folder, providers)
    measured: dict[str, list[Measured]] = {name: [] for name in _ALTERNATING}
    for _ in range(rounds):
        for name, runs in measured.items():
            with tempfile.TemporaryDirectory(dir=folder) as state:
                runs.append(_side(name, federation, Path(state)))
    with tempfile.TemporaryDirectory(dir=folder) as state:
        worker = _side("our_worker", federation, Path(state))
    plain, ours, plain_process, our_process = measured.values()
    size = (federation / FILE_NAME).stat().st_size
    return _Run(providers, size, plain, ours, plain_process, our_process, worker)


def _ratio(ours: list[Measured], plain: list[Measured]) -> float:
    """The median of the rounds' own ratios: neighbours share what else the machine did."""
    return median(one["seconds"] / other["seconds"] for one, other in zip(ours, plain, strict=True))


def _response_row(options: Options) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        times = response.measure(Path(folder), repetitions=max(3, options.rounds * 8))
    if times.ratio is None:
        return RESPONSE, times.skipped, "≤ 0.25", "-", "skipped"
    return Goal(RESPONSE, 0.25, is_most=True).row(times.ratio)


def _side(name: str, federation: Path, state: Path) -> Measured:
    ran = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "benchmarks.federation.side", name, str(federation), str(state)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        raise ServerFailed(f"{name} failed: {ran.stderr.strip()[-500:]}")
    measured: Measured = json.loads(ran.stdout)
    return measured


def _print_loads(runs: list[_Run]) -> None:
    rows = [
        (
            f"{run.providers:,} providers",
            str(len(run.ours)),
            megabytes(run.bytes),
            _seconds(run.ours, "seconds"),
            _seconds(run.plain, "seconds"),
            ratio(run.load_ratio()),
            _seconds(run.ours, "cpu"),
            _seconds(run.plain, "cpu"),
            _seconds(run.our_process, "seconds"),
            _seconds(run.plain_process, "seconds"),
            ratio(run.process_ratio()),
        )
        for run in runs
    ]
    table(
        "Verify and index, against pysaml2's load without verifying",
        ("", "rounds", "file", "ours", "pysaml2", "ratio", "CPU", "CPU", "process", "process", "ratio"),
        rows,
    )


def _print_workers(runs: list[_Run]) -> None:
    rows = [
        (
            f"{run.providers:,} providers",
            megabytes(run.worker["memory"]),
            megabytes(median(plain["memory"] for plain in run.plain)),
            ratio(run.memory_ratio()),
            *(f"{run.worker[name] * 1000:.2f} ms" for name in ("on demand", "search", "by domain", "unknown")),
        )
        for run in runs
    ]
    header = ("", "memory", "pysaml2", "ratio", "on demand", "search", "by domain", "unknown id")
    table("A worker with a ready index", header, rows)


def _reached(run: _Run) -> list[tuple[str, ...]]:
    figures = (
        (LOAD, run.load_ratio(), 0.15),
        (PROCESS, run.process_ratio(), 0.15),
        (MEMORY, run.memory_ratio(), 0.05),
        (ON_DEMAND, run.worker["on demand"] * 1000, 5),
        (SEARCH, run.worker["search"] * 1000, 5),
    )
    return [Goal(f"{name} ({run.providers:,})", must, is_most=True).row(value) for name, value, must in figures]


def _seconds(rounds: list[Measured], name: str) -> str:
    return f"{median(each[name] for each in rounds):.2f} s"
