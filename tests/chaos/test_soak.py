"""Hours of load with a step-down now and then: nothing grows."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.servers import pss_bytes
from tests.chaos.figures import Figures, scaled
from tests.chaos.load import Load
from tests.chaos.provider import Provider
from tests.chaos.replica_set import ReplicaSet

pytestmark = pytest.mark.chaos

# CHAOS_SOAK_MINUTES=120 make chaos CHAOS_ARGS=tests/chaos/test_soak.py: as issue 6 has it.
MINUTES = float(os.environ.get("CHAOS_SOAK_MINUTES", scaled(2, 0.7)))
STEP_DOWNS = 12
# Caches and pools fill up first.
WARM_UP = 0.25
GROWTH = 1.25


@dataclass(frozen=True)
class Look:
    """What the workers hold: bytes, open descriptors, threads, temporary files of this machine that are ours."""

    memory: int
    descriptors: int
    threads: int
    files: int


def test_nothing_grows_in_the_long_run(
    replica_set: ReplicaSet, provider: Provider, load: Load, figures: Figures
) -> None:
    since, pause, looks = load.mark(), 60 * MINUTES / STEP_DOWNS, []
    for _ in range(STEP_DOWNS):
        load.run_for(pause)
        looks.append(_look(provider))
        replica_set.step_down()
    fault = f"soak of {MINUTES:.0f} minutes with {STEP_DOWNS} step-downs"
    load.settle(figures, fault, since)
    first, last = looks[round(WARM_UP * len(looks))], looks[-1]
    for name in ("memory", "descriptors", "threads", "files"):
        unit = 1_000_000 if name == "memory" else 1
        seen = [getattr(look, name) // unit for look in looks]
        figures.add(fault, f"{name}{' (MB)' if unit > 1 else ''}", ", ".join(map(str, seen)))
    assert last.memory < GROWTH * first.memory
    assert last.descriptors < first.descriptors + 40
    assert last.threads <= first.threads + 8
    assert last.files <= first.files + 2


def _look(provider: Provider) -> Look:
    workers = provider.workers()
    return Look(
        memory=sum(pss_bytes(pid) for pid in workers),
        descriptors=sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in workers),
        threads=sum(len(os.listdir(f"/proc/{pid}/task")) for pid in workers),
        files=_own_files(Path(tempfile.gettempdir())),
    )


def _own_files(folder: Path) -> int:
    """Temporary files as the provider and its libraries name them."""
    return sum(entry.name.startswith(("tmp", "wgunicorn", "idp")) for entry in folder.iterdir())
