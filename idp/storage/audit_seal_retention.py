"""Which of the audit trail's seals are still needed. Those before them are removed; nobody else can remove one unseen.

A seal is needed until the last of its events has ended. Each new seal says, under the key, which is the oldest that has
to be there (``oldest``): whoever removes that one or a later one is found. To remove this word itself is to remove the
newest seals, which the events know.
"""

from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, DESCENDING
from pymongo.collection import Collection

from idp.storage.audit_seal_key import SealKey
from idp.storage.database import Document

# Clocks may be off, and the database removes an event after its end.
_MARGIN = timedelta(days=1)
# So many go at most when a new one is made: more than one, so that old ones which are too many become fewer.
_RETIRED_AT_ONCE = 10
# ``oldest`` is looked for in so many of the newest seals: those by workers of the release before do not have it.
_LATEST = 100
FIRST_NUMBER = 1
_UPWARDS, _DOWNWARDS = [("_id", ASCENDING)], [("_id", DESCENDING)]


class SealRetention:
    """Every method waits for the database, and lets its exceptions out."""

    def __init__(self, seals: Collection[Any], key: SealKey) -> None:
        self._seals = seals
        self._key = key

    def oldest(self) -> int:
        """The number of the oldest seal that has to be there, by the newest sound one that has ``oldest``."""
        # One at a time: nearly always the first has it, and each holds a thousand events.
        for seal in self._seals.find(batch_size=1).sort(_DOWNWARDS).limit(_LATEST):
            if isinstance(seal.get("oldest"), int) and self._key.fits(seal):
                return int(seal["oldest"])
        return FIRST_NUMBER

    def still_needed(self, *, now: datetime) -> int:
        """The same for a seal that is made now, without those whose events have all ended meanwhile."""
        number = self.oldest()
        for _ in range(_RETIRED_AT_ONCE):
            seal = self._first_sound(number)
            if seal is None or not _has_ended(seal, now):
                break
            number = seal["_id"] + 1
        return number

    def purge(self, before: int) -> None:
        """Remove the seals before this number; where a process is killed before it could, the next seal does it."""
        self._seals.delete_many({"_id": {"$lt": before}})

    def _first_sound(self, number: int) -> Document | None:
        """The first seal from this number on that may be believed: a broken one is kept as long as the one after it."""
        seal: Document | None = self._seals.find_one({"_id": {"$gte": number}}, sort=_UPWARDS)
        if seal is None or self._key.fits(seal):
            return seal
        newest = self._seals.find_one({"_id": {"$gt": seal["_id"]}}, sort=_DOWNWARDS)
        return self._key.change(self._seals, seal, newest)[1] if newest and self._key.fits(newest) else None


def _has_ended(seal: Document, now: datetime) -> bool:
    return all(entry["purge_at"] + _MARGIN <= now for entry in seal["entries"])
