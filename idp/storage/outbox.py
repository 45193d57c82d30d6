"""Collection ``outbox``: mails on their way, and what the mail server said to each attempt.

Holds no code and no link: those are derived from ``record_id`` when the mail is sent.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from threading import Event
from typing import Any

from pymongo import DESCENDING, IndexModel, ReturnDocument

from idp.domain.messages import Message
from idp.storage.database import Database, Indexes, translated

_WAITING = {"state": "waiting"}
INDEXES = Indexes(
    "outbox",
    (
        IndexModel(
            [("urgency", DESCENDING), ("created_at", DESCENDING), ("due_at", DESCENDING)],
            name="next",
            partialFilterExpression=_WAITING,
        ),
        IndexModel("expires_at", name="stale", partialFilterExpression=_WAITING),
        IndexModel("created_at", name="old", expireAfterSeconds=30 * 24 * 3600),
    ),
)
# Somebody is looking at a page that asks for the code in these.
_URGENT = frozenset({"sign_in_code", "proofing"})


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that one worker may send until its lease ends; attempt: 1 for the first."""

    message: Message
    worker: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. outcome: ``sent``, ``deferred``, ``refused`` or ``expired``. reply: the mail server's, word for word."""

    at: datetime
    outcome: str
    reply: str


class Outbox:
    """Each message is claimed by one worker at a time; what became of it is written into its document.

    A lease is ``due_at`` put off: a message whose worker was killed comes up again by itself.
    arrivals: set when this process puts a message, so that a sender in it need not wait.
    """

    def __init__(self, database: Database) -> None:
        self._outbox = database.collection("outbox")
        self.arrivals = Event()

    def put(self, message: Message) -> None:
        """Store the message, due at once."""
        document = asdict(message)
        document["_id"] = document.pop("id")
        document |= _WAITING | {"urgency": int(message.kind in _URGENT), "due_at": message.created_at}
        with translated():
            self._outbox.insert_one(document | {"worker": None, "tries": 0, "attempts": []})
        self.arrivals.set()

    def claim(self, worker: str, *, now: datetime, lease: timedelta) -> Claim | None:
        """The most urgent message that is due, now this worker's: mails with codes first, the newest of them first."""
        with translated():
            document = self._outbox.find_one_and_update(
                _WAITING | {"due_at": {"$lte": now}, "expires_at": {"$gt": now}},
                {"$set": {"due_at": now + lease, "worker": worker}, "$inc": {"tries": 1}},
                sort=[("urgency", DESCENDING), ("created_at", DESCENDING)],
                return_document=ReturnDocument.AFTER,
            )
        return None if document is None else Claim(_message(document), worker, document["tries"])

    def sent(self, claim: Claim, reply: str, *, now: datetime) -> None:
        """The server took it, whoever may have claimed it since."""
        self._record({"_id": claim.message.id}, Attempt(now, "sent", reply), {"state": "sent"})

    def refused(self, claim: Claim, reply: str, *, now: datetime) -> None:
        """It will never go out."""
        self._record(_held(claim), Attempt(now, "refused", reply), {"state": "refused"})

    def deferred(self, claim: Claim, reply: str, *, now: datetime, retry_at: datetime) -> None:
        """It stays, and comes up again at ``retry_at``."""
        self._record(_held(claim), Attempt(now, "deferred", reply), {"due_at": retry_at, "worker": None})

    def drop_expired(self, *, now: datetime) -> int:
        """Give up what nobody waits for any more; returns how many."""
        attempt = asdict(Attempt(now, "expired", ""))
        with translated():
            dropped = self._outbox.update_many(
                _WAITING | {"expires_at": {"$lte": now}}, {"$set": {"state": "expired"}, "$push": {"attempts": attempt}}
            )
        return dropped.modified_count

    def attempts(self, message_id: str) -> tuple[Attempt, ...]:
        """What was tried so far, oldest first."""
        with translated():
            document = self._outbox.find_one({"_id": message_id}, {"attempts": 1})
        return tuple(Attempt(**attempt) for attempt in document["attempts"]) if document else ()

    def waiting(self, *, now: datetime) -> int:
        """How many messages are still to be sent."""
        with translated():
            return self._outbox.count_documents(_WAITING | {"expires_at": {"$gt": now}})

    def _record(self, which: dict[str, Any], attempt: Attempt, change: dict[str, Any]) -> None:
        with translated():
            self._outbox.update_one(which, {"$set": change, "$push": {"attempts": asdict(attempt)}})


def _held(claim: Claim) -> dict[str, Any]:
    """Only while nobody else has taken the message over."""
    return _WAITING | {"_id": claim.message.id, "worker": claim.worker, "tries": claim.attempt}


def _message(document: dict[str, Any]) -> Message:
    return Message(
        id=document["_id"],
        kind=document["kind"],
        to=document["to"],
        locale=document["locale"],
        created_at=document["created_at"],
        expires_at=document["expires_at"],
        reference=document["reference"],
        record_id=document["record_id"],
        fields=document["fields"],
    )
