"""Collection ``logout_notices``: which clients are still to be told that a sign-in ended, and what they answered.

Holds no token: a logout token is made and signed when it is sent, for as long as it then needs to live.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from threading import Event
from typing import Any

from pymongo import ASCENDING, IndexModel, ReturnDocument

from idp.domain.logout import ApplicationInUse, LogoutNotice
from idp.storage.database import Database, Indexes, translated

_WAITING = {"state": "waiting"}
INDEXES = Indexes(
    "logout_notices",
    (
        IndexModel("due_at", name="next", partialFilterExpression=_WAITING),
        IndexModel("expires_at", name="stale", partialFilterExpression=_WAITING),
        IndexModel("created_at", name="old", expireAfterSeconds=30 * 24 * 3600),
    ),
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A notice that one worker may deliver until its lease ends; attempt: 1 for the first."""

    notice: LogoutNotice
    worker: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. outcome: ``told``, ``deferred``, ``refused`` or ``expired``. reply: its status, or why none came."""

    at: datetime
    outcome: str
    reply: str


class LogoutNotices:
    """Each notice is claimed by one worker at a time; what became of it is written into its document.

    A lease is ``due_at`` put off: a notice whose worker was killed comes up again by itself.
    arrivals: set when this process puts a notice, so that a sender in it need not wait.
    """

    def __init__(self, database: Database) -> None:
        self._notices = database.collection(INDEXES.collection)
        self.arrivals = Event()

    def put(self, notices: Sequence[LogoutNotice]) -> None:
        """Store the notices, due at once."""
        if not notices:
            return
        with translated():
            self._notices.insert_many([_document(notice) for notice in notices])
        self.arrivals.set()

    def claim(self, worker: str, *, now: datetime, lease: timedelta) -> Claim | None:
        """The notice that has been due for longest, now this worker's."""
        with translated():
            document = self._notices.find_one_and_update(
                _WAITING | {"due_at": {"$lte": now}, "expires_at": {"$gt": now}},
                {"$set": {"due_at": now + lease, "worker": worker}, "$inc": {"tries": 1}},
                sort=[("due_at", ASCENDING)],
                return_document=ReturnDocument.AFTER,
            )
        return None if document is None else Claim(_notice(document), worker, document["tries"])

    def told(self, claim: Claim, reply: str, *, now: datetime) -> None:
        """The client took it, whoever may have claimed it since."""
        self._record({"_id": claim.notice.id}, Attempt(now, "told", reply), {"state": "told"})

    def refused(self, claim: Claim, reply: str, *, now: datetime) -> None:
        """The client will never take it."""
        self._record(_held(claim), Attempt(now, "refused", reply), {"state": "refused"})

    def deferred(self, claim: Claim, reply: str, *, now: datetime, retry_at: datetime) -> None:
        """It stays, and comes up again at ``retry_at``."""
        self._record(_held(claim), Attempt(now, "deferred", reply), {"due_at": retry_at, "worker": None})

    def drop_expired(self, *, now: datetime) -> int:
        """Give up what is past its deadline; returns how many."""
        attempt = asdict(Attempt(now, "expired", ""))
        with translated():
            dropped = self._notices.update_many(
                _WAITING | {"expires_at": {"$lte": now}}, {"$set": {"state": "expired"}, "$push": {"attempts": attempt}}
            )
        return dropped.modified_count

    def attempts(self, notice_id: str) -> tuple[Attempt, ...]:
        """What was tried so far, oldest first."""
        with translated():
            document = self._notices.find_one({"_id": notice_id}, {"attempts": 1})
        return tuple(Attempt(**attempt) for attempt in document["attempts"]) if document else ()

    def waiting(self, *, now: datetime) -> int:
        """How many notices are still to be delivered."""
        with translated():
            return self._notices.count_documents(_WAITING | {"expires_at": {"$gt": now}})

    def _record(self, which: dict[str, Any], attempt: Attempt, change: dict[str, Any]) -> None:
        with translated():
            self._notices.update_one(which, {"$set": change, "$push": {"attempts": asdict(attempt)}})


def _held(claim: Claim) -> dict[str, Any]:
    """Only while nobody else has taken the notice over."""
    return _WAITING | {"_id": claim.notice.id, "worker": claim.worker, "tries": claim.attempt}


def _document(notice: LogoutNotice) -> dict[str, Any]:
    return {
        "_id": notice.id,
        "application": asdict(notice.application),
        "created_at": notice.created_at,
        "expires_at": notice.expires_at,
        "due_at": notice.created_at,
        "worker": None,
        "tries": 0,
        "attempts": [],
    } | _WAITING


def _notice(document: dict[str, Any]) -> LogoutNotice:
    application = ApplicationInUse(**document["application"])
    return LogoutNotice(document["_id"], application, document["created_at"], document["expires_at"])
