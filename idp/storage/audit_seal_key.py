"""The key of the audit trail's seals, which the database does not hold."""

import hmac
from typing import Any

from bson import json_util
from pymongo import ASCENDING, DESCENDING
from pymongo.collection import Collection

from idp.domain.keyed import SecretKey, same
from idp.storage.database import Document

# A mark of the seal itself, and what the seal repeats.
_BEYOND_THE_EVENT = ("seal", "purge_at")


class SealKey:
    def __init__(self, secret: SecretKey) -> None:
        self._key = secret.derive("audit seal")

    def digest(self, event: Document) -> str:
        """Of everything that the event tells."""
        return self._mac({name: value for name, value in event.items() if name not in _BEYOND_THE_EVENT})

    def signed(self, seal: Document) -> Document:
        """The seal with its value, ``mac``."""
        return seal | {"mac": self._mac(seal)}

    def fits(self, seal: Document) -> bool:
        """Whether the seal was made under this key, and nobody changed it."""
        unsigned = {name: value for name, value in seal.items() if name != "mac"}
        return same(self._mac(unsigned), str(seal.get("mac", "")))

    def change(self, seals: Collection[Any], foreign: Document, ours: Document) -> tuple[Document, Document]:
        """Between these two seals, the last one under another key and the first one under this key, neighbours.

        A few reads, however many seals there are: by halves, since a key that is changed on purpose is changed once.
        """
        while (between := _middle(seals, foreign["_id"], ours["_id"])) is not None:
            if self.fits(between):
                ours = between
            else:
                foreign = between
        return foreign, ours

    def _mac(self, document: Document) -> str:
        """HMAC-SHA256 in hex over the canonical extended JSON with sorted keys: one text for one document."""
        text = json_util.dumps(document, json_options=json_util.CANONICAL_JSON_OPTIONS, sort_keys=True)
        return hmac.digest(self._key, text.encode(), "sha256").hex()


def _middle(seals: Collection[Any], first: int, last: int) -> Document | None:
    """A seal between these numbers, None where there is none. One that is missing is for the check to tell."""
    middle = (first + last) // 2
    later = seals.find_one({"_id": {"$gte": max(middle, first + 1), "$lt": last}}, sort=[("_id", ASCENDING)])
    return later or seals.find_one({"_id": {"$gt": first, "$lt": middle}}, sort=[("_id", DESCENDING)])
