"""Collection ``audit_seals``: what shows that nobody changed, removed or inserted an event of the audit trail.

Appending an event stays one insert. Later, whichever process comes first closes a slice of events into a seal: their
identifiers and digests, chained to the seal before, under a key that the database does not hold. A seal goes when all
of its events have ended (``audit_seal_retention``).
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any

from pymongo import ASCENDING, DESCENDING
from pymongo.read_concern import ReadConcern

from idp.domain.audit_finding import AuditFinding
from idp.domain.keyed import SecretKey, same
from idp.storage.audit import KEPT
from idp.storage.audit_seal_key import SealKey
from idp.storage.audit_seal_retention import SealRetention
from idp.storage.database import AlreadyExists, Database, Document, translated

logger = logging.getLogger(__name__)

_COLLECTION = "audit_seals"

# A slice is closed once its oldest event is this old …
DUE = timedelta(minutes=1)
# … and leaves out what is younger than this: it goes into the next one, as does whatever comes late.
SETTLED = timedelta(seconds=30)
MOST_EVENTS = 1000
# Each holds a thousand events: what the server would send at once by itself takes a hundred megabytes in memory.
_SEALS_AT_ONCE = 5
# Of processes that take turns, one of another key is among so many.
_LATEST = 20
_FIRST = ""


@dataclass(frozen=True, slots=True)
class SealCheck:
    """One seal. events: the identifiers of those that it holds.

    verified, purged: numbers of events; purged ones had reached the end of their retention.
    """

    number: int
    mac: str
    at: datetime
    events: Sequence[Any]
    verified: int
    purged: int
    findings: tuple[AuditFinding, ...]


@dataclass(frozen=True, slots=True)
class SealedUntil:
    """at: when the newest seal under another key was made. is_newest: none has been made since. began_ours: the first
    one was made under ours."""

    at: datetime
    is_newest: bool
    began_ours: bool


class AuditSeals:
    """Makes and checks seals.

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
        of_the_majority = ReadConcern("majority")
        self._seals = database.collection(_COLLECTION).with_options(read_concern=of_the_majority)
        self._events = database.collection("audit").with_options(read_concern=of_the_majority)
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

    def last_foreign(self) -> SealedUntil | None:
        """The newest seal that was not made under this secret key, None where all were; raises ServiceUnavailable.

        A few reads, however many seals there are: the newest ones, among which are those of a process that has another
        key by mistake; then by halves, since a key that was changed on purpose was changed once and for all.
        """
        with translated():
            newest = list(self._seals.find().sort("_id", DESCENDING).limit(_LATEST))
            if not newest:
                return None
            oldest = self._seals.find_one({}, sort=[("_id", ASCENDING)]) or newest[-1]
            began_ours = self._key.fits(oldest)
            for place, seal in enumerate(newest):
                if not self._key.fits(seal):
                    return SealedUntil(seal["at"], is_newest=place == 0, began_ours=began_ours)
            if began_ours:
                return None
            foreign, _ = self._key.change(self._seals, oldest, newest[-1])
            return SealedUntil(foreign["at"], is_newest=False, began_ours=False)

    def oldest(self) -> int:
        """The number of the oldest seal that has to be there; raises ServiceUnavailable."""
        with translated():
            return self._retention.oldest()

    def check(self, *, now: datetime) -> Iterator[SealCheck]:
        """Each seal in order, then what is wrong with the order itself; raises ServiceUnavailable."""
        with translated():
            # Begun before the oldest one is asked for: others go while this reads.
            seals = self._seals.find(batch_size=_SEALS_AT_ONCE).sort("_id", ASCENDING)
            there = list(islice(seals, 1))
            expected = self._retention.oldest()
            previous = _FIRST if expected == 1 else None
            for seal in chain(there, seals):
                number, is_whole = seal["_id"], self._key.fits(seal)
                if not isinstance(number, int):
                    yield _broken(0, (), now)
                    continue
                if number < expected:
                    continue
                findings = [AuditFinding(missing, "missing") for missing in range(expected, number)]
                if is_whole and not findings and previous not in (None, seal["previous"]):
                    findings.append(AuditFinding(number, "broken"))
                yield self._checked(seal, findings, now) if is_whole else _broken(number, findings, now)
                previous, expected = str(seal.get("mac", "")), number + 1
            cut_off = list(self._events.distinct("seal", {"seal": {"$gte": expected}}))
            gone = [number for number in cut_off if self._seals.find_one({"_id": number}, {"_id": 1}) is None]
        if gone:
            yield SealCheck(gone[-1], "", now, (), 0, 0, tuple(AuditFinding(number, "missing") for number in gone))

    def waiting(self) -> int:
        """How many events are in no seal yet; raises ServiceUnavailable."""
        with translated():
            return self._events.count_documents({"seal": None})

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
            "_id": last["_id"] + 1 if last else 1,
            "at": now,
            "from": events[0]["at"],
            "to": events[-1]["at"],
            "count": len(events),
            "entries": entries,
            "oldest": self._retention.still_needed(now=now),
            "previous": last["mac"] if last else _FIRST,
        }
        return self._key.signed(seal)

    def _checked(self, seal: Document, findings: list[AuditFinding], now: datetime) -> SealCheck:
        number, entries = seal["_id"], {entry["id"]: entry for entry in seal["entries"]}
        found = {
            event["_id"]: event
            for event in self._events.find({"$or": [{"_id": {"$in": list(entries)}}, {"seal": number}]})
        }
        purged = [name for name, entry in entries.items() if name not in found and entry["purge_at"] <= now]
        for name, entry in entries.items():
            if name not in found:
                wrong = "" if entry["purge_at"] <= now else "removed"
            else:
                wrong = self._wrong(found[name], entry, number)
            if wrong:
                findings.append(AuditFinding(number, wrong, str(name)))
        findings += [AuditFinding(number, "inserted", str(name)) for name in found if name not in entries]
        digests = {name: self._key.digest(event) for name, event in found.items()}
        verified = sum(1 for name, digest in digests.items() if name in entries and digest == entries[name]["digest"])
        return SealCheck(number, seal["mac"], seal["at"], tuple(entries), verified, len(purged), tuple(findings))

    def _wrong(self, event: Document, entry: dict[str, Any], number: int) -> str:
        if not same(self._key.digest(event), entry["digest"]):
            return "changed"
        # None: whoever made the seal has not marked its events yet.
        return "" if event.get("seal") in (None, number) else "moved"


def _broken(number: int, findings: Sequence[AuditFinding], now: datetime) -> SealCheck:
    """Nothing that such a seal says is believed."""
    return SealCheck(number, "", now, (), 0, 0, (*findings, AuditFinding(number, "broken")))
