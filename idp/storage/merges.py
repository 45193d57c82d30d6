"""Collection ``merges``: offers, and what is needed to part two accounts again.

The unique index over ``members``, which stand there while accounts are being moved, lets each account take part in one
merge at a time: of two merges at once, the insertion into that index decides.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pymongo import IndexModel, ReturnDocument

from idp.domain.merging import Merge, MergeState
from idp.storage.database import AlreadyExists, Database, Document, Indexes, translated
from idp.storage.lifetimes import LONG_GONE, end_expired, find_live

INDEXES = Indexes(
    "merges",
    (
        IndexModel("members", unique=True, partialFilterExpression={"members": {"$exists": True}}),
        IndexModel([("survivor", 1), ("state", 1)]),
        # Every process looks every few seconds for what is overdue.
        IndexModel([("state", 1), ("until", 1)]),
        IndexModel("other"),
        IndexModel("purge_at", expireAfterSeconds=0),
    ),
)
_UNDER_WAY = [str(MergeState.MOVING), str(MergeState.PARTING)]
# A worker takes over what another one left half done.
LEASE = timedelta(minutes=1)


class MergeStore:
    """Where each merge stands."""

    def __init__(self, database: Database) -> None:
        self._merges = database.collection(INDEXES.collection)

    def offer(self, merge: Merge, browser: str) -> None:
        """Remember what this browser may decide."""
        document: Document = {
            "_id": merge.id,
            "survivor": merge.survivor,
            "other": merge.other,
            "address": merge.address,
            "created_at": merge.created_at,
            "until": merge.until,
            "state": str(merge.state),
            "clients": list(merge.clients),
            "browser": browser,
            "purge_at": merge.until,
        }
        with translated():
            self._merges.insert_one(document)

    def find_offer(self, merge_id: str, survivor: str, browser: str, *, now: datetime) -> Merge | None:
        """The live offer, where it was made to this account in this browser."""
        theirs = {"_id": merge_id, "survivor": survivor, "browser": browser, "state": str(MergeState.OFFERED)}
        return _merge(find_live(self._merges, theirs, now=now, until="until"))

    def find(self, merge_id: str) -> Merge | None:
        """The merge with this id, in whatever state."""
        with translated():
            return _merge(self._merges.find_one({"_id": merge_id}))

    def begin(self, merge: Merge, clients: Sequence[str], *, until: datetime, now: datetime) -> bool:
        """Lock both accounts for this merge; False where it began before, or one of them is in another one."""
        change: Document = {"clients": list(clients), "until": until}
        offered = {"_id": merge.id, "state": str(MergeState.OFFERED), "until": {"$gt": now}}
        is_ours = self._lock(offered, merge, MergeState.MOVING, change, now)
        if not is_ours:
            end_expired(self._merges, merge.id, now=now, until="until")
        return is_ours

    def begin_parting(self, merge: Merge, *, now: datetime) -> bool:
        """Lock both accounts for parting them; False as for ``begin``."""
        undoable = {"_id": merge.id, "state": str(MergeState.DONE), "until": {"$gt": now}}
        return self._lock(undoable, merge, MergeState.PARTING, {}, now)

    def give_up(self, merge: Merge) -> None:
        """Nothing was moved: the other account had changed before."""
        with translated():
            self._merges.delete_one({"_id": merge.id, "state": str(MergeState.MOVING)})

    def settle(self, merge: Merge, state: MergeState) -> None:
        """Everything is where it belongs; the accounts are free for others."""
        with translated():
            self._merges.update_one(
                {"_id": merge.id}, {"$set": {"state": str(state)}, "$unset": {"members": "", "lease_until": ""}}
            )

    def claim_unfinished(self, *, now: datetime) -> Merge | None:
        """A merge whose worker was killed, for one of all that ask."""
        stuck = {"state": {"$in": _UNDER_WAY}, "lease_until": {"$lte": now}}
        with translated():
            return _merge(
                self._merges.find_one_and_update(
                    stuck, {"$set": {"lease_until": now + LEASE}}, return_document=ReturnDocument.AFTER
                )
            )

    def of_survivor(self, account_id: str, *, now: datetime) -> tuple[Merge, ...]:
        """What the person may still undo, the latest first."""
        done = {"survivor": account_id, "state": str(MergeState.DONE), "until": {"$gt": now}}
        with translated():
            found = list(self._merges.find(done).sort("created_at", -1))
        return tuple(merge for document in found if (merge := _merge(document)))

    def is_under_way(self, account_id: str) -> bool:
        """Whether something is being moved into the account, or out of it."""
        with translated():
            return self._merges.find_one({"members": account_id}, {"_id": 1}) is not None

    def others_of(self, account_id: str) -> tuple[str, ...]:
        """The accounts that ended in this one."""
        done = {"survivor": account_id, "state": str(MergeState.DONE)}
        with translated():
            return tuple(str(document["other"]) for document in self._merges.find(done, {"other": 1}))

    def overdue(self, *, now: datetime) -> Merge | None:
        """A merge that can no longer be undone, from here on by no clock: the account that ended in it goes next."""
        over = {"state": str(MergeState.DONE), "until": {"$lte": now}}
        with translated():
            return _merge(self._merges.find_one_and_update(over, {"$set": {"until": LONG_GONE}}))

    def withdraw_offers(self, account_id: str) -> None:
        """Nobody merges this account by what they proved before."""
        offered = {"state": str(MergeState.OFFERED)}
        with translated():
            self._merges.delete_many(offered | {"$or": [{"survivor": account_id}, {"other": account_id}]})

    def forget(self, merge_id: str) -> None:
        """The accounts are two again: nothing of the merge stays."""
        with translated():
            self._merges.delete_one({"_id": merge_id})

    def forget_account(self, account_id: str) -> None:
        """Delete what stands here of an account that is erased."""
        with translated():
            self._merges.delete_many({"$or": [{"survivor": account_id}, {"other": account_id}]})

    def _lock(self, which: Document, merge: Merge, state: MergeState, change: Document, now: datetime) -> bool:
        members = {"members": [merge.survivor, merge.other], "lease_until": now + LEASE, "state": str(state)}
        try:
            with translated():
                locked = self._merges.update_one(which, {"$set": members | change, "$unset": {"purge_at": ""}})
        except AlreadyExists:
            return False
        return locked.modified_count == 1


def _merge(document: Document | None) -> Merge | None:
    if document is None:
        return None
    return Merge(
        id=document["_id"],
        survivor=document["survivor"],
        other=document["other"],
        address=document["address"],
        created_at=document["created_at"],
        until=document["until"],
        state=MergeState(document["state"]),
        clients=tuple(document["clients"]),
    )
