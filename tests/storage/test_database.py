from datetime import UTC, datetime

import pytest
from pymongo import IndexModel

from idp.domain.errors import ConfigurationError, ServiceUnavailable
from idp.storage.database import AlreadyExists, Database, Indexes, translated


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


@pytest.mark.parametrize("uri", ["mongodb://", "mongodb://localhost:abc", "http://localhost"])
def test_a_bad_uri_is_the_administrator_s_to_mend(uri: str) -> None:
    with pytest.raises(ConfigurationError, match=r"mongodb\.uri"):
        Database(uri, "idp")


def test_a_server_that_is_away_is_unavailable_within_the_time_given() -> None:
    away = Database("mongodb://127.0.0.1:1/?directConnection=true", "idp", timeout_ms=200)
    with pytest.raises(ServiceUnavailable):
        away.ping()


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
