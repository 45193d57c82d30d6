"""What lies in the database, by collection: how many documents, and of when the oldest is."""

from dataclasses import dataclass
from datetime import datetime

import pymongo
from bson.objectid import ObjectId

from idp.storage.database import Database, Document, translated

_SECONDS = 120
# Where documents say when they began, best first.
_BEGINNINGS = ("created_at", "at", "completed_at", "noted_at", "given_at")

_OLDEST = {
    field: {"$min": {"$cond": [{"$eq": [{"$type": f"${field}"}, "date"]}, f"${field}", None]}} for field in _BEGINNINGS
}


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
        # All of them in one pass: hardly any has an index, and to look for each is to read everything again.
        found: Document = next(iter(collection.aggregate([{"$group": {"_id": None} | _OLDEST}])), {})
        beginnings = (found[field] for field in _BEGINNINGS if found.get(field))
        return Holding(name, collection.estimated_document_count(), next(beginnings, None) or self._first(name))

    def _first(self, name: str) -> datetime | None:
        first = self._database.collection(name).find_one({"_id": {"$type": "objectId"}}, {"_id": 1}, sort=[("_id", 1)])
        made = first["_id"] if first else None
        return made.generation_time if isinstance(made, ObjectId) else None
