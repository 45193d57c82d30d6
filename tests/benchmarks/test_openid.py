"""The benchmarks run, and their tables hold what they promise; how fast anything is belongs into no test."""

import subprocess
import sys

import pytest

from tests.benchmarks.quick import PROJECT, figures, printed
from tests.waiting import PATIENCE_SECONDS


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a quick run of the part prints."""
    return printed(tmp_path_factory.mktemp("bench"), "openid")


@pytest.mark.parametrize("operation", ["code flow", "refresh", "discovery", "JWKS"])
def test_every_operation_is_measured_with_and_without_mongod(tables: str, operation: str) -> None:
    for title in ("Operations per CPU-second of the server's processes", "The same with mongod's CPU"):
        assert float(figures(tables, title, operation)[0]) > 0


def test_mongo_commands_are_counted_and_discovery_needs_hardly_any(tables: str) -> None:
    """Exact counts are ``tests/openid/test_cost.py``'s: in a short run, commands of the background work fall in."""
    title = "Mongo commands per operation"
    flow = float(figures(tables, title, "code flow")[0])
    assert flow >= 4
    assert all(float(figures(tables, title, operation)[0]) < flow for operation in ("discovery", "JWKS"))


def test_every_figure_to_reach_is_told(tables: str) -> None:
    for name in (
        "Mongo commands per flow",
        "CPU of a flow, many accounts against few",
        "ID token against the bare RSA signature",
    ):
        assert figures(tables, "To reach", name)[-1] in ("yes", "NO")


def test_the_peer_is_measured_in_the_same_run_or_its_absence_explained(tables: str) -> None:
    if "no peer: " in tables:
        pytest.skip(next(line.strip() for line in tables.splitlines() if "no peer: " in line))
    assert len(figures(tables, "Operations per CPU-second of the server's processes", "code flow")) == 4
    assert figures(tables, "To reach", "flows per CPU-second, against the peer")


def test_an_unknown_part_is_named_with_those_that_exist() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", "opnid"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert ran.returncode == 2
    assert "opnid" in ran.stderr
    assert "openid" in ran.stderr
