"""Collection ``audit_seals``: what shows that nobody changed, removed or inserted an event of the audit trail.

Appending an event stays one insert. Later, whichever process comes first closes a slice of events into a seal: their
identifiers and digests, chained to the seal before, under a key that the database does not hold. A seal goes when all
of its events have ended (``audit_seal_retention``).
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from pymongo import ASCENDING, DESCENDING

from idp.domain.keyed import SecretKey
from idp.storage.audit import KEPT
from idp.storage.audit_seal_key import SealKey
from idp.storage.audit_seal_retention import FIRST_NUMBER, SealRetention
from idp.storage.database import AlreadyExists, Database, Document, translated

logger = logging.getLogger(__name__)

COLLECTION = "audit_seals"
# What the first seal has for the value of the one before it.
NONE_BEFORE = ""

# A slice is closed once its oldest event is this old …
DUE = timedelta(minutes=1)
# … and leaves out what is younger than this: it goes into the next one, as does whatever comes late.
SETTLED = timedelta(seconds=30)
MOST_EVENTS = 1000


class AuditSeals:
    """Makes seals; ``audit_seal_checks`` checks them.

    kept: how long events stay that do not say it themselves. seen: told number and value of the newest seal, each time
    that somebody looks.
    """

    def __init__(
        self,
        database: Database,
        secret: SecretKey,
        kept: timedelta = KEPT,
        seen: Callable[[int, str], None] = lambda number, mac: None,
    ) -> None:
        # What a failover could still take back must not be in a seal, and no event may quote such a seal.
        self._seals = database.majority_collection(COLLECTION)
        self._events = database.majority_collection("audit")
        self._key = SealKey(secret)
        self._retention = SealRetention(self._seals, self._key)
        self._kept = kept
        self._seen = seen

    def seal_next(self, *, now: datetime) -> bool:
        """Close the oldest slice that is due, if there is one; any number of processes may try at once.

        The number of a seal is its ``_id``: of two that close the same slice one is refused. Whoever marks no event
        because he was killed is made up for by the next one. Raises ServiceUnavailable.
        """
        last = self.look()
        if not self._is_due(now):
            return False
        if last is not None:
            self._mark_those_of(last["_id"])
        events = self._waiting(now)
        if not events:
            return True
        try:
            with translated():
                seal = self._sealed(last, events, now)
                self._seals.insert_one(seal)
        except AlreadyExists:
            return False
        self._mark(seal)
        with translated():
            self._retention.purge(seal["oldest"])
        self._seen(seal["_id"], seal["mac"])
        # The log is kept outside the database: whoever cuts off the newest seals there cannot remove them here.
        logger.info("audit.sealed", extra={"fields": {"seal": seal["_id"], "mac": seal["mac"], "events": len(events)}})
        return True

    def look(self) -> Document | None:
        """Number and value of the newest seal, as ``_id`` and ``mac``; raises ServiceUnavailable."""
        with translated():
            newest = self._seals.find_one({}, {"mac": 1}, sort=[("_id", DESCENDING)])
        if newest is not None:
            self._seen(newest["_id"], newest["mac"])
        return newest

    def _is_due(self, now: datetime) -> bool:
        # Asked far more often than a slice is closed: the events themselves are only read then.
        with translated():
            return self._events.find_one({"seal": None, "at": {"$lte": now - DUE}}, {"_id": 1}) is not None

    def _waiting(self, now: datetime) -> list[Document]:
        settled = {"seal": None, "at": {"$lte": now - SETTLED}}
        with translated():
            return list(self._events.find(settled).sort([("at", ASCENDING), ("_id", ASCENDING)]).limit(MOST_EVENTS))

    def _mark_those_of(self, number: int) -> None:
        with translated():
            seal = self._seals.find_one({"_id": number})
        if seal is not None:
            self._mark(seal)

    def _mark(self, seal: Document) -> None:
        ids = [entry["id"] for entry in seal["entries"]]
        with translated():
            self._events.update_many({"_id": {"$in": ids}, "seal": None}, {"$set": {"seal": seal["_id"]}})

    def _sealed(self, last: Document | None, events: Sequence[Document], now: datetime) -> Document:
        entries = [
            {
                "id": event["_id"],
                "digest": self._key.digest(event),
                "purge_at": event.get("purge_at", event["at"] + self._kept),
            }
            for event in events
        ]
        seal: Document = {
            "_id": last["_id"] + 1 if last else FIRST_NUMBER,
            "at": now,
            "from": events[0]["at"],
            "to": events[-1]["at"],
            "count": len(events),
            "entries": entries,
            "oldest": self._retention.still_needed(now=now),
            "previous": last["mac"] if last else NONE_BEFORE,
        }
        return self._key.signed(seal)
