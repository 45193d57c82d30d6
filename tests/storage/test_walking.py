"""Walking through a collection."""

import time

import pytest

from idp.domain.errors import ServiceUnavailable
from idp.storage.database import Database
from idp.storage.walking import pieces


def test_a_database_that_is_away_is_told_of_within_the_ordinary_time() -> None:
    away = Database("mongodb://127.0.0.1:1/?directConnection=true", "idp", timeout_ms=200)
    began = time.monotonic()
    with pytest.raises(ServiceUnavailable):
        next(pieces(away.collection("audit").find, 10))
    assert time.monotonic() - began < 20


def test_everything_is_found_once_in_pieces_and_from_where_an_earlier_walk_ended(database: Database) -> None:
    things = database.collection("things")
    things.insert_many([{"_id": number} for number in range(5)])
    found = [[document["_id"] for document in piece] for piece in pieces(things.find, 2)]
    assert found == [[0, 1], [2, 3], [4]]
    assert [piece[0]["_id"] for piece in pieces(things.find, 2, behind=2)] == [3]
