"""Processes of one server count together, and leave nothing behind."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.metrics import worker_folder
from tests.metrics.reading import Reading
from tests.waiting import PATIENCE_SECONDS

COUNTS = """
import sys
from idp.metrics.exposition import Metrics
metrics = Metrics()
for _ in range(int(sys.argv[1])):
    metrics.counts("sign_in.succeeded", {"method": "password"})
    metrics.times.hashed(0.02, 0.3)
sys.stdout.write(metrics.text().decode())
"""


def counted(folder: Path, times: int) -> Reading:
    """What a process tells that counts this often and then ends."""
    run = subprocess.run(
        [sys.executable, "-c", COUNTS, str(times)],
        env=os.environ | {worker_folder.VARIABLE: str(folder)},
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    return Reading(run.stdout)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield worker_folder.make(tmp_path)
    worker_folder.forget()


def test_every_process_tells_the_sum_of_all_also_of_those_that_ended(folder: Path) -> None:
    counted(folder, 3)
    found = counted(folder, 4)
    assert found.value("idp_sign_ins_total", method="password", outcome="ok") == 7
    assert found.value("idp_password_hash_seconds_count") == 7
    assert found.value("idp_password_hash_wait_seconds_bucket", le="0.1") == 7
    assert found.value("idp_password_hash_seconds_sum") == pytest.approx(2.1)


def test_a_process_that_finds_no_room_counts_for_itself(tmp_path: Path) -> None:
    assert counted(tmp_path / "absent", 2).value("idp_sign_ins_total", method="password", outcome="ok") == 2


def test_the_disk_has_given_all_that_a_worker_writes_before_it_writes(tmp_path: Path) -> None:
    worker_folder.reserve(tmp_path, 42)
    for file in tmp_path.iterdir():
        taken = file.stat()
        assert taken.st_blocks * 512 >= taken.st_size > 0
    assert {file.name for file in tmp_path.iterdir()} == {"counter_42.db", "histogram_42.db"}


def test_a_server_clears_what_dead_ones_left_and_lets_live_ones_be(folder: Path, tmp_path: Path) -> None:
    make = "import sys, pathlib; from idp.metrics import worker_folder as f; print(f.make(pathlib.Path(sys.argv[1])))"
    wait = f"{make}; sys.stdout.flush(); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", wait, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        its = Path(server.stdout.readline().strip())
        (tmp_path / "notes").mkdir()
        assert (its.is_dir(), folder.is_dir()) == (True, True)
        worker_folder.make(tmp_path)
        assert its.is_dir()
        server.kill()
    now = worker_folder.make(tmp_path)
    assert not its.exists()
    assert now.is_dir()
    assert (tmp_path / "notes").is_dir()


def test_where_no_folder_can_be_made_any_more_a_worker_starts_all_the_same(folder: Path, tmp_path: Path) -> None:
    """The server's master process asks, and would end."""
    shutil.rmtree(folder)
    (tmp_path / "file").touch()
    worker_folder.ensure(tmp_path / "file" / "metrics")
    assert counted(folder, 2).value("idp_sign_ins_total", method="password", outcome="ok") == 2


def test_a_folder_that_was_cleared_away_is_made_anew_for_the_next_worker(folder: Path, tmp_path: Path) -> None:
    worker_folder.ensure(tmp_path)
    assert os.environ[worker_folder.VARIABLE] == str(folder)
    shutil.rmtree(folder)
    worker_folder.ensure(tmp_path)
    anew = Path(os.environ[worker_folder.VARIABLE])
    assert anew.is_dir()
    worker_folder.forget()
    assert not anew.exists()
    assert worker_folder.VARIABLE not in os.environ
