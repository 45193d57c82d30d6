"""Collection ``sweeps``: sign-ins that are to be ended once more."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo import ASCENDING, IndexModel

from idp.domain.keyed import random_id
from idp.storage.database import Database, Document, Indexes, translated

INDEXES = Indexes("sweeps", (IndexModel("due_at"),))

# Longer than any request that saw the account or the session open may still be under way.
SECOND_SWEEP = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Sweep:
    """What is to be ended once more.

    account_id: all of this account, where it is closed. began_before: where it is open, the sign-ins that began before
    this moment. sid: this one sign-in instead, of whichever account; ``account_id`` is empty then.
    """

    id: str
    account_id: str
    began_before: datetime | None = None
    sid: str = ""


class SweepStore:
    """A sweep stays until it was done: doing it twice does no harm, and a killed worker loses none."""

    def __init__(self, database: Database) -> None:
        self._sweeps = database.collection(INDEXES.collection)

    def put(self, account_id: str, *, now: datetime, began_before: datetime | None = None) -> Sweep:
        """Have the account's sign-ins ended in a minute, by whichever process is there; ``done`` takes that back."""
        planned = Sweep(random_id(), account_id, began_before)
        self._put(planned.id, {"account_id": account_id, "began_before": began_before}, now)
        return planned

    def put_session(self, sid: str, *, now: datetime) -> None:
        """The same for one sign-in."""
        # Workers of the release before look for an account, and find nothing to do.
        self._put(random_id(), {"account_id": "", "sid": sid}, now)

    def next_due(self, *, now: datetime) -> Sweep | None:
        """The one that has been due for longest."""
        with translated():
            found = self._sweeps.find_one({"due_at": {"$lte": now}}, sort=[("due_at", ASCENDING)])
        if found is None:
            return None
        return Sweep(found["_id"], found["account_id"], found.get("began_before"), found.get("sid", ""))

    def done(self, sweep: Sweep) -> None:
        """It was done, and is not to be done again."""
        with translated():
            self._sweeps.delete_one({"_id": sweep.id})

    def _put(self, sweep_id: str, which: Document, now: datetime) -> None:
        with translated():
            self._sweeps.insert_one({"_id": sweep_id, "due_at": now + SECOND_SWEEP} | which)
