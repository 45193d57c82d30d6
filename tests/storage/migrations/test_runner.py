"""The runner: once, in batches, taken up after a crash, by one of many, while old workers write."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from idp.domain.errors import ConfigurationError, ServiceUnavailable
from idp.storage.database import Database, Document
from idp.storage.migrations import MIGRATIONS
from idp.storage.migrations.ledger import LeaseLost, Ledger
from idp.storage.migrations.migration import Migration, Terms
from idp.storage.migrations.runner import LEASE, Runner
from idp.storage.migrations.schema_state import adopt_if_empty, schema_state
from tests.storage.migrations.old_shapes import NOW, old_account, old_grant

TERMS = Terms(timedelta(days=365))
GRANTS = MIGRATIONS[0]
Hook = Callable[[int], None]


def hooked(seen: list[list[str]], hook: Hook = lambda _: None) -> Migration:
    """The first migration, which notes each batch and calls the hook before it is written."""

    def change(database: Database, documents: Sequence[Document], terms: Terms) -> int:
        seen.append([document["_id"] for document in documents])
        hook(len(seen))
        return GRANTS.change(database, documents, terms)

    return replace(GRANTS, change=change)


def runner(database: Database, migration: Migration = GRANTS, *, now: datetime = NOW) -> Runner:
    return Runner(database, (migration,), TERMS, lambda: now, batch=2)


def run(one: Runner) -> int:
    return sum(1 for _ in one.run())


@pytest.fixture
def grants(database: Database) -> Database:
    database.collection("accounts").insert_one(old_account("ines"))
    database.collection("grants").insert_many([old_grant(f"g{number}") for number in range(7)])
    return database


def outdated(database: Database) -> int:
    return database.collection("grants").count_documents(GRANTS.outdated)


def test_a_plan_counts_and_changes_nothing(grants: Database) -> None:
    (progress,) = runner(grants).plan()
    assert (progress.changed, progress.remaining, progress.done_at) == (0, 7, None)
    assert outdated(grants) == 7
    assert grants.collection("schema").count_documents({}) == 0


def test_it_runs_once_and_again_only_for_what_came_late(grants: Database) -> None:
    seen: list[list[str]] = []
    run(runner(grants, hooked(seen)))
    assert seen == [["g0", "g1"], ["g2", "g3"], ["g4", "g5"], ["g6"]]
    first = Ledger(grants).records()[1]
    run(runner(grants, hooked(seen), now=NOW + timedelta(days=1)))
    assert len(seen) == 4
    grants.collection("grants").insert_one(old_grant("a-late"))
    assert runner(grants).plan()[0].remaining == 1
    run(runner(grants, hooked(seen), now=NOW + timedelta(days=1)))
    last = Ledger(grants).records()[1]
    assert (outdated(grants), first.done_at, last.done_at, last.changed) == (0, NOW, NOW, 8)


def test_what_was_killed_goes_on_behind_the_last_batch(grants: Database) -> None:
    seen: list[list[str]] = []

    def die(batch: int) -> None:
        if batch == 3:
            raise ServiceUnavailable("database", "gone")

    with pytest.raises(ServiceUnavailable):
        run(runner(grants, hooked(seen, die)))
    assert outdated(grants) == 3
    assert schema_state(grants, (GRANTS,)).due == (1,)
    run(runner(grants, hooked(seen)))
    assert seen[3:] == [["g4", "g5"], ["g6"]]
    assert outdated(grants) == 0
    assert schema_state(grants, (GRANTS,)).due == ()


def test_what_was_killed_looks_again_at_what_old_workers_wrote_in_front_of_it_since(grants: Database) -> None:
    def die(batch: int) -> None:
        if batch == 3:
            raise ServiceUnavailable("database", "gone")

    with pytest.raises(ServiceUnavailable):
        run(runner(grants, hooked([], die)))
    grants.collection("grants").insert_one(old_grant("a-late"))
    seen: list[list[str]] = []
    *_, last = runner(grants, hooked(seen)).run()
    assert seen == [["g4", "g5"], ["g6"], ["a-late"]]
    assert last.remaining == outdated(grants) == 0


def test_old_workers_may_write_meanwhile_in_front_of_it_and_behind_it(grants: Database) -> None:
    def old_worker(batch: int) -> None:
        grants.collection("grants").insert_many([old_grant(f"a{batch}"), old_grant(f"z{batch}")] if batch < 3 else [])

    def old_worker_at_first(batch: int) -> None:
        if batch < 3:
            old_worker(batch)

    *_, last = runner(grants, hooked([], old_worker_at_first)).run()
    # Behind it: told, and left to the next run.
    assert last.remaining == outdated(grants) == 2
    *_, last = runner(grants).run()
    assert last.remaining == outdated(grants) == 0


def test_what_a_new_worker_has_written_meanwhile_is_not_overwritten(grants: Database) -> None:
    def new_worker(batch: int) -> None:
        # Once, between the reading of its batch and the writing.
        if batch == 1:
            grants.collection("grants").update_one({"_id": "g0"}, {"$set": {"resources": ["https://api.example"]}})

    run(runner(grants, hooked([], new_worker)))
    found = grants.collection("grants").find_one({"_id": "g0"})
    assert found is not None
    assert found["resources"] == ["https://api.example"]


def test_of_many_runners_one_works_and_the_others_are_told(grants: Database) -> None:
    seen: list[list[str]] = []

    def attempt(_: int) -> bool:
        try:
            run(runner(grants, hooked(seen)))
        except (ConfigurationError, LeaseLost):
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(attempt, range(8)))
    assert any(won)
    assert [one for batch in seen for one in batch] == [f"g{number}" for number in range(7)]
    assert outdated(grants) == 0


def test_a_killed_runner_s_lock_ends_and_the_one_that_was_only_slow_stops(grants: Database) -> None:
    ledger = Ledger(grants)
    assert ledger.lock("killed", now=NOW, lease=LEASE)
    with pytest.raises(ConfigurationError, match="another runner"):
        run(runner(grants, now=NOW + LEASE - timedelta(seconds=1)))
    run(runner(grants, now=NOW + LEASE))
    assert outdated(grants) == 0
    with pytest.raises(LeaseLost):
        ledger.prolong("killed", now=NOW + LEASE, lease=LEASE)


def test_a_runner_that_was_only_slow_leaves_the_lock_to_the_one_that_took_over(grants: Database) -> None:
    def take_over(batch: int) -> None:
        if batch == 1:
            assert Ledger(grants).lock("other", now=NOW + LEASE, lease=LEASE)

    with pytest.raises(LeaseLost):
        run(runner(grants, hooked([], take_over)))
    with pytest.raises(ConfigurationError, match="another runner"):
        run(runner(grants, now=NOW + LEASE))


def test_a_database_without_accounts_has_nothing_due(database: Database) -> None:
    assert schema_state(database).problems() == ()
    assert adopt_if_empty(database, now=NOW)
    database.collection("accounts").insert_one({"_id": "ines"})
    assert schema_state(database).problems() == ()
    assert not adopt_if_empty(database, now=NOW)


def test_one_with_accounts_is_not_taken_for_new(database: Database) -> None:
    database.collection("accounts").insert_one({"_id": "ines"})
    assert not adopt_if_empty(database, now=NOW)
    assert "run `idp migrate`" in " ".join(schema_state(database).problems())


def test_a_newer_release_s_additions_are_served_and_told(database: Database) -> None:
    adopt_if_empty(database, now=NOW)
    newer = len(MIGRATIONS) + 1
    Ledger(database).begin(newer, 0, now=NOW)
    state = schema_state(database)
    assert (state.serves, state.unknown) == (True, (newer,))
    assert "upgrade this worker" in " ".join(state.problems())


def test_what_only_a_newer_release_can_read_is_not_served(database: Database) -> None:
    adopt_if_empty(database, now=NOW)
    newer = len(MIGRATIONS) + 1
    Ledger(database).begin(newer, newer, now=NOW)
    state = schema_state(database)
    assert not state.serves
    assert "newer release" in " ".join(state.problems())
