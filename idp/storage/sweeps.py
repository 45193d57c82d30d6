"""Collection ``sweeps``: accounts whose sign-ins are to be ended once more."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo import ASCENDING, IndexModel

from idp.domain.keyed import random_id
from idp.storage.database import Database, Indexes, translated

INDEXES = Indexes("sweeps", (IndexModel("due_at"),))

# Longer than any request that saw the account open may still be under way.
SECOND_SWEEP = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Sweep:
    id: str
    account_id: str


class SweepStore:
    """A sweep stays until it was done: doing it twice does no harm, and a killed worker loses none."""

    def __init__(self, database: Database) -> None:
        self._sweeps = database.collection(INDEXES.collection)

    def put(self, account_id: str, *, due_at: datetime) -> None:
        """Have the account's sign-ins ended at that moment, by whichever process is there."""
        with translated():
            self._sweeps.insert_one({"_id": random_id(), "account_id": account_id, "due_at": due_at})

    def next_due(self, *, now: datetime) -> Sweep | None:
        """The one that has been due for longest."""
        with translated():
            found = self._sweeps.find_one({"due_at": {"$lte": now}}, sort=[("due_at", ASCENDING)])
        return None if found is None else Sweep(found["_id"], found["account_id"])

    def done(self, sweep: Sweep) -> None:
        with translated():
            self._sweeps.delete_one({"_id": sweep.id})
