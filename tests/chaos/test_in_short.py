"""The one chaos run that is part of ``make test``: a killed primary under load."""

from tests.chaos.figures import Figures
from tests.chaos.load import Load
from tests.chaos.replica_set import ReplicaSet


def test_a_killed_primary_costs_no_acknowledged_write(replica_set: ReplicaSet, load: Load, figures: Figures) -> None:
    load.run_for(3)
    since = load.mark()
    replica_set.primary().kill()
    load.run_for(6)
    load.settle(figures, "primary killed -9, in short", since)
