"""Collection ``logout_notices``: which clients are still to be told that a sign-in ended, and what they answered.

Holds no token: a logout token is made and signed when it is sent, for as long as it then needs to live.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from pymongo import ASCENDING, IndexModel

from idp.domain.logout import ApplicationInUse, LogoutNotice
from idp.storage import leased_queue
from idp.storage.database import Database, Document, Indexes
from idp.storage.leased_queue import Claim, LeasedQueue

INDEXES = Indexes(
    "logout_notices",
    (
        IndexModel("due_at", name="next", partialFilterExpression=leased_queue.WAITING),
        *leased_queue.INDEXES,
    ),
)


class LogoutNotices(LeasedQueue[LogoutNotice]):
    """The notice that has been due for longest comes first."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, INDEXES.collection, _notice, [("due_at", ASCENDING)])

    def put(self, notices: Sequence[LogoutNotice]) -> None:
        """Store the notices, due at once."""
        self._put([_document(notice) for notice in notices])

    def claim_for_others(
        self, client_ids: Sequence[str], worker: str, *, now: datetime, lease: timedelta
    ) -> Claim[LogoutNotice] | None:
        """The first notice that is due and for none of these clients, now this worker's."""
        only: Document | None = {"application.client_id": {"$nin": list(client_ids)}} if client_ids else None
        return self.claim(worker, now=now, lease=lease, only=only)


def _document(notice: LogoutNotice) -> Document:
    return {
        "_id": notice.id,
        "application": asdict(notice.application),
        "created_at": notice.created_at,
        "expires_at": notice.expires_at,
        "reference": notice.reference,
    }


def _notice(document: Document) -> LogoutNotice:
    application = ApplicationInUse(**document["application"])
    times = document["created_at"], document["expires_at"]
    return LogoutNotice(document["_id"], application, *times, document.get("reference", ""))
