"""Walking through a collection."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from bson.codec_options import CodecOptions

from idp.domain.errors import ServiceUnavailable
from idp.domain.keyed import SecretKey
from idp.storage.audit import AuditTrail
from idp.storage.database import Database
from idp.storage.walking import pieces
from tests.profiled import profiled

SECRET = SecretKey(b"a secret key of the installation")
# What commands ask of all events of a year, however many these are.
OF_A_YEAR: dict[str, Callable[[AuditTrail], object]] = {
    "last_successes": lambda trail: trail.last_successes(),
    "university_answers": lambda trail: trail.university_answers(since=datetime(2026, 1, 5, tzinfo=UTC)),
}
of_a_year = pytest.mark.parametrize("asks", OF_A_YEAR.values(), ids=OF_A_YEAR.keys())


TIMEOUT_MS = 200


def unreachable() -> Database:
    return Database("mongodb://127.0.0.1:1/?directConnection=true", "idp", timeout_ms=TIMEOUT_MS)


def waited_for(error: ServiceUnavailable) -> float:
    """Seconds that the driver was given to find the database, as it says itself: no clock is read here."""
    told = re.search(r"Timeout: ([\d.]+)s", str(error.__cause__))
    assert told, error.__cause__
    return float(told[1])


def test_a_database_that_is_away_is_told_of_within_the_ordinary_time() -> None:
    with pytest.raises(ServiceUnavailable) as told:
        next(pieces(unreachable().collection("audit").find, 10))
    assert waited_for(told.value) <= TIMEOUT_MS / 1000


@of_a_year
def test_what_reads_a_year_of_events_may_take_longer_than_a_page(
    database: Database, asks: Callable[[AuditTrail], object]
) -> None:
    with profiled(database, "audit") as done:
        asks(AuditTrail(database, SECRET))
    assert [operation["command"]["maxTimeMS"] > 30_000 for operation in done] == [True]


@of_a_year
def test_it_is_not_waited_for_where_the_database_is_away(asks: Callable[[AuditTrail], object]) -> None:
    with pytest.raises(ServiceUnavailable) as told:
        asks(AuditTrail(unreachable(), SECRET))
    assert waited_for(told.value) <= TIMEOUT_MS / 1000


def test_everything_is_found_once_in_pieces_and_from_where_an_earlier_walk_ended(database: Database) -> None:
    things = database.collection("things")
    things.insert_many([{"_id": number} for number in range(5)])
    found = [[document["_id"] for document in piece] for piece in pieces(things.find, 2)]
    assert found == [[0, 1], [2, 3], [4]]
    assert [piece[0]["_id"] for piece in pieces(things.find, 2, behind=2)] == [3]


class Opened(dict[str, Any]):
    """A document that counts how often one of its kind is looked into."""

    times = 0

    def __getitem__(self, name: str) -> Any:
        type(self).times += name == "_id"
        return super().__getitem__(name)


def test_of_a_piece_the_first_and_the_last_document_alone_are_looked_into(database: Database) -> None:
    """Bytes that are opened to be copied take three times as long, and many times the memory."""
    database.collection("things").insert_many([{"_id": number} for number in range(100)])
    mongo = database.client[database.name]
    things = mongo.get_collection("things", codec_options=CodecOptions(document_class=Opened))
    assert [len(piece) for piece in pieces(things.find, 40)] == [40, 40, 20]
    assert Opened.times <= 2 * 4
