"""Checks of the audit trail's seals: what they show of the events, and of the secret key."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any

from pymongo import ASCENDING, DESCENDING

from idp.domain.audit_finding import AuditFinding
from idp.domain.keyed import SecretKey, same
from idp.storage.audit_seal_key import SealKey
from idp.storage.audit_seal_retention import FIRST_NUMBER, SealRetention
from idp.storage.audit_seals import COLLECTION, NONE_BEFORE
from idp.storage.database import Database, Document, translated

# Each holds a thousand events: what the server would send at once by itself takes a hundred megabytes in memory.
_SEALS_AT_ONCE = 5
# Of processes that take turns, one of another key is among so many.
_LATEST = 20


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


class AuditSealChecks:
    """Reads seals and the events that they hold. Every method may raise ServiceUnavailable."""

    def __init__(self, database: Database, secret: SecretKey) -> None:
        self._seals = database.majority_collection(COLLECTION)
        self._events = database.majority_collection("audit")
        self._key = SealKey(secret)
        self._retention = SealRetention(self._seals, self._key)

    def check(self, *, now: datetime) -> Iterator[SealCheck]:
        """Each seal in order, then what is wrong with the order itself."""
        with translated():
            # Begun before the oldest one is asked for: others go while this reads.
            seals = self._seals.find(batch_size=_SEALS_AT_ONCE).sort("_id", ASCENDING)
            there = list(islice(seals, 1))
            expected = self._retention.oldest()
            previous = NONE_BEFORE if expected == FIRST_NUMBER else None
            for seal in chain(there, seals):
                number = seal["_id"]
                if not isinstance(number, int):
                    yield _broken(0, (), now)
                elif number >= expected:
                    yield self._in_order(seal, expected, previous, now)
                    previous, expected = str(seal.get("mac", "")), number + 1
            gone = self._cut_off(expected)
        if gone:
            yield SealCheck(gone[-1], "", now, (), 0, 0, tuple(AuditFinding(number, "missing") for number in gone))

    def oldest(self) -> int:
        """The number of the oldest seal that has to be there."""
        with translated():
            return self._retention.oldest()

    def waiting(self) -> int:
        """How many events are in no seal yet."""
        with translated():
            return self._events.count_documents({"seal": None})

    def last_foreign(self) -> SealedUntil | None:
        """The newest seal that was not made under this secret key, None where all were.

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

    def _in_order(self, seal: Document, expected: int, previous: str | None, now: datetime) -> SealCheck:
        """previous: the value of the seal before, None where that may have gone."""
        number = seal["_id"]
        findings = [AuditFinding(missing, "missing") for missing in range(expected, number)]
        if not self._key.fits(seal):
            return _broken(number, findings, now)
        if not findings and previous not in (None, seal["previous"]):
            findings.append(AuditFinding(number, "broken"))
        return self._checked(seal, findings, now)

    def _cut_off(self, expected: int) -> list[int]:
        """The seals from this number on that events say they are in, and that are not there."""
        known = list(self._events.distinct("seal", {"seal": {"$gte": expected}}))
        return [number for number in known if self._seals.find_one({"_id": number}, {"_id": 1}) is None]

    def _checked(self, seal: Document, findings: list[AuditFinding], now: datetime) -> SealCheck:
        number, entries = seal["_id"], {entry["id"]: entry for entry in seal["entries"]}
        found = {
            event["_id"]: event
            for event in self._events.find({"$or": [{"_id": {"$in": list(entries)}}, {"seal": number}]})
        }
        purged = {name for name, entry in entries.items() if name not in found and entry["purge_at"] <= now}
        intact = {
            name
            for name, entry in entries.items()
            if name in found and same(self._key.digest(found[name]), entry["digest"])
        }
        for name in entries:
            if name in intact:
                # None: whoever made the seal has not marked its events yet.
                wrong = "" if found[name].get("seal") in (None, number) else "moved"
            elif name in found:
                wrong = "changed"
            else:
                wrong = "" if name in purged else "removed"
            if wrong:
                findings.append(AuditFinding(number, wrong, str(name)))
        findings += [AuditFinding(number, "inserted", str(name)) for name in found if name not in entries]
        return SealCheck(number, seal["mac"], seal["at"], tuple(entries), len(intact), len(purged), tuple(findings))


def _broken(number: int, findings: Sequence[AuditFinding], now: datetime) -> SealCheck:
    """Nothing that such a seal says is believed."""
    return SealCheck(number, "", now, (), 0, 0, (*findings, AuditFinding(number, "broken")))
