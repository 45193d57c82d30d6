"""The parties of a chaos run, and the table at its end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.figures import Figures
from tests.chaos.load import Load
from tests.chaos.provider import Provider
from tests.chaos.replica_set import ReplicaSet

_FIGURES = Figures()


@pytest.fixture(scope="session")
def figures() -> Figures:
    """``figures.add(fault, name, value)``: a line of the table that the run ends with."""
    return _FIGURES


@pytest.fixture(scope="session")
def replica_set(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    """Three mongods on free ports, all of them up."""
    made = ReplicaSet(tmp_path_factory.mktemp("replica-set"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def provider(replica_set: ReplicaSet, tmp_path: Path) -> Iterator[Provider]:
    """The provider under gunicorn on a fresh database, with people who have a password."""
    replica_set.heal()
    made = Provider(tmp_path, replica_set.uri)
    made.start()
    yield made
    made.stop()
    replica_set.heal()


@pytest.fixture
def load(provider: Provider) -> Iterator[Load]:
    """A steady mixed load that runs for as long as the test."""
    made = Load(provider)
    made.start()
    yield made
    made.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _FIGURES.lines:
        terminalreporter.section("figures")
        for line in _FIGURES.table():
            terminalreporter.write_line(line)
