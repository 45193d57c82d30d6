"""What lies in the database, by collection: how many documents, and of when the oldest is."""

from dataclasses import dataclass
from datetime import datetime

import pymongo
from bson.objectid import ObjectId

from idp.storage.database import Database, translated

_SECONDS = 120
# Where documents say when they began, best first.
_BEGINNINGS = ("created_at", "at", "completed_at", "noted_at")


@dataclass(frozen=True, slots=True)
class Holding:
    """One collection. oldest: None where it is empty, or where its documents do not say."""

    collection: str
    documents: int
    oldest: datetime | None


class Holdings:
    """Counts everything that is there, also what no release knows any more."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def every(self) -> tuple[Holding, ...]:
        """Each collection, by name."""
        with translated():
            names = sorted(self._database.client[self._database.name].list_collection_names())
        return tuple(self._of(name) for name in names if not name.startswith("system."))

    def _of(self, name: str) -> Holding:
        # The ordinary time of one operation is too short for reading a year of the security log.
        with translated(), pymongo.timeout(_SECONDS):
            return self._read(name)

    def _read(self, name: str) -> Holding:
        collection = self._database.collection(name)
        # One after the other: each reads the whole collection where no index tells.
        beginnings = (
            found[field]
            for field in _BEGINNINGS
            if (found := collection.find_one({field: {"$type": "date"}}, {field: 1}, sort=[(field, 1)]))
        )
        return Holding(name, collection.estimated_document_count(), next(beginnings, None) or self._first(name))

    def _first(self, name: str) -> datetime | None:
        first = self._database.collection(name).find_one({"_id": {"$type": "objectId"}}, {"_id": 1}, sort=[("_id", 1)])
        made = first["_id"] if first else None
        return made.generation_time if isinstance(made, ObjectId) else None
