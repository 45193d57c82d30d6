"""The database loses nodes, or answers, while people sign in."""

import os
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from pymongo.errors import PyMongoError

from idp.domain.errors import ServiceUnavailable
from tests.chaos.client import Answer
from tests.chaos.figures import Figures, scaled
from tests.chaos.load import Load
from tests.chaos.provider import Provider, pause
from tests.chaos.replica_set import ReplicaSet
from tests.waiting import wait_until

pytestmark = pytest.mark.chaos

BEFORE_SECONDS = 4


def test_a_killed_primary_is_replaced_and_nothing_is_lost(
    replica_set: ReplicaSet, load: Load, figures: Figures
) -> None:
    load.run_for(BEFORE_SECONDS)
    since = load.mark()
    replica_set.primary().kill()
    load.run_for(scaled(25, 8))
    replica_set.heal()
    load.run_for(scaled(5, 2))
    load.settle(figures, "primary killed -9", since)


def test_step_downs_cost_no_request(replica_set: ReplicaSet, load: Load, figures: Figures) -> None:
    load.run_for(BEFORE_SECONDS)
    since = load.mark()
    for _ in range(round(scaled(4, 1))):
        replica_set.step_down()
        load.run_for(scaled(12, 6))
    errors = load.outcomes(since)
    load.settle(figures, "primary stepped down", since)
    assert not set(errors) - {"200", "302", "303", "400"}, errors


def test_a_frozen_primary_holds_nobody_for_longer_than_the_limit(
    replica_set: ReplicaSet, load: Load, figures: Figures
) -> None:
    load.run_for(BEFORE_SECONDS)
    since = load.mark()
    primary = replica_set.primary()
    primary.freeze()
    load.run_for(scaled(25, 25))
    primary.thaw()
    load.run_for(scaled(10, 5))
    load.settle(figures, "primary frozen for 25 s", since)


def test_without_a_majority_people_are_told_and_what_needs_no_database_goes_on(
    replica_set: ReplicaSet, load: Load, figures: Figures
) -> None:
    load.run_for(BEFORE_SECONDS)
    since = load.mark()
    for node in replica_set.secondaries():
        node.kill()
    away = load.mark() + 8
    load.run_for(scaled(40, 16))
    until = load.mark()
    replica_set.heal()
    load.run_for(scaled(10, 5))
    load.settle(figures, "two nodes gone", since)

    assert _statuses(load.probed("/readyz", away, until)) == {503}
    for path in ("/healthz", "/jwks", "/.well-known/openid-configuration"):
        assert _statuses(load.probed(path, since)) == {200}, path
    refused = [answer for answer in load.answers if away <= answer.started < until]
    assert refused
    assert _statuses(refused) == {503}


def test_all_nodes_killed_at_once_come_back_with_everything(
    replica_set: ReplicaSet, load: Load, figures: Figures
) -> None:
    load.run_for(BEFORE_SECONDS)
    since = load.mark()
    for node in replica_set.nodes:
        node.kill()
    load.run_for(scaled(10, 5))
    replica_set.heal()
    load.run_for(scaled(10, 5))
    load.settle(figures, "every node killed -9", since)


def test_writes_of_many_documents_outlast_step_downs(
    replica_set: ReplicaSet, provider: Provider, figures: Figures
) -> None:
    """Signing out ends many things with one command, which the driver does not repeat by itself."""
    services, stopping, done = provider.services(), threading.Event(), Counter[str]()

    def write() -> None:
        while not stopping.is_set():
            try:
                services.stores.limits.forget("somebody", "somebody else")
                services.stores.grants.revoke_session("no such sign-in")
                services.stores.sessions.end_sid("no such sign-in")
                done["well"] += 1
            except ServiceUnavailable as error:
                done[error.detail[:80]] += 1

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(round(scaled(5, 2))):
        replica_set.step_down()
        replica_set.heal()
        pause(2)
    stopping.set()
    for thread in threads:
        thread.join()
    services.database.close()
    figures.add(
        "primary stepped down", "writes of many documents: well / failed", f"{done.pop('well')} / {done.total()}"
    )
    assert not done


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_a_lost_secondary_is_not_noticed(
    replica_set: ReplicaSet, load: Load, figures: Figures, number: signal.Signals
) -> None:
    load.run_for(BEFORE_SECONDS)
    since = load.mark()
    secondary = replica_set.secondaries()[0]
    secondary.signal(number)
    load.run_for(scaled(10, 5))
    secondary.thaw()
    errors = load.outcomes(since)
    load.settle(figures, f"one secondary {number.name}", since)
    assert not set(errors) - {"200", "302", "303", "400"}, errors


@pytest.fixture
def small_disks(tmp_path: Path) -> Iterator[ReplicaSet]:
    """Three mongods, each with a file system of its own that can be filled."""
    made = ReplicaSet(tmp_path / "replica-set")
    mounted: list[Path] = []
    try:
        for node in made.nodes:
            _mount(node.folder)
            mounted.append(node.folder)
        made.start()
        yield made
    finally:
        made.stop()
        for folder in mounted:
            subprocess.run(["umount", folder], check=True)


def test_a_full_file_system_costs_the_node_alone(small_disks: ReplicaSet, tmp_path: Path, figures: Figures) -> None:
    """A mongod that cannot write any more ends; it comes back once there is room again."""
    provider = Provider(tmp_path, small_disks.uri)
    provider.start()
    load = Load(provider)
    load.start()
    try:
        load.run_for(BEFORE_SECONDS)
        since = load.mark()
        primary = small_disks.primary()
        filler = primary.folder / "filler"
        _fill(filler)
        with suppress(PyMongoError):
            primary.ask("fsync")
        wait_until(lambda: not primary.is_running)
        load.run_for(scaled(15, 6))
        filler.unlink()
        small_disks.heal()
        load.run_for(scaled(5, 3))
        load.settle(figures, "file system full at the primary", since)
    finally:
        load.stop()
        provider.stop()


def _mount(folder: Path) -> None:
    folder.mkdir(parents=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512m", "tmpfs", folder], check=False, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")


def _fill(file: Path) -> None:
    command = ["dd", "if=/dev/zero", f"of={file}", "bs=64K"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"})
    assert "No space left" in done.stderr


def test_a_full_disk_grants_nothing_and_mends_itself(replica_set: ReplicaSet, load: Load, figures: Figures) -> None:
    load.run_for(BEFORE_SECONDS)
    since = load.mark()
    primary = replica_set.primary()
    full = {"failCommands": ["insert", "update", "delete", "findAndModify"], "errorCode": 14031}
    primary.ask("configureFailPoint", "failCommand", mode="alwaysOn", data=full)
    began = load.mark() + 1
    load.run_for(scaled(10, 4))
    until = load.mark()
    primary.ask("configureFailPoint", "failCommand", mode="off")
    wait_until(primary.is_primary)
    load.run_for(scaled(5, 3))
    load.settle(figures, "disk full at the database", since)
    written = [answer for answer in load.answers if began <= answer.started < until and answer.path == "/token"]
    assert 200 not in _statuses(written)


def _statuses(answers: list[Answer]) -> set[int]:
    return {answer.status for answer in answers}
