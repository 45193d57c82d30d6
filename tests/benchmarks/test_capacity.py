"""The crowd is made like those who came, the simulation counts right, and both parts print their tables."""

from pathlib import Path

import pytest
from bson import ObjectId
from pymongo import MongoClient

from benchmarks.capacity import autumn
from benchmarks.capacity.autumn import Minute
from benchmarks.capacity.costs import Costs
from benchmarks.capacity.population import Documents, left_by, multiply, sizes
from tests.benchmarks.quick import figures, printed

COSTS = Costs(
    hash=200,
    password=10,
    code=20,
    first_time=40,
    password_mongod=1,
    code_mongod=2,
    first_time_mongod=4,
    proof_bytes=10_000,
    sign_in_bytes=1_000,
)
NOBODY = Minute(0, 0, 0)
IMAGE: Documents = {
    "accounts": [{"_id": "a" * 8 + "0123456789", "address": "etu00000001@univ.test", "kind": "eduPersonAffiliation"}],
    "grants": [{"_id": ObjectId(), "account_id": "a" * 8 + "0123456789", "hash": b"0123456789abcdef"}],
}


def test_a_copy_has_nothing_random_in_common_and_the_same_ties(mongodb_uri: str) -> None:
    client: MongoClient[dict[str, object]] = MongoClient(mongodb_uri)
    database = client["test_population"]
    client.drop_database(database.name)
    multiply([IMAGE], 3, database, 7)
    accounts, grants = list(database["accounts"].find()), list(database["grants"].find())
    assert {account["_id"] for account in accounts} == {grant["account_id"] for grant in grants}
    assert len({account["_id"] for account in accounts} | {IMAGE["accounts"][0]["_id"]}) == 4
    assert {account["address"] for account in accounts} == {f"etu0000000{number}@univ.test" for number in (7, 8, 9)}
    assert {account["kind"] for account in accounts} == {"eduPersonAffiliation"}
    assert all(len(str(account["_id"])) == 18 for account in accounts)
    assert len({bytes(grant["hash"]) for grant in grants}) == 3  # type: ignore[call-overload]
    assert sizes(database)["accounts"].documents == 3
    client.drop_database(database.name)
    client.close()


def test_what_somebody_leaves_is_told_from_what_was_there(mongodb_uri: str) -> None:
    client: MongoClient[dict[str, object]] = MongoClient(mongodb_uri)
    database = client["test_left_by"]
    client.drop_database(database.name)
    database["accounts"].insert_one({"_id": "before"})
    left = left_by(database, lambda: database["accounts"].insert_one({"_id": "after"}))
    assert left == {"accounts": [{"_id": "after"}]}
    client.drop_database(database.name)
    client.close()


def test_the_week_brings_about_everybody_and_the_same_ones_each_time() -> None:
    minutes = autumn.week(20_000)
    assert len(minutes) == 7 * 24 * 60
    assert sum(minute.proofs for minute in minutes) == pytest.approx(20_000, rel=0.03)
    assert minutes == autumn.week(20_000)


def test_a_minute_costs_what_its_people_cost() -> None:
    minute = Minute(proofs=10, passwords=20, codes=5)
    assert minute.provider_seconds(COSTS) == pytest.approx(30 * 0.2 + 10 * 0.04 + 20 * 0.01 + 5 * 0.02)
    assert minute.mongod_seconds(COSTS) == pytest.approx(0.07)
    assert minute.mails() == pytest.approx(10 * autumn.MAILS_PER_PROOF + 5)


def test_a_fast_mail_server_keeps_nobody_waiting() -> None:
    queue = autumn.queue([Minute(0, 0, 50)], rate=100)
    assert (queue.longest, queue.wait, queue.late) == (50, 0.5, 0)


def test_a_slow_mail_server_lets_codes_end_in_the_queue() -> None:
    queue = autumn.queue([Minute(0, 0, 300), NOBODY, Minute(0, 0, 100)], rate=10)
    assert queue.longest == 380
    assert queue.wait == 38
    assert queue.late == 1


def test_costs_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert Costs.read(tmp_path) is None
    COSTS.write(tmp_path)
    assert Costs.read(tmp_path) == COSTS


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a quick run of both parts prints."""
    return printed(tmp_path_factory.mktemp("bench"), "capacity", "autumn")


def test_sign_ins_per_core_are_told_for_each_cost_of_hashing(tables: str) -> None:
    cheap = figures(tables, "Complete sign-ins a second and core", "cost 10")
    dear = figures(tables, "Complete sign-ins a second and core", "cost 12 (default)")
    assert float(cheap[1]) > float(dear[1]) > 0


def test_what_stays_in_the_database_is_told_by_collection(tables: str) -> None:
    title = "Database: what as many first proofs as accounts leave"
    assert figures(tables, title, "accounts")[0] == "50"
    assert figures(tables, title, "proofing_records")[0] == "50"
    assert int(figures(tables, title, "audit")[0]) >= 100


def test_the_simulation_takes_what_was_measured_before(tables: str) -> None:
    assert "costs: those of the last run" in tables
    assert float(figures(tables, "Cores at the busiest", "provider")[0]) > 0
