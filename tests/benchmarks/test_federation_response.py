"""The measurement of one signed response runs; how fast it is belongs into no test."""

from pathlib import Path

import pytest

from benchmarks.federation import response


def test_every_side_is_measured_or_says_why_not(tmp_path: Path) -> None:
    times = response.measure(tmp_path, repetitions=1)
    assert times.signed > 0
    assert times.encrypted > 0
    assert (times.ratio is None) == bool(times.skipped)


def test_missing_program_is_a_reason_and_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    times = response.measure(tmp_path, repetitions=1)
    assert (times.program, times.ratio) == (None, None)
    assert "xmlsec1" in times.skipped
