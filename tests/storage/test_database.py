from datetime import UTC, datetime

import pytest
from pymongo import IndexModel
from pymongo.errors import (
    AutoReconnect,
    DuplicateKeyError,
    ExecutionTimeout,
    NotPrimaryError,
    PyMongoError,
    WriteConcernError,
    WriteError,
)

from idp.domain.errors import ConfigurationError, ServiceUnavailable
from idp.storage.database import AlreadyExists, Database, Indexes, repeated, translated


@pytest.mark.parametrize(
    ("uri", "given", "expected"),
    [
        ("mongodb://localhost", "", "idp"),
        ("mongodb://localhost/", "", "idp"),
        ("mongodb://localhost/connexion", "", "connexion"),
        ("mongodb://a:1,b:2/connexion?replicaSet=rs0", "", "connexion"),
        ("mongodb://localhost/connexion", "autre", "autre"),
    ],
)
def test_the_database_is_the_named_one_else_the_uri_s_else_ours(uri: str, given: str, expected: str) -> None:
    assert Database(uri, given).name == expected


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://",
        "mongodb://localhost:abc",
        "http://localhost",
        "mongodb://localhost/?tls=ture",
        "mongodb://localhost/?tls=true&tls=false",
        "mongodb://localhost/?tls=true&tlsCAFile=/nonexistent",
        "mongodb+srv://cluster.example.org/?tsl=true",
    ],
)
def test_a_bad_uri_is_the_administrator_s_to_mend(uri: str) -> None:
    with pytest.raises(ConfigurationError, match=r"mongodb\.uri"):
        Database(uri, "idp")


def test_a_server_that_is_away_is_unavailable_within_the_time_given() -> None:
    away = Database("mongodb://127.0.0.1:1/?directConnection=true", "idp", timeout_ms=200)
    with pytest.raises(ServiceUnavailable), translated():
        away.collection("things").find_one()


def test_writes_wait_for_the_majority_and_times_are_aware(database: Database) -> None:
    collection = database.collection("things")
    assert collection.write_concern.document == {"w": "majority"}
    now = datetime(2050, 9, 1, tzinfo=UTC)
    collection.insert_one({"at": now})
    assert next(iter(collection.find()))["at"] == now


def test_a_lost_race_is_told_apart_from_an_outage_also_in_bulk(database: Database) -> None:
    database.create_indexes([Indexes("things", [IndexModel("name", unique=True)])])
    things = database.collection("things")
    with translated():
        things.insert_one({"name": "a"})
    with pytest.raises(AlreadyExists), translated():
        things.insert_one({"name": "a"})
    with pytest.raises(AlreadyExists), translated():
        things.insert_many([{"name": "b"}, {"name": "a"}])


def test_documents_that_clash_with_an_index_keep_no_other_index_from_being_made(database: Database) -> None:
    for name in ("slots", "others"):
        database.collection(name).insert_one({"slot": "a"})
    database.collection("slots").insert_one({"slot": "a"})
    wanted = [Indexes(name, (IndexModel("slot", unique=True),)) for name in ("slots", "others")]
    with pytest.raises(ServiceUnavailable, match="slots"):
        database.create_indexes(wanted)
    assert not database.is_indexed
    assert "slot_1" in database.collection("others").index_information()
    database.collection("slots").delete_many({})
    database.create_indexes(wanted)
    assert database.is_indexed


class _Write:
    """Fails so often, then succeeds."""

    def __init__(self, *failures: PyMongoError) -> None:
        self._failures, self.tries = list(failures), 0

    def __call__(self) -> str:
        self.tries += 1
        if self._failures:
            raise self._failures.pop(0)
        return "written"


# What a step-down in the middle of a command for many documents was seen to be told as, then as at its repetition.
STEPPED_DOWN = (WriteError("Not primary while writing to idp.grants", 10107), NotPrimaryError("not primary"))


@pytest.mark.parametrize(
    "failures",
    [(), (AutoReconnect("cut"),), (WriteConcernError("not replicated", 189),), STEPPED_DOWN],
    ids=["well", "cut", "not replicated", "stepped down"],
)
def test_a_write_of_many_documents_is_begun_again_where_the_primary_has_changed(
    failures: tuple[PyMongoError, ...],
) -> None:
    write = _Write(*failures)
    assert repeated(write) == "written"
    assert write.tries == len(failures) + 1


def test_it_is_not_repeated_for_ever() -> None:
    write = _Write(*[AutoReconnect("cut")] * 5)
    with pytest.raises(ServiceUnavailable):
        repeated(write)
    assert write.tries == 3


@pytest.mark.parametrize("failure", [WriteError("no room", 14031), ExecutionTimeout("too long", 50)])
def test_what_no_other_primary_would_do_better_is_not_repeated(failure: PyMongoError) -> None:
    write = _Write(failure)
    with pytest.raises(ServiceUnavailable):
        repeated(write)
    assert write.tries == 1


def test_somebody_who_was_first_is_told_at_once() -> None:
    write = _Write(DuplicateKeyError("dup", 11000))
    with pytest.raises(AlreadyExists):
        repeated(write)
    assert write.tries == 1
