"""The part runs: every way to sign in is walked, over HTTP and in this process, and each layer is told."""

import pytest

from benchmarks.sign_in import empty
from tests.benchmarks.quick import figures, printed

WAYS = ("password", "mailed code", "first time, signed", "first time, encrypted")


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> str:
    return printed(tmp_path_factory.mktemp("bench"), "sign-in")


@pytest.mark.parametrize("way", WAYS)
def test_every_way_is_measured(tables: str, way: str) -> None:
    server, _, commands, _ = figures(tables, "One whole sign-in", way)
    assert float(server) > 0
    assert int(commands) > 20
    assert f"CPU outside bcrypt and signatures, ms a sign-in: {way}" in tables


@pytest.mark.parametrize("way", WAYS)
def test_every_way_is_compared_with_a_server_that_does_nothing(tables: str, way: str) -> None:
    requests, commands, *_ = figures(tables, _EMPTY, way)
    assert int(requests) >= 8
    assert int(commands) > 20


@pytest.mark.parametrize(("commands", "requests", "shares"), [(7, 3, [3, 2, 2]), (2, 3, [1, 1, 0]), (0, 1, [0])])
def test_the_server_that_does_nothing_asks_the_database_as_often(
    commands: int, requests: int, shares: list[int]
) -> None:
    assert empty.shares(commands, requests) == shares


def test_what_each_layer_spends_is_told(tables: str) -> None:
    spent = [float(cell) for cell in figures(tables, "Milliseconds of CPU by layer, in one process", "together")]
    assert len(spent) == len(WAYS)
    assert all(one > 0 for one in spent)
    password, code, *_ = (float(cell) for cell in figures(tables, *_HASHING))
    assert password > code


_EMPTY = "Outside bcrypt and signatures, beside gunicorn, Flask and driver with nothing in them"
_HASHING = ("Milliseconds of CPU by layer, in one process", "hashing (bcrypt)")
