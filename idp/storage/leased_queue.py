"""What outbox and logout notices have in common: work that waits in a collection until one of many workers did it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from threading import Semaphore
from typing import Any, Generic, TypeVar

from pymongo import IndexModel, ReturnDocument

from idp.domain.errors import ServiceUnavailable
from idp.domain.outcomes import Deferred, Done, Outcome, Refused
from idp.storage.database import Database, Document, translated

WAITING = {"state": "waiting"}
INDEXES = (
    IndexModel("expires_at", name="stale", partialFilterExpression=WAITING),
    IndexModel("created_at", name="old", expireAfterSeconds=30 * 24 * 3600),
)
_RECORDING_TRIES = 5
# A lease lasts this much longer than the work can take: who is merely slow is not taken for killed.
LEASE_MARGIN = timedelta(seconds=30)

Work = TypeVar("Work")
Order = Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Claim(Generic[Work]):
    """Work that one worker may do until its lease ends; attempt: 1 for the first."""

    id: str
    work: Work
    worker: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. outcome: ``done``, ``deferred``, ``refused`` or ``expired``. reply: the other side's, word for word."""

    at: datetime
    outcome: str
    reply: str


class LeasedQueue(Generic[Work]):
    """Each piece of work is claimed by one worker at a time; what became of it is written into its document.

    A lease is ``due_at`` put off: the work of a worker that was killed comes up again by itself.
    arrivals: released for each piece that this process puts, so that a worker in it need not wait.
    """

    def __init__(self, database: Database, collection: str, read: Callable[[Document], Work], order: Order) -> None:
        self._queue = database.collection(collection)
        self._read = read
        self._order = list(order)
        self.arrivals = Semaphore(0)

    def _put(self, documents: Sequence[Document]) -> None:
        """Store the documents, due at once; they hold ``_id``, ``created_at`` and ``expires_at`` and the work."""
        if not documents:
            return
        fresh: Document = {"worker": None, "tries": 0, "attempts": []} | WAITING
        with translated():
            self._queue.insert_many([document | fresh | {"due_at": document["created_at"]} for document in documents])
        self.arrivals.release(len(documents))

    def claim(
        self, worker: str, *, now: datetime, lease: timedelta, only: Document | None = None
    ) -> Claim[Work] | None:
        """The first piece of work that is due, now this worker's. only: a condition that it must meet as well."""
        with translated():
            document = self._queue.find_one_and_update(
                WAITING | {"due_at": {"$lte": now}, "expires_at": {"$gt": now}} | (only or {}),
                {"$set": {"due_at": now + lease, "worker": worker}, "$inc": {"tries": 1}},
                sort=self._order,
                return_document=ReturnDocument.AFTER,
            )
        return None if document is None else Claim(document["_id"], self._read(document), worker, document["tries"])

    def settle(self, claim: Claim[Work], outcome: Outcome, pauses: Sequence[timedelta], *, now: datetime) -> None:
        """Write down what became of a try. pauses: before the next try, where this one was deferred."""
        match outcome:
            case Done(reply):
                self.done(claim, reply, now=now)
            case Deferred(reply):
                self.deferred(claim, reply, now=now, retry_at=now + pause_after(claim.attempt, pauses))
            case Refused(reply):
                self.refused(claim, reply, now=now)

    def done(self, claim: Claim[Work], reply: str, *, now: datetime) -> None:
        """The other side took it, whoever may have claimed it since."""
        self._record({"_id": claim.id}, Attempt(now, "done", reply), {"state": "done"})

    def refused(self, claim: Claim[Work], reply: str, *, now: datetime) -> None:
        """The other side will never take it."""
        self._record(_held(claim), Attempt(now, "refused", reply), {"state": "refused"})

    def deferred(self, claim: Claim[Work], reply: str, *, now: datetime, retry_at: datetime) -> None:
        """It stays, and comes up again at ``retry_at``."""
        self._record(_held(claim), Attempt(now, "deferred", reply), {"due_at": retry_at})

    def drop_expired(self, *, now: datetime) -> int:
        """Give up what nobody waits for any more; returns how many."""
        attempt = asdict(Attempt(now, "expired", ""))
        with translated():
            dropped = self._queue.update_many(
                WAITING | {"expires_at": {"$lte": now}}, {"$set": {"state": "expired"}, "$push": {"attempts": attempt}}
            )
        return dropped.modified_count

    def attempts(self, name: str) -> tuple[Attempt, ...]:
        """What was tried so far, oldest first."""
        with translated():
            document = self._queue.find_one({"_id": name}, {"attempts": 1})
        return tuple(Attempt(**attempt) for attempt in document["attempts"]) if document else ()

    def waiting(self, *, now: datetime) -> int:
        """How much is still to be done."""
        with translated():
            return self._queue.count_documents(WAITING | {"expires_at": {"$gt": now}})

    def oldest_waiting(self, *, now: datetime) -> datetime | None:
        """When the work that waits longest was put here; None where nothing waits."""
        stages: list[Document] = [
            {"$match": WAITING | {"expires_at": {"$gt": now}}},
            {"$group": {"_id": None, "oldest": {"$min": "$created_at"}}},
        ]
        with translated():
            found = next(iter(self._queue.aggregate(stages)), None)
        return found["oldest"] if found else None

    def _record(self, which: dict[str, Any], attempt: Attempt, change: dict[str, Any]) -> None:
        """Insist: what was done but not recorded is done again when the lease ends.

        A try whose answer was lost may have been written: adding to a set writes it once all the same.
        """
        for tries_left in reversed(range(_RECORDING_TRIES)):
            try:
                with translated():
                    self._queue.update_one(which, {"$set": change, "$addToSet": {"attempts": asdict(attempt)}})
            except ServiceUnavailable:
                if not tries_left:
                    raise
            else:
                return


def pause_after(attempt: int, pauses: Sequence[timedelta]) -> timedelta:
    """How long to wait after this attempt, 1 being the first; the last of the pauses repeats."""
    return pauses[min(attempt, len(pauses)) - 1]


def _held(claim: Claim[Work]) -> dict[str, Any]:
    """Only while nobody else has taken it over."""
    return WAITING | {"_id": claim.id, "worker": claim.worker, "tries": claim.attempt}
