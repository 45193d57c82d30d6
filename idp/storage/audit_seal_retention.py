"""Which of the audit trail's seals still serve: those before them may go, and nobody else can take one away unseen.

A seal serves until all of its events have ended. Each new one says under the key which is the oldest that has to be
there (``oldest``); whoever removes more than that from the front is found, as is who removes the word itself: it goes
with the newest seals, which the events know.
"""

from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, DESCENDING
from pymongo.collection import Collection

from idp.storage.audit_seal_key import SealKey
from idp.storage.database import Document

# Clocks may be off, and the database removes an event after its end.
_MARGIN = timedelta(days=1)
# Each time that one comes: more than one, so that a long past is made up for.
_RETIRED_AT_ONCE = 10
# So many of the newest seals are asked before none is believed to tell: workers of the release before tell nothing.
_LATEST = 100
FIRST_NUMBER = 1
_UPWARDS, _DOWNWARDS = [("_id", ASCENDING)], [("_id", DESCENDING)]


class SealRetention:
    """Every method waits for the database, and lets its exceptions out."""

    def __init__(self, seals: Collection[Any], key: SealKey) -> None:
        self._seals = seals
        self._key = key

    def oldest(self) -> int:
        """The number of the oldest seal that has to be there, as the newest sound one tells that tells it."""
        # One at a time: it is nearly always the first, and each holds a thousand events.
        for seal in self._seals.find(batch_size=1).sort(_DOWNWARDS).limit(_LATEST):
            if isinstance(seal.get("oldest"), int) and self._key.fits(seal):
                return int(seal["oldest"])
        return FIRST_NUMBER

    def still_needed(self, *, now: datetime) -> int:
        """The same for a seal that is made now: what has ended meanwhile is left out."""
        number = self.oldest()
        for _ in range(_RETIRED_AT_ONCE):
            seal = self._first_sound(number)
            if seal is None or not _has_ended(seal, now):
                break
            number = seal["_id"] + 1
        return number

    def purge(self, before: int) -> None:
        """Remove what nobody needs any more; whoever is killed before is made up for the next time."""
        self._seals.delete_many({"_id": {"$lt": before}})

    def _first_sound(self, number: int) -> Document | None:
        """The next seal from this number that may be believed: a broken one goes with the sound one after it."""
        seal: Document | None = self._seals.find_one({"_id": {"$gte": number}}, sort=_UPWARDS)
        if seal is None or self._key.fits(seal):
            return seal
        newest = self._seals.find_one({"_id": {"$gt": seal["_id"]}}, sort=_DOWNWARDS)
        return self._key.change(self._seals, seal, newest)[1] if newest and self._key.fits(newest) else None


def _has_ended(seal: Document, now: datetime) -> bool:
    return all(entry["purge_at"] + _MARGIN <= now for entry in seal["entries"])
