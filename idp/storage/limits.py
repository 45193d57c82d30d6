"""Collection ``limits``: how often something happened lately, as sliding windows."""

from collections.abc import Collection
from datetime import datetime, timedelta

from pymongo import IndexModel

from idp.storage.database import AlreadyExists, Database, Indexes, repeated, translated

INDEXES = Indexes("limits", (IndexModel("expires_at", expireAfterSeconds=0),))


class LimitStore:
    """One document per key with the times of the last events, oldest first, at most as many as the limit."""

    def __init__(self, database: Database) -> None:
        self._limits = database.collection("limits")

    def counted(self, keys: Collection[str], *, window: timedelta, now: datetime) -> dict[str, int]:
        """How many events each of these keys had within the window, of those that had any; counts nothing."""
        with translated():
            found = self._limits.find({"_id": {"$in": list(keys)}, "times": {"$gt": now - window}}, {"times": 1})
            return {one["_id"]: sum(time > now - window for time in one["times"]) for one in found}

    def allows(self, key: str, *, limit: int, window: timedelta, now: datetime) -> bool:
        """Whether fewer than ``limit`` events were counted within the window; counts nothing."""
        return self.counted((key,), window=window, now=now).get(key, 0) < limit

    def count(self, key: str, *, limit: int, window: timedelta, now: datetime) -> bool:
        """Count one event, atomically; False, and nothing counted, when the window holds ``limit`` already."""
        has_room = {
            "_id": key,
            "$or": [{f"times.{limit - 1}": {"$exists": False}}, {"times.0": {"$lte": now - window}}],
        }
        change = {
            "$push": {"times": {"$each": [now], "$slice": -limit}},
            "$max": {"expires_at": now + window},
        }
        try:
            with translated():
                self._limits.update_one(has_room, change, upsert=True)
        except AlreadyExists:
            # Either the window is full, or another process has just made the first entry: the second try tells.
            with translated():
                return self._limits.update_one(has_room, change).modified_count == 1
        return True

    def uncount(self, key: str) -> None:
        """Take back the newest event of this key, which turned out to be none; those of others still count."""
        with translated():
            self._limits.update_one({"_id": key}, {"$pop": {"times": 1}})

    def forget(self, *keys: str) -> None:
        """Let these begin at nothing again; without keys the database is not asked."""
        if keys:
            repeated(lambda: self._limits.delete_many({"_id": {"$in": list(keys)}}))
