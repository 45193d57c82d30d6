"""The state of the database as ``idp doctor`` tells it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bson import ObjectId

from idp.storage.database import Database, Indexes, translated


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """replica_set: its name, None for a lone server, where a majority is that server. local_time: the server's clock.

    missing: indexes that are not there yet, as ``collection.name``.
    """

    version: str
    replica_set: str | None
    local_time: datetime
    missing: tuple[str, ...]


def database_state(database: Database, indexes: Sequence[Indexes]) -> DatabaseState:
    """Ask, and prove with a write that a majority acknowledges; ServiceUnavailable where any of it fails."""
    with translated():
        admin = database.client.admin
        hello, build = admin.command("hello"), admin.command("buildInfo")
        _write_and_remove(database)
    missing = missing_indexes(database, indexes)
    local_time: datetime = hello["localTime"].replace(tzinfo=UTC)
    return DatabaseState(build["version"], hello.get("setName"), local_time, missing)


def missing_indexes(database: Database, indexes: Sequence[Indexes]) -> tuple[str, ...]:
    """Those that no worker has made yet, as ``collection.name``."""
    with translated():
        return tuple(name for wanted in indexes for name in _missing(database, wanted))


def _write_and_remove(database: Database) -> None:
    probe, own = database.collection("doctor"), ObjectId()
    probe.insert_one({"_id": own})
    probe.delete_one({"_id": own})


def _missing(database: Database, wanted: Indexes) -> list[str]:
    present = set(database.collection(wanted.collection).index_information())
    names = [str(model.document["name"]) for model in wanted.models]
    return [f"{wanted.collection}.{name}" for name in names if name not in present]
