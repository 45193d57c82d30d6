"""Collection ``schema``: which migrations were done, who is at it, and whether a restore has not ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.errors import ServiceUnavailable
from idp.storage.database import AlreadyExists, Database, Document, translated

COLLECTION = "schema"
_LOCK = "lock"
_RESTORE = "restore"


class LeaseLost(ServiceUnavailable):
    """Another runner has taken over; what was done so far stands."""

    def __init__(self) -> None:
        super().__init__("migrations", "another one has taken over; run it again to see where it stands")


@dataclass(frozen=True, slots=True)
class Record:
    """One migration as it stands. changed: documents so far. reached: the last ``_id`` of the pass under way."""

    number: int
    serves_from: int
    changed: int
    reached: object
    done_at: datetime | None


class Ledger:
    """One document for each migration that was begun, and one that is the lock."""

    def __init__(self, database: Database) -> None:
        self._schema = database.collection(COLLECTION)

    def records(self) -> dict[int, Record]:
        """What was begun or done, by number."""
        with translated():
            found = list(self._schema.find({"number": {"$exists": True}}))
        return {document["number"]: _record(document) for document in found}

    def begin(self, number: int, serves_from: int, *, now: datetime) -> None:
        """Note that it has begun, unless somebody did so before."""
        first = {"number": number, "serves_from": serves_from, "changed": 0, "reached": None, "done_at": None}
        self._upsert(_id(number), {"$setOnInsert": first | {"begun_at": now}})

    def note(self, number: int, changed: int, reached: object) -> None:
        """A batch is done; a runner that takes over goes on behind it."""
        with translated():
            self._schema.update_one({"_id": _id(number)}, {"$inc": {"changed": changed}, "$set": {"reached": reached}})

    def finish(self, number: int, *, now: datetime) -> None:
        """It is done; the first moment stays."""
        with translated():
            self._schema.update_one({"_id": _id(number)}, {"$set": {"reached": None}})
            self._schema.update_one({"_id": _id(number), "done_at": None}, {"$set": {"done_at": now}})

    def lock(self, holder: str, *, now: datetime, lease: timedelta) -> bool:
        """Take or prolong the lock; False where another holder has it."""
        free = {"_id": _LOCK, "$or": [{"holder": holder}, {"until": {"$lte": now}}]}
        try:
            with translated():
                self._schema.update_one(free, {"$set": {"holder": holder, "until": now + lease}}, upsert=True)
        except AlreadyExists:
            return False
        return True

    def prolong(self, holder: str, *, now: datetime, lease: timedelta) -> None:
        """Keep the lock; raises LeaseLost where it went to another one meanwhile."""
        with translated():
            held = self._schema.update_one({"_id": _LOCK, "holder": holder}, {"$set": {"until": now + lease}})
        if not held.matched_count:
            raise LeaseLost

    def unlock(self, holder: str) -> None:
        with translated():
            self._schema.delete_one({"_id": _LOCK, "holder": holder})

    def begin_restore(self, holder: str, *, now: datetime) -> None:
        """Nobody serves this database until it is whole. Whoever begins last is the one who restores."""
        self._upsert(_RESTORE, {"$set": {"begun_at": now, "holder": holder}})

    def end_restore(self, holder: str) -> bool:
        """It is whole; False where somebody else has begun to restore since."""
        with translated():
            return self._schema.delete_one({"_id": _RESTORE, "holder": holder}).deleted_count == 1

    def is_being_restored(self) -> bool:
        with translated():
            return self._schema.find_one({"_id": _RESTORE}) is not None

    def _upsert(self, name: str, change: Document) -> None:
        try:
            with translated():
                self._schema.update_one({"_id": name}, change, upsert=True)
        except AlreadyExists:
            return


def _id(number: int) -> str:
    return f"migration {number:03}"


def _record(document: Document) -> Record:
    return Record(
        number=document["number"],
        serves_from=document["serves_from"],
        changed=document["changed"],
        reached=document["reached"],
        done_at=document["done_at"],
    )
