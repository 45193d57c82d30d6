"""The federation part runs, both sides read the same file, and its tables hold what they promise."""

from pathlib import Path

import pytest

from benchmarks.federation import side, synthetic
from tests.benchmarks.quick import printed


def test_both_sides_read_every_provider_of_the_same_file(tmp_path: Path) -> None:
    federation = synthetic.make_folder(tmp_path, 7)
    (tmp_path / "state").mkdir()
    assert side.pysaml2_load(federation, tmp_path)["providers"] == 7
    assert side.our_load(federation, tmp_path / "state")["providers"] == 7


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a short run of the part prints."""
    return printed(tmp_path_factory.mktemp("bench"), "federation").splitlines()


@pytest.mark.parametrize("providers", [20, 60])
def test_every_figure_to_reach_is_told_for_every_size(told: list[str], providers: int) -> None:
    lines = [line for line in told if f"({providers})" in line]
    assert [line.split("  ")[1].split(",")[0] for line in lines] == [
        "verify and index",
        "the same",
        "memory of a worker",
        "one provider on demand",
        "search",
    ]
    assert all(line.endswith(("yes", "NO")) for line in lines)
