"""The chaos runs that are part of ``make test``: a killed primary, and universities that replace their keys."""

from pathlib import Path

from tests.chaos.figures import Figures
from tests.chaos.first_sign_ins import first_sign_ins
from tests.chaos.load import Load
from tests.chaos.replica_set import ReplicaSet
from tests.chaos.rollovers import roll_universities


def test_a_killed_primary_costs_no_acknowledged_write(replica_set: ReplicaSet, load: Load, figures: Figures) -> None:
    load.run_for(3)
    since = load.mark()
    replica_set.primary().kill()
    load.run_for(6)
    load.settle(figures, "primary killed -9, in short", since)


def test_universities_that_replace_their_signing_keys_fail_no_first_sign_in(
    replica_set: ReplicaSet, tmp_path: Path, figures: Figures
) -> None:
    with first_sign_ins(tmp_path, replica_set, enough=1) as load:
        roll_universities(load, seconds=0.3)
        load.settle(figures, "universities' signing keys rolled over, in short")
