import pytest

from idp.domain.errors import ServiceUnavailable
from idp.storage.database import AlreadyExists, Database, translated
from idp.storage.time_limit import Allowance, limited
from tests.waiting import PATIENCE_SECONDS

SLOW = {"$where": "sleep(150) || true"}


def ask(database: Database, what: dict[str, str] | None = None) -> None:
    with translated():
        database.collection("things").find_one(what)


def is_answered(database: Database) -> bool:
    try:
        ask(database, SLOW)
    except ServiceUnavailable:
        return False
    return True


def test_operations_that_each_keep_the_limit_end_when_they_pass_it_together(database: Database) -> None:
    database.collection("things").insert_one({})
    for _ in range(5):
        ask(database, SLOW)
    # A machine that stands still uses up a limit that is meant for three of them: another one, then.
    for seconds in (0.5, 5.0, 30.0):
        with limited(seconds):
            most = round(seconds / 0.15)
            answered = next((number for number in range(most + 1) if not is_answered(database)), None)
        if answered != 0:
            break
    assert answered, "the first one is answered, and those that follow until the time is used up"
    ask(database, SLOW)


def test_nothing_is_asked_when_the_time_is_used_up(database: Database) -> None:
    with limited(0), pytest.raises(ServiceUnavailable, match="used up"):
        ask(database)


def test_work_beside_requests_has_no_limit_but_each_operation_s(database: Database) -> None:
    with limited(0):
        pass
    ask(database)


def test_nobody_waits_for_a_database_that_has_been_away_for_longer_than_the_limit() -> None:
    away = Database("mongodb://127.0.0.1:1/?directConnection=true", "idp", timeout_ms=200)
    for _ in range(3):
        with pytest.raises(ServiceUnavailable, match="ServerSelectionTimeoutError"):
            ask(away)
    with away.time_limit(), pytest.raises(ServiceUnavailable, match="used up"):
        ask(away)
    away.close()


def test_a_database_that_answers_is_waited_for(database: Database) -> None:
    ask(database)
    with database.time_limit():
        ask(database)


def test_every_operation_of_a_request_is_told_with_its_outcome(database: Database) -> None:
    things, told = database.collection("things"), []

    def timed(seconds: float, *, ok: bool) -> None:
        told.append((seconds >= 0, ok))

    with limited(PATIENCE_SECONDS, timed=timed):
        with translated():
            things.insert_one({"_id": "a"})
        with pytest.raises(AlreadyExists), translated():
            things.insert_one({"_id": "a"})
    with limited(0.05, timed=timed), pytest.raises(ServiceUnavailable):
        ask(database, SLOW)
    ask(database, SLOW)
    assert told == [(True, True), (True, True), (True, False)]


@pytest.mark.parametrize(("left", "is_tighter"), [(5.0, False), (4.6, False), (4.4, True), (0.1, True)])
def test_the_driver_s_own_limit_is_enough_while_nearly_all_is_left(left: float, is_tighter: bool) -> None:
    assert Allowance(left, 5.0, None).is_tighter is is_tighter
