"""Collection ``audit``: what happened, append-only, found by the reference shown on pages."""

import logging
from datetime import datetime

from pymongo import ASCENDING, IndexModel

from idp.storage.database import Database, Indexes, translated

logger = logging.getLogger(__name__)

INDEXES = Indexes("audit", (IndexModel("reference"), IndexModel([("account_id", ASCENDING), ("at", ASCENDING)])))


class AuditTrail:
    """Appends events, and tells the log the same; fields are short and never a code, token, password or assertion."""

    def __init__(self, database: Database) -> None:
        self._events = database.collection("audit")

    def append(self, event: str, *, at: datetime, reference: str, account_id: str | None = None, **fields: str) -> None:
        logger.info(event, extra={"fields": {"reference": reference, "account_id": account_id or "", **fields}})
        with translated():
            self._events.insert_one(
                {"event": event, "at": at, "reference": reference, "account_id": account_id, "fields": fields}
            )

    def by_reference(self, reference: str) -> list[dict[str, object]]:
        """The events of one journey, oldest first."""
        with translated():
            return list(self._events.find({"reference": reference}, {"_id": 0}).sort("at", ASCENDING))
